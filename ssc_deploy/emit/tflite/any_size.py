"""A ``.tflite`` file for images of any height or width, from what is written for two sizes.

The operators of both have to be the same, and their constants and options too. LiteRT then computes the shapes of all
tensors anew when an input is resized. Some constants that are sizes have a form that fits every size:

    RESHAPE                          -1 in the one place that differs
    SLICE                            STRIDED_SLICE with places counted from the end, or up to the end
    AVERAGE_POOL_2D, MAX_POOL_2D     MEAN or REDUCE_MAX over height and width, where the window is the whole image

What else differs is refused by the name of what is written. See `emit.onnx_any_size`, which does the same for ONNX.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy.errors import LoweringError
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssc_deploy.emit.tflite.flatbuffer import Operation, Writer

_OP = schema.BuiltinOperator

_REDUCTIONS = {_OP.AVERAGE_POOL_2D: _OP.MEAN, _OP.MAX_POOL_2D: _OP.REDUCE_MAX}

_NAMES = {code: name for name, code in vars(_OP).items() if not name.startswith("_")}


def free(writer: Writer, other: Writer, inputs: Mapping[int, int]) -> None:
    """Lets the sizes be open that differ between the images of two files.

    Args:
        writer: of the file; is changed in place.
        other: what is written for images of another size, in the same way.
        inputs: for each input of the one, that of the other.

    Raises:
        LoweringError: an operator depends on the size; names what it writes.
    """
    _File(writer, other, inputs).free()


class _File:
    def __init__(self, writer: Writer, other: Writer, inputs: Mapping[int, int]) -> None:
        self._writer, self._other = writer, other
        #: The tensor of the other file that stands in the place of each activation.
        self._twins = dict(inputs)

    def free(self) -> None:
        for one, two in itertools.zip_longest(list(self._writer.operations), self._other.operations):
            if one is None or two is None or (one.code, len(one.inputs)) != (two.code, len(two.inputs)):
                raise self._refused(one or self._writer.operations[-1])
            self._compare(one, two)
            self._twins.update(zip(one.outputs, two.outputs, strict=True))
        for index, twin in self._twins.items():
            tensor = self._writer.tensors[index]
            pairs = zip(tensor.shape, self._other.tensors[twin].shape, strict=True)
            tensor.shape = tuple(size if size == at_other else -1 for size, at_other in pairs)

    def _compare(self, one: Operation, two: Operation) -> None:
        depends = not _equal(one.options, two.options)
        for index, twin in zip(one.inputs, two.inputs, strict=True):
            if index == -1 or twin == -1:
                same = index == twin
            elif self._writer.tensors[index].data is None:
                same = self._twins.get(index) == twin
            else:
                tensor, counterpart = self._writer.tensors[index], self._other.tensors[twin]
                depends |= (tensor.shape, tensor.data) != (counterpart.shape, counterpart.data)
                same = counterpart.data is not None
            if not same:
                raise self._refused(one)
        if not depends:
            return
        match one.code:
            case _OP.RESHAPE:
                self._reshape(one, two)
            case _OP.SLICE | _OP.STRIDED_SLICE:
                self._slice(one, two)
            case _OP.AVERAGE_POOL_2D | _OP.MAX_POOL_2D:
                self._pool(one, two)
            case _:
                raise self._refused(one)

    def _reshape(self, one: Operation, two: Operation) -> None:
        shape, at_other = (self._numbers(each, 1) for each in ((self._writer, one), (self._other, two)))
        target = [size if size == other else -1 for size, other in zip(shape, at_other, strict=True)]
        if len(shape) != len(at_other) or target.count(-1) > 1:
            raise self._refused(one)
        one.inputs[1] = self._constant(one, "shape", target)
        one.options.newShape = target

    def _slice(self, one: Operation, two: Operation) -> None:
        """From the front where a place is the same in both, from the end where the distance to that is."""
        begins, ends, options = [], [], schema.StridedSliceOptionsT()
        sizes, at_other = (self._sizes(each) for each in ((self._writer, one), (self._other, two)))
        spans = zip(self._spans(self._writer, one), self._spans(self._other, two), sizes, at_other, strict=True)
        for axis, ((begin, end), (other_begin, other_end), size, other_size) in enumerate(spans):
            begins.append(self._place(one, (begin, other_begin), (size, other_size)))
            if (end, other_end) == (size, other_size):
                options.endMask |= 1 << axis
            ends.append(
                end
                if (end, other_end) == (size, other_size)
                else self._place(one, (end, other_end), (size, other_size))
            )
        inputs = [one.inputs[0], self._constant(one, "begin", begins), self._constant(one, "end", ends)]
        one.inputs = [*inputs, self._constant(one, "strides", [1] * len(begins))]
        one.code, one.options, one.version = _OP.STRIDED_SLICE, options, 4 if len(begins) > 4 else 1

    def _place(self, one: Operation, places: tuple[int, int], sizes: tuple[int, int]) -> int:
        if places[0] == places[1]:
            return places[0]
        if places[0] - sizes[0] != places[1] - sizes[1] or places[0] >= sizes[0]:
            raise self._refused(one)
        return places[0] - sizes[0]

    def _spans(self, writer: Writer, operation: Operation) -> list[tuple[int, int]]:
        """Of each axis, the first place that is taken and the one behind the last.

        Raises:
            LoweringError: it takes steps, or counts from the end already.
        """
        begins, second = (self._numbers((writer, operation), index) for index in (1, 2))
        if operation.code == _OP.SLICE:
            return [(begin, begin + size) for begin, size in zip(begins, second, strict=True)]
        steps, masks = self._numbers((writer, operation), 3), operation.options
        if set(steps) != {1} or masks.beginMask or masks.endMask or min(begins + second) < 0:
            raise self._refused(operation)
        return list(zip(begins, second, strict=True))

    def _pool(self, one: Operation, two: Operation) -> None:
        """A pool over the whole image."""
        for writer, operation in ((self._writer, one), (self._other, two)):
            _, height, width, _ = writer.tensors[operation.inputs[0]].shape
            options = operation.options
            whole = (options.filterHeight, options.filterWidth) == (height, width)
            if not whole or options.padding != schema.Padding.VALID or options.fusedActivationFunction:
                raise self._refused(one)
        one.code, one.options, one.version = _REDUCTIONS[one.code], schema.ReducerOptionsT(), 1
        one.options.keepDims = True
        one.inputs = [one.inputs[0], self._constant(one, "axes", [1, 2])]

    def _numbers(self, of: tuple[Writer, Operation], index: int) -> list[int]:
        writer, operation = of
        numbers: list[int] = writer.tensors[operation.inputs[index]].array.tolist()
        return numbers

    def _sizes(self, of: tuple[Writer, Operation]) -> tuple[int, ...]:
        writer, operation = of
        return writer.tensors[operation.inputs[0]].shape

    def _constant(self, operation: Operation, label: str, numbers: list[int]) -> int:
        name = self._writer.tensors[operation.outputs[0]].name
        return self._writer.constant(f"{name}/{label}", np.array(numbers, np.int32))

    def _refused(self, operation: Operation) -> LoweringError:
        name, kind = self._writer.tensors[operation.outputs[0]].name, _NAMES[operation.code]
        return LoweringError(
            f"the size of images cannot be dynamic in a .tflite file: {kind} of {name} depends on it; "
            "leave `dynamic` out, and export a file for each size that you need"
        )


def _equal(one: Any, two: Any) -> bool:
    """Of the options of two operators."""
    return type(one) is type(two) and (
        one is None or repr(sorted(vars(one).items())) == repr(sorted(vars(two).items()))
    )
