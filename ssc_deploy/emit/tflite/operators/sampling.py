"""GridSample at constant places.

    y[.., o] = sum over the pixels i around place o of share(o, i) x[.., i]

Each of the pixels around (one for the nearest, four between pixels) is gathered for all places at once, and weighed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ssc_deploy.emit.tflite.formula import Formula, integers
from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.emit.tflite.registry import operator

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

Places = npt.NDArray[np.float64]


@operator("GridSample")
def grid_sample(graph: Graph, node: ir.Node) -> None:
    """GATHER, MUL and ADD, where the places are constants, the same for each image; a shift where they are one."""
    f = Formula(graph, node)
    x = f.input(0)
    shape, grid = f.shape(x), graph.constant(node.inputs[1])
    if grid is None:
        raise refuse(node, "its places are computed; sample at constant places, or shift by whole pixels")
    mode = node.attributes.get_string("mode", "linear")
    if len(shape) != 4 or mode not in {"linear", "bilinear", "nearest"}:
        raise refuse(
            node, f"its mode is {mode!r} on rank {len(shape)}, and images are sampled linearly or nearest here"
        )
    if (grid != grid[:1]).any():
        raise refuse(node, "it samples each image of the batch at other places")
    sizes = np.array(shape[2:])
    aligned = node.attributes.get_int("align_corners", 0)
    places = grid[0, ..., ::-1].astype(np.float64).reshape(-1, 2)
    places = (places + 1) / 2 * (sizes - 1) if aligned else ((places + 1) * sizes - 1) / 2
    padding = node.attributes.get_string("padding_mode", "zeros")
    if padding == "border":
        places = np.clip(places, 0, sizes - 1)
    elif padding == "reflection":
        places = _reflected(places, sizes, bool(aligned))
    pixels = f.op("Reshape", x, integers(-1, shape[1], shape[2] * shape[3]))
    total = None
    for index, share in _around(places, sizes, nearest=mode == "nearest"):
        if share.any():
            taken = f.op("Gather", pixels, index, axis=2)
            part = taken if (share == 1).all() else f.op("Mul", taken, share.astype(np.float32))
            total = part if total is None else f.op("Add", total, part)
    if total is None:
        total = f.op("Mul", f.op("Gather", pixels, np.zeros(len(places), np.int64), axis=2), 0.0)
    f.give(f.op("Reshape", total, integers(-1, shape[1], *grid.shape[1:3])))


def _around(
    places: Places, sizes: npt.NDArray[np.int64], *, nearest: bool
) -> list[tuple[npt.NDArray[np.int64], Places]]:
    """Numbers of pixels, and their shares, each [places]; a pixel outside has a share of 0."""
    first = np.rint(places) if nearest else np.floor(places)
    found = []
    for dy, dx in [(0, 0)] if nearest else np.ndindex(2, 2):
        at = first + np.array((dy, dx))
        share = np.ones(len(places)) if nearest else np.prod(1 - np.abs(places - at), axis=1)
        inside = ((at >= 0) & (at < sizes)).all(axis=1)
        row, column = np.clip(at, 0, sizes - 1).astype(np.int64).T
        found.append((row * sizes[1] + column, np.where(inside, share, 0)))
    return found


def _reflected(places: Places, sizes: npt.NDArray[np.int64], aligned: bool) -> Places:
    """Places as if the image went on reflected, at its outermost pixels' middles or edges."""
    low, high = (np.zeros(2), sizes - 1.0) if aligned else (np.full(2, -0.5), sizes - 0.5)
    span = np.maximum(high - low, 1e-300)
    turns = np.abs(places - low) % (2 * span)
    inside = np.where(turns > span, 2 * span - turns, turns) + low
    return np.clip(np.where(high > low, inside, 0), 0, sizes - 1)
