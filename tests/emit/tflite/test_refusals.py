"""What cannot be written is refused with the operator, its block and its source line."""

from __future__ import annotations

import numpy as np
import pytest
from emit.tflite.tester import INPUT, METADATA, Tester, integers, random, scalar

from ssc_deploy.emit.tflite import build
from ssc_deploy.errors import EmitError, UnsupportedOperatorError
from ssc_deploy.ir import roles

PICTURE = (1, 6, 7, 9)

TRACE = """File "/home/me/net.py", line 12, in <module>
    net(x)
File "/env/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1780, in _call_impl
    return forward_call(*args, **kwargs)
File "/home/me/net.py", line 33, in forward
    return x.erf()
File "/env/lib/python3.11/site-packages/torch/_ops.py", line 700, in __call__
    return self._op(*args)"""


def test_unknown_operator_names_its_block_and_its_source_line() -> None:
    model = Tester(PICTURE).op("Erf").model
    (node,) = model.graph
    roles.set_block(node, "body.7.ssc1")
    node.metadata_props["pkg.torch.onnx.stack_trace"] = TRACE
    with pytest.raises(UnsupportedOperatorError) as refusal:
        build(model, METADATA)
    assert str(refusal.value).startswith(
        "TFLite emission cannot write Erf node_value0 of block body.7.ssc1 (/home/me/net.py, line 33, in forward): it "
        "is not among the "
    )


def test_without_block_and_trace_the_node_is_named() -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"Erf node_value0 of block \(root\): "):
        Tester(PICTURE).op("Erf").build()


def test_other_domains_are_unknown() -> None:
    model = Tester(PICTURE).op("Relu").model
    next(iter(model.graph)).domain = "com.example"
    with pytest.raises(UnsupportedOperatorError, match="cannot write Relu"):
        build(model, METADATA)


UNSUPPORTED = {
    "computed kernel": (Tester((4, 6, 1, 1)).op("Conv", INPUT), "input 1 has to be a constant"),
    "one-dimensional window": (Tester((1, 6, 7)).op("Conv", random(4, 6, 3)), "rank 3 where 4 is known"),
    "pooling with dilation": (
        Tester(PICTURE).op("MaxPool", kernel_shape=[2, 2], dilations=[2, 2]),
        r"dilations \(2, 2\)",
    ),
    "ceil mode that counts padding": (
        Tester(PICTURE).op("AveragePool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1, count_include_pad=1),
        "ceil_mode",
    ),
    "indices of the maximum": (
        Tester(PICTURE).op("MaxPool", kernel_shape=[2, 2], outputs=2, name="p").output("p.1"),
        "indices",
    ),
    "transposed first matrix": (Tester((3, 4)).op("Gemm", random(3, 5), transA=1), "transA"),
    "C of another shape": (Tester((3, 4)).op("Gemm", random(4, 5), random(3, 1)), "one number a column"),
    "prelu of every pixel": (Tester(PICTURE).op("PRelu", random(6, 7, 9)), "not one number a channel"),
    "prelu of a matrix": (Tester((2, 3)).op("PRelu", random(3)), "not one number a channel"),
    "elu of another slope": (Tester(PICTURE).op("Elu", alpha=0.5), "alpha is not 1"),
    "vector times matrix": (Tester((4,)).op("MatMul", random(4, 5)), "ranks 1 and 2"),
    "matrix times vector": (Tester((3, 4)).op("MatMul", random(4)), "ranks 2 and 1"),
    "dropout that drops": (Tester(PICTURE).op("Dropout", scalar(0.5), np.array(True)), "training_mode is true"),
    "batch norm that trains": (
        Tester(PICTURE).op("BatchNormalization", *[random(6) ** 2] * 4, training_mode=1, outputs=3),
        "training_mode is true",
    ),
    "squeeze of the batch": (Tester(("N", 6)).op("Squeeze", integers(0)), "takes away the dynamic batch"),
    "mean over the batch": (Tester(("N", 6)).op("ReduceMean", integers(0)), "dynamic batch"),
    "computed clip bound": (
        Tester((1,)).op("Squeeze", name="bound").op("Clip", "bound", first=INPUT),
        "bounds have to be constants",
    ),
    "constants only": (Tester(PICTURE).op("Add", scalar(1), first=scalar(1)), "fold constants"),
    "constants joined": (Tester(PICTURE).op("Concat", random(2), first=random(2), axis=0), "fold constants"),
    "identity of a constant": (Tester(PICTURE).op("Identity", first=np.ones(3)), "fold constants"),
    "empty slice": (Tester(PICTURE).op("Slice", integers(3), integers(3), integers(2)), "nothing is left"),
    "fixed batch in a reshape": (Tester(("N", 6, 4)).op("Reshape", integers(2, 12)), "fixes the batch"),
    "cut of the batch": (Tester(("N", 6)).op("Slice", integers(0), integers(1), integers(0)), "dynamic batch"),
    "split of the batch": (Tester(("N", 6), opset=11).op("Split", axis=0), "dynamic batch"),
    "pad that leaves nothing": (Tester(PICTURE).op("Pad", integers(0, 0, -7, 0, 0, 0, 0, 0)), "nothing is left"),
    "scatter that adds": (
        Tester((5, 4)).op("ScatterND", np.array([[1]]), random(1, 4), reduction="add"),
        "adds up",
    ),
    "scatter of single numbers": (
        Tester((5, 4)).op("ScatterND", np.array([[1, 2]]), random(1)),
        "single numbers",
    ),
    "scatter of part of a line": (
        Tester((5, 4)).op("ScatterElements", np.array([[1, 1]]), random(1, 2)),
        "single numbers",
    ),
    "constant scattered into a dynamic batch": (
        Tester(("N", 4)).op("ScatterElements", np.array([[1]]), random(1, 1), axis=1),
        "dynamic batch",
    ),
    "pad of the batch": (Tester(("N", 6)).op("Pad", integers(1, 0, 0, 0)), "dynamic batch"),
    "gather from the batch": (Tester(("N", 6)).op("Gather", integers(0), axis=0), "dynamic batch"),
    "constant beside a dynamic batch": (Tester(("N", 6)).op("Concat", random(1, 6), axis=0), "dynamic batch"),
    "broadcast of a dynamic batch": (Tester(("N", 1)).op("Expand", integers(1, 3)), "dynamic batch"),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_refuses(case: str) -> None:
    tester, reason = UNSUPPORTED[case]
    with pytest.raises(UnsupportedOperatorError, match=reason):
        tester.build()


def test_refuses_two_dynamic_sizes() -> None:
    with pytest.raises(EmitError, match="only the batch may be dynamic"):
        Tester(("N", 3, "H", 8)).op("Relu").build()


def test_refuses_other_types() -> None:
    model = Tester(PICTURE).op("Relu").model
    model.graph.inputs[0].dtype = type(model.graph.inputs[0].dtype).DOUBLE
    with pytest.raises(EmitError, match="takes float32 only"):
        build(model, METADATA)
