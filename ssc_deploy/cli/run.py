"""``ssc-deploy run``: runs an exported file on images."""

from __future__ import annotations

import math
from typing import IO, TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ssc_deploy.cli import options, screen
from ssc_deploy.metadata import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.predict import Candidate


_EXAMPLES = """\b
ssc-deploy run export/ssc_1_9/ssc_1_9.onnx cat.png dog.jpg --top-k 3
"""


@click.command(epilog=_EXAMPLES)
@click.argument("model", type=options.PATH)
@click.argument("pictures", metavar="PICTURE|ARRAY.npy...", type=options.PATH, nargs=-1, required=True)
@click.option("--top-k", type=click.IntRange(min=1), default=5, show_default=True, help="Classes to show.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Of the runtime.")
@click.option("--resize", is_flag=True, help="Scale and crop images of another size.")
@click.option("--mean", type=options.numbers, metavar="R,G,B", help="With --std, if the file does not have them.")
@click.option("--std", type=options.numbers, metavar="R,G,B", help="Input = (pixel / 255 - mean) / std.")
@click.option("--labels", type=click.File(encoding="utf-8"), help="Class names, one a line, likewise.")
@click.option("--output", metavar="NAME", help="Of a file that returns several: the output that names the classes.")
@click.option("--save", type=options.PATH, metavar="FILE.npz", help="Of a file that is run on arrays: its outputs.")
@click.option("--overwrite", is_flag=True, help="Replace a file of --save that is there.")
@options.output_format
@options.verbosity
def run(
    *,
    model: Path,
    pictures: tuple[Path, ...],
    top_k: int,
    threads: int,
    resize: bool,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    labels: IO[str] | None,
    output: str | None,
    save: Path | None,
    overwrite: bool,
    form: str,
) -> None:
    """Run an exported MODEL (.onnx or .tflite) on images, or on arrays.

    Images become the network's input as the file itself says, or as --mean and --std do. Of each image the most
    probable classes are printed; what the outputs are (scores, probabilities, one value) the file itself says, too.

    A MODEL that takes something else than one image is run on a .npy file for each of its inputs.
    """
    import ssc_deploy
    from ssc_deploy.output_kind import OutputKind

    if all(path.suffix.lower() == ".npy" for path in pictures):
        if click.get_current_context().get_parameter_source("top_k") != ParameterSource.DEFAULT:
            raise click.UsageError("--top-k is for images; .npy files are run without looking for classes")
        _on_arrays(model, pictures, threads, save, overwrite=overwrite, form=form)
        return
    if save is not None:
        raise click.UsageError("--save is for a file that is run on .npy files")

    loaded = ssc_deploy.load_model(
        model,
        threads,
        labels=options.labels(labels),
        preprocessing=options.preprocessing(mean, std),
        resize=resize,
        output=output,
    )
    predictions = loaded.predict(list(pictures), top_k)
    if form == "json":
        listed = [prediction.to_dict() for prediction in predictions]
        screen.print_json({"schema_version": SCHEMA_VERSION, "model": str(model), "predictions": listed})
        return
    for prediction in predictions:
        click.echo(prediction.picture)
        for candidate in prediction.top:
            click.echo(f"  {_line(candidate, prediction.output)}")
    if loaded.output.kind == OutputKind.SCORES and not loaded.labels:
        click.echo(
            "note: the file names no classes; its outputs are taken for scores of classes, and the percentages are "
            "their softmax"
        )


def _on_arrays(
    model: Path, paths: tuple[Path, ...], threads: int, save: Path | None, *, overwrite: bool, form: str
) -> None:
    import io

    import numpy as np

    import ssc_deploy
    from ssc_deploy.errors import PictureError
    from ssc_deploy.storage import files

    arrays = []
    for path in paths:
        try:
            arrays.append(np.load(path, allow_pickle=False))
        except (OSError, ValueError, EOFError) as error:
            raise PictureError(f"{path} is no array of numpy; write it with numpy.save, without objects") from error
    outputs = ssc_deploy.run(model, *arrays, threads=threads)
    if save is not None:
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **outputs)
        files.write_verified(save, stream.getvalue(), lambda _: None, overwrite)
    described = [
        {"name": name, "dtype": value.dtype.name, "shape": list(value.shape), "values": _extremes(value)}
        for name, value in outputs.items()
    ]
    if form == "json":
        for one in described:
            one["values"] = [number if math.isfinite(number) else None for number in one["values"]]
        screen.print_json({"schema_version": SCHEMA_VERSION, "model": str(model), "outputs": described})
        return
    for one in described:
        least, mean, most = one["values"]
        click.echo(f"{one['name']}  {one['dtype']} {one['shape']}  from {least:.6g} to {most:.6g}, mean {mean:.6g}")


def _extremes(value: Any) -> list[float]:
    """The least, the mean and the largest number; zeros of an empty array."""
    return [float(value.min()), float(value.mean()), float(value.max())] if value.size else [0.0, 0.0, 0.0]


def _line(candidate: Candidate, kind: str) -> str:
    from ssc_deploy.output_kind import OutputKind

    if candidate.probability is None:
        return f"{candidate.value:12.6g}  {candidate.label}"
    line = f"{candidate.probability:6.1%}  {candidate.label}"
    # One number may be a logit or the result of a regression. The graph does not tell which.
    return f"{line}  (sigmoid of the one output, {candidate.value:.6g})" if kind == OutputKind.LOGIT else line
