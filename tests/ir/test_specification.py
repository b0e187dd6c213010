"""Graphs that are broken in one place, for each rule of the specification, and graphs that only look so."""

import numpy as np
import onnx_ir as ir
import pytest
from graphs import Chain, normal, one_hot

from ssc_deploy.errors import RewriteError
from ssc_deploy.ir import canonical, roles, specification

IMAGE = (1, 4, 6, 6)


def graph(op_type, *operands, role=None, shape=IMAGE, opset=19, **attributes):
    """A graph of one node behind another, with shapes as ONNX infers them."""
    model = Chain(*shape).then("Neg").then(op_type, *operands, **attributes).build(opset=opset)
    if role is not None:
        roles.set_role(model.graph[-1], role)
    return model


def broken(change, *args, **kwargs):
    """The same after a change of the node, as a rule might make it."""

    def build():
        model = graph(*args, **kwargs)
        change(model.graph[-1])
        return model

    return build


def computed(op_type, index, *operands, **kwargs):
    """A graph whose operand ``index`` depends on the image, though the node returns what it did."""

    def build():
        model = graph(op_type, *operands, **kwargs)
        node = model.graph[-1]
        constant = node.inputs[index]
        dtype = constant.dtype
        image, least, sum_ = (
            ir.val(name, dtype=dtype, shape=shape)
            for name, shape in (("image", IMAGE), ("least", ()), ("sum", constant.shape))
        )
        model.graph.insert_before(
            node,
            [
                ir.node("Cast", [model.graph.inputs[0]], {"to": dtype.value}, outputs=[image]),
                ir.node("ReduceMin", [image], {"keepdims": 0}, outputs=[least]),
                ir.node("Add", [constant, least], outputs=[sum_]),
            ],
        )
        node.replace_input_with(index, sum_)
        return model

    return build


def resized(count):
    return lambda node: node.resize_inputs(count)


def attribute(name, value):
    return lambda node: node.attributes.add(ir.AttrInt64(name, value))


def operand(index, array):
    """Gives the node another constant, which its output does not follow from."""

    def change(node):
        value = ir.val("other", const_value=ir.tensor(np.asarray(array), name="other"))
        node.graph.register_initializer(value)
        node.replace_input_with(index, value)

    return change


def result(**changes):
    """Lets the graph say something else of what the node returns."""

    def change(node):
        for name, value in changes.items():
            setattr(node.outputs[0], name, value)

    return change


SHIFT = one_hot([(0, 1), (1, 0), (-1, -1), (0, 0)])
SHIFTED = {"group": 4, "pads": [1] * 4, "role": roles.Role.SHIFT}
ORDER, SHUFFLED = np.array([1, 0, 3, 2]), {"axis": 1, "role": roles.Role.SHUFFLE}
GROUPED = {"group": 2, "role": roles.Role.GROUP_POINTWISE}
REARRANGED = {"role": roles.Role.REARRANGEMENT}
BOUNDS = (np.array([0]), np.array([2]), np.array([1]))
ZERO = np.float32(0)
WIDTHS = np.array([0, 0, 1, 1] * 2)

