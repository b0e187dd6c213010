"""``ssc-deploy verify``: an exported file against the network it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ssc_deploy.cli import flags, options, screen
from ssc_deploy.errors import VerificationError

if TYPE_CHECKING:
    from pathlib import Path


_EXAMPLES = """\b
ssc-deploy verify --ckpt ssc_6_9.pt --against export/ssc_6_9/ssc_6_9.tflite
"""


@click.command(epilog=_EXAMPLES)
@click.option("--ckpt", type=options.PATH, required=True, help="The checkpoint (or .onnx file) it was made from.")
@click.option("--against", type=options.PATH, required=True, help="The .onnx or .tflite file.")
@options.network
@options.outputs
@options.tolerance
@click.option("--mean", type=options.numbers, metavar="R,G,B", help="With --std, if the network does not have them.")
@click.option("--std", type=options.numbers, metavar="R,G,B", help="Input = (pixel / 255 - mean) / std.")
@options.accuracy
@options.output_format
@options.verbosity
def verify(
    *,
    ckpt: Path,
    against: Path,
    outputs: tuple[str, ...],
    atol: float | None,
    rtol: float | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    accuracy: Path | None,
    max_drop: float,
    form: str,
    **network: Any,
) -> None:
    """Compare a file with the network it was made from.

    The file is run by its runtime, the network by PyTorch in float64; where the file is wrong, the first block that
    differs is named and the exit code is 1. Of an int8 file, of this program or another, --accuracy tells how much
    accuracy it loses on images of known classes.
    """
    import ssc_deploy

    report = ssc_deploy.verify(
        ckpt,
        against,
        **network,
        outputs=outputs,
        atol=atol,
        rtol=rtol,
        preprocessing=options.preprocessing(mean, std),
        accuracy=accuracy,
        max_drop=max_drop,
    )
    if form == "json":
        screen.print_json(report.to_dict())
    else:
        click.echo(flags.spelled(str(report), click.get_current_context().find_root().command))
    if not report.ok:
        raise click.exceptions.Exit(VerificationError.exit_code)
