"""Running an exported model on images. Imports neither torch nor onnxscript."""

from __future__ import annotations

import contextlib
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
    """One class that an image may show, or one number of an output that is of no classes.

    Attributes:
        index: of the class, 0 the first.
        label: its name; its index where the model has no labels.
        probability: 0 to 1; None if the outputs are not scores of classes (`output_kind`).
        value: as the network gives it.
    """

    index: int
    label: str
    probability: float | None
    value: float


@dataclass(frozen=True)
class Prediction:
    """What a model says about one image.

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
        """The same as JSON."""
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
        preprocessing: how an image becomes the input.
        input_shape: (C, H, W); of a file that takes other sizes as well, those that it was made for.
        output_names: of all outputs of the file.
        output: what the output that counts means: the one that was chosen, or the only list of classes.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        path: Path,
        input_shape: tuple[int, int, int],
        open_sizes: tuple[bool, bool],
        metadata: ModelMetadata | None,
        layout: str,
        labels: tuple[str, ...],
        preprocessing: Preprocessing,
        resize: bool,
        place: int | None,
    ) -> None:
        self.metadata = metadata
        self.labels = labels
        self.preprocessing = preprocessing
        self.input_shape = input_shape
        height, width = (
            None if is_open and not resize else size for is_open, size in zip(open_sizes, input_shape[1:], strict=True)
        )
        self._size = height, width
        self.output_names = tuple(spec.name for spec in runner.outputs)
        self._runner, self._path, self._layout, self._resize = runner, path, layout, resize
        self._chosen = place

    @functools.cached_property
    def output(self) -> Output:
        """What the outputs mean, as the file says, or else its graph."""
        place = self._place
        known = None if self.metadata is None else self.metadata.output
        if self.metadata is not None and self.metadata.outputs:
            known = self.metadata.outputs[place].meaning
        if known is not None:
            return known
        from ssc_deploy import output_of_graph

        shape = _output_shape(self._runner, self._layout, place)
        return output_of_graph.of_file(self._path, lambda x: self._run(x)[place], self.input_shape, shape, place)

    @property
    def _place(self) -> int:
        """Of the output that counts, among all.

        Raises:
            RuntimeLoadError: there are several, and nobody said which.
        """
        if self._chosen is None:
            raise RuntimeLoadError(
                f"{self._path.name} returns {', '.join(self.output_names)}; say which of them you want with `output`, "
                "or take all in Python, with load_model(...).all_outputs(images)"
            )
        return self._chosen

    def outputs(self, images: pictures.Picture | Sequence[pictures.Picture]) -> npt.NDArray[np.float32]:
        """The output that counts, float32 [N, ...]; [N, C, H, W] for maps, whatever the file's layout.

        Args:
            images: one or many of: a file's path, pixels uint8 [H, W, 3] (red first) or [H, W], a Pillow image;
                uint8 [N, H, W, C] counts as many.

        Raises:
            PictureError: an image cannot be read or has another size, or there are none.
        """
        return self._outputs(_listed(images))[self._place]

    def all_outputs(self, images: pictures.Picture | Sequence[pictures.Picture]) -> dict[str, npt.NDArray[Any]]:
        """All outputs by their names; see `outputs`."""
        return dict(zip(self.output_names, self._outputs(_listed(images)), strict=True))

    def logits(self, images: pictures.Picture | Sequence[pictures.Picture]) -> npt.NDArray[np.float32]:
        """The network's raw outputs, float32 [N, classes]; see `outputs`.

        Raises:
            PictureError: an image cannot be read or has another size, or there are none.
            RuntimeLoadError: the network gives maps, which are not a list of classes.
        """
        return self._list(self.outputs(images))

    def predict(self, images: pictures.Picture | Sequence[pictures.Picture], top_k: int = 5) -> list[Prediction]:
        """The ``top_k`` most probable classes of each image.

        Args:
            images: see `outputs`.
            top_k: how many.

        Raises:
            PictureError: an image cannot be read or has another size, or there are none.
            RuntimeLoadError: the network gives maps, which are not a list of classes.
        """
        listed, kind = _listed(images), self.output.kind
        if kind == OutputKind.MAP:
            raise self._is_map(self.output.shape)
        outputs = self._list(self._outputs(listed)[self._place])
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

    def _outputs(self, listed: Sequence[pictures.Picture]) -> list[npt.NDArray[Any]]:
        results = []
        # A batch at a time, so that a folder of photographs never is in memory as a whole.
        at_once = 1 if None in self._size else batches.AT_ONCE  # images of open sizes may differ in them
        for start in range(0, len(listed), at_once):
            chunk = listed[start : start + at_once]
            pixels = [pictures.read(p, self.preprocessing.colour, self._size, resize=self._resize) for p in chunk]
            results.append(self._run(pictures.preprocess(pixels, self.preprocessing, "NCHW")))
        for parts in zip(*results, strict=True):
            if len({part.shape[1:] for part in parts}) > 1:
                raise PictureError("the outputs of these images have different sizes; run one image at a time")
        return [np.concatenate(parts) for parts in zip(*results, strict=True)]

    def _run(self, x: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
        return batches.run(self._runner, x, layout=self._layout, outputs=len(self.output_names))

    def _list(self, outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if not is_list(outputs.shape[1:]):
            raise self._is_map(outputs.shape[1:])
        return outputs.reshape(len(outputs), -1)

    def _is_map(self, shape: tuple[int, ...]) -> RuntimeLoadError:
        return RuntimeLoadError(
            f"{self._path.name} gives a map of {'x'.join(map(str, shape))} for each image, which is not a list of "
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
    output: str | None = None,
) -> Model:
    """Loads an exported ``.onnx`` or ``.tflite`` file that takes one image.

    Args:
        path: the file.
        threads: of the runtime.
        labels: class names in the order of the outputs, instead of those in the file.
        preprocessing: how an image becomes the input, instead of what the file says.
        resize: scale and crop images of another size (see `pictures.read`) instead of refusing them; where the file's
            preprocessing has that rule, they are scaled anyway.
        output: name of the output that counts, of a file that has several; by default its only list of classes.

    Raises:
        RuntimeLoadError: the file cannot be loaded, does not take one image, has no such output, or lacks what was
            not given either.
        PreprocessingError: the preprocessing is not of the file's number of channels.
        LabelsError: there is not one label for each output.
    """
    from ssc_deploy import runtimes
    from ssc_deploy.runtimes import saturation

    path = Path(path)
    if not path.exists():
        raise RuntimeLoadError(f"{path} is not there; give an exported .onnx or .tflite file, or a C package")
    runtime = runtimes.runtime_for(path)
    metadata = runtime.metadata(path)
    runner = runtime.load(path, threads=threads)
    saturation.warn(path, metadata)
    layout = metadata.layout if metadata else runtime.image_layout
    input_shape, open_sizes = _input_shape(path.name, runner, layout, metadata)
    preprocessing = preprocessing or (metadata.preprocessing if metadata else None)
    if preprocessing is None:
        raise RuntimeLoadError(
            f"{path.name} does not say how an image becomes its input; give "
            "`preprocessing=Preprocessing(mean=..., std=...)`"
        )
    preprocessing.require(input_shape[0], path.name)
    resize = resize or preprocessing.scales
    place = _chosen(path.name, runner, output)
    named = _labels(path, runner, layout, labels, metadata=metadata, place=place)
    return Model(
        runner,
        path=path,
        input_shape=input_shape,
        open_sizes=open_sizes,
        metadata=metadata,
        layout=layout,
        labels=named,
        preprocessing=preprocessing,
        resize=resize,
        place=place,
    )


def run(path: str | Path, *inputs: npt.ArrayLike, threads: int = 1) -> dict[str, npt.NDArray[Any]]:
    """Runs an exported file on arrays, whatever it takes and returns.

    Args:
        path: the ``.onnx`` or ``.tflite`` file.
        inputs: an array for each input, as the network takes it, images as [N, C, H, W] whatever the file's layout.
            Numbers are turned into the input's dtype where nothing is lost.
        threads: of the runtime.

    Returns:
        the outputs by their names, of rank 4 as [N, C, H, W].

    Raises:
        RuntimeLoadError: the file cannot be loaded, or takes other inputs.
    """
    from ssc_deploy import runtimes
    from ssc_deploy.runtimes import saturation

    path = Path(path)
    if not path.exists():
        raise RuntimeLoadError(f"{path} is not there; give an exported .onnx or .tflite file, or a C package")
    runtime = runtimes.runtime_for(path)
    runner, layout = runtime.load(path, threads=threads), runtime.image_layout
    saturation.warn(path, runtime.metadata(path))
    arrays = [_array(given) for given in inputs]
    if len(arrays) == len(runner.inputs):
        held = map(batches.stored, arrays, runner.inputs)
        typed = zip(held, runner.inputs, strict=True)
        arrays = [
            a.astype(spec.dtype) if a.dtype.kind == np.dtype(spec.dtype).kind or a.dtype.kind in "iu" else a
            for a, spec in typed
        ]
    values = runner.run([batches.channels_last(array, layout) for array in arrays])
    return {
        spec.name: batches.channels_first(batches.real(value, spec), layout)
        for value, spec in zip(values, runner.outputs, strict=True)
    }


def _array(given: npt.ArrayLike) -> npt.NDArray[Any]:
    """An input as an array.

    Raises:
        RuntimeLoadError: it is several arrays, or something else than numbers.
    """
    with contextlib.suppress(ValueError):
        array = np.asarray(given)
        if array.dtype.kind in "biuf":
            return array
    raise RuntimeLoadError(
        f"an input of type {type(given).__name__} is not one array of numbers; give each input of the file as an "
        "argument of its own, as in run(path, first, second)"
    )


def _chosen(file: str, runner: Runner, output: str | None) -> int | None:
    """The place of the output that counts; None where there are several and nobody says which."""
    names = [spec.name for spec in runner.outputs]
    if output is not None:
        if output not in names:
            raise RuntimeLoadError(f"{file} has no output {output!r}; it returns {', '.join(names)}")
        return names.index(output)
    lists = [i for i, spec in enumerate(runner.outputs) if len(spec.shape) == 2]
    return 0 if len(names) == 1 else lists[0] if len(lists) == 1 else None


def _labels(
    path: Path,
    runner: Runner,
    layout: str,
    given: Sequence[str] | None,
    *,
    metadata: ModelMetadata | None,
    place: int | None,
) -> tuple[str, ...]:
    """Those that were given, or else the file's, one for each output."""
    if given is None:
        found, where = (metadata.labels if metadata else ()), path.name
    else:
        found, where = class_names.checked(given), "what is given"
    shape = None if place is None else _output_shape(runner, layout, place)
    if shape is not None:
        class_names.check(found, class_names.outputs_of(shape), where)
    return found