BROKEN = {
    "an input too few": (broken(resized(1), "Conv", normal(4, 4, 1, 1)), "has input size 1 not in range"),
    "an attribute that is none": (broken(attribute("alpha", 1), "Relu"), "Unrecognized attribute: alpha"),
    "an attribute too few": (
        broken(lambda node: node.attributes.pop("axis"), "Concat", "input", axis=1),
        "Required attribute 'axis' is missing",
    ),
    "an axis that is none": (broken(attribute("axis", 4), "Gather", ORDER, axis=1), "axis must be in"),
    "operands of two types": (
        broken(operand(1, np.ones((4, 1, 1))), "Mul", normal(4, 1, 1)),
        "has inconsistent type tensor.double.",
    ),
    "operands that do not fit": (broken(operand(1, normal(5, 1, 1)), "Mul", normal(4, 1, 1)), "Incompatible dim"),
    "an operator of a newer opset": (
        broken(lambda node: setattr(node, "op_type", "Gelu"), "Relu"),
        "Gelu .* does not exist in opset 19",
    ),
    "another type": (broken(result(dtype=ir.DataType.DOUBLE), "Relu"), "gives FLOAT, but v1 is DOUBLE"),
    "another shape": (
        broken(result(shape=ir.Shape((1, 4, 3, 6))), "Relu"),
        r"gives \[1, 4, 6, 6\], but v1 is \[1, 4, 3, 6\]",
    ),
    "another rank": (broken(result(shape=ir.Shape((4, 6, 6))), "Gather", ORDER, axis=1), "gives .* but v1 is"),
    "a kernel of other channels": (
        broken(operand(1, normal(4, 3, 1, 1)), "Conv", normal(4, 4, 1, 1)),
        r"has a kernel of \[4, 3, 1, 1\] for \[1, 4, 6, 6\] and 1 groups",
    ),
    "outputs that groups do not divide": (
        broken(
            lambda node: (operand(1, normal(3, 2, 1, 1))(node), result(shape=None)(node)),
            "Conv",
            normal(4, 2, 1, 1),
            group=2,
        ),
        r"has a kernel of \[3, 2, 1, 1\]",
    ),
    "a kernel of another size": (
        broken(operand(1, normal(4, 4, 3, 3)), "Conv", normal(4, 4, 1, 1), kernel_shape=[1, 1]),
        r"says that its kernel is \[1, 1\], but it is \[3, 3\]",
    ),
    "an offset of other channels": (
        broken(operand(2, normal(3)), "Conv", normal(4, 4, 1, 1), normal(4)),
        r"has an offset of \[3\] for 4 channels",
    ),
    "a bound a channel": (broken(operand(1, normal(4)), "Clip", ZERO), r"has a bound of \[4\]"),
    "numbers that go": (
        broken(
            lambda node: (operand(1, [1, 4, 18])(node), result(shape=ir.Shape((1, 4, 18)))(node)),
            "Reshape",
            np.array([1, 4, 36]),
        ),
        r"makes \[1, 4, 18\] of \[1, 4, 6, 6\]",
    ),
    "channels that are no blocks": (
        broken(
            lambda node: (attribute("blocksize", 3)(node), result(shape=None)(node)),
            "DepthToSpace",
            blocksize=2,
        ),
        r"cuts \[1, 4, 6, 6\] into blocks of 3",
    ),
    "pixels that are no blocks": (
        broken(
            lambda node: (attribute("blocksize", 4)(node), result(shape=None)(node)),
            "SpaceToDepth",
            blocksize=2,
        ),
        r"cuts \[1, 4, 6, 6\] into blocks of 4",
    ),
    "more starts than axes": (
        broken(lambda node: (operand(1, [0, 0])(node), result(shape=None)(node)), "Slice", *BOUNDS),
        "Slice .* is not a valid node of ONNX",
    ),
    "a shift that is scaled": (broken(operand(1, 2 * SHIFT), "Conv", SHIFT, **SHIFTED), "marked as a shift but is"),
    "a shift with an offset": (broken(lambda _: None, "Conv", SHIFT, np.zeros(4, "f"), **SHIFTED), "marked as a shift"),
    "a border of zeros": (broken(lambda _: None, "Pad", WIDTHS, role=roles.Role.BORDER), "marked as a border but is"),
    "a border by the image": (computed("Pad", 1, WIDTHS, mode="edge", role=roles.Role.BORDER), "a border but is none"),
    "a border that is returned": (
        broken(lambda _: None, "Pad", WIDTHS, mode="wrap", role=roles.Role.BORDER),
        "is a border that something else reads",
    ),
    "frames that compute": (broken(lambda _: None, "Relu", role=roles.Role.FRAMES), "between frames but computes"),
    "frames by the image": (computed("Slice", 1, *BOUNDS, role=roles.Role.FRAMES), "but how far is computed"),
    "a strided shift without a stride": (
        broken(lambda _: None, "Conv", SHIFT, **{**SHIFTED, "role": roles.Role.STRIDED_SHIFT}),
        "marked as a strided shift but is none",
    ),
    "a shuffle of rows": (broken(lambda _: None, "Gather", ORDER, **{**SHUFFLED, "axis": 2}), "not gather channels"),
    "a shuffle that is none": (broken(lambda _: None, "Relu", role=roles.Role.SHUFFLE), "does not gather channels"),
    "a shuffle by the image": (computed("Gather", 1, ORDER, **SHUFFLED), "has no constant order"),
    "a shuffle by a matrix": (broken(lambda _: None, "Gather", ORDER.reshape(2, 2), **SHUFFLED), "no constant order"),
    "a group pointwise of one group": (
        broken(lambda _: None, "Conv", normal(4, 4, 1, 1), role=roles.Role.GROUP_POINTWISE),
        "marked as a group pointwise but is none",
    ),
    "a group pointwise of 3x3": (broken(lambda _: None, "Conv", normal(4, 2, 3, 3), **GROUPED), "but is none"),
    "a group pointwise by the image": (computed("Conv", 1, normal(4, 2, 1, 1), **GROUPED), "but is none"),
    "a rearrangement that computes": (broken(lambda _: None, "Relu", **REARRANGED), "rearrangement but computes"),
    "a rearrangement of no image": (
        broken(lambda _: None, "Slice", *BOUNDS, shape=(4, 6, 6), **REARRANGED),
        "works on something else than images",
    ),
    "a rearrangement by the image": (computed("Slice", 1, *BOUNDS, **REARRANGED), "where it moves numbers is computed"),
    "a clip that keeps numbers": (broken(lambda _: None, "Clip", ZERO, np.float32(6), **REARRANGED), "not make zeros"),
    "a clip with one bound": (broken(lambda _: None, "Clip", ZERO, **REARRANGED), "does not make zeros"),
}


