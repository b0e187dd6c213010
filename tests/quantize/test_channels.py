"""Which nodes let factors of channels through."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ssc_deploy.quantize import equalisation


def test_a_slope_that_the_graph_computes_gets_no_factor() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(4, 4, 1, 1)).astype(np.float32) * scale for scale in (1, 30)]
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["y"], name="y"),
        helper.make_node("PRelu", ["y", "y"], ["z"], name="z"),
        helper.make_node("Conv", ["z", "w1"], ["out"], name="out"),
    ]
    shape = (1, 4, 2, 2)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y", "z", "out")]
    constants = [numpy_helper.from_array(array, f"w{at}") for at, array in enumerate(weights)]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[3:], constants, value_info=ends[1:3])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model = ir.from_proto(proto)
    equalisation.apply(model, equalisation.factors(model))
    x = {"x": rng.normal(size=shape).astype(np.float32)}
    before, after = (ReferenceEvaluator(one).run(None, x)[0] for one in (proto, ir.to_proto(model)))
    np.testing.assert_array_equal(after, before)
