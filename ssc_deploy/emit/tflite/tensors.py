"""The tensors that hold a graph's values: in which order of axes, in which shape, and under which names.

A value may be held in several orders; each is written once. A tensor has the name of a value of the graph if it holds
it in the canonical order and is the first to do so: by these names a file is compared with the network.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.emit.tflite.order import Order, Stored, canonical, plain
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ssc_deploy.emit.tflite.flatbuffer import Writer

_OP = schema.BuiltinOperator


class Tensors:
    """The tensors of one file.

    Args:
        writer: of the file.
    """

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._reordered: dict[tuple[int, Order], Stored] = {}
        self._named_tensors: set[int] = set()
        self._carried_names: set[str] = set()

    def reorder(self, stored: Stored, order: Order, name: str) -> Stored:
        """The value in another axis order, written at most once; ``name`` is the ONNX value's."""
        if stored.order == order:
            return stored
        permutation = tuple(stored.order.index(axis) for axis in order)
        key = (stored.tensor, permutation)
        if key not in self._reordered:
            if stored.lies_as(order):
                result = self.reshape(stored, stored.shape, order, name, dynamic=stored.dynamic)
            else:
                result = self.tensor(name, dataclasses.replace(stored, order=order))
                inputs = [stored.tensor, self.integers(f"{name}/permutation", permutation)]
                # Float tensors need no newer version below rank 5.
                version = {5: 4, 6: 6}.get(stored.rank, 1)
                self.writer.operator(_OP.TRANSPOSE, inputs, [result.tensor], schema.TransposeOptionsT(), version)
            self._reordered[key] = result
            self.claim(name, result)
        # The tensor may have been reordered for another view of it, with other axes under the same permutation.
        return dataclasses.replace(stored, tensor=self._reordered[key].tensor, order=order)

    def reshape(self, stored: Stored, shape: Sequence[int], order: Order, name: str, *, dynamic: int | None) -> Stored:
        """The same bytes under another shape.

        Args:
            stored: the value.
            shape: of the result, in ONNX's order of axes.
            order: of the result.
            name: of the ONNX value that the result holds.
            dynamic: the result's dynamic axis, in ONNX's order.
        """
        view = Stored(stored.tensor, tuple(shape), order, dynamic, stored.dtype)
        if view.file_shape == stored.file_shape:
            return view
        result = self.tensor(name, view)
        self.write_reshape(stored, result, name)
        return result

    def with_rank(self, stored: Stored, rank: int, name: str) -> Stored:
        """The value with axes of size 1 put before its own until it has ``rank``, as broadcasting does."""
        more = rank - stored.rank
        if not more:
            return stored
        stored = self.reorder(stored, plain(stored.rank), name)
        dynamic = None if stored.dynamic is None else stored.dynamic + more
        return self.reshape(stored, (1,) * more + stored.shape, plain(rank), name, dynamic=dynamic)

    def integers(self, name: str, numbers: npt.ArrayLike) -> int:
        """A constant int32 tensor."""
        return self.writer.constant(name, np.asarray(numbers, np.int32))

    def floats(self, name: str, array: npt.ArrayLike) -> int:
        """A constant float32 tensor."""
        return self.writer.constant(name, np.asarray(array, np.float32))

    def write_reshape(self, stored: Stored, result: Stored, name: str) -> None:
        """A RESHAPE from one tensor to another; ``name`` is the ONNX value's."""
        options = schema.ReshapeOptionsT()
        options.newShape = list(result.file_shape)
        sizes = self.integers(f"{name}/shape", result.file_shape)
        self.writer.operator(_OP.RESHAPE, [stored.tensor, sizes], [result.tensor], options)

    def tensor(self, name: str, like: Stored) -> Stored:
        """A new tensor for a value of that name, or a part of it, stored like another."""
        tensor = self.writer.tensor(self.writer.invent(f"{name}/stored"), like.file_shape, like.dtype)
        return dataclasses.replace(like, tensor=tensor)

    def named(self, stored: Stored, name: str) -> Stored:
        """The value in a tensor of its own name: a copy where another value's name is on its tensor."""
        if name in self._carried_names:
            return stored
        copy = self.tensor(name, stored)
        self.write_reshape(stored, copy, name)
        self.claim(name, copy)
        return copy

    def claim(self, name: str, stored: Stored) -> None:
        """Lets the tensor carry the ONNX value's name, if it holds that in the canonical order and is the first to."""
        first = name not in self._carried_names and stored.tensor not in self._named_tensors
        if first and stored.is_also(canonical(stored.rank)):
            self.writer.rename(stored.tensor, name)
            self._named_tensors.add(stored.tensor)
            self._carried_names.add(name)
