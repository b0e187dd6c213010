"""Running an exported model on pictures. Imports neither torch nor onnxscript."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy import batches, pictures
from ssc_deploy import labels as class_names
from ssc_deploy.errors import PictureError, RuntimeLoadError
from ssc_deploy.output_kind import OutputKind, is_list, probabilities

if TYPE_CHECKING:
    from ssc_deploy.metadata import ModelMetadata, Preprocessing
    from ssc_deploy.output_kind import Output
    from ssc_deploy.runtimes import Runner


@dataclass(frozen=True)
class Candidate:
    """One class that a picture may show, or one number of an output that is of no classes.

    Attributes:
        index: of the class, 0 the first.
        label: its name; its index where the model has no labels.
        probability: 0 to 1; None where the outputs are no scores of classes (`output_kind`).
        value: as the network gives it.
    """

    index: int
    label: str
    probability: float | None
    value: float


@dataclass(frozen=True)
class Prediction:
    """What a model says about one picture.

    Attributes:
        picture: the file's path, or what kind of array it was.
        top: the most probable classes, the first the best; of equal ones the lower index comes first. Of an output that
            is of no classes, its first numbers, in their order.
        output: what the outputs are, a value of `output_kind.OutputKind`.
    """

    picture: str
    top: tuple[Candidate, ...]
    output: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "picture": self.picture,
            "output": self.output,
            "top": [vars(candidate) for candidate in self.top],
        }


class Model:
    """An exported model, ready to run; made by `load_model`.

    Attributes:
        metadata: what the file says about itself; None for a file of other origin.
        labels: class names in the order of the outputs.
        preprocessing: how a picture becomes the input.
        input_shape: (C, H, W).
        output: what the outputs mean.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        path: Path,
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
        self._runner, self._path, self._layout, self._resize = runner, path, layout, resize

    @functools.cached_property
    def output(self) -> Output:
        """What the outputs mean, as the file says, or else its graph."""
        if self.metadata is not None and self.metadata.output is not None:
            return self.metadata.output
        from ssc_deploy import output_of_graph

        shape = _output_shape(self._runner, self._layout)
        return output_of_graph.of_file(self._path, self._run, self.input_shape, shape)

    def outputs(self, images: pictures.Picture | Sequence[pictures.Picture]) -> npt.NDArray[np.float32]:
        """What the network gives, float32 [N, ...]; [N, C, H, W] for maps, whatever the file's layout.

        Args:
            images: one or many of: a file's path, pixels uint8 [H, W, 3] (red first) or [H, W], a Pillow image;
                uint8 [N, H, W, C] counts as many.

        Raises:
            PictureError: a picture cannot be read or has another size, or there are none.
        """
        return self._outputs(_listed(images))

    def logits(self, images: pictures.Picture | Sequence[pictures.Picture]) -> npt.NDArray[np.float32]:
        """The network's raw outputs, float32 [N, classes]; see `outputs`.

        Raises:
            PictureError: a picture cannot be read or has another size, or there are none.
            RuntimeLoadError: the network gives maps, which are no list of classes.
        """
        return self._list(self._outputs(_listed(images)))

    def predict(self, images: pictures.Picture | Sequence[pictures.Picture], top_k: int = 5) -> list[Prediction]:
        """The ``top_k`` most probable classes of each picture.

        Args:
            images: see `outputs`.
            top_k: how many.

        Raises:
            PictureError: a picture cannot be read or has another size, or there are none.
            RuntimeLoadError: the network gives maps, which are no list of classes.
        """
        listed, kind = _listed(images), self.output.kind
        if kind == OutputKind.MAP:
            raise self._is_map(self.output.shape)
        outputs = self._list(self._outputs(listed))
        class_names.check(self.labels, outputs.shape[1], self._path.name)  # the file may leave their number open
        shares = probabilities(kind, outputs)
        predictions = []
        for row, picture in enumerate(listed):
            ranked = np.arange(outputs.shape[1]) if shares is None else np.argsort(-shares[row], kind="stable")
            top = tuple(
                Candidate(
                    int(i),
                    self._label(int(i)),
                    None if shares is None else float(shares[row, i]),
                    float(outputs[row, i]),
                )
                for i in ranked[: max(1, top_k)]
            )
            predictions.append(Prediction(pictures.name_of(picture), top, kind))
        return predictions

    def _outputs(self, listed: Sequence[pictures.Picture]) -> npt.NDArray[np.float32]:
        results = []
        # A batch at a time, so that a folder of photographs never is in memory as a whole.
        for start in range(0, len(listed), batches.AT_ONCE):
            chunk = listed[start : start + batches.AT_ONCE]
            pixels = [
                pictures.read(p, self.preprocessing.colour, self.input_shape[1:], resize=self._resize) for p in chunk
            ]
            results.append(self._run(pictures.preprocess(pixels, self.preprocessing, "NCHW")))
        return np.concatenate(results)

    def _run(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return batches.run(self._runner, x, layout=self._layout)[0]

    def _list(self, outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if not is_list(outputs.shape[1:]):
            raise self._is_map(outputs.shape[1:])
        return outputs.reshape(len(outputs), -1)

    def _is_map(self, shape: tuple[int, ...]) -> RuntimeLoadError:
        return RuntimeLoadError(
            f"{self._path.name} gives a map of {'x'.join(map(str, shape))} for each image, which is no list of "
            "classes; take it in Python, with load_model(...).outputs(images)"
        )

    def _label(self, index: int) -> str:
        return self.labels[index] if self.labels else str(index)


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
        LabelsError: there is not one label for each output.
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
            f"{path.name} does not say how a picture becomes its input; give "
            "`preprocessing=Preprocessing(mean=..., std=...)`"
        )
    runner = runtime.load(path, threads=threads)
    layout = metadata.layout if metadata else runtime.image_layout
    input_shape = _input_shape(path.name, runner, layout)
    _check(path.name, preprocessing, input_shape[0])
    named = _labels(path, runner, layout, labels, metadata)
    return Model(
        runner,
        path=path,
        input_shape=input_shape,
        metadata=metadata,
        layout=layout,
        labels=named,
        preprocessing=preprocessing,
        resize=resize,
    )


def _labels(
    path: Path, runner: Runner, layout: str, given: Sequence[str] | None, metadata: ModelMetadata | None
) -> tuple[str, ...]:
    """Those that were given, or else the file's, one for each output."""
    if given is None:
        found, where = (metadata.labels if metadata else ()), path.name
    else:
        found, where = class_names.checked(given), "what is given"
    shape = _output_shape(runner, layout)
    if shape is not None:
        class_names.check(found, class_names.outputs_of(shape), where)
    return found


def _output_shape(runner: Runner, layout: str) -> tuple[int, ...] | None:
    """Of the first output for one image, (C, H, W) where it is a map; None where a size is open."""
    _, *sizes = runner.outputs[0].shape or (None,)
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return None
    return (known[2], known[0], known[1]) if layout == "NHWC" and len(known) == 3 else tuple(known)


def _input_shape(name: str, runner: Runner, layout: str) -> tuple[int, int, int]:
    """(C, H, W) of the one picture that the file takes."""
    specs = runner.inputs
    sizes = [size for size in specs[0].shape[1:] if size is not None] if specs else []
    if len(specs) != 1 or len(specs[0].shape) != 4 or len(sizes) != 3 or specs[0].dtype != "float32":
        takes = ", ".join(f"{spec.dtype} {list(spec.shape)}" for spec in specs) or "nothing"
        raise RuntimeLoadError(
            f"{name} takes {takes}; a model that takes one float32 picture of a fixed size can be run"
        )
    return (sizes[2], sizes[0], sizes[1]) if layout == "NHWC" else (sizes[0], sizes[1], sizes[2])


def _check(name: str, preprocessing: Preprocessing, channels: int) -> None:
    """Refuses preprocessing of another number of channels than the file's; it may come from the file itself."""
    if preprocessing.channels != channels:
        raise RuntimeLoadError(
            f"{name} takes {channels} channels, but its preprocessing is of {preprocessing.colour}, with "
            f"{preprocessing.channels} of them; give "
            f"`preprocessing=Preprocessing(mean=..., std=...)` of {channels} numbers"
        )


def _listed(images: pictures.Picture | Sequence[pictures.Picture]) -> list[pictures.Picture]:
    if isinstance(images, np.ndarray):
        listed: list[pictures.Picture] = list(images) if images.ndim == 4 else [images]
    else:
        listed = list(images) if isinstance(images, Sequence) and not isinstance(images, str) else [images]
    if not listed:
        raise PictureError("there are no pictures to run; give at least one")
    return listed
