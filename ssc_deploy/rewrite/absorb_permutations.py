"""Merges a channel permutation into a neighbour, also through operators in between.

    act(x)[p] = act(x[p])                  an elementwise activation: the permutation may be before or after it
    (W x + b)[p]   = W[p] x + b[p]         dense kernel before it: its rows
    W (x[p]) + b   = W' x + b              dense kernel behind it: its columns, W'[:, p] = W
    (x[s])[p]      = x[s[p]]               another permutation

A group convolution of n groups is n kernels (W_1, b_1) ... (W_n, b_n), each with channels of its own. It takes what a
permutation does inside the groups into its rows or columns, as above; and where the permutation moves whole groups, p,
the kernels move, and whole groups of the input or output instead:

    (W_1 x_1, ..., W_n x_n)[p] = (W_p(1) x_p(1), ..., W_p(n) x_p(n))

which lets a permutation pass through a group pointwise, a depthwise convolution or a shift to the neighbour that takes
it. Not changed: a permutation that splits groups, as every shuffle of an SSC-Net does; one that no neighbour can take;
values that are read elsewhere. Values in between have another order afterwards, so no module returns them any more.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import canonical, known, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.ir.builder import Builder, take_over

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    #: Makes a node again on other data.
    _Rebuild = Callable[[ir.Value], Builder]

Order = tuple[int, ...]
"""out[c] = in[order[c]]."""


class AbsorbPermutations(ir.passes.InPlacePass):
    """Merges channel permutations into neighbours; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass until nothing changes: what became of a shuffle that met another one is looked at again."""
        modified = False
        waiting = deque(node for node in model.graph if roles.role(node) is roles.Role.SHUFFLE)
        while waiting:
            node = waiting.popleft()
            if node.graph is None:
                continue
            made = _vanishes(node)
            if made is not None:
                modified = True
                waiting.extendleft(node for node in made if roles.role(node) is roles.Role.SHUFFLE)
        return ir.passes.PassResult(model, modified)


@dataclass(frozen=True)
class _Kernel:
    """A convolution's numbers: weight [O, I / group, ...], bias [O] where there is one."""

    weight: npt.NDArray[Any]
    bias: npt.NDArray[Any] | None
    group: int

    def rows(self, order: Order) -> tuple[_Kernel, Order] | None:
        """The kernel K' and the order q with ``K(x)[order] = K'(x[q])``; None where groups are torn apart."""
        outputs, inputs = len(self.weight) // self.group, self.weight.shape[1]
        taken = list(order)
        bias = None if self.bias is None else self.bias[taken]
        if self.group == 1:
            return _Kernel(self.weight[taken], bias, 1), tuple(range(inputs))
        groups = _groups(order, outputs)
        if groups is None or len(order) != len(self.weight):
            return None
        return _Kernel(self.weight[taken], bias, self.group), _whole(groups, inputs)

    def columns(self, order: Order) -> tuple[_Kernel, Order] | None:
        """The kernel K' and the order q with ``K(x[order]) = K'(x)[q]``, likewise."""
        outputs, inputs = len(self.weight) // self.group, self.weight.shape[1]
        groups = _groups(order, inputs)
        if groups is None:
            return None
        weight, bias = np.empty_like(self.weight), None if self.bias is None else np.empty_like(self.bias)
        for old, new in enumerate(groups):
            source, target = slice(old * outputs, (old + 1) * outputs), slice(new * outputs, (new + 1) * outputs)
            inside = [channel % inputs for channel in order[old * inputs : (old + 1) * inputs]]
            block = np.empty_like(self.weight[source])
            block[:, inside] = self.weight[source]
            weight[target] = block
            if bias is not None and self.bias is not None:
                bias[target] = self.bias[source]
        return _Kernel(weight, bias, self.group), _whole(groups, outputs)


