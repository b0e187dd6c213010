"""Opens the images on which the grids are fixed, and chooses some of them.

They are spread evenly over the classes, and drawn by a fixed seed. Of the images whose classes are known, others are
held out, so that the accuracy can be measured on images that no grid follows from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy import data as datasets
from ssc_deploy import pictures
from ssc_deploy.data import UNKNOWN
from ssc_deploy.errors import DataError, PreprocessingError, QuantizationError
from ssc_deploy.examples import Examples
from ssc_deploy.storage import arrays as array_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ssc_deploy.data import Dataset
    from ssc_deploy.metadata import Preprocessing
    from ssc_deploy.signature import Signature, Tensor

    Array = npt.NDArray[Any]
    Labels = npt.NDArray[np.int64]

#: Of fewer images the ranges depend on which ones they are.
FEW = 32

#: Images that are held out at most.
HELD_OUT = 5_000

#: An .npz file that says it holds more is not read.
MOST_BYTES = 8 << 30

#: Name of the classes in an .npz file.
LABELS = "labels"

_SEED = 0

_EXPECTED = (
    "give a folder or a zip file of images, with or without folders of classes, or an .npy or .npz file of inputs as "
    "the network takes them"
)


@dataclass(frozen=True)
class HeldOut:
    """Images of known classes that were not looked at.

    Attributes:
        labels: int64 [N], indices of the network's outputs.
        names: of the images, for messages.
    """

    labels: Labels
    names: Sequence[str]
    _inputs: Callable[[slice], Examples]

    def __len__(self) -> int:
        return len(self.labels)

    def inputs(self, part: slice) -> Examples:
        """Some of them, as the network takes them."""
        return self._inputs(part)

    def some(self, count: int) -> Examples:
        """So many of them at most, evenly spread, as the network takes them."""
        return self._inputs(slice(None, None, max(1, len(self) // count)))[:count]


@dataclass(frozen=True)
class CalibrationData:
    """What the grids are fixed on.

    Attributes:
        inputs: the images that are looked at, as the network takes them.
        held_out: others; None if none are left, or their classes are not those of the network.
        notes: sentences about what is not as it should be, for the user.
    """

    inputs: Examples
    held_out: HeldOut | None = None
    notes: tuple[str, ...] = ()


def open_data(
    given: str | Path | Array,
    signature: Signature,
    *,
    preprocessing: Preprocessing | None = None,
    labels: Sequence[str] = (),
    images: int = 512,
    held_out: int = HELD_OUT,
    resize: bool = False,
) -> CalibrationData:
    """Opens calibration data.

    Args:
        given: what `data.read_any` takes, its training part where it has several; or an ``.npy`` file or an array of
            inputs [N, C, H, W]; or an ``.npz`` file of an array for each input, by its name, [N, ...] each, and
            perhaps ``labels`` [N].
        signature: of the network.
        preprocessing: how an image becomes an input; arrays do not need it.
        labels: names of the network's classes in the order of its outputs; empty if they are not known.
        images: how many are looked at; fewer if there are no more.
        held_out: how many others are kept at most.
        resize: bring images of another size to the network's instead of refusing them.

    Raises:
        QuantizationError: there are none, or no ranges follow from them.
        DataError: they cannot be read, or have another size than the network takes.
        PreprocessingError: the network does not tell how an image becomes its input.
    """
    if isinstance(given, np.ndarray) or Path(given).suffix.lower() in {".npy", ".npz"}:
        arrays = {signature.inputs[0].name: given} if isinstance(given, np.ndarray) else _file(Path(given), signature)
        opened = _of_arrays(arrays, signature, images, held_out)
    else:
        opened = _of_images(Path(given), signature, preprocessing, labels, (images, held_out), resize=resize)
    _check(opened.inputs)
    if len(opened.inputs) < FEW:
        few = f"the ranges follow from {len(opened.inputs)} images alone; {FEW} or more make them reliable"
        return CalibrationData(opened.inputs, opened.held_out, (*opened.notes, few))
    return opened


def labelled(
    where: str | Path,
    signature: Signature,
    *,
    preprocessing: Preprocessing | None,
    labels: Sequence[str],
    most: int = HELD_OUT,
) -> HeldOut:
    """Images of known classes: the test part of a data set, where it has one.

    Args:
        where: what `data.read` takes; or an ``.npz`` file of an array for each input, and ``labels`` [N].
        signature: of the network.
        preprocessing: how an image becomes an input.
        labels: names of the network's classes in the order of its outputs; empty if they are not known.
        most: how many are taken at most.

    Raises:
        QuantizationError: the network does not take one image, or does not tell how an image becomes its input.
        DataError: the images cannot be read, have another size, or are of other classes.
    """
    if Path(where).suffix.lower() in {".npy", ".npz"}:
        found = _of_arrays(_file(Path(where), signature), signature, 0, most).held_out
        if found is None:
            raise QuantizationError(
                f"{where} names no classes; write an array {LABELS!r} of one number for each example, by numpy.savez"
            )
        return found
    image = signature.image
    if image is None or preprocessing is None:
        raise QuantizationError(
            "accuracy can be measured only of a network that takes one image, and says how an image becomes its input; "
            "give `preprocessing=Preprocessing(mean=..., std=...)`"
        )
    data = datasets.read(
        Path(where),
        datasets.Split.TEST,
        size=image[1:],
        resize=preprocessing.scales,
        choose=lambda classes: spread(classes, most),
    )
    ordered = data.ordered(labels) if labels else data
    return HeldOut(ordered.labels, ordered.names, lambda part: _inputs(ordered.part(part), preprocessing))


def spread(labels: Labels, count: int, *, seed: int = _SEED) -> Labels:
    """Indices of ``count`` images, in ascending order, as many of each class as there are and the count allows.

    Args:
        labels: the class of each image.
        count: how many; fewer if there are no more.
        seed: the same seed gives the same images.
    """
    # The n-th image of each class, in a random order, comes before the n+1-th of any class.
    order = np.random.default_rng(seed).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    starts = np.searchsorted(labels[by_class], labels[by_class])
    turns = np.arange(len(labels)) - starts
    return np.sort(by_class[np.lexsort((labels[by_class], turns))][:count]).astype(np.int64)


def _choice(labels: Labels, images: int, held_out: int) -> tuple[Labels, Labels]:
    """Which images are looked at, and which others are kept, if their classes are known."""
    chosen = spread(labels, images)
    if UNKNOWN in labels:
        return chosen, chosen[:0]
    others = np.setdiff1d(np.arange(len(labels)), chosen)
    return chosen, others[spread(labels[others], held_out)] if len(others) else others


def _of_images(
    path: Path,
    signature: Signature,
    preprocessing: Preprocessing | None,
    labels: Sequence[str],
    counts: tuple[int, int],
    *,
    resize: bool,
) -> CalibrationData:
    image = signature.image
    if image is None:
        names = " and ".join(f"{tensor.name} {_shape(tensor, signature)}" for tensor in signature.inputs)
        raise QuantizationError(
            f"the network does not take one image, so that images cannot calibrate it; give an .npz file of {names}"
        )
    if preprocessing is None:
        raise PreprocessingError(
            "the network does not say how an image becomes its input; give "
            "`preprocessing=Preprocessing(mean=..., std=...)`, or an .npy file of inputs"
        )
    preprocessing.require(image[0], "the network")
    resize = resize or preprocessing.scales
    if not path.exists():
        raise QuantizationError(f"{path}: there is no such file or folder; {_EXPECTED}")
    count = 0

    def choose(classes: Labels) -> Labels:
        nonlocal count
        chosen, others = _choice(classes, *counts)
        count = len(chosen)
        return np.concatenate([chosen, others])

    data = datasets.read_any(path, datasets.Split.TRAIN, size=(image[1], image[2]), resize=resize, choose=choose)
    looked_at, others = data.part(slice(count)), data.part(slice(count, None))
    notes: tuple[str, ...] = ()
    if len(others) and labels:
        try:
            others = others.ordered(labels)
        except DataError as error:
            others, notes = others.part(slice(0)), (f"no accuracy can be measured: {error}",)
    return CalibrationData(
        _inputs(looked_at, preprocessing),
        HeldOut(others.labels, others.names, lambda part: _inputs(others.part(part), preprocessing))
        if len(others)
        else None,
        notes,
    )


def _inputs(data: Dataset, preprocessing: Preprocessing) -> Examples:
    read = [pictures.read(picture, preprocessing.colour, data.size) for picture in data.pixels]
    return Examples.of(pictures.preprocess(read, preprocessing, "NCHW"))


def _file(path: Path, signature: Signature) -> Mapping[str, Array]:
    try:
        if path.suffix.lower() == ".npy":
            return {signature.inputs[0].name: array_files.read_one(path)}
        return array_files.read(path, MOST_BYTES)
    except FileNotFoundError as error:
        raise QuantizationError(f"{path}: there is no such file; {_EXPECTED}") from error
    except (OSError, ValueError) as error:
        raise QuantizationError(
            f"{path} cannot be read as arrays ({error}); write it with numpy.save or savez"
        ) from error


def _of_arrays(given: Mapping[str, Array], signature: Signature, images: int, held_out: int) -> CalibrationData:
    wanted = signature.inputs
    missing = [tensor.name for tensor in wanted if tensor.name not in given]
    # The only array for the only input may have any name.
    others = [name for name in given if name != LABELS]
    if missing and len(wanted) == 1 and len(others) == 1:
        given, missing = {**given, wanted[0].name: given[others[0]]}, []
    if missing:
        raise QuantizationError(
            f"the calibration data have no array {missing[0]!r}; the network takes "
            f"{', '.join(tensor.name for tensor in wanted)}, and an array for each is needed"
        )
    arrays = [_fitting(given[tensor.name], tensor, signature) for tensor in wanted]
    counts = {tensor.name: len(array) for tensor, array in zip(wanted, arrays, strict=True)}
    if len(set(counts.values())) > 1:
        raise QuantizationError(
            f"the calibration data have {', '.join(f'{count} of {name}' for name, count in counts.items())}; "
            "each input needs as many examples"
        )
    count = len(arrays[0])
    labels = _labels(given.get(LABELS), count)
    chosen, rest = _choice(labels, images, held_out)

    def examples(rows: Labels) -> Examples:
        each = zip(wanted, arrays, strict=True)
        return Examples(tuple(array[rows].astype(tensor.dtype) for tensor, array in each), signature.rows)

    kept = HeldOut(labels[rest], [f"[{i}]" for i in rest], lambda part: examples(rest[part])) if len(rest) else None
    return CalibrationData(examples(chosen), kept)


def _sizes(tensor: Tensor, signature: Signature) -> tuple[int, ...]:
    """The shape of one example."""
    return tensor.shape[1:] if signature.rows else tensor.shape


def _shape(tensor: Tensor, signature: Signature) -> str:
    return f"[N, {', '.join(map(str, _sizes(tensor, signature)))}]"


def _fitting(array: Array, tensor: Tensor, signature: Signature) -> Array:
    """The array, checked to be examples of an input."""
    given = f"the calibration data are {array.dtype}{list(array.shape)}, and the input {tensor.name}"
    if array.ndim == 0 or array.shape[1:] != _sizes(tensor, signature):
        raise QuantizationError(f"{given} needs {_shape(tensor, signature)}: N examples as the network takes them")
    if not len(array):
        raise QuantizationError(f"the calibration data are empty; {_EXPECTED}")
    kinds = "f" if np.dtype(tensor.dtype).kind == "f" else "iub"
    if array.dtype.kind not in kinds:
        raise QuantizationError(
            f"{given} takes {tensor.dtype}; give them as the network takes them, images after their preprocessing"
        )
    return array


def _labels(given: Array | None, count: int) -> Labels:
    if given is None:
        return np.full(count, UNKNOWN, np.int64)
    if given.shape != (count,) or given.dtype.kind not in "iu" or given.min(initial=0) < 0:
        raise QuantizationError(
            f"the array {LABELS} of the calibration data is {given.dtype}{list(given.shape)}; it has to hold a class, "
            f"counted from 0, for each of the {count} examples"
        )
    return given.astype(np.int64)


def _check(inputs: Examples) -> None:
    """Checks that ranges follow from the images."""
    for array in inputs.arrays:
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            bad = int((~np.isfinite(array.reshape(len(array), -1)).all(1)).sum())
            raise QuantizationError(f"{bad} of {len(array)} calibration inputs hold NaN or Inf; leave them out")
    floats = [array for array in inputs.arrays if array.dtype.kind == "f"]
    if not floats:
        return
    if all(_is_plain(array) for array in floats):
        raise QuantizationError(
            "each calibration image is of one colour alone, from which no ranges follow; give images of the kind that "
            "the network will see"
        )
    if len(inputs) > 1 and all((array == array[:1]).all() for array in inputs.arrays):
        raise QuantizationError(
            f"the {len(inputs)} calibration images are all the same; give different ones of the kind that the network "
            "will see"
        )


def _is_plain(array: Array) -> bool:
    """Whether all numbers of an example are the same; of an image, those of each channel."""
    planes = array.reshape(*array.shape[:-2], -1) if array.ndim > 3 else array.reshape(len(array), -1)
    return bool((planes == planes[..., :1]).all())
