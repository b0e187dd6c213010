"""What a quantised export wants, and the plan from which every format is written: the grid of each value."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.errors import QuantizationError
from ssc_deploy.quantize import ranges

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from ssc_deploy.quantize.grid import Grid


class Mode(enum.StrEnum):
    """What is held in fewer bits; the value is what a user types."""

    INT8 = "int8"  #: values and weights are 8-bit integers, on grids that are fixed by calibration
    INT8_WEIGHTS = "int8-weights"  #: weights are held as 8-bit integers, and all is computed in float32
    FLOAT16 = "float16"  #: weights are held as float16, and all is computed in float32


#: Ways of quantising that users ask for by these names and that are refused, with the reason. Measured with LiteRT 2.3
#: and ONNX Runtime 1.32 on a processor with AVX2: SSC-Net-1-9 by ai-edge-quantizer takes 44 ms against 2.2 ms of
#: float32; ConvInteger takes 3.3 times the time of a float32 Conv of 243 channels (dense 1x1), 8.1 times in groups of
#: nine, and 4.9 times depthwise (medians of 15 rounds).
REFUSED = {
    "int16x8": (
        "16-bit values with 8-bit weights are not written, since no runtime has fast kernels for them: LiteRT leaves "
        "XNNPACK and takes about 20 times the time of float32, and ONNX Runtime computes in float32 between the "
        "integers; `int8-weights` makes a file as small, and computes in float32"
    ),
    "int8-dynamic": (
        "ranges that are found anew for each image are not written, since ONNX Runtime's convolutions take 3 "
        "times the time of float32 or more; `quantize='int8-weights'` needs no images either, and "
        "`quantize='int8'` fixes the ranges once"
    ),
}


class Improvement(enum.StrEnum):
    """What makes the integers of a plan better than plain rounding; the value is what a user types."""

    EQUALIZATION = "cross-layer-equalization"  #: see `equalisation`
    BIAS_CORRECTION = "bias-correction"  #: see `correction`


#: What ``improve`` is where the user does not say it.
AUTO = "auto"

#: What ``auto`` is. Corrected biases take 0.8 to 1.0 dB off the noise of the trained networks on the test images, and
#: change top-1 by less than chance; they are off until the networks of the zoo have been exported with them.
#: Equalisation costs these two networks 0.6 to 1.8 dB, and recovers networks whose channels have very different scales
#: (`benchmarks.quantization_improvements`).
DEFAULT_IMPROVEMENTS: tuple[Improvement, ...] = ()


class Io(enum.StrEnum):
    """The type of a file's inputs and outputs."""

    FLOAT = "float"
    INT8 = "int8"


