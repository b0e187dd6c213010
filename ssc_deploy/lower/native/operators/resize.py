"""Resize: a weighted sum along each axis that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import known
from ssc_deploy.lower.native.planner import Planner, at, table
from ssc_deploy.lower.native.registry import operator, refuse
from ssc_deploy.native.words import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import onnx_ir as ir

    from ssc_deploy.lower.native.held import View


@operator("Resize")
def resize(planner: Planner, node: ir.Node) -> None:
    """Nearest, linear and cubic, of the ways of coordinates that PyTorch has."""
    mode = node.attributes.get_string("mode", "nearest")
    way = node.attributes.get_string("coordinate_transformation_mode", "half_pixel")
    if mode not in {"nearest", "linear", "cubic"} or way not in _WAYS:
        raise refuse(node, f"its mode {mode} with {way} is not known")
    for name, plain in (("antialias", 0), ("exclude_outside", 0)):
        attribute = node.attributes.get(name)
        if attribute is not None and attribute.as_int() != plain:
            raise refuse(node, f"it has {name}")
    if node.attributes.get("axes") is not None or len(node.inputs) < 3:
        raise refuse(node, "it has no list of scales or sizes for all axes")
    view, out = planner.view(node.inputs[0]), known.shape(node.outputs[0])
    scales = planner.array(node, 2, "scale")
    for axis, (size, wanted) in enumerate(zip(view.shape, out, strict=True)):
        scale = float(scales[axis]) if scales is not None and scales.size else wanted / size
        if size == wanted and scale == 1:
            continue
        places = _WAYS[way](np.arange(wanted, dtype=np.float64), scale, size, wanted)
        if mode == "nearest":
            rounding = node.attributes.get_string("nearest_mode", "round_prefer_floor")
            index = _ROUNDINGS[rounding](places)[:, None]
            weights = np.ones(index.shape)
        else:
            index, weights = _linear(places) if mode == "linear" else _cubic(node, places)
        view = _sampled(planner, view, axis, index.clip(0, size - 1).astype(np.int64), weights)
    result = planner.output(node.outputs[0])
    planner.copy(view, result)
    planner.set(node.outputs[0], result)


def _half_pixel(x: npt.NDArray[np.float64], scale: float, _size: int, _wanted: int) -> npt.NDArray[np.float64]:
    return np.asarray((x + 0.5) / scale - 0.5)


def _pytorch(x: npt.NDArray[np.float64], scale: float, size: int, wanted: int) -> npt.NDArray[np.float64]:
    return _half_pixel(x, scale, size, wanted) if wanted > 1 else np.zeros_like(x)


def _corners(x: npt.NDArray[np.float64], _scale: float, size: int, wanted: int) -> npt.NDArray[np.float64]:
    return np.asarray(x * (size - 1) / (wanted - 1)) if wanted > 1 else np.zeros_like(x)


def _asymmetric(x: npt.NDArray[np.float64], scale: float, _size: int, _wanted: int) -> npt.NDArray[np.float64]:
    return np.asarray(x / scale)


_WAYS = {
    "half_pixel": _half_pixel,
    "pytorch_half_pixel": _pytorch,
    "align_corners": _corners,
    "asymmetric": _asymmetric,
}

_ROUNDINGS: dict[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _linear(places: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    below = np.floor(places)
    part = places - below
    return np.stack([below, below + 1], 1), np.stack([1 - part, part], 1)


def _cubic(node: ir.Node, places: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    a = node.attributes.get_float("cubic_coeff_a", -0.75)
    below = np.floor(places)
    index: npt.NDArray[np.float64] = below[:, None] + np.arange(-1.0, 3.0)
    far = np.abs(places[:, None] - index)
    near = ((a + 2) * far - (a + 3)) * far**2 + 1
    return index, np.asarray(np.where(far <= 1, near, ((far - 5) * far + 8) * far * a - 4 * a), np.float64)


def _sampled(
    planner: Planner, view: View, axis: int, index: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]
) -> View:
    """Weighted sums along one axis: index and weights are [size, taps]."""
    result = planner.new((*view.shape[:axis], len(index), *view.shape[axis + 1 :]))
    rest = [i for i in range(len(view.shape)) if i != axis]
    numbers = planner.constant(weights.astype(np.float32))
    planner.step(
        Kind.SAMPLE,
        *(len(view.shape), len(index), *(view.shape[i] for i in rest)),
        *(index.shape[1], table(index.ravel().tolist())),
        *(at(numbers), at(view), at(result)),
        *(view.strides[axis], *(view.strides[i] for i in rest)),
        *(result.strides[axis], *(result.strides[i] for i in rest)),
    )
    return result
