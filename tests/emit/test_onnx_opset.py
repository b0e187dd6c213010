"""Every version of every operator between the opsets that can be written: the table of steps is whole."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from graphs import Chain
from moving import signed
from onnx import defs

from ssc_deploy.emit.onnx_opset import OPSETS, convert
from ssc_deploy.errors import UnsupportedOperatorError
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime

# The operators whose node of required inputs and attributes alone has no equal across the version.
REFUSED = {("DFT", 20, True), ("DFT", 20, False), ("OptionalHasElement", 18, False), ("RoiAlign", 16, False)}
CONTROL_FLOW = {"If", "Loop", "Scan"}


def _boundaries() -> list[tuple[str, int]]:
    schemas = [s for s in defs.get_all_schemas_with_history() if s.domain == "" and not s.deprecated]
    first: dict[str, int] = {}
    for schema in schemas:
        first[schema.name] = min(schema.since_version, first.get(schema.name, schema.since_version))
    return sorted(
        (s.name, s.since_version)
        for s in schemas
        if first[s.name] < s.since_version and OPSETS[0] < s.since_version <= OPSETS[-1] and s.name not in CONTROL_FLOW
    )


def _dtype(*formals: defs.OpSchema.FormalParameter) -> ir.DataType | None:
    """Float32 where all take it, else any type of a tensor that all take."""
    types = set.intersection(*(set(formal.types) for formal in formals))
    tensors = sorted(t.removeprefix("tensor(")[:-1].upper() for t in types if t.startswith("tensor("))
    name = "FLOAT" if "FLOAT" in tensors else next(iter(tensors), None)
    return None if name is None else ir.DataType[name]


def _attribute(attribute: defs.OpSchema.Attribute) -> ir.Attr:
    values = {
        ir.AttributeType.INT: 1,
        ir.AttributeType.FLOAT: 1.0,
        ir.AttributeType.STRING: "x",
        ir.AttributeType.INTS: [1, 1],
    }
    kind = ir.AttributeType[str(attribute.type).rpartition(".")[2]]
    return ir.Attr(attribute.name, kind, values[kind])


def _plain(op_type: str, opset: int, other: int) -> ir.Model:
    """A graph of one node, of the operator's required inputs and attributes, and of types that ``other`` has too."""
    schema, known = (defs.get_schema(op_type, version, "") for version in (opset, other))
    inputs = [
        ir.val(f"in{i}", dtype=_dtype(*formals), shape=ir.Shape([1, 4, 6, 6]))
        for i, formals in enumerate(zip(schema.inputs[: schema.min_input], known.inputs, strict=False))
    ]
    outputs = [ir.val("out", dtype=_dtype(schema.outputs[0], known.outputs[0]), shape=ir.Shape([1, 4, 6, 6]))]
    attributes = [_attribute(a) for a in schema.attributes.values() if a.required]
    node = ir.Node("", schema.name, inputs, attributes, outputs=outputs)
    return ir.Model(ir.Graph(inputs, outputs, nodes=[node], opset_imports={"": opset}), ir_version=10)


@pytest.mark.quick(60)
@pytest.mark.parametrize(("op_type", "version"), _boundaries())
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_every_version_is_stepped_over_or_refused_with_a_way_out(op_type: str, version: int, up: bool) -> None:
    found, wanted = (version - 1, version) if up else (version, version - 1)
    schema = defs.get_schema(op_type, wanted, "")
    model = _plain(op_type, found, wanted)
    if (op_type, version, up) in REFUSED:
        with pytest.raises(UnsupportedOperatorError, match=rf"choose `opset={found}`$"):
            convert(model, wanted)
        return
    convert(model, wanted)
    (node,) = model.graph
    assert model.graph.opset_imports[""] == wanted
    assert set(node.attributes) <= set(schema.attributes)
    assert {a.name for a in schema.attributes.values() if a.required} <= set(node.attributes)
    assert schema.min_input <= len(node.inputs) <= schema.max_input


@pytest.mark.parametrize("wanted", [17, 20, 22])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample_s_modes_are_renamed(mode: str, wanted: int) -> None:
    grid = np.linspace(-1, 1, 18, dtype=np.float32).reshape(1, 3, 3, 2)
    model, x = Chain(1, 4, 6, 6).then("GridSample", grid, mode=mode).build(), signed(1, 4, 6, 6)
    expected = OnnxRuntime().load(ir.to_proto(model).SerializeToString()).run([x])[0]
    for opset in (wanted, 16):
        convert(model, opset)
        got = OnnxRuntime().load(ir.to_proto(model).SerializeToString()).run([x])[0]
        np.testing.assert_allclose(got, expected, atol=1e-6)


def _gelu(**attributes: str) -> ir.Model:
    return Chain(1, 4, 6, 6).then("Gelu", **attributes).then("Relu").build(opset=20)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_is_written_with_what_older_opsets_have(approximate: str) -> None:
    model, x = _gelu(approximate=approximate), 3 * signed(1, 4, 6, 6)
    name = model.graph[0].outputs[0].name
    expected = OnnxRuntime().load(ir.to_proto(model).SerializeToString()).run([x])[0]
    convert(model, 17)
    proto = ir.to_proto(model)
    onnx.checker.check_model(proto, full_check=True)
    assert name in {output for node in proto.graph.node for output in node.output}
    assert "Gelu" not in {node.op_type for node in proto.graph.node}
    np.testing.assert_allclose(OnnxRuntime().load(proto.SerializeToString()).run([x])[0], expected, atol=1e-6)


