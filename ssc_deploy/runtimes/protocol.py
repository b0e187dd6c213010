"""What every runtime offers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from ssc_deploy.metadata import ModelMetadata

#: A model file, or its bytes.
Model = Path | bytes


@dataclass(frozen=True)
class Steps:
    """How real numbers are held as integers: ``real = scale * (integer - zero_point)``.

    Attributes:
        scale: above 0.
        zero_point: the integer that stands for zero.
    """

    scale: float
    zero_point: int


@dataclass(frozen=True)
class TensorSpec:
    """A tensor of a file.

    Attributes:
        name: in the file.
        shape: in the file's own layout; None where a size is known only when the file runs.
        dtype: numpy's name of the type, e.g. ``"float32"``.
        steps: of an input or an output whose integers stand for real numbers; None for any other.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    steps: Steps | None = None


class Runner(Protocol):
    """A loaded file."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What `run` takes."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What `run` returns, taps last."""

    def run(self, inputs: Sequence[npt.NDArray[np.generic]]) -> list[npt.NDArray[Any]]:
        """Runs the file once.

        Args:
            inputs: one array an input, of its dtype, in the file's own layout; a dynamic size may be any.

        Returns:
            the outputs, which later runs leave alone.

        Raises:
            RuntimeLoadError: the inputs do not fit, or the runtime fails.
        """


class Runtime(Protocol):
    """Runs the files of one format."""

    name: str  #: e.g. ``"litert"``
    title: str  #: for people, e.g. ``"LiteRT"``
    image_layout: str  #: of pictures in its files, ``"NCHW"`` or ``"NHWC"``

    @property
    def version(self) -> str:
        """Of the installed package."""

    def load(self, model: Model, *, threads: int = 1, taps: Sequence[str] = ()) -> Runner:
        """Loads a file.

        Args:
            model: the file, or its bytes.
            threads: that one run may use.
            taps: names of intermediate tensors to return after the outputs, in this order. A copy of the model in
                memory gets more outputs; its kernels stay the same.

        Raises:
            RuntimeLoadError: the runtime is not installed or refuses the file, or a tap is not in it.
        """

    def tensors(self, model: Model) -> dict[str, TensorSpec]:
        """All activations of a file (no constants) by name, inputs first, then in the order of execution.

        Raises:
            RuntimeLoadError: the file cannot be read.
        """

    def tapped(self, model: Model, taps: Sequence[str]) -> bytes:
        """A copy of a file that returns intermediate tensors after its outputs, in this order, each once.

        Args:
            model: the file, or its bytes.
            taps: names of activations that an operator computes and that are no outputs.

        Raises:
            RuntimeLoadError: the file cannot be read, or a tap is not in it.
        """

    def metadata(self, model: Model) -> ModelMetadata | None:
        """What the exporter stored in the file; None where it stored nothing that this version reads.

        Raises:
            RuntimeLoadError: the file cannot be read.
        """
