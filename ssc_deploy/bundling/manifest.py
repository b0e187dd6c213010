"""model.json, the description of a bundle.

``ssc_deploy/schemas/model.schema.json`` is made from these classes. What a schema cannot say is checked here, too: that
there is a label for each output, that shapes agree with the preprocessing, and that every file that is named has its
hash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from ssc_deploy import golden
from ssc_deploy.bundling import limits
from ssc_deploy.metadata import CHANNELS, COVER, LEAST_STD, MOST, NO_RESIZE, Preprocessing
from ssc_deploy.output_kind import OutputKind
from ssc_deploy.storage import records
from ssc_deploy.storage.records import NOT_EMPTY, AtLeast, AtMost, Matching, OneOf, Sha256, Size
from ssc_deploy.verification.ranges import Amount, SliceBounds  # noqa: TC001 - decoding looks at the types of fields
from ssc_deploy.verification.tolerance import Tolerance  # noqa: TC001 - likewise

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_VERSION = 1

FILE_NAME = "model.json"

#: The suffix of the files of each format.
SUFFIXES = {"onnx": ".onnx", "tflite": ".tflite"}

#: Golden images of a bundle.
_MOST_PICTURES = 1000

#: Files besides model.json: a model, three arrays, and the golden images.
_FEWEST_FILES = 4 + golden.PICTURES

#: What the outputs of a bundle may mean; maps are not a list of classes.
_KINDS = tuple(kind.value for kind in OutputKind if kind is not OutputKind.MAP)

#: A line for people.
Text = Annotated[str, Matching(r"[^\u0000-\u001f\u007f]*", "text of one line"), Size(0, 1000)]

#: A text that is not empty.
Name = Annotated[Text, NOT_EMPTY]

#: Texts by name, such as versions.
Texts = Annotated[dict[str, Text], Size(0, 100)]

#: Of a file below the bundle: components of these characters, neither . nor .. among them.
FilePath = Annotated[
    str,
    Matching(
        r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)*", "path of a file in the bundle"
    ),
    Size(0, 200),
]

Index = Annotated[int, AtLeast(0), AtMost(99_999)]

#: Of an axis of a tensor.
Extent = Annotated[int, AtLeast(1), AtMost(100_000)]


@dataclass(frozen=True)
class _OneImage:
    """Of an annotated shape: it begins with 1."""

    def objection(self, value: tuple[int, ...]) -> str | None:
        """See `records.Limit`."""
        return None if value[:1] == (1,) else f"is {list(value)}, and must begin with 1"

    def keywords(self, _kind: str) -> dict[str, Any]:
        """See `records.Limit`."""
        return {"prefixItems": [{"const": 1}]}


@dataclass(frozen=True)
class _Rank:
    """Of an annotated tensor: how many axes it has."""

    rank: int

    def objection(self, value: Tensor) -> str | None:
        """See `records.Limit`."""
        return None if len(value.shape) == self.rank else f"has {len(value.shape)} axes, not {self.rank}"

    def keywords(self, _kind: str) -> dict[str, Any]:
        """See `records.Limit`."""
        return {"properties": {"shape": {"minItems": self.rank, "maxItems": self.rank}}}


@dataclass(frozen=True)
class Steps:
    """How real numbers are held as integers: ``real = scale * (integer - zero_point)``.

    A device makes the integer nearest to ``real / scale + zero_point`` of each number of the input, the even one at a
    tie, cut off at the ends of the type; all in float64.

    Attributes:
        scale: above 0.
        zero_point: the integer that stands for zero.
    """

    scale: Annotated[float, AtLeast(LEAST_STD), AtMost(MOST)]
    zero_point: Annotated[int, AtLeast(-128), AtMost(255)]


#: Least and greatest integers of the types that stand for real numbers.
_ENDS = {"int8": (-128, 127), "uint8": (0, 255)}


@dataclass(frozen=True)
class Tensor:
    """What a model takes or returns, one image at a time.

    Attributes:
        name: of the tensor in the file.
        shape: in the file's own layout; the first size is 1.
        dtype: ``"float32"``, or ``"int8"`` or ``"uint8"`` with ``steps``.
        steps: what the integers stand for; None for float32.
    """

    name: Name
    shape: Annotated[tuple[Extent, ...], NOT_EMPTY, _OneImage()]
    dtype: Annotated[str, OneOf(("float32", *_ENDS))] = "float32"
    steps: Steps | None = field(default=None, metadata=records.SPARSE)

    COMPLETE: ClassVar[bool] = True

    def contradiction(self) -> str | None:
        """What cannot be true of its type and its steps at once, as the rest of a sentence."""
        if self.steps is None:
            return None if self.dtype == "float32" else f"of {self.dtype}, and has no steps"
        if self.dtype == "float32":
            return "of float32, and has steps of integers"
        low, high = _ENDS[self.dtype]
        zero = self.steps.zero_point
        return None if low <= zero <= high else f"of {self.dtype}, and its zero point is {zero}"


@dataclass(frozen=True)
class ModelEntry:
    """A file of the network.

    Attributes:
        file: its path.
        format: ``"onnx"`` or ``"tflite"``.
        layout: of the image it takes, ``"NCHW"`` or ``"NHWC"``.
        input: what it takes.
        output: what it returns, [1, classes].
        lowering: what carries out each kind of movement.
        runtimes: versions of the packages that it was proved on.
    """

    file: FilePath
    format: Annotated[str, OneOf(tuple(SUFFIXES))]
    layout: Annotated[str, OneOf(("NCHW", "NHWC"))]
    input: Annotated[Tensor, _Rank(4)]
    output: Annotated[Tensor, _Rank(2)]
    lowering: Texts
    runtimes: Texts


@dataclass(frozen=True)
class PictureRule:
    """How an image becomes the input: brought to the size by ``resize``, then ``(pixel / 255 - mean) / std``.

    Attributes:
        width: of the input, in pixels.
        height: likewise.
        resize: what is done with an image of another size: ``"none"`` (it is refused), or
            ``"shorter-side-bilinear-center-crop"``.
        colour: order of the channels: ``"RGB"``, ``"BGR"`` or ``"L"``.
        mean: one number for each channel, in units of 0..1.
        std: likewise, above 0.

    Raises:
        PreprocessingError: see `ssc_deploy.metadata.Preprocessing`.
    """

    width: Extent
    height: Extent
    resize: Annotated[str, OneOf((NO_RESIZE, COVER))]
    colour: Annotated[str, OneOf(tuple(CHANNELS))]
    mean: tuple[Annotated[float, AtLeast(-MOST), AtMost(MOST)], ...]
    std: tuple[Annotated[float, AtLeast(LEAST_STD), AtMost(MOST)], ...]

    #: One number a channel.
    KEYWORDS: ClassVar[dict[str, Any]] = {
        "allOf": [
            {
                "if": {"properties": {"colour": {"const": colour}}},
                "then": {
                    "properties": {name: {"minItems": channels, "maxItems": channels} for name in ("mean", "std")}
                },
            }
            for colour, channels in CHANNELS.items()
        ]
    }

    def __post_init__(self) -> None:
        _ = self.preprocessing

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done with the pixels, once the image has the size."""
        return Preprocessing(self.mean, self.std, self.colour)


