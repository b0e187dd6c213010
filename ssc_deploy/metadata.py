"""What an exported file says about itself: one JSON object, the same in ONNX and TFLite. Imports no runtime."""

from __future__ import annotations

import json
import math
import numbers
import warnings
from dataclasses import dataclass, field
from typing import Annotated, Any

from ssc_deploy.errors import PreprocessingError, shown
from ssc_deploy.output_kind import Output  # noqa: TC001 - decoding looks at the types of fields
from ssc_deploy.storage import records
from ssc_deploy.storage.records import SPARSE, Above, AtLeast, AtMost, Matching

#: Version of the JSON that the commands print.
SCHEMA_VERSION = 1

#: Version of the JSON in exported files. It rises where an older program would misread a newer file; a key that an
#: older program may do without needs no new version.
FILE_VERSION = 1

#: Key of the JSON in ONNX ``metadata_props``, and name of the TFLite metadata buffer that holds it.
KEY = "ssc_deploy"

#: What is done with an image of another size than the network's: it is refused; or scaled until its shorter side fits,
#: then cropped around the centre, as `ssc_deploy.pictures.read` does.
NO_RESIZE, COVER = "none", "shorter-side-bilinear-center-crop"

#: Channels of each order of colours.
CHANNELS = {"RGB": 3, "BGR": 3, "L": 1}

#: Means are at most so large, and standard deviations between the two; the demo app's ``Preprocessing`` says the same.
#: Beyond, float32 has no such number.
MOST, LEAST_STD = 1e30, 1e-30

#: Of float32.
_LARGEST_FLOAT = 3.4e38


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input: ``(pixel / 255 - mean) / std``, one mean and std for each channel.

    Attributes:
        mean: in units of 0..1, in the order of ``colour``.
        std: likewise, above 0.
        colour: order of the channels, ``"RGB"``, ``"BGR"`` or ``"L"``.
        resize: what is done with an image of another size: ``"none"`` (it is refused), or
            ``"shorter-side-bilinear-center-crop"``; None where nobody says it, so that it is scaled only if asked for.

    Raises:
        PreprocessingError: no image can become an input so: an unknown colour or rule, another number of values than
            channels, or a value that is not finite, not above 0, or so extreme that the input would overflow.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    colour: str = "RGB"
    resize: str | None = field(default=None, metadata=SPARSE)

    def __post_init__(self) -> None:
        if self.resize not in {None, NO_RESIZE, COVER}:
            raise PreprocessingError(f"resize must be {NO_RESIZE} or {COVER}, not {str(self.resize)!r:.60}")
        if self.colour not in CHANNELS:
            raise PreprocessingError(f"colour must be RGB, BGR or L, not {str(self.colour)!r:.60}")
        for name in ("mean", "std"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name), CHANNELS[self.colour], self.colour))
        for mean, std in zip(self.mean, self.std, strict=True):
            if abs(mean) > MOST:
                raise PreprocessingError(f"mean must be finite and at most {MOST:g}, not {mean}")
            if not LEAST_STD <= std <= MOST:
                raise PreprocessingError(f"std must be above 0, from {LEAST_STD:g} to {MOST:g}, not {std}")
            if (abs(mean) + 1) / std > _LARGEST_FLOAT:
                raise PreprocessingError(
                    f"std must not be so small: with a mean of {mean} and a std of {std} inputs leave float32"
                )

    @property
    def scales(self) -> bool:
        """Whether images of another size are scaled without being asked for."""
        return self.resize == COVER

    @property
    def channels(self) -> int:
        """Of the input."""
        return CHANNELS[self.colour]

    def require(self, channels: int, where: str) -> None:
        """Checks that an input has these channels.

        Args:
            channels: of the input.
            where: what takes it, for the message.

        Raises:
            PreprocessingError: it has another number of them.
        """
        if self.channels != channels:
            raise PreprocessingError(
                f"{where} takes {channels} channels, but its preprocessing is of {self.colour}, with {self.channels} "
                f"of them; give `preprocessing=Preprocessing(mean=..., std=...)` of {channels} numbers"
            )


