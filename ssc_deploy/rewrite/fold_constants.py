"""What depends on no input becomes an initializer.

The exporter spells every size as a little graph of Shape, Range, Gather and Concat; with a static input all of it is
constant. onnxscript folds it, ``ConstantOfShape`` if told so, all but ``Split``, which has several outputs. What is
left to do is to lift ``Constant`` nodes into initializers.
"""

from __future__ import annotations

import itertools

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common
from onnxscript import optimizer

from ssc_deploy.rewrite import graph as g

#: Folding may make a constant of this many elements at the most: a mask or an index map of a large picture, not more.
_LARGEST = 16 * 1024 * 1024

#: Where the library's own judgement is overruled: it leaves the first, of which TorchScript's exporter makes the
#: margins of a Pad, and warns on the screen of each of the second, which `_fold_split` does.
_FOLDED = {"ConstantOfShape": True, "Split": False}


class FoldConstants(ir.passes.InPlacePass):
    """Folds constants and infers every shape; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = _fold(model)
        while sum(_fold_split(node) for node in list(model.graph) if node.op_type == "Split"):
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
