"""How good a network is on images of known classes, and whether its exported files say the same on every one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy import data as datasets
from ssc_deploy.errors import DataError
from ssc_deploy.evaluation.classifier import open_classifier
from ssc_deploy.evaluation.report import Disagreement, Evaluated, Evaluation
from ssc_deploy.evaluation.scores import score

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ssc_deploy.data import Dataset
    from ssc_deploy.evaluation.classifier import Classifier
    from ssc_deploy.metadata import Preprocessing

    #: Is told which file is run, how many images are done, and how many there are.
    Progress = Callable[[Path, int, int], None]

#: Images that go through a network at once.
BATCH = 100


def evaluate(
    files: Sequence[str | Path],
    data: str | Path,
    *,
    split: datasets.Split = datasets.Split.TEST,
    resize: bool = False,
    preprocessing: Preprocessing | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    **network: Any,
) -> Evaluation:
    """Scores checkpoints and exported files on the same images.

    Args:
        files: at least one checkpoint, ``.onnx`` or ``.tflite`` file.
        data: what `data.read` takes.
        split: which part of it, where it has both.
        resize: bring images of another size to the network's instead of refusing them; that is done anyway where all
            files say so.
        preprocessing: how an image becomes the input, instead of what each file says.
        threads: of the runtimes.
        progress: is called after every batch.
        network: which network the checkpoints are of (see `source.open_source`).

    Raises:
        DataError: the data cannot be read, or its classes are not the network's.
        SscDeployError: a file cannot be opened (see `open_classifier`).
    """
    opened = [open_classifier(Path(path), preprocessing=preprocessing, threads=threads, **network) for path in files]
    first = opened[0]
    for other in opened[1:]:
        if other.size != first.size:
            raise DataError(f"{first.path} takes images of {_text(first.size)}, {other.path} of {_text(other.size)}.")
        if other.labels != first.labels:
            raise DataError(f"{first.path} and {other.path} have other labels, or in another order.")
    resize = resize or all(classifier.scales for classifier in opened)
    pictures = datasets.read(Path(data), split, size=first.size, resize=resize)
    if first.labels:
        pictures = pictures.ordered(first.labels)
    outputs = [_run(classifier, pictures, progress) for classifier in opened]
    scored = tuple(
        Evaluated(classifier.path, score(logits, pictures.labels, pictures.classes, classifier.path))
        for classifier, logits in zip(opened, outputs, strict=True)
    )
    return Evaluation(Path(data), scored, _first_disagreement(scored, outputs, pictures))


def _run(classifier: Classifier, pictures: Dataset, progress: Progress | None) -> npt.NDArray[np.float32]:
    logits = []
    for start in range(0, len(pictures), BATCH):
        logits.append(classifier.logits(pictures.pixels[start : start + BATCH]))
        if logits[0].shape[1:] != (len(pictures.classes),):
            raise DataError(
                f"{pictures.path} has {len(pictures.classes)} classes, {classifier.path} has {logits[0].shape[-1]} "
                "outputs: give data of the classes it was trained on."
            )
        if progress is not None:
            progress(classifier.path, min(start + BATCH, len(pictures)), len(pictures))
    return np.concatenate(logits)


def _first_disagreement(
    scored: Sequence[Evaluated], outputs: Sequence[npt.NDArray[np.float32]], pictures: Dataset
) -> Disagreement | None:
    first = scored[0]
    found = []
    for other, logits in zip(scored[1:], outputs[1:], strict=True):
        differing = np.flatnonzero(first.scores.predicted != other.scores.predicted)
        if len(differing):
            at = int(differing[0])
            one, two = int(first.scores.predicted[at]), int(other.scores.predicted[at])
            disagreement = Disagreement(
                pictures.names[at],
                pictures.classes[int(pictures.labels[at])],
                (first.path, pictures.classes[one]),
                (other.path, pictures.classes[two]),
                float(logits[at, two] - logits[at, one]),
                len(differing),
            )
            found.append((at, disagreement))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _text(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
