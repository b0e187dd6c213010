"""``ssc-deploy tune``: finds the fastest graph of a network on a device by measuring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ssc_deploy.cli import options, screen

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.quantize.plan import Quantization

_EXAMPLES = """\b
ssc-deploy tune --ckpt ssc_6_9.pt --to onnx
ssc-deploy tune --ckpt ssc_6_9.pt --to tflite --device ssh:pi@raspberry.local
ssc-deploy tune --ckpt a.pt --quantize int8 --calibration train.zip
ssc-deploy export --ckpt ssc_6_9.pt --recipe export/ssc_6_9.onnx.toml
"""


@click.command(epilog=_EXAMPLES)
@click.option("--ckpt", type=options.PATH, help="A checkpoint, or an .onnx file of another exporter.")
@click.option(
    "--to", type=click.Choice(options.FORMATS), default="onnx", show_default=True, help="Format of the files."
)
@click.option(
    "-o",
    "--output",
    type=options.PATH,
    metavar="FILE.toml",
    help="The recipe.  [default: export/<checkpoint's stem>.<format>.toml]",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing recipe.")
@options.network
@click.option("--device", default="host", show_default=True, help="host, ssh:USER@HOST[:PORT] or adb[:SERIAL].")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Of one inference.")
@click.option("--budget", type=float, default=300.0, show_default=True, metavar="SECONDS", help="Of measuring.")
@click.option(
    "--batch", type=options.batch, metavar="N|dynamic", default="1", show_default=True, help="Images at a time."
)
@click.option(
    "--start", type=click.Choice(options.SHIFTS), default="auto", help="Lowering of the shifts to start with."
)
@options.quantization()
@click.option("--no-cache", is_flag=True, help="Measure again what an earlier run has measured.")
@options.output_format
@options.verbosity
def tune(
    *,
    ckpt: Path | None,
    to: str,
    output: Path | None,
    overwrite: bool,
    device: str,
    threads: int,
    budget: float,
    batch: int | str,
    start: str,
    quantize: Quantization | None,
    no_cache: bool,
    form: str,
    **network: Any,
) -> None:
    """Search for a network's fastest graph by measuring it on a device.

    The result is written as a recipe, for export --recipe. Every measurement is kept beside it, so that a stopped run
    continues where it was. The default stays unless another graph is faster beyond noise. A recipe of float32 files is
    not taken for int8 files, or the other way round: tune each.
    """
    import ssc_deploy

    if ckpt is None and not network["model"] and not network["arch"]:
        raise click.UsageError("name a network: --ckpt FILE, --model FILE.py:NAME or --arch NAME")
    with screen.Stages(on_stderr=form == "json") as stages:
        result = ssc_deploy.tune(
            ckpt,
            to=to,
            output=output,
            overwrite=overwrite,
            **network,
            device=device,
            threads=threads,
            budget=budget,
            batch=None if isinstance(batch, str) else batch,
            start=start,
            quantize=quantize,
            cache=not no_cache,
            progress=stages,
        )
    if form == "json":
        screen.print_json(result.to_dict())
