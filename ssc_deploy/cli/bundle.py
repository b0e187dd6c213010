"""``ssc-deploy bundle`` packs all that a device needs into a folder or zip; ``bundle check`` replays it."""

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
    """Treats ``bundle EXPORT`` as ``bundle make EXPORT``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_MakeUnlessNamed, epilog=_EXAMPLES, subcommand_metavar="[make] EXPORT -o PATH | check BUNDLE")
def bundle() -> None:
    """Pack an export with golden images for a device, or check one.

    If no command is named, it is make; see ssc-deploy bundle make --help.
    """


@bundle.command(_DEFAULT, epilog=_EXAMPLES)
@click.argument("export", type=options.PATH)
@click.option("-o", "--output", type=options.PATH, required=True, help="Folder to write, or a file that ends in .zip.")
@click.option("--zip", "zipped", is_flag=True, help="Write a zip, even if the name does not end in .zip.")
@click.option("--debug", is_flag=True, help="Add every block's values; needs the network.")
@click.option("--pictures", type=options.PATH, metavar="FOLDER", help="Golden images; needs the network.")
@click.option("--ckpt", type=options.PATH, help="The checkpoint that was exported.")
@options.network
@click.option("--mean", type=options.numbers, metavar="R,G,B", help="With --std, if the export does not have them.")
@click.option("--std", type=options.numbers, metavar="R,G,B", help="Input = (pixel / 255 - mean) / std.")
@click.option(
    "--labels",
    type=click.File(encoding="utf-8"),
    help="Class names, one on each line, if the export does not have them.",
)
@click.option("--no-resize", is_flag=True, help="Let the device refuse images of another size.")
@click.option("--overwrite", is_flag=True, help="Replace an existing bundle.")
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

    It adds at least 16 golden images: those that the export kept, or those of --pictures. The bundle is checked, as by
    bundle check, before it is put in its place.
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
    """Replay the golden images of BUNDLE through each runtime.

    BUNDLE is a folder or a zip. All hashes are checked. The images must become the golden inputs bit for bit, and each
    file of the network must stay within its tolerance. The exit code is 1 if one does not.
    """
    import ssc_deploy

    report: BundleReport = ssc_deploy.check_bundle(path, progress=None if form == "json" else _say)
    if form == "json":
        screen.print_json(report.to_dict())
    if not report.ok:
        raise VerificationError(f"{path} is not right: {'; '.join(report.failures)}")


def _say(part: str, line: str) -> None:
    click.echo(f" {part:<17}  {line}")