def _groups(order: Order, size: int) -> Order | None:
    """Which group of ``size`` channels stands where, if the order is a permutation that keeps groups together."""
    if sorted(order) != list(range(len(order))) or len(order) % size:
        return None
    groups = tuple(channel // size for channel in order[::size])
    return groups if all(channel // size == groups[c // size] for c, channel in enumerate(order)) else None


def _whole(groups: Order, size: int) -> Order:
    return tuple(group * size + channel for group in groups for channel in range(size))


def _vanishes(node: ir.Node) -> list[ir.Node] | None:
    """The nodes that stand in the place of a shuffle and of those that took its order; None if nothing takes it."""
    movement = canonical.movement_of(node)
    if movement is None:
        return None
    made = _up(node, movement.source)
    # A selection leaves channels out: what stands behind it may do so, too, but not the other way round.
    if made is None and sorted(movement.source) == list(range(movement.in_channels)):
        made = _down(node, movement.source)
    return made


def _up(node: ir.Node, order: Order) -> list[ir.Node] | None:
    """Lets something before ``node`` take its order."""
    rebuilt: list[_Rebuild] = []
    gone, value = [node], node.inputs[0]
    while True:
        before = value.producer() if value is not None and g.used_once(value) else None
        if before is None:
            return None
        gone.append(before)
        if _passes(before):
            rebuilt.append(_like(before, len(order)))
        elif (earlier := _order_of(before)) is not None:
            rebuilt += _permuted(before, tuple(earlier[c] for c in order))
            break
        else:
            kernel = _kernel(before)
            taken = None if kernel is None else kernel.rows(order)
            if taken is None:
                return None
            rebuilt.append(_like(before, len(order), taken[0]))
            order = taken[1]
            if order == tuple(range(len(order))):
                break
        value = before.inputs[0]
    return _replace(node, known.data(gone[-1]), rebuilt[::-1], gone)


def _down(node: ir.Node, order: Order) -> list[ir.Node] | None:
    """Lets something behind ``node`` take its order."""
    rebuilt: list[_Rebuild] = []
    gone, value = [node], node.outputs[0]
    while True:
        behind = next(iter(value.uses())).node if g.used_once(value) else None
        if behind is None or behind.inputs[0] is not value:
            return None
        gone.append(behind)
        if _passes(behind):
            rebuilt.append(_like(behind, len(order)))
        elif (later := _order_of(behind)) is not None:
            rebuilt += _permuted(behind, tuple(order[c] for c in later))
            break
        else:
            kernel = _kernel(behind)
            taken = None if kernel is None else kernel.columns(order)
            if taken is None:
                return None
            rebuilt.append(_like(behind, len(taken[1]), taken[0]))
            order = taken[1]
            if order == tuple(range(len(order))):
                break
        value = behind.outputs[0]
    return _replace(gone[-1], known.data(node), rebuilt, gone[::-1])


def _replace(last: ir.Node, data: ir.Value, rebuilt: list[_Rebuild], gone: list[ir.Node]) -> list[ir.Node]:
    """Puts what was rebuilt, the first on ``data``, in the place of nodes of which ``last`` is the last; returns it."""
    made: list[ir.Node] = []
    for rebuild in rebuilt:
        builder = rebuild(data)
        builder.insert(last)
        made += builder.nodes
        data = builder.result
    take_over(last.outputs[0], data)
    known.graph(last).remove(gone, safe=True)
    return made


def _passes(node: ir.Node) -> bool:
    """Whether it makes each channel of one channel, all alike."""
    return node.op_type in g.ACTIVATIONS or roles.role(node) is roles.Role.BORDER


def _order_of(node: ir.Node) -> Order | None:
    movement = canonical.movement_of(node) if roles.role(node) is roles.Role.SHUFFLE else None
    return None if movement is None else movement.source


def _kernel(node: ir.Node) -> _Kernel | None:
    weight = g.constant(node.inputs[1]) if node.op_type == "Conv" else None
    offset = node.inputs[2] if len(node.inputs) > 2 else None
    bias = g.constant(offset)
    if weight is None or (offset is not None and bias is None):
        return None
    return _Kernel(weight, bias, g.integer(node, "group", 1))


def _like(node: ir.Node, channels: int, kernel: _Kernel | None = None) -> _Rebuild:
    """Makes the same node, with another kernel, on other data."""

    def rebuild(data: ir.Value) -> Builder:
        builder, inputs = Builder(node), list(node.inputs[1:])
        if kernel is not None:
            arrays = {"weight": kernel.weight, "bias": kernel.bias}
            inputs = [builder.constant(name, array) for name, array in arrays.items() if array is not None]
        n, _, *size = known.shape(node.outputs[0])
        builder.again(node, [data, *inputs], shape=(n, channels, *size))
        return builder

    return rebuild


def _permuted(node: ir.Node, order: Order) -> list[_Rebuild]:
    """Makes a shuffle of that order; nothing where that is none."""
    movement = canonical.movement_of(node)
    if movement is None or order == tuple(range(movement.in_channels)):
        return []

    def rebuild(data: ir.Value) -> Builder:
        builder = Builder(node)
        builder.shuffle(data, order)
        return builder

    return [rebuild]
