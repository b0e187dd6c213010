"""``ssc-deploy eval``: how accurate a network is, and whether its exported files give the same classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ssc_deploy.cli import bars, options, screen
from ssc_deploy.errors import VerificationError

if TYPE_CHECKING:
    from ssc_deploy.evaluation import Evaluation


#: Values of `data.Split`, repeated here because importing it would import numpy, and a help text must be fast.
_SPLITS = ("train", "test")

#: Suffixes of files that contain their own network.
_EXPORTED = (".onnx", ".tflite")

_EXAMPLES = """\b
ssc-deploy eval --ckpt ssc_1_9.pt --data cifar-10-batches-py
ssc-deploy eval --model ssc_1_9.tflite --data cifar-10-batches-py
ssc-deploy eval --ckpt ssc_1_9.pt --model ssc_1_9.onnx --data test.zip
"""


@click.command("eval", epilog=_EXAMPLES)
@click.option("--ckpt", type=options.PATH, help="A checkpoint, or an .onnx or .tflite file.")
@click.option(
    "--model-file",
    "files",
    type=options.PATH,
    multiple=True,
    help="An exported file to compare with it. Repeatable. --model takes such files, too.",
)
@click.option("--data", type=options.PATH, required=True, help="Folder or zip file of images with classes.")
@click.option("--split", type=click.Choice(_SPLITS), default="test", show_default=True, help="Part of the data.")
@click.option("--resize", is_flag=True, help="Scale and crop images of another size.")
@click.option("--confusion", type=options.PATH, metavar="FILE.png", help="Draw the confusion matrix there.")
@click.option("--overwrite", is_flag=True, help="Replace an existing image.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Of the runtimes.")
@click.option("--mean", type=options.numbers, metavar="R,G,B", help="With --std, if the file does not have them.")
@click.option("--std", type=options.numbers, metavar="R,G,B", help="Input = (pixel / 255 - mean) / std.")
@click.option(
    "--model",
    "models",
    metavar="FILE",
    multiple=True,
    help="An exported file, or your own network: FILE.py:NAME (or package.module:NAME). Its code is run.",
)
@options.architecture
@options.output_format
@options.verbosity
def eval(  # noqa: A001 - the command's name
    *,
    ckpt: Path | None,
    files: tuple[Path, ...],
    data: Path,
    split: str,
    resize: bool,
    confusion: Path | None,
    overwrite: bool,
    threads: int,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    models: tuple[str, ...],
    form: str,
    **architecture: Any,
) -> None:
    """Score a checkpoint and exported files on images of known classes.

    DATA is a folder of CIFAR-10, CIFAR-100 or ImageNet-32 as published, a tree of <class>/<image>, or a zip file of
    one. All files get the same pixels. If two files give different classes for an image, the first such image is named
    and the exit code is 1.
    """
    from ssc_deploy.native import package

    # In other commands --model names code. An exported file contains its own network, so it cannot be meant as code.
    exported = [Path(model) for model in models if model.lower().endswith(_EXPORTED) or package.is_package(Path(model))]
    code = [model for model in models if Path(model) not in exported]
    paths = [*([ckpt] if ckpt is not None else []), *files, *exported]
    if len(code) > 1:
        raise click.UsageError("a checkpoint has one network: name its code once, with --model FILE.py:NAME")
    if not paths:
        raise click.UsageError("name a network: --ckpt FILE, or --model-file FILE")
    preprocessing = options.preprocessing(mean, std)

    from ssc_deploy import evaluation
    from ssc_deploy.data import Split
    from ssc_deploy.errors import OutputError
    from ssc_deploy.storage.files import write_verified

    if confusion is not None and confusion.exists() and not overwrite:
        raise OutputError(f"{confusion} exists already; give --overwrite to replace it, or choose another name")
    with bars.Bars() as progress:
        result = evaluation.evaluate(
            paths,
            data,
            split=Split(split),
            resize=resize,
            preprocessing=preprocessing,
            threads=threads,
            progress=progress.evaluated,
            model=code[0] if code else None,
            **architecture,
        )
    if confusion is not None:
        best = result.files[0]
        title = f"{best.path.name}: {best.scores.top1:.2%} of {best.scores.pictures} images"
        write_verified(confusion, evaluation.draw(best.scores, title), lambda _: None, overwrite)
    if form == "json":
        screen.print_json(result.to_dict())
    else:
        click.echo(_text(result))
    if not result.ok:
        raise click.exceptions.Exit(VerificationError.exit_code)


def _text(result: Evaluation) -> str:
    rows: list[tuple[str, ...]] = []
    for file in result.files:
        top5 = file.scores.top5
        right = f"{file.scores.correct}/{file.scores.pictures}"
        rows.append((str(file.path), f"{file.scores.top1:.2%}", "" if top5 is None else f"{top5:.2%}", right))
    scored = [score for score in result.files[0].scores.by_class if score.accuracy is not None]
    classes: list[tuple[str, ...]] = [
        (score.name, f"{score.accuracy:.2%}", f"{score.correct}/{score.pictures}") for score in scored
    ]
    parts = [
        screen.table(("file", "top-1", "top-5", "correct"), rows, right=frozenset([1, 2, 3])),
        screen.table(("class", "top-1", "correct"), classes, right=frozenset([1, 2])),
    ]
    if result.disagreement is not None:
        parts.append(f"the files disagree: {result.disagreement}")
    elif len(result.files) > 1:
        parts.append(f"the {len(result.files)} files agree on every image")
    return "\n\n".join(parts)