@dataclass(frozen=True)
class GoldenPicture:
    """A golden image.

    Attributes:
        file: its path, a PNG file.
        label: index of its true class; None if it is not known.
    """

    file: FilePath
    label: Index | None


@dataclass(frozen=True)
class GoldenFiles:
    """Where the golden set is, and how far a device may be from it.

    Attributes:
        count: of images, at least 16.
        pixels: array file: uint8 [count, H, W, C].
        inputs: array file: float32 [count, C, H, W], what the pixels become.
        outputs: array file: float64 [count, classes], what the network computes for them.
        pictures: the same images as files, in the same order.
        tolerance: of all golden outputs of a model together.
    """

    count: Annotated[int, AtLeast(golden.PICTURES), AtMost(_MOST_PICTURES)]
    pixels: FilePath
    inputs: FilePath
    outputs: FilePath
    pictures: Annotated[tuple[GoldenPicture, ...], Size(golden.PICTURES, _MOST_PICTURES)]
    tolerance: Tolerance


@dataclass(frozen=True)
class BlockEntry:
    """A block of the network: the output of the debug model that holds its value, and how far that may be off.

    Attributes:
        name: path of the PyTorch module.
        output: name of the debug model's output that holds its value.
        max: as in `ssc_deploy.verification.tolerance.Tolerance`.
        rms: likewise.
        axes: likewise.
    """

    name: Name
    output: Name
    max: Amount
    rms: Amount
    axes: SliceBounds = field(default=(), metadata=records.SPARSE)


@dataclass(frozen=True)
class Debug:
    """A model whose outputs are those of the blocks, and their values in float64 for one image.

    Attributes:
        model: path of the ``.onnx`` file.
        picture: index of the golden image.
        values: array file: ``block.0``, ``block.1`` ..., float64, of the shapes that the outputs have.
        blocks: in the order of execution.
    """

    model: FilePath
    picture: Index
    values: FilePath
    blocks: Annotated[tuple[BlockEntry, ...], Size(1, 10_000)]


@dataclass(frozen=True)
class FileEntry:
    """What a file must be.

    Attributes:
        sha256: of its content, hexadecimal.
        bytes: its size.
    """

    sha256: Sha256
    bytes: Annotated[int, AtLeast(1), AtMost(2**31 - 1)]


