"""``ssc-deploy models``: the networks of the paper, and the trained checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ssc_deploy.cli import options, screen
from ssc_deploy.metadata import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssc_deploy.paper import Comparison
    from ssc_deploy.zoo import Entry

_EXAMPLES = """\b
ssc-deploy models
ssc-deploy models --compare-paper
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--compare-paper", is_flag=True, help="Count parameters and MACs, and print the paper's figures beside ours."
)
@click.option(
    "--models", "folder", type=options.PATH, metavar="FOLDER", help="Folder of the trained models.  [default: models/]"
)
@options.output_format
@options.verbosity
def models(*, compare_paper: bool, folder: Path | None, form: str) -> None:
    """List the networks of the paper, and which are trained.

    --net and --arch take their names. For a trained network, its checkpoint and accuracy are shown. The others are
    definitions that you can train.
    """
    if compare_paper:
        from ssc_deploy import paper

        compared = paper.compare()
        if form == "json":
            screen.print_json(
                {"schema_version": SCHEMA_VERSION, "networks": [network.to_dict() for network in compared]}
            )
        else:
            click.echo(_comparison(compared))
        return

    from ssc_deploy import zoo

    entries = zoo.models(folder)
    if form == "json":
        screen.print_json({"schema_version": SCHEMA_VERSION, "networks": [entry.to_dict() for entry in entries]})
    else:
        click.echo(_list(entries))


def _list(entries: Sequence[Entry]) -> str:
    rows: list[tuple[str, ...]] = [
        (entry.name, entry.network, f"{entry.parameters:,}", _weights(entry)) for entry in entries
    ]
    return screen.table(("name", "network", "parameters", "weights"), rows, right=frozenset([2]))


def _weights(entry: Entry) -> str:
    if entry.checkpoint is None:
        return "definition only"
    if entry.top1 is None:
        return str(entry.checkpoint)
    return f"{entry.checkpoint}, top-1 {entry.top1:.2%} of {entry.pictures:,} images"


def _comparison(compared: Sequence[Comparison]) -> str:
    rows: list[tuple[str, ...]] = []
    notes: dict[str, int] = {}
    for network in compared:
        note = f"[{notes.setdefault(network.exception, len(notes) + 1)}]" if network.exception else ""
        rows.append(
            (
                network.name,
                network.network,
                str(network.classes),
                f"{network.ours:,}",
                "" if network.paper is None else f"{network.paper:g} M",
                "" if network.difference is None else f"{network.difference:+.1%}",
                f"{network.macs / 1e6:.1f} M",
                note,
            )
        )
    header = ("name", "network", "classes", "parameters", "paper", "difference", "MACs", "")
    listed = "\n".join(f"[{number}] {sentence}" for sentence, number in notes.items())
    return f"{screen.table(header, rows, right=frozenset([2, 3, 4, 5, 6]))}\n\n{listed}"
