"""``ssc-deploy export``: from a checkpoint to verified files."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

from ssc_deploy.cli import flags, options, screen

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.quantize.plan import Quantization


_EXAMPLES = """\b
ssc-deploy export --ckpt ssc_6_9.pt --to onnx --to tflite
ssc-deploy export --ckpt my.pth --model my.py:Net --input-shape 1,3,32,32
ssc-deploy export --ckpt ssc_6_9.pt --quantize int8 --calibration train.zip
"""


@click.command(epilog=_EXAMPLES)
@click.option("--ckpt", type=options.PATH, help="A checkpoint, or an .onnx file of another exporter.")
@click.option(
    "--to", type=click.Choice(options.FORMATS), multiple=True, default=("onnx",), show_default=True, help="Repeatable."
)
@click.option("-o", "--output", type=options.PATH, help="Folder for the files.  [default: export/<checkpoint's stem>/]")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@click.option("--keep-going", is_flag=True, help="Keep the formats that are right where another one fails.")
@options.network
@options.outputs
@click.option("--mean", type=options.numbers, metavar="R,G,B", help="With --std, how an image becomes the input.")
@click.option("--std", type=options.numbers, metavar="R,G,B", help="Input = (pixel / 255 - mean) / std.")
@click.option("--colour", type=click.Choice(["RGB", "BGR", "L"]), help="Order of the channels.  [default: RGB, or L]")
@click.option("--resize", type=click.Choice(options.RESIZES), help="What is done with images of another size.")
@click.option("--labels", type=click.File(encoding="utf-8"), help="Class names, one a line, for the files to hold.")
@click.option("--shift", type=click.Choice(options.SHIFTS), default="auto", help="How shifts are carried out.")
@click.option("--shuffle", type=click.Choice(options.SHUFFLES), default="auto", help="How shuffles are carried out.")
@click.option(
    "--dense",
    type=click.Choice(options.DENSE),
    default="auto",
    help="How dense 1x1 convolutions of a .tflite file are carried out.",
)
@click.option(
    "--batch", type=options.batch, metavar="N|dynamic", default="1", show_default=True, help="Images at a time."
)
@click.option(
    "--dynamic",
    type=options.listed,
    default="",
    metavar="height,width",
    help="Sizes of images that the files leave open.  [default: fixed]",
)
@click.option(
    "--layout", type=click.Choice(options.LAYOUTS), default="auto", help="Layout of feature maps in a .tflite file."
)
@click.option(
    "--runtime",
    type=click.Choice(options.RUNTIMES),
    help="The runtime that a .tflite file should be fast on.  [default: all]",
)
@click.option("--opset", type=int, help="Opset of the .onnx file.  [default: 17]")
@click.option("--recipe", type=options.PATH, metavar="FILE.toml", help="Use the result of ssc-deploy tune.")
@options.quantization()
@options.tolerance
@options.output_format
@options.verbosity
def export(
    *,
    ckpt: Path | None,
    to: tuple[str, ...],
    output: Path | None,
    overwrite: bool,
    keep_going: bool,
    outputs: tuple[str, ...],
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    colour: str | None,
    resize: str | None,
    labels: IO[str] | None,
    shift: str,
    shuffle: str,
    dense: str,
    batch: int | str,
    dynamic: tuple[str, ...],
    layout: str,
    runtime: str | None,
    opset: int | None,
    recipe: Path | None,
    quantize: Quantization | None,
    atol: float | None,
    rtol: float | None,
    form: str,
    **network: Any,
) -> None:
    """Write verified .onnx and .tflite files.

    Each file is run by its runtime and compared with the network in float64 before it is put in its place. If one of
    them fails, none is written, and existing files stay as they are.
    """
    import ssc_deploy

    if ckpt is None and not network["model"] and not network["arch"]:
        raise click.UsageError("name a network: --ckpt FILE, --model FILE.py:NAME or --arch NAME")
    with screen.Stages(on_stderr=form == "json") as stages:
        result = ssc_deploy.export(
            ckpt,
            to=to,
            output=output,
            overwrite=overwrite,
            keep_going=keep_going,
            outputs=outputs,
            labels=options.labels(labels),
            preprocessing=options.preprocessing(mean, std, colour),
            resize=resize,
            **network,
            shift=shift,
            shuffle=shuffle,
            dense=dense,
            batch=None if isinstance(batch, str) else batch,
            dynamic=dynamic,
            layout=layout,
            runtime=runtime,
            opset=opset,
            recipe=recipe,
            quantize=quantize,
            atol=atol,
            rtol=rtol,
            check=options.everything(),
            progress=stages,
        )
    if form == "json":
        screen.print_json(result.to_dict())
    for failed in result.failed:
        spelled = flags.spelled(failed.reason, click.get_current_context().find_root().command)
        screen.error(f"{failed.format.value} was not written: {spelled}")
    if result.failed:
        raise click.exceptions.Exit(result.failed[0].exit_code)
