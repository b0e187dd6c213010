"""Steps that do nothing go: Identity, Dropout at inference, a Cast to the same type, a Reshape to the same shape."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.ir.builder import take_over


class Tidy(ir.passes.InPlacePass):
    """Removes steps without effect, then whatever nothing reads; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = False
        for node in model.graph:
            if not _does_nothing(node):
                continue
            before, after = known.data(node), node.outputs[0]
            if after.is_graph_output() and (before.is_graph_input() or before.is_graph_output()):
                continue
            take_over(after, before)
            modified = True
        unused = common.RemoveUnusedNodesPass()(model)
        return ir.passes.PassResult(model, modified or unused.modified)


def _does_nothing(node: ir.Node) -> bool:
    before, after = node.inputs[0] if node.inputs else None, node.outputs[0]
    if before is None or g.is_constant(before):
        return False
    match node.op_type:
        case "Identity":
            return True
        case "Dropout":
            # The third input says whether it drops even now.
            training = node.inputs[2] if len(node.inputs) > 2 else None
            off = training is None or ((known := g.constant(training)) is not None and not known.any())
            return off and all(not output.uses() for output in node.outputs[1:])
        case "Cast" | "CastLike":
            return before.dtype is not None and before.dtype == after.dtype
        case "Reshape" | "Flatten" | "Expand" | "Squeeze" | "Unsqueeze":
            return g.shape_of(before) is not None and g.shape_of(before) == g.shape_of(after)
        case "Concat":
            return len(node.inputs) == 1
        case _:
            return False