def _output_shape(runner: Runner, layout: str, place: int) -> tuple[int, ...] | None:
    """Of an output for one image, (C, H, W) where it is a map; None where a size is open."""
    _, *sizes = runner.outputs[place].shape or (None,)
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return None
    return (known[2], known[0], known[1]) if layout == "NHWC" and len(known) == 3 else tuple(known)


def _input_shape(
    name: str, runner: Runner, layout: str, metadata: ModelMetadata | None
) -> tuple[tuple[int, int, int], tuple[bool, bool]]:
    """(C, H, W) of the one image that the file takes, and whether it takes any height, and any width.

    Of an open size it is that which the file says it was made for.
    """
    specs, sizes, is_open = runner.inputs, [], (False, False)
    if specs and len(specs[0].shape) == 4:
        _, *found = specs[0].shape
        channels, height, width = (found[2], *found[:2]) if layout == "NHWC" else found
        is_open = height is None, width is None
        made_for = (None, None, None) if metadata is None or metadata.image is None else metadata.image
        pairs = zip((channels, height, width), made_for, strict=True)
        sizes = [size for size in (stated or known for stated, known in pairs) if size is not None]
    if len(specs) != 1 or len(sizes) != 3 or not batches.takes_real(specs[0]):
        takes = ", ".join(f"{spec.dtype} {list(spec.shape)}" for spec in specs) or "nothing"
        raise RuntimeLoadError(
            f"{name} takes {takes}, and not one float32 image of a fixed size: run it on arrays, in Python with "
            "ssc_deploy.run(file, *arrays), or on .npy files"
        )
    return (sizes[0], sizes[1], sizes[2]), is_open


def _listed(images: pictures.Picture | Sequence[pictures.Picture]) -> list[pictures.Picture]:
    if isinstance(images, np.ndarray):
        listed: list[pictures.Picture] = list(images) if images.ndim == 4 else [images]
    else:
        listed = list(images) if isinstance(images, Sequence) and not isinstance(images, str) else [images]
    if not listed:
        raise PictureError("there are no images to run; give at least one")
    return listed
