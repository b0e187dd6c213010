"""``ssc-deploy bundle``: all that a device needs of an export, in one folder or zip; ``bundle check`` replays it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

from ssc_deploy.cli import options, screen
from ssc_deploy.errors import VerificationError

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.bundling import BundleReport

_EXAMPLES = """\b
ssc-deploy bundle export/ssc_1_9 -o ssc_1_9.bundle
ssc-deploy bundle export/mine -o mine.zip --ckpt mine.pth --pictures photos/
ssc-deploy bundle check ssc_1_9.bundle
"""

_DEFAULT = "make"


class _MakeUnlessNamed(click.Group):
    """Takes ``bundle EXPORT`` for ``bundle make EXPORT``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_MakeUnlessNamed, epilog=_EXAMPLES, subcommand_metavar="[make] EXPORT -o PATH | check BUNDLE")
def bundle() -> None:
    """Pack an export with golden pictures for a device, or check one.

    Without the name of a command it is make: see ssc-deploy bundle make --help.
    """


@bundle.command(_DEFAULT, epilog=_EXAMPLES)
@click.argument("export", type=options.PATH)
@click.option("-o", "--output", type=options.PATH, required=True, help="Folder, or a file that ends in .zip.")
@click.option("--zip", "zipped", is_flag=True, help="Write a zip, whatever its name ends in.")
@click.option("--debug", is_flag=True, help="Add every block's values; needs the network.")
@click.option("--pictures", type=options.PATH, metavar="FOLDER", help="Golden pictures; needs the network.")
@click.option("--ckpt", type=options.PATH, help="The checkpoint that was exported.")
@options.network
@click.option("--mean", type=options.numbers, metavar="R,G,B", help="With --std, where the export does not say them.")
@click.option("--std", type=options.numbers, metavar="R,G,B", help="Input = (pixel / 255 - mean) / std.")
@click.option("--labels", type=click.File(encoding="utf-8"), help="Class names, one a line, likewise.")
@click.option("--no-resize", is_flag=True, help="Let the device refuse pictures of another size.")
@click.option("--overwrite", is_flag=True, help="Replace a bundle that is there.")
@options.output_format
@options.verbosity
def make(
    *,
    export: Path,
    output: Path,
    zipped: bool,
    debug: bool,
    pictures: Path | None,
    ckpt: Path | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    labels: IO[str] | None,
    no_resize: bool,
    overwrite: bool,
    form: str,
    **network: Any,
) -> None:
    """Pack the files of EXPORT for a device.

    With them go at least 16 golden pictures: those that the export kept, or those of --pictures. The bundle is checked
    as bundle check does before it is put in its place.
    """
    import ssc_deploy

    report = ssc_deploy.bundle(
        export,
        output,
        zipped=zipped or None,
        ckpt=ckpt,
        **network,
        pictures=pictures,
        preprocessing=options.preprocessing(mean, std),
        labels=options.labels(labels),
        resize=not no_resize,
        debug=debug,
        overwrite=overwrite,
        progress=None if form == "json" else _say,
    )
    if form == "json":
        screen.print_json(report.to_dict())


@bundle.command()
@click.argument("path", metavar="BUNDLE", type=options.PATH)
@options.output_format
@options.verbosity
def check(*, path: Path, form: str) -> None:
    """Replay the golden pictures of BUNDLE through each runtime.

    BUNDLE is a folder or a zip. All hashes are checked, the pictures must become the golden inputs bit for bit, and
    each file of the network must stay within its tolerance; the exit code is 1 where one does not.
    """
    import ssc_deploy

    report: BundleReport = ssc_deploy.check_bundle(path, progress=None if form == "json" else _say)
    if form == "json":
        screen.print_json(report.to_dict())
    if not report.ok:
        raise VerificationError(f"{path} is not right: {'; '.join(report.failures)}")


def _say(part: str, line: str) -> None:
    click.echo(f" {part:<17}  {line}")