@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 1, 1, 1)])
@pytest.mark.parametrize("size", [(8, 8), (9, 10)])
def test_a_mean_that_counts_borders_and_rounds_up_is_what_pytorch_computes(
    pads: tuple[int, ...], size: tuple[int, int]
) -> None:
    pool = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": pads, "ceil_mode": 1, "count_include_pad": 1}
    x = signed(1, 2, *size)
    expected = torch.nn.functional.avg_pool2d(torch.from_numpy(x), 3, 2, pads[0], ceil_mode=True).numpy()
    model = Chain(1, 2, *size).then("AveragePool", **pool).then("Relu").build(opset=21)
    for value, shape in ((model.graph[0].outputs[0], expected.shape), (model.graph.outputs[0], expected.shape)):
        value.shape = ir.Shape(shape)
    convert(model, 17)
    (found,) = OnnxRuntime().load(ir.to_proto(model).SerializeToString()).run([x])
    np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-6)


@pytest.mark.parametrize(
    ("size", "block", "how"),
    [
        ((6, 7), (2, 2), {}),
        ((6, 8), (3, 2), {"padding": 1, "stride": 2}),
        ((9, 7), (3, 3), {"padding": (2, 1), "dilation": (2, 1)}),
        ((8, 9), (2, 3), {"stride": (3, 2)}),
    ],
)
def test_columns_become_an_image_before_there_was_an_operator_for_it(size, block, how) -> None:
    fold = torch.nn.Fold(size, block, **how)
    pairs = {name: (value, value) if isinstance(value, int) else value for name, value in how.items()}
    (top, left), strides = pairs.get("padding", (0, 0)), pairs.get("stride", (1, 1))
    columns = torch.nn.functional.unfold(torch.zeros(1, 3, *size), block, **how).shape
    x = signed(2, *columns[1:])
    attributes = {"pads": (top, left) * 2, "strides": strides, "dilations": pairs.get("dilation", (1, 1))}
    model = Chain(*x.shape).then("Col2Im", np.array(size), np.array(block), **attributes).build(opset=21)
    output = model.graph[0].outputs[0]
    output.shape, output.dtype = ir.Shape((2, 3, *size)), ir.DataType.FLOAT
    convert(model, 17)
    proto = ir.to_proto(model)
    onnx.checker.check_model(proto, full_check=True)
    returned = OnnxRuntime().load(proto.SerializeToString()).run([x])[0]
    np.testing.assert_allclose(returned, fold(torch.from_numpy(x).double()).numpy(), atol=1e-6)


@pytest.mark.parametrize("opset", [13, 20])
def test_group_normalization_is_written_as_a_formula_before_it_was_there(opset: int) -> None:
    scale, bias, x = signed(6), signed(6)[::-1].copy(), signed(1, 6, 4, 5)
    model = Chain(1, 6, 4, 5).then("GroupNormalization", scale, bias, num_groups=3, epsilon=1e-3).build(opset=21)
    model.graph.outputs[0].shape, model.graph.outputs[0].dtype = ir.Shape((1, 6, 4, 5)), ir.DataType.FLOAT
    model.graph[0].outputs[0].shape = ir.Shape((1, 6, 4, 5))
    groups = x.astype(np.float64).reshape(1, 3, -1)
    normal = (groups - groups.mean(-1, keepdims=True)) / np.sqrt(groups.var(-1, keepdims=True) + 1e-3)
    expected = normal.reshape(x.shape) * scale.reshape(-1, 1, 1) + bias.reshape(-1, 1, 1)
    convert(model, opset)
    proto = ir.to_proto(model)
    onnx.checker.check_model(proto, full_check=True)
    assert "InstanceNormalization" in {node.op_type for node in proto.graph.node}
    np.testing.assert_allclose(OnnxRuntime().load(proto.SerializeToString()).run([x])[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("op_type", "attributes", "found", "wanted", "reason"),
    [
        ("Pad", {"mode": "wrap"}, 19, 18, r"mode 'wrap' needs version 19; choose `opset=19`"),
        ("AveragePool", {"kernel_shape": [2, 2], "dilations": [2, 2]}, 19, 17, r"dilations .*; choose `opset=19`"),
        ("Cast", {"to": 1, "saturate": 0}, 19, 18, r"saturate .*; choose `opset=19`"),
        ("BatchNormalization", {"training_mode": 1}, 15, 13, r"it trains.*; choose `opset=14`"),
        ("DFT", {}, 19, 20, r"means something else; choose `opset=19`"),
    ],
)
def test_what_a_version_added_is_refused_by_name(
    op_type: str, attributes: dict[str, object], found: int, wanted: int, reason: str
) -> None:
    model = _plain(op_type, found, wanted)
    for name, value in attributes.items():
        model.graph[0].attributes[name] = ir.convenience.convert_attribute(name, value)
    with pytest.raises(UnsupportedOperatorError, match=reason):
        convert(model, wanted)


def test_a_type_that_a_version_added_is_refused() -> None:
    model = _plain("Relu", 14, 13)
    model.graph[0].inputs[0].dtype = ir.DataType.INT32
    with pytest.raises(UnsupportedOperatorError, match=r"its X is INT32, .*; choose `opset=14`"):
        convert(model, 13)
