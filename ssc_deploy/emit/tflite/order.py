"""In which order a tensor of the file stores the axes of an ONNX value.

An order is a permutation: axis j of the stored tensor is axis ``order[j]`` of the ONNX value. A Transpose in the graph
only changes the order in which its output is read; an operator appears where a consumer needs another order than the
one that is stored. So NCHW -> NHWC costs nothing, and transposes in a row become one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOAT: np.dtype[Any] = np.dtype(np.float32)

Order = tuple[int, ...]

#: How feature maps are stored: [N, C, H, W] as NHWC.
IMAGE: Order = (0, 2, 3, 1)


def plain(rank: int) -> Order:
    """The axes as ONNX has them."""
    return tuple(range(rank))


def canonical(rank: int) -> Order:
    """The order in which a tensor may carry its value's name: `IMAGE` for rank 4, else `plain`."""
    return IMAGE if rank == 4 else plain(rank)


@dataclass(frozen=True)
class Stored:
    """An ONNX value as the file holds it.

    Attributes:
        tensor: index of the tensor.
        shape: of the ONNX value, in ONNX's order of axes; a dynamic axis as it is with a batch of 1.
        order: stored axis j is axis ``order[j]`` of the ONNX value.
        dynamic: the axis, in ONNX's order, whose size is known only when the file runs.
        dtype: of its numbers.
    """

    tensor: int
    shape: tuple[int, ...]
    order: Order
    dynamic: int | None
    dtype: np.dtype[Any] = FLOAT

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The ONNX value's shape with -1 for the dynamic axis."""
        return tuple(-1 if axis == self.dynamic else size for axis, size in enumerate(self.shape))

    @property
    def file_shape(self) -> tuple[int, ...]:
        """The stored tensor's shape with -1 for the dynamic axis."""
        return tuple(self.sizes[axis] for axis in self.order)

    def transposed(self, permutation: Sequence[int]) -> Stored:
        """The transpose of the ONNX value, held by the same tensor."""
        where = {axis: i for i, axis in enumerate(permutation)}
        return Stored(
            tensor=self.tensor,
            shape=tuple(self.shape[axis] for axis in permutation),
            order=tuple(where[axis] for axis in self.order),
            dynamic=None if self.dynamic is None else where[self.dynamic],
            dtype=self.dtype,
        )

    def lies_as(self, order: Order) -> bool:
        """Whether the bytes are those of ``order`` too, since the orders differ in axes of size 1 only."""
        return self._moving(self.order) == self._moving(order)

    def is_also(self, order: Order) -> bool:
        """Whether the tensor, as it is, holds the value in ``order`` too."""
        return self.lies_as(order) and self.file_shape == tuple(self.sizes[axis] for axis in order)

    def _moving(self, order: Order) -> list[int]:
        return [axis for axis in order if self.sizes[axis] != 1]
