"""Running an exported model on pictures. Imports neither torch nor onnxscript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy import batches, pictures
from ssc_deploy.errors import PictureError, RuntimeLoadError

if TYPE_CHECKING:
    from ssc_deploy.metadata import ModelMetadata, Preprocessing
    from ssc_deploy.runtimes import Runner


@dataclass(frozen=True)
class Candidate:
    """One class that a picture may show.

    Attributes:
        index: of the class, 0 the first.
        label: its name; its index where the model has no labels.
        probability: softmax of the logits.
    """

    index: int
    label: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What a model says about one picture.

    Attributes:
        picture: the file's path, or what kind of array it was.
        top: the most probable classes, the first the best; of equal ones the lower index comes first.
    """

    picture: str
    top: tuple[Candidate, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"picture": self.picture, "top": [vars(candidate) for candidate in self.top]}


class Model:
    """An exported model, ready to run; made by `load_model`.

    Attributes:
        metadata: what the file says about itself; None for a file of other origin.
        labels: class names in the order of the outputs.
        preprocessing: how a picture becomes the input.
        input_shape: (C, H, W).
    """

    def __init__(
        self,
        runner: Runner,
        *,
        input_shape: tuple[int, int, int],
        metadata: ModelMetadata | None,
        layout: str,
        labels: tuple[str, ...],
        preprocessing: Preprocessing,
        resize: bool,
    ) -> None:
        self.metadata = metadata
        self.labels = labels
        self.preprocessing = preprocessing
        self.input_shape = input_shape
        self._runner, self._layout, self._resize = runner, layout, resize

    def logits(self, images: pictures.Picture | Sequence[pictures.Picture]) -> npt.NDArray[np.float32]:
        """The network's raw outputs, float32 [N, classes].

        Args:
            images: one or many of: a file's path, pixels uint8 [H, W, 3] (red first) or [H, W], a Pillow image;
                uint8 [N, H, W, C] counts as many.

        Raises:
            PictureError: a picture cannot be read or has another size, or there are none.
        """
        return self._logits(_listed(images))

    def predict(self, images: pictures.Picture | Sequence[pictures.Picture], top_k: int = 5) -> list[Prediction]:
        """The ``top_k`` most probable classes of each picture (see `logits` for what a picture may be)."""
        listed = _listed(images)
        predictions = []
        for picture, probabilities in zip(listed, softmax(self._logits(listed)), strict=True):
            best = np.argsort(-probabilities, kind="stable")[: max(1, top_k)]
            top = tuple(Candidate(int(i), self._label(int(i)), float(probabilities[i])) for i in best)
            predictions.append(Prediction(pictures.name_of(picture), top))
        return predictions

    def _logits(self, listed: Sequence[pictures.Picture]) -> npt.NDArray[np.float32]:
        results = []
        # A batch at a time, so that a folder of photographs never is in memory as a whole.
        for start in range(0, len(listed), batches.AT_ONCE):
            chunk = listed[start : start + batches.AT_ONCE]
            pixels = [
                pictures.read(p, self.preprocessing.colour, self.input_shape[1:], resize=self._resize) for p in chunk
            ]
            x = pictures.preprocess(pixels, self.preprocessing, "NCHW")
            results.append(batches.run(self._runner, x, layout=self._layout)[0])
        logits = np.concatenate(results)
        return logits.reshape(len(logits), -1)

    def _label(self, index: int) -> str:
        return str(self.labels[index]) if index < len(self.labels) else str(index)


def load_model(
    path: str | Path,
    threads: int = 1,
    *,
    labels: Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
    resize: bool = False,
) -> Model:
    """Loads an exported ``.onnx`` or ``.tflite`` classifier.

    Args:
        path: the file.
        threads: of the runtime.
        labels: class names in the order of the outputs, instead of those in the file.
        preprocessing: how a picture becomes the input, instead of what the file says.
        resize: scale and crop pictures of another size (see `pictures.read`) instead of refusing them.

    Raises:
        RuntimeLoadError: the file cannot be loaded, does not take one picture, or lacks what was not given either.
    """
    from ssc_deploy import runtimes

    path = Path(path)
    if not path.is_file():
        raise RuntimeLoadError(f"{path} is not there; give an exported .onnx or .tflite file")
    runtime = runtimes.runtime_for(path)
    metadata = runtime.metadata(path)
    preprocessing = preprocessing or (metadata.preprocessing if metadata else None)
    if preprocessing is None:
        raise RuntimeLoadError(
            f"{path.name} does not say how a picture becomes its input; give --mean and --std, or in Python pass "
            "preprocessing=Preprocessing(mean=..., std=..., colour=...)"
        )
    runner = runtime.load(path, threads=threads)
    layout = metadata.layout if metadata else runtime.image_layout
    input_shape = _input_shape(path.name, runner, layout)
    _check(path.name, preprocessing, input_shape[0])
    return Model(
        runner,
        input_shape=input_shape,
        metadata=metadata,
        layout=layout,
        labels=tuple(labels) if labels is not None else (metadata.labels if metadata else ()),
        preprocessing=preprocessing,
        resize=resize,
    )


def softmax(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Probabilities [N, classes] of ``logits`` [N, classes], in float64."""
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def _input_shape(name: str, runner: Runner, layout: str) -> tuple[int, int, int]:
    """(C, H, W) of the one picture that the file takes."""
    if layout not in {"NCHW", "NHWC"}:
        raise RuntimeLoadError(f"{name} names an unknown layout {layout!r}; export it again")
    specs = runner.inputs
    sizes = [size for size in specs[0].shape[1:] if size is not None] if specs else []
    if len(specs) != 1 or len(specs[0].shape) != 4 or len(sizes) != 3 or specs[0].dtype != "float32":
        takes = ", ".join(f"{spec.dtype} {list(spec.shape)}" for spec in specs) or "nothing"
        raise RuntimeLoadError(
            f"{name} takes {takes}; a model that takes one float32 picture of a fixed size can be run"
        )
    return (sizes[2], sizes[0], sizes[1]) if layout == "NHWC" else (sizes[0], sizes[1], sizes[2])


def _check(name: str, preprocessing: Preprocessing, channels: int) -> None:
    """Refuses preprocessing that does not fit the file; it may come from the file itself."""
    mean, std = preprocessing.mean, preprocessing.std
    numbers = all(isinstance(value, int | float) for value in (*mean, *std))
    fits = len(mean) == len(std) == channels == pictures.CHANNELS.get(preprocessing.colour)
    if not fits or not numbers or not np.isfinite(mean).all() or not all(0 < value < np.inf for value in std):
        raise RuntimeLoadError(
            f"{name} takes {channels} channels, but its preprocessing has mean {mean}, std {std} and colour "
            f"{preprocessing.colour!r}; pass preprocessing=Preprocessing(...) that has {channels} of each"
        )


def _listed(images: pictures.Picture | Sequence[pictures.Picture]) -> list[pictures.Picture]:
    if isinstance(images, np.ndarray):
        listed: list[pictures.Picture] = list(images) if images.ndim == 4 else [images]
    else:
        listed = list(images) if isinstance(images, Sequence) and not isinstance(images, str) else [images]
    if not listed:
        raise PictureError("there are no pictures to run; give at least one")
    return listed
