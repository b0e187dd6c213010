"""``ssc-deploy compare``: two saved profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ssc_deploy.cli import options, screen

if TYPE_CHECKING:
    from pathlib import Path

_EXAMPLES = """\b
ssc-deploy profile net.tflite --json before.json
ssc-deploy profile net.tflite --json after.json
ssc-deploy compare before.json after.json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("before", type=options.PATH)
@click.argument("after", type=options.PATH)
@options.output_format
@options.verbosity
def compare(*, before: Path, after: Path, form: str) -> None:
    """Say what became faster or slower between two profiles.

    BEFORE and AFTER were written by ssc-deploy profile --json. For each model that both have, the command prints the
    ratio of its times with a 95 % interval, and whether one is faster.
    """
    from ssc_deploy import profiling
    from ssc_deploy.profiling import comparing

    changes = comparing.compare(profiling.load_profile(before), profiling.load_profile(after))
    if form == "json":
        screen.print_json(changes.to_dict())
        return
    for change in changes.changes:
        click.echo(str(change))
    click.echo("\n" + "\n".join(changes.notes))
