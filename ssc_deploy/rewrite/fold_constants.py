"""What depends on no input becomes an initializer.

The exporter spells every size as a little graph of Shape, Range, Gather and Concat; with a static input all of it is
constant. onnxscript folds it, ``ConstantOfShape`` if told so, all but ``Split``, which has several outputs, and
``DequantizeLinear``, by which a file holds weights as small whole numbers:

    w = (q - zero_point) * scale

What is left to do is to lift ``Constant`` nodes into initializers.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common
from onnxscript import optimizer

from ssc_deploy.rewrite import graph as g

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

#: Folding may make a constant of this many elements at the most: a mask or an index map of a large picture, not more.
_LARGEST = 16 * 1024 * 1024

#: Where the library's own judgement is overruled: it leaves the first, of which TorchScript's exporter makes the
#: margins of a Pad, and warns on the screen of each of the second, which `_fold_split` does.
_FOLDED = {"ConstantOfShape": True, "Split": False, "SequenceEmpty": False}

#: What onnxscript does not fold.
_LEFT = frozenset({"Split", "DequantizeLinear"})


class FoldConstants(ir.passes.InPlacePass):
    """Folds constants and infers every shape; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = _fold(model)
        while sum(_fold_left(node) for node in list(model.graph) if node.op_type in _LEFT):
            modified = _fold(model)
        lifted = common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
        unused = common.RemoveUnusedNodesPass()(model)
        return ir.passes.PassResult(model, modified or lifted.modified or unused.modified)


def _fold(model: ir.Model) -> bool:
    result = optimizer.fold_constants(
        model,
        onnx_shape_inference=True,
        input_size_limit=_LARGEST,
        output_size_limit=_LARGEST,
        should_fold=lambda node: _FOLDED.get(node.op_type),
    )
    return bool(result.modified)


def _fold_left(node: ir.Node) -> bool:
    return _fold_split(node) if node.op_type == "Split" else _fold_dequantised(node)


def _fold_dequantised(node: ir.Node) -> bool:
    inputs = [g.constant(value) for value in node.inputs]
    q, scale = inputs[:2]
    zero = inputs[2] if len(inputs) > 2 else None
    given = len(node.inputs) > 2 and node.inputs[2] is not None
    if q is None or scale is None or given != (zero is not None) or node.graph is None:
        return False
    axis, block = g.integer(node, "axis", 1), g.integer(node, "block_size", 0)
    values = q.astype(np.float32)
    if zero is not None:
        values = values - _spread(zero.astype(np.float32), q.shape, axis, block)
    values = values * _spread(scale.astype(np.float32), q.shape, axis, block)
    output = node.outputs[0]
    output.replace_all_uses_with(g.initializer(node.graph, output.name or "weight", values))
    node.graph.remove([node], safe=True)
    return True


def _spread(parameter: npt.NDArray[np.float32], shape: Sequence[int], axis: int, block: int) -> npt.NDArray[np.float32]:
    """One number, one for each index of the axis, or one for each block of indices, as it broadcasts to ``shape``."""
    if parameter.size == 1:
        return parameter.reshape(())
    if block:
        return np.repeat(parameter, block, axis).take(range(shape[axis]), axis)
    return parameter.reshape([n if i == axis % len(shape) else 1 for i, n in enumerate(shape)])


def _fold_split(node: ir.Node) -> bool:
    data = g.constant(node.inputs[0])
    sizes = g.constant(node.inputs[1]) if len(node.inputs) > 1 else None
    if data is None or node.graph is None:
        return False
    axis = g.integer(node, "axis", 0)
    if sizes is None:
        # Equal parts, the last one smaller where the size does not divide.
        part = -(-data.shape[axis] // len(node.outputs))
        sizes = np.diff([*range(0, data.shape[axis], part), data.shape[axis]])
    pieces = np.split(data, list(itertools.accumulate(int(s) for s in sizes))[:-1], axis)
    for output, piece in zip(node.outputs, pieces, strict=True):
        output.replace_all_uses_with(g.initializer(node.graph, output.name or "split", piece))
    node.graph.remove([node], safe=True)
    return True