@dataclass(frozen=True)
class Quantization:
    """What a user wants.

    Attributes:
        mode: a name of `Mode`.
        calibration: images on which the grids are fixed: whatever `data.read` takes, or a ``.npy`` or ``.npz`` file
            of inputs, or an array [N, C, H, W] of them. Needed for ``int8``.
        method: how a range follows from what was seen: ``minmax``, ``percentile``, ``entropy``, ``mse``, or ``auto``.
        improve: ``auto``, ``none``, or names of `Improvement`.
        images: how many are looked at.
        accuracy: images of known classes on which the accuracy is measured; None for those of ``calibration`` that
            were not looked at, where their classes are known.
        exclude: blocks that stay in float32.
        max_drop: points of top-1 accuracy, in percent, that may be lost; None for any. Where a file loses more, the
            noisiest blocks stay in float32 as well.
        io: a name of `Io`: the type of inputs and outputs.
        safe_for: ``avx2`` for a file that is right on processors whose 8-bit products saturate; None otherwise.

    Raises:
        QuantizationError: an unknown name, a mode of `REFUSED`, or a number out of range.
    """

    mode: str = Mode.INT8
    calibration: str | Path | npt.NDArray[np.float32] | None = None
    method: str = "auto"
    images: int = 512
    accuracy: str | Path | None = None
    exclude: tuple[str, ...] = ()
    max_drop: float | None = 1.0
    io: str = Io.FLOAT
    safe_for: str | None = None
    improve: tuple[str, ...] = (AUTO,)

    def __post_init__(self) -> None:
        if self.mode in REFUSED:
            raise QuantizationError(REFUSED[self.mode])
        _one_of("mode", self.mode, list(Mode))
        _one_of("method", self.method, ["auto", *ranges.METHODS])
        _one_of("io", self.io, list(Io))
        for one in self.improve:
            _one_of("improve", one, [AUTO, "none", *Improvement])
        if not self.improve or (len(self.improve) > 1 and {AUTO, "none"} & set(self.improve)):
            raise QuantizationError(f"`improve` is auto, none, or names of {' and '.join(Improvement)}")
        if self.safe_for is not None:
            _one_of("safe_for", self.safe_for, ["avx2"])
        if self.mode != Mode.INT8:
            for name in ("calibration", "safe_for"):
                if getattr(self, name) is not None:
                    raise QuantizationError(f"`{name}` is for int8 values, and {self.mode} rounds weights alone")
            if self.exclude or self.io != Io.FLOAT or self.improve != (AUTO,):
                name = "exclude" if self.exclude else "io" if self.io != Io.FLOAT else "improve"
                raise QuantizationError(f"`{name}` is for int8 values, and {self.mode} rounds weights alone")
        if self.images < 1:
            raise QuantizationError(f"{self.images} images are impossible; give at least 1")
        if self.max_drop is not None and not 0 <= self.max_drop <= 100:
            raise QuantizationError(f"a drop of {self.max_drop} points is impossible; give 0 to 100")
        if self.mode == Mode.INT8 and self.calibration is None:
            raise QuantizationError(
                "int8 needs images of the kind that the network will see, since the range of every value follows from "
                "them, and random numbers would give wrong ranges; give some hundred of them with `calibration`"
            )

    def check_files(self) -> None:
        """Looks, before the work, whether the data that are named are there.

        Raises:
            QuantizationError: a file or folder is not there.
        """
        for name, where in (("calibration", self.calibration), ("accuracy", self.accuracy)):
            if isinstance(where, str | Path) and not Path(where).exists():
                raise QuantizationError(f"{where}: there is no such file or folder; give images with `{name}`")

    @property
    def improvements(self) -> tuple[Improvement, ...]:
        """What is done."""
        if self.improve == (AUTO,):
            return DEFAULT_IMPROVEMENTS
        return tuple(Improvement(one) for one in self.improve if one != "none")

    @property
    def weight_bits(self) -> int:
        """7 where products of 8 bits saturate (AVX2 adds two of them in 16 bits), else 8."""
        return 7 if self.safe_for == "avx2" else 8


def _one_of(name: str, given: str, known: list[str]) -> None:
    if given not in known:
        listed = " or ".join(filter(None, [", ".join(map(str, known[:-1])), str(known[-1])]))
        raise QuantizationError(f"`{name}` cannot be {given!r}; it is {listed}")


@dataclass(frozen=True)
class Plan:
    """The grid of each value. What lies between two values that have grids is computed as if exactly.

    Kernels of the nodes that write ``kernels`` are 8-bit integers (`grid.of_weights`), and their biases 32-bit
    integers (`grid.bias_integers`); other constants have the grid of `grid.of_constant`. The canonical graph that
    belongs to a plan holds kernels that are on their grids already.

    Attributes:
        grids: by the names of the canonical graph's values; a value that is not there stays float32. Files have
            values of these names.
        kernels: what the nodes with integer kernels write, behind the activation that follows: `places.kernels`.
        weight_bits: of a kernel's integers, 8 or 7.
        io: type of inputs and outputs.
        exclude: blocks that stay in float32.
        factors: of `equalisation`, which the graph that belongs to the plan has already.
        corrections: what is added to the biases of some of ``kernels``, in the steps of their integers.
    """

    grids: Mapping[str, Grid]
    kernels: frozenset[str]
    weight_bits: int = 8
    io: Io = Io.FLOAT
    exclude: tuple[str, ...] = ()
    factors: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    corrections: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
