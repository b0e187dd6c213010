"""``ssc-deploy android``: the demo app, built and tested without Android Studio."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ssc_deploy.android.abis import ABIS, DEFAULT_ABIS
from ssc_deploy.cli import options, screen

if TYPE_CHECKING:
    from pathlib import Path

_EXAMPLES = """\b
ssc-deploy android build ssc_1_9.bundle -o demo.apk
ssc-deploy android build ssc_1_9.zip -o demo.apk --abi arm64-v8a --abi x86
ssc-deploy android test
"""

_source = click.option(
    "--source", type=options.PATH, metavar="DIR", help="The app's sources; by default android_demo of the checkout."
)


@click.group(epilog=_EXAMPLES)
def android() -> None:
    """Build the demo app with a bundle in it, or test it.

    Neither needs Android Studio. The tools Maven, npm and pip download what is needed once, into the cache.
    """


@android.command(epilog=_EXAMPLES)
@click.argument("bundle", type=options.PATH)
@click.option("-o", "--output", type=options.PATH, metavar="FILE.apk", required=True, help="The APK.")
@click.option(
    "--abi",
    "abis",
    type=click.Choice(ABIS),
    multiple=True,
    default=DEFAULT_ABIS,
    show_default=True,
    help="Kinds of processors to support.",
)
@_source
@click.option("--overwrite", is_flag=True, help="Replace an existing APK.")
@options.output_format
@options.verbosity
def build(
    *, bundle: Path, output: Path, abis: tuple[str, ...], source: Path | None, overwrite: bool, form: str
) -> None:
    """Build a signed debug APK of the demo app with BUNDLE in it.

    Install it with: adb install FILE.apk
    """
    from ssc_deploy.android import building
    from ssc_deploy.metadata import SCHEMA_VERSION

    def progress(stage: str, line: str) -> None:
        click.echo(screen.stage_line(stage, line), err=form == "json")

    report = building.build(bundle, output, abis=abis, source=source, overwrite=overwrite, progress=progress)
    if form == "json":
        screen.print_json({"schema_version": SCHEMA_VERSION, **report.to_dict()})


@android.command(epilog=_EXAMPLES)
@_source
@click.option(
    "--data", type=options.PATH, metavar="DIR", help="Keep the bundles of the tests in this folder, for the next run."
)
@options.output_format
@options.verbosity
def test(*, source: Path | None, data: Path | None, form: str) -> None:
    """Run the app's tests on this machine, with the real runtimes.

    This needs a checkout. It writes images of the screens to android_demo/build. The exit code is 1 if a test fails.
    """
    from ssc_deploy.android import project
    from ssc_deploy.metadata import SCHEMA_VERSION

    sys.path.append(str(project.checkout()))
    from android_demo.tools import testing

    def progress(stage: str, line: str) -> None:
        click.echo(f" {stage:<13}  {line}", err=form == "json")

    report = testing.run(source=source, data=data, progress=progress)
    if form == "json":
        screen.print_json({"schema_version": SCHEMA_VERSION, **report.to_dict()})
    else:
        for suite in report.suites:
            if not suite.ok:
                click.echo(f"\n--- {suite.name}\n{suite.output}", err=True)
        click.echo(f"\n{sum(s.passed for s in report.suites)} passed, {sum(s.failed for s in report.suites)} failed")
    if not report.ok:
        raise click.exceptions.Exit(1)
