"""What has to be done to a node that steps from one version of its operator to another.

`UP` and `DOWN` are by operator and by the version that is stepped into, or out of. An adapter changes the node, and
says in the end of a sentence why it cannot. Versions that are not here mean the same wherever a node fits both of them;
that has been read out of the operators' specifications, version by version, and a test walks over all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import graph as g
from ssc_deploy.ir.builder import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    Adapter = Callable[[ir.Node, int], str | None]


def _average_pool(node: ir.Node, version: int) -> str | None:
    """Version 19 added dilations, and corrected what is counted where ceil_mode lets a window leave the borders."""
    if g.integer(node, "ceil_mode", 0) and g.integer(node, "count_include_pad", 0):
        if any(g.ints(node, "pads", ())) and not _padded_before(node):
            return f"version {version} changed ceil_mode together with count_include_pad"
        # Without borders, there is nothing of them to be counted.
        node.attributes["count_include_pad"] = ir.AttrInt64("count_include_pad", 0)
    return _undilated(node, version)


def _padded_before(node: ir.Node) -> bool:
    """Puts the borders of a pool into a Pad of zeros, which then are of the image; not where the size would change."""
    pads, shape, out = g.ints(node, "pads", ()), g.shape_of(node.inputs[0]), g.shape_of(node.outputs[0])
    if shape is None or out is None or len(shape) != 4:
        return False
    kernel, strides = g.ints(node, "kernel_shape", ()), g.ints(node, "strides", (1, 1))
    dilations = g.ints(node, "dilations", (1, 1))
    for axis in range(2):
        size = shape[axis + 2] + pads[axis] + pads[axis + 2]
        count = -(-(size - (kernel[axis] - 1) * dilations[axis] - 1) // strides[axis]) + 1
        count -= (count - 1) * strides[axis] >= size
        if count != out[axis + 2]:
            return False
    place = Place(node)
    batch = node.inputs[0].shape[0]  # type: ignore[union-attr,index]  # it has a shape
    larger = (batch, shape[1], *(n + pads[a] + pads[a + 2] for a, n in enumerate(shape[2:])))
    borders = place.integers("borders", 0, 0, *pads[:2], 0, 0, *pads[2:])
    padded = place.op("Pad", [node.inputs[0], borders], label="padded", shape=larger)
    place.insert()
    node.replace_input_with(0, padded)
    node.attributes["pads"] = ir.AttrInt64s("pads", (0,) * 4)
    return True


def _undilated(node: ir.Node, version: int) -> str | None:
    dilations = node.attributes.pop("dilations", None)
    if dilations is None or all(step == 1 for step in dilations.as_ints()):
        return None
    return f"its dilations need version {version}"


def _batch_normalization(node: ir.Node, version: int) -> str | None:
    """Version 14 gave training, and the outputs that come with it, another form."""
    training = node.attributes.pop("training_mode", None)
    if (training is not None and training.as_int()) or any(v.uses() for v in node.outputs[1:]):
        return f"it trains, which version {version} changed; export the network in eval mode"
    return None


def _without(attribute: str, *values: str) -> Adapter:
    """Down: values that the version added have no older equal."""

    def adapter(node: ir.Node, version: int) -> str | None:
        given = node.attributes.get(attribute)
        if given is not None and given.as_string() in values:
            return f"its {attribute} {given.as_string()!r} needs version {version}"
        return None

    return adapter


def _renamed(attribute: str, names: dict[str, str]) -> Adapter:
    """Values of the attribute, the default first, have other names on the other side."""

    def adapter(node: ir.Node, _version: int) -> None:
        given = node.attributes.get_string(attribute, next(iter(names)))
        node.attributes[attribute] = ir.AttrString(attribute, names.get(given, given))

    return adapter


def _grid_sample_down(node: ir.Node, version: int) -> str | None:
    if node.inputs[0] is not None and node.inputs[0].shape is not None and len(node.inputs[0].shape) != 4:
        return f"its input is not a feature map of rank 4, which needs version {version}"
    return _renamed("mode", {"linear": "bilinear", "nearest": "nearest", "cubic": "bicubic"})(node, version)


def _roi_align_up(node: ir.Node, _version: int) -> None:
    node.attributes["coordinate_transformation_mode"] = ir.AttrString(
        "coordinate_transformation_mode", "output_half_pixel"
    )


def _roi_align_down(node: ir.Node, version: int) -> str | None:
    mode = node.attributes.pop("coordinate_transformation_mode", None)
    if mode is None or mode.as_string() != "output_half_pixel":
        return f"its coordinate_transformation_mode needs version {version}"
    return None


def _changed(_node: ir.Node, version: int) -> str:
    return f"version {version} of the operator means something else"


def _pad_axes_down(node: ir.Node, _version: int) -> str | None:
    """Pad 18 names the axes that its borders are for; before, borders of all axes are given."""
    if len(node.inputs) < 4 or node.inputs[3] is None:
        return None
    pads, axes, output = g.constant(node.inputs[1]), g.constant(node.inputs[3]), node.outputs[0].shape
    if pads is None or axes is None or output is None:
        return "its borders are not constants"
    full = np.zeros((2, len(output)), np.int64)
    full[:, axes] = pads.reshape(2, -1)
    node.replace_input_with(1, Place(node).integers("pads", *full.reshape(-1)))
    node.resize_inputs(3)
    return None


def _axes_to_attribute(node: ir.Node, _version: int) -> str | None:
    """Reductions had their axes as an attribute before 18."""
    noop = node.attributes.pop("noop_with_empty_axes", None)
    if len(node.inputs) < 2 or node.inputs[1] is None:
        return "it reduces nothing" if noop is not None and noop.as_int() else None
    axes = g.constant(node.inputs[1])
    if axes is None:
        return "its axes are not constant"
    node.resize_inputs(1)
    node.attributes["axes"] = ir.AttrInt64s("axes", axes.tolist())
    return None


def _axes_to_input(node: ir.Node, _version: int) -> None:
    axes = node.attributes.pop("axes", None)
    if axes is not None:
        node.resize_inputs(2)
        node.replace_input_with(1, Place(node).integers("axes", *axes.as_ints()))


def _split_sizes_down(node: ir.Node, _version: int) -> str | None:
    """Split 18 may give the number of parts, the last of which may be smaller; before, only equal parts or sizes."""
    if node.attributes.pop("num_outputs", None) is None:
        return None
    axis, sizes = g.integer(node, "axis", 0), []
    for output in node.outputs:
        shape = g.shape_of(output)
        if shape is None:
            return "its parts have no static shape"
        sizes.append(shape[axis])
    node.resize_inputs(2)
    node.replace_input_with(1, Place(node).integers("split", *sizes))
    return None


def _split_sizes_up(node: ir.Node, _version: int) -> None:
    if len(node.inputs) < 2 or node.inputs[1] is None:
        node.attributes["num_outputs"] = ir.AttrInt64("num_outputs", len(node.outputs))


_REDUCTIONS = "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare"

UP: dict[tuple[str, int], Adapter] = {
    **{(name, 18): _axes_to_input for name in _REDUCTIONS.split()},
    ("AveragePool", 19): _average_pool,
    ("BatchNormalization", 14): _batch_normalization,
    ("DFT", 20): _changed,
    ("GridSample", 20): _renamed("mode", {"bilinear": "linear", "nearest": "nearest", "bicubic": "cubic"}),
    ("RoiAlign", 16): _roi_align_up,
    ("Split", 18): _split_sizes_up,
}
DOWN: dict[tuple[str, int], Adapter] = {
    **{(name, 18): _axes_to_attribute for name in _REDUCTIONS.split()},
    ("AveragePool", 19): _average_pool,
    ("BatchNormalization", 14): _batch_normalization,
    ("DFT", 20): _changed,
    ("GridSample", 20): _grid_sample_down,
    ("LpPool", 18): _undilated,
    ("Pad", 18): _pad_axes_down,
    ("Pad", 19): _without("mode", "wrap"),
    ("Resize", 19): _without("coordinate_transformation_mode", "half_pixel_symmetric"),
    ("RoiAlign", 16): _roi_align_down,
    ("ScatterElements", 18): _without("reduction", "max", "min"),
    ("ScatterND", 18): _without("reduction", "max", "min"),
    ("Split", 18): _split_sizes_down,
}
