"""Resize and Upsample, exactly as ONNX says, in every mode.

    y[.., o, ..] = sum over i of M[o, i] x[.., i, ..]        along one axis after the other

Where TFLite's own operator has the same rule it is written; else the matrix M of each axis, which holds what ONNX does
to a row of ones: one weight in each row for the nearest, two for linear, four for cubic, more with antialiasing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.emit.tflite.formula import Formula, integers
from ssc_deploy.emit.tflite.graph import name_of
from ssc_deploy.emit.tflite.operators.linear import along_axis
from ssc_deploy.emit.tflite.order import FLOAT, IMAGE
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

_OP = schema.BuiltinOperator


@operator("Resize")
def resize(graph: Graph, node: ir.Node) -> None:
    """RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR where their rule is ONNX's; else GATHER, or BATCH_MATMUL by weights.

    See the module's docstring.
    """
    stored, output = graph.stored(node, 0), node.outputs[0]
    name = name_of(output)
    sizes, scales = _sizes(graph, node, stored.shape)
    changed = [axis for axis, size in enumerate(stored.shape) if sizes[axis] != size or scales[axis] != 1]
    if stored.dynamic in changed:
        raise refuse(node, "it resizes the dynamic batch")
    code = _own(node, stored.shape, sizes, scales) if stored.dtype == FLOAT and stored.rank == 4 else None
    if code is not None:
        graph.define(output, _written(graph, node, code, sizes))
        return
    f = Formula(graph, node)
    value = f.input(0)
    for axis in changed:
        matrix = _matrix(node, stored.shape[axis], sizes[axis], scales[axis])
        if np.isin(matrix, (0, 1)).all() and (matrix.sum(1) == 1).all():
            value = f.op("Gather", value, integers(*matrix.argmax(1)), axis=axis)
        else:
            value = f.value(along_axis(graph, f.stored(value), axis, matrix, name))
    f.give(value)


def _sizes(graph: Graph, node: ir.Node, shape: tuple[int, ...]) -> tuple[list[int], list[float]]:
    """The size and the scale of each axis."""
    given = [graph.constant(value) for value in node.inputs[2:4]]
    scales, sizes = [*given, None, None][:2]
    axes = [axis % len(shape) for axis in node.attributes.get_ints("axes", range(len(shape)))]
    all_sizes, all_scales = list(shape), [1.0] * len(shape)
    if sizes is not None and sizes.size:
        wanted = [int(size) for size in sizes]
        policy = node.attributes.get_string("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            choose = min if policy == "not_larger" else max
            scale = choose(size / shape[axis] for axis, size in zip(axes, wanted, strict=True))
            wanted = [int(scale * shape[axis] + 0.5) for axis in axes]
        for axis, size in zip(axes, wanted, strict=True):
            all_sizes[axis], all_scales[axis] = size, size / shape[axis]
    elif scales is not None and scales.size:
        for axis, scale in zip(axes, scales, strict=True):
            all_sizes[axis], all_scales[axis] = int(np.floor(shape[axis] * np.float32(scale))), float(scale)
    else:
        raise refuse(node, "its sizes and scales have to be constants")
    return all_sizes, all_scales


def _own(node: ir.Node, shape: tuple[int, ...], sizes: list[int], scales: list[float]) -> int | None:
    """The operator of TFLite that does the same to an image; None if none does."""
    mode, rule = _mode(node), _rule(node)
    plain = not node.attributes.get_int("antialias", 0) and not node.attributes.get_int("exclude_outside", 0)
    # TFLite takes the quotient of the sizes for the scale.
    quotients = all(np.isclose(size / before, scale) for before, size, scale in zip(shape, sizes, scales, strict=True))
    if not plain or sizes[:2] != list(shape[:2]) or not (quotients or rule == "align_corners"):
        return None
    if mode == "linear" and rule in {"half_pixel", "align_corners", "asymmetric"} and min(sizes[2:]) > 1:
        return int(_OP.RESIZE_BILINEAR)
    whole = all(size % before == 0 for before, size in zip(shape, sizes, strict=True))
    lower = rule == "asymmetric" and node.attributes.get_string("nearest_mode", "round_prefer_floor") == "floor"
    # Each pixel is repeated; every rule that is not skewed says so, too.
    if mode == "nearest" and whole and (lower or rule == "half_pixel"):
        return int(_OP.RESIZE_NEAREST_NEIGHBOR)
    return None


def _written(graph: Graph, node: ir.Node, code: int, sizes: list[int]) -> Any:
    name, image = name_of(node.outputs[0]), graph.need(node, 0, IMAGE)
    if code == _OP.RESIZE_BILINEAR:
        options = schema.ResizeBilinearOptionsT()
        options.alignCorners, options.halfPixelCenters = _rule(node) == "align_corners", _rule(node) == "half_pixel"
    else:
        options = schema.ResizeNearestNeighborOptionsT()
        options.alignCorners = options.halfPixelCenters = False
    inputs = [image.tensor, graph.integers(f"{name}/size", sizes[2:])]
    version = 3 if options.halfPixelCenters else 1
    return graph.add(code, inputs, name, image, shape=sizes, options=options, version=version)


def _mode(node: ir.Node) -> str:
    return node.attributes.get_string("mode", "nearest")


def _rule(node: ir.Node) -> str:
    """Where an output pixel lies in the input; PyTorch's own half pixel differs for one pixel only."""
    rule = node.attributes.get_string("coordinate_transformation_mode", "half_pixel")
    return "half_pixel" if rule == "pytorch_half_pixel" else rule


def _matrix(node: ir.Node, before: int, after: int, scale: float) -> npt.NDArray[np.float64]:
    """[after, before]: what ONNX's reference makes of the unit matrix."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    kept = ("mode", "coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a", "exclude_outside", "antialias")
    attributes = {name: node.attributes[name].value for name in kept if name in node.attributes}
    if node.attributes.get_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        raise refuse(node, "it crops while it resizes (tf_crop_and_resize); write a slice before it")
    double = TensorProto.DOUBLE
    # A scale that is the quotient of the sizes would be rounded.
    by_size = scale == after / before
    inputs = ["x", "", "", "to"] if by_size else ["x", "", "to"]
    to = helper.make_tensor(
        "to", *((TensorProto.INT64, [1], [after]) if by_size else (TensorProto.FLOAT, [1], [scale]))
    )
    proto = helper.make_model(
        helper.make_graph(
            [helper.make_node("Resize", inputs, ["y"], axes=[0], **attributes)],
            "row",
            [helper.make_tensor_value_info("x", double, [before, before])],
            [helper.make_tensor_value_info("y", double, None)],
            [to],
        ),
        opset_imports=[helper.make_opsetid("", 19)],
    )
    (result,) = ReferenceEvaluator(proto).run(None, {"x": np.eye(before)})
    return np.asarray(result, np.float64)
