"""What the reference computes for operators whose meaning or spelling changed between opsets, against ONNX Runtime."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ssc_deploy.examples import Examples
from ssc_deploy.verification.onnx_reference import OnnxReference
from ssc_deploy.verification.tolerance import own_error

OPSETS = range(9, 21)
RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((3, 4, 6, 5), np.float32)


def f32(*shape):
    return RANDOM.standard_normal(shape, np.float32)


def operator(op, *inputs, outputs=1, **attributes):
    return op, [np.asarray(array) if array is not None else None for array in inputs], outputs, attributes


def dims(opset, name, since, axes):
    """Axes, which are an attribute at first and an input later."""
    return ([np.array(axes)], {}) if opset >= since else ([], {name: axes})


def reduced(op, since):
    def at(opset):
        inputs, attributes = dims(opset, "axes", since, [2, 3])
        return operator(op, *inputs, **attributes, keepdims=1)

    return at


def padded(opset):
    pads = [0, 0, 1, 2, 0, 0, 0, 1]
    return operator("Pad", np.array(pads), np.float32(0.5)) if opset >= 11 else operator("Pad", pads=pads, value=0.5)


def clipped(opset):
    return operator("Clip", np.float32(-0.3), np.float32(0.7)) if opset >= 11 else operator("Clip", min=-0.3, max=0.7)


def sliced(opset):
    bounds = [np.array([1, 0]), np.array([5, 4]), np.array([2, 3])]
    return operator("Slice", *bounds) if opset >= 10 else operator("Slice", starts=[1, 0], ends=[5, 4], axes=[2, 3])


def split(opset):
    count = {"num_outputs": 2} if opset >= 18 else {}
    return operator("Split", outputs=2, axis=1, **count)


def unsqueezed(opset):
    inputs, attributes = dims(opset, "axes", 13, [2])
    return operator("Unsqueeze", *inputs, **attributes)


def dropped(opset):
    return operator("Dropout", np.float32(0.5)) if opset >= 12 else operator("Dropout", ratio=0.5)


def enlarged(mode):
    def at(opset):
        scales = np.float32([1, 1, 2, 2])
        if opset < 10:
            return operator("Upsample", scales, mode=mode)
        if opset < 11:
            return operator("Resize", scales, mode=mode)
        how = {"coordinate_transformation_mode": "asymmetric"}
        return operator("Resize", np.zeros(0, np.float32), scales, mode=mode, **how, nearest_mode="floor")

    return at


def normalised(_opset):
    return operator("BatchNormalization", f32(4), f32(4), f32(4), abs(f32(4)) + 0.1, epsilon=1e-3, momentum=0.9)


CASES = {
    "BatchNormalization": normalised,
    **{
        f"{op}{'' if axis is None else f'-{axis}'}": lambda _, op=op, axis=axis: operator(
            op, **({} if axis is None else {"axis": axis})
        )
        for op in ("Softmax", "LogSoftmax", "Hardmax")
        for axis in (None, 1, 2, 3)
    },
    "AveragePool": lambda _: operator("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4),
    "AveragePool-count": lambda _: operator("AveragePool", kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1),
    "AveragePool-ceil": lambda o: operator(
        "AveragePool", kernel_shape=[3, 3], strides=[2, 2], **({"ceil_mode": 1} if o >= 10 else {})
    ),
    "MaxPool": lambda _: operator("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4),
    "MaxPool-ceil": lambda o: operator(
        "MaxPool", kernel_shape=[3, 3], strides=[2, 2], **({"ceil_mode": 1} if o >= 10 else {})
    ),
    "Clip": clipped,
    "Conv": lambda _: operator("Conv", f32(6, 2, 3, 3), f32(6), group=2, pads=[1] * 4, strides=[2, 1]),
    "ConvTranspose": lambda _: operator("ConvTranspose", f32(4, 3, 2, 2), strides=[2, 2]),
    "DepthToSpace": lambda _: operator("DepthToSpace", blocksize=2),
    "Dropout": dropped,
    "Flatten": lambda _: operator("Flatten", axis=1),
    "Gather": lambda _: operator("Gather", np.array([3, 0, 1]), axis=1),
    "GlobalAveragePool": lambda _: operator("GlobalAveragePool"),
    "GlobalMaxPool": lambda _: operator("GlobalMaxPool"),
    "HardSigmoid": lambda _: operator("HardSigmoid", alpha=0.25),
    "InstanceNormalization": lambda _: operator("InstanceNormalization", f32(4), f32(4)),
    "LeakyRelu": lambda _: operator("LeakyRelu", alpha=0.2),
    "LRN": lambda _: operator("LRN", size=3),
    "Elu": lambda _: operator("Elu", alpha=0.5),
    "MatMul": lambda _: operator("MatMul", f32(5, 7)),
    "Mul": lambda _: operator("Mul", f32(4, 1, 1)),
    "Add": lambda _: operator("Add", f32(1, 4, 1, 1)),
    "Sub": lambda _: operator("Sub", f32(6, 1)),
    "Div": lambda _: operator("Div", abs(f32(4, 1, 1)) + 1),
    "PRelu": lambda _: operator("PRelu", f32(4, 1, 1)),
    "Pad": padded,
    **{op: reduced(op, 18) for op in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceSumSquare")},
    "ReduceSum": reduced("ReduceSum", 13),
    "Relu": lambda _: operator("Relu"),
    "Reshape": lambda _: operator("Reshape", np.array([0, 2, 2, -1, 5])),
    "Resize-nearest": enlarged("nearest"),
    "Resize-linear": enlarged("linear"),
    "Sigmoid": lambda _: operator("Sigmoid"),
    "Slice": sliced,
    "Split": split,
    "Sum": lambda _: operator("Sum", f32(4, 1, 1)),
    "Tanh": lambda _: operator("Tanh"),
    "Transpose": lambda _: operator("Transpose", perm=[0, 2, 3, 1]),
    "Unsqueeze": unsqueezed,
}

#: Of what an operator returns, where it is not 4.
RANKS = {"Flatten": 2, "Reshape": 5, "Unsqueeze": 5}


def written(path, opset, case):
    op, inputs, outputs, attributes = CASES[case](opset)
    constants = [numpy_helper.from_array(array, f"c{i}") for i, array in enumerate(inputs)]
    names = [f"y{i}" if i else "y" for i in range(outputs)]
    node = helper.make_node(op, ["x", *(c.name for c in constants)], names, **attributes)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *X.shape[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * RANKS.get(op, 4))],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_each_opset_means_to_the_reference_what_it_means_to_the_runtime(case, tmp_path):
    for opset in OPSETS:
        reference = OnnxReference(written(tmp_path / f"{opset}.onnx", opset, case))
        own = own_error(reference.float32_outputs(Examples.of(X))[0], reference.outputs(Examples.of(X))[0])
        assert own.error.max <= 2e-6 * own.scale, f"opset {opset}: {own}"