@pytest.mark.parametrize(("build", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_node_that_is_broken_in_one_place_is_named(build, message):
    model = build()
    with pytest.raises(RewriteError, match=message):
        canonical.check_graph(model)


def test_each_rule_finds_one_of_the_broken_graphs():
    rules = {rule for kind in specification.RULES.values() for rule in kind}
    found = set()
    for build, _ in BROKEN.values():
        node = build().graph[-1]
        reason = specification.violation(node, 19)
        if "ONNX" not in reason:
            found |= {rule for rule in _rules_of(node) if rule(node) == reason}
    assert found == rules


def _rules_of(node):
    return specification.RULES.get(node.op_type, []) + specification.RULES.get(roles.role(node), [])


@pytest.mark.parametrize(
    "build",
    [
        lambda: graph("Conv", SHIFT, **SHIFTED),
        lambda: graph("Gather", ORDER, **SHUFFLED),
        lambda: graph("Conv", normal(4, 2, 1, 1), normal(4), **GROUPED),
        lambda: graph("Clip", ZERO, ZERO, **REARRANGED),
        lambda: graph("Slice", *BOUNDS, **REARRANGED),
        lambda: graph("Clip", "", np.float32(6)),
        lambda: graph("AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        computed("Slice", 1, *BOUNDS),
        computed("Conv", 1, normal(4, 4, 1, 1)),
        computed("Gather", 1, ORDER, axis=1),
        computed("Clip", 1, ZERO),
        broken(result(shape=None), "Relu"),
        broken(result(shape=ir.Shape(["batch", 4, 6, 6])), "Relu"),
        broken(result(shape=ir.Shape((1, 4, 2, 2))), "AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    ],
)
def test_a_node_that_may_be_so_passes(build):
    canonical.check_graph(build())
