"""``ssc-deploy run``: an exported file on pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ssc_deploy.cli import options, screen
from ssc_deploy.metadata import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("model", type=options.PATH)
@click.argument("pictures", metavar="PICTURE...", type=options.PATH, nargs=-1, required=True)
@click.option("--top-k", type=click.IntRange(min=1), default=5, show_default=True, help="Classes to show.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Of the runtime.")
@click.option("--resize", is_flag=True, help="Scale and crop pictures of another size.")
@options.output_format
@options.verbosity
def run(*, model: Path, pictures: tuple[Path, ...], top_k: int, threads: int, resize: bool, form: str) -> None:
    r"""Run an exported MODEL (.onnx or .tflite) on pictures.

    Pictures become the network's input as the file itself says. Of each the most probable classes are printed.

    \b
    ssc-deploy run export/ssc_1_9/ssc_1_9.onnx cat.png dog.jpg --top-k 3
    """
    import ssc_deploy

    predictions = ssc_deploy.load_model(model, threads, resize=resize).predict(list(pictures), top_k)
    if form == "json":
        listed = [prediction.to_dict() for prediction in predictions]
        screen.print_json({"schema_version": SCHEMA_VERSION, "model": str(model), "predictions": listed})
        return
    for prediction in predictions:
        click.echo(prediction.picture)
        for candidate in prediction.top:
            click.echo(f"  {candidate.probability:6.1%}  {candidate.label}")
