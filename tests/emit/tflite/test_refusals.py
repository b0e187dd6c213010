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
    return x.det()
File "/env/lib/python3.11/site-packages/torch/_ops.py", line 700, in __call__
    return self._op(*args)"""


def test_unknown_operator_names_its_block_and_its_source_line() -> None:
    model = Tester((6, 6)).op("Det").model
    (node,) = model.graph
    roles.set_block(node, "body.7.ssc1")
    node.metadata_props["pkg.torch.onnx.stack_trace"] = TRACE
    with pytest.raises(UnsupportedOperatorError) as refusal:
        build(model, METADATA)
    assert str(refusal.value).startswith(
        "TFLite emission cannot write Det node_value0 of block body.7.ssc1 (/home/me/net.py, line 33, in forward): it "
        "is not among the "
    )


def test_without_block_and_trace_the_node_is_named() -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"Det node_value0 of block \(root\): "):
        Tester((6, 6)).op("Det").build()


def test_other_domains_are_unknown() -> None:
    model = Tester(PICTURE).op("Relu").model
    next(iter(model.graph)).domain = "com.example"
    with pytest.raises(UnsupportedOperatorError, match="cannot write Relu"):
        build(model, METADATA)


UNSUPPORTED = {
    "computed kernel of a transposed conv": (
        Tester((4, 4, 1, 1)).op("ConvTranspose", INPUT),
        "input 1 has to be a constant",
    ),
    "window over a volume, cut off": (
        Tester((1, 6, 6, 4, 4)).op("MaxPool", kernel_shape=[3, 2, 2], strides=[2, 2, 2], ceil_mode=1),
        "ceil_mode",
    ),
    "window over a volume, padded and dilated": (
        Tester((1, 6, 7, 4, 4)).op("MaxPool", kernel_shape=[3, 1, 1], dilations=[2, 1, 1], pads=[1, 0, 0, 1, 0, 0]),
        "both padding and a dilation",
    ),
    "computed kernel over a volume": (
        Tester((2, 2, 3, 3, 3)).op("Relu", name="kernel").op("Conv", "kernel", first=INPUT, pads=[1] * 6),
        "slides over volumes, and the network computes it",
    ),
    "indices of the maximum": (
        Tester(PICTURE).op("MaxPool", kernel_shape=[2, 2], outputs=2, name="p").output("p.1"),
        "indices",
    ),
    "last of equal numbers": (Tester(PICTURE).op("ArgMax", axis=1, select_last_index=1), "last of equal numbers"),
    "sampling at computed places": (
        Tester((1, 2, 2, 2)).op("Relu").op("GridSample", INPUT, mode="nearest"),
        "its places are computed",
    ),
    "half precision": (Tester(PICTURE).op("Cast", to=10), "FLOAT16"),
    "dropout that drops": (Tester(PICTURE).op("Dropout", scalar(0.5), np.array(True)), "training_mode is true"),
    "batch norm that trains": (
        Tester(PICTURE).op("BatchNormalization", *[random(6) ** 2] * 4, training_mode=1, outputs=3),
        "training_mode is true",
    ),
    "squeeze of the batch": (Tester(("N", 6)).op("Squeeze", integers(0)), "takes away the dynamic batch"),
    "mean over the batch": (Tester(("N", 6)).op("ReduceMean", integers(0)), "dynamic batch"),
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
    "broadcast of a dynamic batch": (
        Tester(("N", 1)).op("Cast", to=6).op("Expand", integers(1, 3)).op("Cast", to=1),
        "dynamic batch",
    ),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_refuses(case: str) -> None:
    tester, reason = UNSUPPORTED[case]
    with pytest.raises(UnsupportedOperatorError, match=reason):
        tester.build()


def test_names_all_operators_that_cannot_be_written_at_once() -> None:
    model = Tester((6, 6)).op("Det", name="a").op("Relu").op("Hardmax", first=INPUT, name="b").op("Sub", "a").model
    with pytest.raises(UnsupportedOperatorError) as refusal:
        build(model, METADATA)
    text = str(refusal.value)
    assert text.startswith("TFLite emission cannot write 2 operators:\n- Det node_a of block (root): it is not among ")
    assert "\n- Hardmax node_b of block (root): " in text
    assert "export to onnx" in text


def test_operators_alike_are_named_in_one_sentence() -> None:
    model = Tester((2, 6, 6)).op("Det", name="a").op("Det", first=INPUT, name="b").op("Sub", "a").model
    with pytest.raises(UnsupportedOperatorError, match=r"\n- Det node_a of block \(root\), Det node_b of block .*: it"):
        build(model, METADATA)


def test_refuses_two_dynamic_sizes() -> None:
    with pytest.raises(EmitError, match="only the batch may be dynamic"):
        Tester(("N", 3, "H", 8)).op("Relu").build()


def test_refuses_other_types() -> None:
    model = Tester(PICTURE).op("Relu").model
    model.graph.inputs[0].dtype = type(model.graph.inputs[0].dtype).DOUBLE
    with pytest.raises(EmitError, match="takes float32, int32, int64, uint8 and bool"):
        build(model, METADATA)