def _numbers(name: str, values: Any, channels: int, colour: str) -> tuple[float, ...]:
    try:
        listed = tuple(values)
    except TypeError as error:
        raise PreprocessingError(f"{name} must be a list, with one number for each channel of {colour}") from error
    if not all(isinstance(value, numbers.Real) and not isinstance(value, bool) for value in listed):
        raise PreprocessingError(f"{name} must hold numbers alone, not {listed!r:.60}")
    if len(listed) != channels:
        raise PreprocessingError(f"{name} must have one number for each channel of {colour}, not {len(listed)} of them")
    for value in listed:
        if not math.isfinite(value):
            raise PreprocessingError(f"{name} must be finite, not {value}")
    return tuple(float(value) for value in listed)


@dataclass(frozen=True)
class _WithBatch:
    """Of an annotated shape: its first size is 0 where it is open."""

    def objection(self, value: Any) -> str | None:
        """See `records.Limit`."""
        fits = value and value[0] >= 0 and min(value[1:], default=1) >= 1
        return None if fits else f"is {list(value)}, and must be at least [0, 1, 1, 1]"

    def keywords(self, _kind: str) -> dict[str, Any]:
        """See `records.Limit`."""
        return {"minItems": 1, "prefixItems": [{"minimum": 0}], "items": {"minimum": 1}}


Shape = Annotated[tuple[int, ...], _WithBatch()]


@dataclass(frozen=True)
class InputTensor:
    """One input of a network that does not take one image.

    Attributes:
        name: in the file.
        shape: as the network has it, whatever the file's layout; its first size is 0 where the batch is dynamic.
        dtype: numpy's name of it.
    """

    name: str
    shape: Shape
    dtype: str


@dataclass(frozen=True)
class NamedOutput:
    """One of several outputs.

    Attributes:
        name: in the file.
        meaning: what its numbers are; None if nobody could tell.
    """

    name: str
    meaning: Output | None


@dataclass(frozen=True)
class Weights:
    """Which of a checkpoint's weights a file holds; ``str`` says it in words.

    Attributes:
        role: ``"raw"``, ``"averaged"``, or ``"unknown"`` where the checkpoint does not tell.
        entry: where they lay in the checkpoint, e.g. ``"ema.module"``, as ``--weights`` takes it; empty if the
            checkpoint holds nothing else.
    """

    role: Annotated[str, Matching("raw|averaged|unknown", "kind of weights")]
    entry: str = ""

    def __str__(self) -> str:
        role = "" if self.role == "unknown" else f"{self.role} "
        return f"{role}weights of {shown(self.entry) or 'the whole checkpoint'}"


@dataclass(frozen=True)
class IntegerGrid:
    """How a value is held as integers: ``real = scale * (integer - zero_point)``.

    Attributes:
        name: of the value.
        scale: above 0, a number of float32.
        zero_point: the integer that stands for zero, from -128 to 127. An ``.onnx`` file holds all integers, this one
            among them, 128 above.
    """

    name: str
    scale: Annotated[float, Above(0)]
    zero_point: Annotated[int, AtLeast(-128), AtMost(127)]


@dataclass(frozen=True)
class ChannelNumbers:
    """A whole number for each channel that a kernel writes; see `quantize.digits`.

    Attributes:
        name: of a value.
        digits: one for each channel.
        shift: of all.
    """

    name: str
    digits: Annotated[str, Matching("[A-Za-z0-9+/]*", "row of digits")]
    shift: Annotated[int, AtLeast(0), AtMost(24)] = 0


@dataclass(frozen=True)
class FileQuantization:
    """How a file is quantised.

    Attributes:
        mode: a name of `quantize.plan.Mode`.
        io: type of inputs and outputs, ``"float"`` or ``"int8"``.
        weight_bits: of the kernels' integers.
        exclude: blocks that stay in float32.
        grids: of each value that is held as integers.
        factors: exponents of two by which channels were divided before they were quantised; see `Plan.factors`.
        corrections: what was added to biases, in the steps of their integers; see `Plan.corrections`.
    """

    mode: Annotated[str, Matching("int8|int8-weights|float16", "way of quantising")]
    io: Annotated[str, Matching("float|int8", "type of inputs and outputs")] = "float"
    weight_bits: Annotated[int, AtLeast(7), AtMost(8)] = 8
    exclude: tuple[str, ...] = ()
    grids: tuple[IntegerGrid, ...] = ()
    factors: tuple[ChannelNumbers, ...] = field(default=(), metadata=SPARSE)
    corrections: tuple[ChannelNumbers, ...] = field(default=(), metadata=SPARSE)


