"""The mean over a whole feature map is a GlobalAveragePool, however it is written.

    ReduceMean(x, axes = (2, 3)) = AveragePool(x, kernel = the feature map) = GlobalAveragePool(x)

followed by a Flatten where the mean drops its axes.
"""

from __future__ import annotations

import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir.builder import Builder


class CanonicalPool(ir.passes.InPlacePass):
    """Rewrites means over the feature map; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = False
        for node in list(model.graph):
            shape, out_shape = g.shape_of(node.inputs[0] if node.inputs else None), g.shape_of(node.outputs[0])
            if shape is None or out_shape is None or len(shape) != 4 or not _is_mean_of_feature_map(node, shape):
                continue
            if node.outputs[0].dtype != ir.DataType.FLOAT:
                continue  # runtimes have the mean in more types than the pool
            builder = Builder(node)
            value = builder.op("GlobalAveragePool", [node.inputs[0]], shape=(*shape[:2], 1, 1))
            if len(out_shape) == 2:
                value = builder.op("Flatten", [value], {"axis": 1})
            builder.replace(value)
            modified = True
        return ir.passes.PassResult(model, modified)


def _is_mean_of_feature_map(node: ir.Node, shape: tuple[int, ...]) -> bool:
    if node.op_type == "AveragePool":
        return (
            g.ints(node, "kernel_shape", ()) == shape[2:]
            and not any(g.ints(node, "pads", (0, 0, 0, 0)))
            and g.shape_of(node.outputs[0]) == (*shape[:2], 1, 1)
        )
    if node.op_type != "ReduceMean":
        return False
    axes = g.constant(node.inputs[1]) if len(node.inputs) > 1 else g.ints(node, "axes", ())
    return axes is not None and sorted(int(a) % 4 for a in axes) == [2, 3]
