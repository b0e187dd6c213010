"""How each operator of TFLite works on 8-bit integers: one rule an operator.

The versions are the lowest that take int8, so that old runtimes take the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.quantize.grid import SIGNED_UNIT, UNIT
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from ssc_deploy.quantize.grid import Grid

_OP = schema.BuiltinOperator


@dataclass(frozen=True)
class Kernel:
    """Where an operator has its kernel.

    Attributes:
        index: of the input.
        axis: of the output channels in the kernel.
        bias: index of the input.
    """

    index: int
    axis: int
    bias: int


@dataclass(frozen=True)
class Rule:
    """How an operator works on integers.

    Attributes:
        version: lowest version of the operator that takes int8.
        data: indices of the inputs that hold numbers; None for all.
        same: whether all numbers are on one grid, since they are moved or compared only.
        output: the grid of the output, where the operator allows no other.
        kernel: where the operator has one.
    """

    version: int
    data: tuple[int, ...] | None = (0,)
    same: bool = False
    output: Grid | None = None
    kernel: Kernel | None = None

    def numbers(self, inputs: list[int]) -> list[int]:
        """The indices of the inputs that hold numbers."""
        return list(range(len(inputs))) if self.data is None else [i for i in self.data if i < len(inputs)]


def _moves(version: int, data: tuple[int, ...] | None = (0,)) -> Rule:
    return Rule(version, data, same=True)


#: By the operator's code. What is not here computes in float32.
#:
#: XNNPACK takes no HARD_SWISH in integers, but takes it in float32. SOFTMAX was not tried in integers. XNNPACK's
#: LEAKY_RELU, and its QUANTIZE from one grid to another, are in integers one step off for 5 of 100 numbers, since their
#: factor has 8 bits; in float32 they are exact.
RULES: dict[int, Rule] = {
    _OP.CONV_2D: Rule(3, kernel=Kernel(1, 0, 2)),
    _OP.DEPTHWISE_CONV_2D: Rule(3, kernel=Kernel(1, 3, 2)),
    _OP.FULLY_CONNECTED: Rule(4, kernel=Kernel(1, 0, 2)),
    _OP.TRANSPOSE_CONV: Rule(2, (2,), kernel=Kernel(1, 0, 3)),
    _OP.ADD: Rule(2, None),
    _OP.SUB: Rule(2, None),
    _OP.MUL: Rule(2, None),
    _OP.AVERAGE_POOL_2D: Rule(2),
    _OP.LOGISTIC: Rule(2, output=UNIT),
    _OP.TANH: Rule(2, output=SIGNED_UNIT),
    _OP.CONCATENATION: _moves(2, None),
    _OP.DEPTH_TO_SPACE: _moves(1),
    _OP.GATHER: _moves(2),
    _OP.MAX_POOL_2D: _moves(2),
    _OP.PAD: _moves(2),
    _OP.PADV2: _moves(2, (0, 2)),
    _OP.RESHAPE: _moves(1),
    _OP.RESIZE_NEAREST_NEIGHBOR: _moves(2),
    _OP.SLICE: _moves(2),
    _OP.SPACE_TO_DEPTH: _moves(2),
    _OP.STRIDED_SLICE: _moves(2),
    _OP.TRANSPOSE: _moves(2),
}

_INFINITY = float("inf")

#: Activations that cut off numbers: the bounds.
BOUNDS = {
    _OP.RELU: (0.0, _INFINITY),
    _OP.RELU6: (0.0, 6.0),
    _OP.RELU_N1_TO_1: (-1.0, 1.0),
}


def is_pool_of_whole_image(shape: tuple[int, ...], options: Any) -> bool:
    """Whether the one window of a pool is the image, [N, H, W, C]."""
    return (options.filterHeight, options.filterWidth) == tuple(shape[1:3])
