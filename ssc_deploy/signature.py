"""What a network takes and returns: names, shapes and dtypes of its inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tensor:
    """One input or output.

    Attributes:
        name: in the files that are made of the network.
        shape: of what one run takes or returns.
        dtype: numpy's name of it, e.g. ``"float32"`` or ``"int64"``.
        most: of an input of whole numbers, the largest that the network takes; the least is 0.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    most: int | None = None

    def __str__(self) -> str:
        """As ``--input-shape`` takes it."""
        sizes = ",".join(map(str, self.shape))
        return sizes if self.dtype == "float32" else f"{sizes}:{self.dtype}"


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of a network, in its own order.

    Attributes:
        inputs: at least one.
        outputs: at least one.
        rows: whether the first axis of all inputs and outputs is a batch of one, so that any number of examples may lie
            side by side. Otherwise the inputs are one whole, such as the frames of a clip.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    rows: bool = True

    @property
    def image(self) -> tuple[int, int, int] | None:
        """(C, H, W) where the network takes one image, or any number of them; None if it takes something else."""
        batch, *sizes = self.inputs[0].shape
        if len(self.inputs) != 1 or len(sizes) != 3 or self.inputs[0].dtype != "float32" or batch != 1:
            return None
        return sizes[0], sizes[1], sizes[2]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the outputs."""
        return tuple(output.name for output in self.outputs)


def of_image(shape: tuple[int, ...], output: tuple[int, ...] = ()) -> Signature:
    """The signature of a network that takes one image and returns one tensor.

    Args:
        shape: [1, C, H, W].
        output: shape of what it returns, where that is known.
    """
    return Signature((Tensor("input", shape),), (Tensor("output", output),))