@dataclass(frozen=True)
class Manifest:
    """model.json.

    Attributes:
        name: of the network, for people.
        source_sha256: of the checkpoint; empty for random weights.
        made_by: versions of the packages that made the bundle.
        models: the network's files.
        preprocessing: how an image becomes their input.
        labels: of the classes, in the order of the outputs.
        golden: images with what the network computes for them in float64.
        debug: None if the bundle was made without.
        output_kind: what the outputs mean, a value of `output_kind.OutputKind`.
        files: every file besides model.json, by its path.
        schema_version: `SCHEMA_VERSION`.
    """

    name: Name
    source_sha256: Annotated[str, Matching("(?:[0-9a-f]{64})?", "SHA-256")]
    made_by: Annotated[Texts, NOT_EMPTY]
    models: Annotated[tuple[ModelEntry, ...], Size(1, 8)]
    preprocessing: PictureRule
    labels: Annotated[tuple[Text, ...], Size(1, 100_000)]
    golden: GoldenFiles
    debug: Debug | None
    output_kind: Annotated[str, OneOf(_KINDS)] = field(default=OutputKind.SCORES.value, metadata=records.SPARSE)
    files: Annotated[dict[FilePath, FileEntry], Size(_FEWEST_FILES, limits.MOST_FILES)] = field(default_factory=dict)
    schema_version: Annotated[int, OneOf((SCHEMA_VERSION,))] = SCHEMA_VERSION

    COMPLETE: ClassVar[bool] = True

    def to_dict(self) -> dict[str, Any]:
        """As model.json has it."""
        encoded: dict[str, Any] = records.encode(self)
        return encoded

    @classmethod
    def from_dict(cls, value: Any) -> Manifest:
        """Reads `to_dict`'s output, or what another program made in its place.

        Raises:
            ValueError: it is not such an object, of another schema version, or contradicts itself.
            RecursionError: it nests without end.
        """
        unknown: list[str] = []
        manifest = records.decode_version(cls, value, SCHEMA_VERSION, unknown)
        if unknown:
            raise ValueError(f"it holds {unknown[0]}, which this program does not know")
        for contradiction in manifest.contradictions():
            raise ValueError(contradiction)
        return manifest

    def contradictions(self) -> Iterator[str]:
        """What cannot be true at once, each in words."""
        yield from self._of_models()
        yield from self._of_golden()
        yield from self._of_files()

    def _of_models(self) -> Iterator[str]:
        rule = self.preprocessing
        channels = rule.preprocessing.channels
        for model in self.models:
            if not model.file.endswith(SUFFIXES[model.format]):
                yield f"{model.file} is said to be of the format {model.format}"
            for tensor in (model.input, model.output):
                if (objection := tensor.contradiction()) is not None:
                    yield f"{tensor.name} of {model.file} is {objection}"
            if model.output.shape[1] != len(self.labels):
                yield f"there are {len(self.labels)} labels, and {model.file} has {model.output.shape[1]} outputs"
            sizes = (
                (channels, rule.height, rule.width) if model.layout == "NCHW" else (rule.height, rule.width, channels)
            )
            if model.input.shape[1:] != sizes:
                yield f"{model.file} takes {list(model.input.shape)}, and its preprocessing makes {[1, *sizes]}"

    def _of_golden(self) -> Iterator[str]:
        golden = self.golden
        if golden.count != len(golden.pictures):
            yield f"golden.count is {golden.count}, and {len(golden.pictures)} images are named"
        for picture in golden.pictures:
            if picture.label is not None and picture.label >= len(self.labels):
                yield f"{picture.file} is of class {picture.label}, and there are {len(self.labels)}"
        for bound in golden.tolerance.axes:
            if bound.axis != 1 or len(bound.max) != len(self.labels):
                yield (
                    f"golden.tolerance has {len(bound.max)} bounds along axis {bound.axis}, and the outputs are "
                    f"[1, {len(self.labels)}]"
                )
        if self.debug is not None and self.debug.picture >= golden.count:
            yield f"debug.picture is {self.debug.picture}, and there are {golden.count}"
        if self.debug is not None and len({block.output for block in self.debug.blocks}) < len(self.debug.blocks):
            yield "two blocks of debug.blocks are one output"

    def _of_files(self) -> Iterator[str]:
        named = [*(model.file for model in self.models), self.golden.pixels, self.golden.inputs, self.golden.outputs]
        named += [picture.file for picture in self.golden.pictures]
        if self.debug is not None:
            named += [self.debug.model, self.debug.values]
        for path in named:
            if named.count(path) > 1:
                yield f"{path} is named twice"
            if path not in self.files:
                yield f"{path} has no hash in files"
        folded = [path.casefold() for path in self.files]
        if len(set(folded)) < len(folded) or FILE_NAME in folded:
            yield "files names a file twice, at least where capitals do not count, or model.json itself"
        for path in folded:
            folders = path.split("/")[:-1]
            if any("/".join(folders[: i + 1]) in folded for i in range(len(folders))):
                yield f"{path} is below a path that is a file itself"