@dataclass(frozen=True)
class ModelMetadata:
    """What a file needs to tell whoever runs it.

    Attributes:
        network: display name, e.g. ``"SSC-Net-1-9"``.
        source: file name of the checkpoint.
        source_sha256: its SHA-256, hexadecimal; empty for random weights.
        layout: of the image input, ``"NCHW"`` or ``"NHWC"``.
        input_shape: of the first input, [N, C, H, W] of images, whatever the layout; N is 0 where the batch is dynamic.
        preprocessing: None if the source names none.
        labels: class names in the order of the outputs; empty if the source names none.
        lowering: what carried out each role, e.g. ``{"shift": "depthwise", "shuffle": "transpose"}``.
        versions: of the packages that made the file.
        output: what the outputs mean; None in files of older versions.
        weights: which of the checkpoint's weights; None for random weights, ``.onnx`` sources and older files.
        inputs: of a network that takes something else than one image.
        outputs: in the order of the file; only where there are several.
        quantization: of a file that does not compute in float32 with float32 weights.
        dynamic: which sizes of images are open, ``"height"`` and ``"width"``; ``input_shape`` has others.
        movements: ``"shift"`` or ``"shuffle"`` by the name of what carries it out: that of its tensors up to any slash.
    """

    network: str
    source: str
    source_sha256: Annotated[str, Matching("(?:[0-9a-f]{64})?", "SHA-256")]
    layout: Annotated[str, Matching("NCHW|NHWC", "layout, NCHW or NHWC")]
    input_shape: Shape
    preprocessing: Preprocessing | None = None
    labels: tuple[str, ...] = ()
    lowering: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    output: Output | None = None
    weights: Weights | None = None
    movements: dict[str, Annotated[str, Matching("shift|shuffle", "movement")]] = field(default_factory=dict)
    inputs: tuple[InputTensor, ...] = field(default=(), metadata=SPARSE)
    outputs: tuple[NamedOutput, ...] = field(default=(), metadata=SPARSE)
    quantization: FileQuantization | None = field(default=None, metadata=SPARSE)
    dynamic: tuple[Annotated[str, Matching("height|width", "size of images")], ...] = field(default=(), metadata=SPARSE)

    @property
    def image(self) -> tuple[int, int, int] | None:
        """(C, H, W) where the file takes one image at a time, or a batch of them; else None."""
        if self.inputs or len(self.input_shape) != 4:
            return None
        return self.input_shape[1], self.input_shape[2], self.input_shape[3]

    @property
    def takes(self) -> str:
        """What the file can be given: ``fixed to 1x3x32x32``, ``takes Nx3xHxW`` with a letter for each open size."""
        shapes = [tensor.shape for tensor in self.inputs] or [self.input_shape]
        letters = {2: "H" if "height" in self.dynamic else "", 3: "W" if "width" in self.dynamic else ""}
        written = ["x".join(letters.get(i, "") or str(size or "N") for i, size in enumerate(shape)) for shape in shapes]
        is_open = self.dynamic or any(0 in shape for shape in shapes)
        return f"{'takes' if is_open else 'fixed to'} {' and '.join(written)}"

    def to_json(self) -> str:
        """The JSON object that goes into the file."""
        return json.dumps({"schema_version": FILE_VERSION, **records.encode(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelMetadata:
        """Reads `to_json`'s output, also that of a newer program of the same version.

        Warns:
            UserWarning: it has keys that this program does not know, and that are ignored.

        Raises:
            ValueError: not such an object, or of another version; the message says which key is wrong.
        """
        unknown: list[str] = []
        try:
            read = records.decode_version(cls, json.loads(text), FILE_VERSION, unknown)
        except RecursionError as error:
            raise ValueError("it nests without end") from error
        if unknown:
            names = ", ".join(unknown[:5]) + (" ..." if len(unknown) > 5 else "")
            warnings.warn(
                f"the file's metadata holds what this version of ssc-deploy does not know ({names}), and ignores",
                stacklevel=2,
            )
        return read


def is_ours(text: str) -> bool:
    """Whether a text may be what `ModelMetadata.to_json` wrote, of any version: an object that names one."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(raw, dict) and "schema_version" in raw
