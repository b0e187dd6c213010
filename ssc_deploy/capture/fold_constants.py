"""Values that depend on no input become initializers.

The exporter writes every size as a small graph of Shape, Range, Gather and Concat. With a static input all of it is
constant. onnxscript folds it, with an option also ``ConstantOfShape``, but not ``Split``, which has several outputs,
nor ``DequantizeLinear``, with which a file holds weights as small whole numbers:

    w = (q - zero_point) * scale

This module folds these two when the library reaches them, so that one pass over the graph also folds the nodes that
read them. It also turns ``Constant`` nodes into initializers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common
from onnxscript import optimizer

from ssc_deploy.capture.quiet import quiet
from ssc_deploy.ir import graph as g

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

#: Folding may make a constant of this many elements at most: a mask or an index map of a large image, not more.
_LARGEST = 16 * 1024 * 1024


class FoldConstants(ir.passes.InPlacePass):
    """Folds constants and infers every shape; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        with quiet():  # it warns of what it does not fold; what must not stay is refused by `supported`
            folded = optimizer.fold_constants(
                model,
                onnx_shape_inference=True,
                input_size_limit=_LARGEST,
                output_size_limit=_LARGEST,
                should_fold=_should_fold,
            )
        _detach_dead_branches(model.graph)
        lifted = common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
        unused = common.RemoveUnusedNodesPass()(model)
        return ir.passes.PassResult(model, bool(folded.modified) or lifted.modified or unused.modified)


def _detach_dead_branches(graph: ir.Graph) -> None:
    """Lets the nodes of a branch that is never taken read nothing: the library drops the branch, but not its uses."""
    nodes = [*graph.all_nodes()]
    alive = set(nodes)
    for value in (*graph.inputs, *graph.initializers.values(), *(output for node in nodes for output in node.outputs)):
        for user, index in [*value.uses()]:
            if user not in alive:
                user.replace_input_with(index, None)


def _should_fold(node: ir.Node) -> bool | None:
    """Where the library's own judgement, None, is overruled; it asks about nodes whose inputs are all constant.

    It leaves ``ConstantOfShape``, of which TorchScript's exporter makes the margins of a Pad, and warns on the screen
    of what it cannot fold. The readers of a ``Split`` and of a ``DequantizeLinear`` get their constants here.
    """
    match node.op_type:
        case "ConstantOfShape":
            return True
        case "Split":
            folded = _pieces(node)
        case "DequantizeLinear":
            folded = _dequantised(node)
        case "SequenceEmpty":
            return False
        case _:
            return None
    for output, array in zip(node.outputs, folded or [], strict=bool(folded)):
        if node.graph is not None and not output.is_graph_output():
            output.replace_all_uses_with(g.initializer(node.graph, output.name or "folded", array))
    return False


def _dequantised(node: ir.Node) -> list[npt.NDArray[Any]] | None:
    """The weights that whole numbers stand for; None if one of the inputs is not constant."""
    inputs = [g.constant(value) for value in node.inputs]
    q, scale = inputs[:2]
    zero = inputs[2] if len(inputs) > 2 else None
    given = len(node.inputs) > 2 and node.inputs[2] is not None
    if q is None or scale is None or given != (zero is not None):
        return None
    axis, block = g.integer(node, "axis", 1), g.integer(node, "block_size", 0)
    values = q.astype(np.float32)
    if zero is not None:
        values = values - _spread(zero.astype(np.float32), q.shape, axis, block)
    return [values * _spread(scale.astype(np.float32), q.shape, axis, block)]


def _spread(parameter: npt.NDArray[np.float32], shape: Sequence[int], axis: int, block: int) -> npt.NDArray[np.float32]:
    """One number, one for each index of the axis, or one for each block of indices, as it broadcasts to ``shape``."""
    if parameter.size == 1:
        return parameter.reshape(())
    if block:
        return np.repeat(parameter, block, axis).take(range(shape[axis]), axis)
    return parameter.reshape([n if i == axis % len(shape) else 1 for i, n in enumerate(shape)])


def _pieces(node: ir.Node) -> list[npt.NDArray[Any]] | None:
    """What a Split makes of a constant; None if it splits none, or where its sizes do not fit."""
    data = g.constant(node.inputs[0])
    axis = g.integer(node, "axis", 0)
    if data is None or not -data.ndim <= axis < data.ndim:
        return None
    size, count = data.shape[axis], len(node.outputs)
    sizes: Any = None
    if len(node.inputs) > 1 and node.inputs[1] is not None:
        sizes = g.constant(node.inputs[1])
        if sizes is None or len(sizes) != count or (sizes < 0).any() or sizes.sum() != size:
            return None
        ends = np.cumsum(sizes)
    else:
        # Equal parts; where the size does not divide, the last is smaller, of no size at all if need be.
        part = -(-size // count)
        if part * (count - 1) > size:
            return None
        ends = np.minimum(part * np.arange(1, count + 1), size)
    return np.split(data, ends[:-1], axis)
