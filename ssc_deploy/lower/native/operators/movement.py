"""Operators that move numbers: as other places of the same planes where that will do, else by copies of boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known
from ssc_deploy.lower.native.broadcast import broadcast
from ssc_deploy.lower.native.held import Held, Planes, View, planes_of
from ssc_deploy.lower.native.planner import Planner, at, table
from ssc_deploy.lower.native.registry import operator, refuse
from ssc_deploy.native.words import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir


def place(planner: Planner, value: ir.Value, held: Held) -> None:
    """Says where a value lies, or copies it, where its readers need a margin that is not there."""
    margin = planner.margins.of(value)
    found = planes_of(held)
    if len(known.shape(value)) == 4 and margin and (found is None or found.margin < margin or found.shifted):
        output = planner.output(value)
        planner.copy(held, output)
        planner.set(value, output)
        return
    planner.set(value, held)


@operator("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshape(planner: Planner, node: ir.Node) -> None:
    """Another shape of the same numbers."""
    dense = planner.dense(node.inputs[0])
    place(planner, node.outputs[0], dense.reshaped(known.shape(node.outputs[0])))


@operator("Transpose")
def transpose(planner: Planner, node: ir.Node) -> None:
    """Other strides of the same numbers."""
    view = planner.view(node.inputs[0])
    order = g.ints(node, "perm", tuple(reversed(range(len(view.shape)))))
    turned = View(view.storage, view.offset, tuple(view.shape[i] for i in order), tuple(view.strides[i] for i in order))
    place(planner, node.outputs[0], turned)


@operator("Expand")
def expand(planner: Planner, node: ir.Node) -> None:
    """Strides of zero."""
    place(planner, node.outputs[0], broadcast(planner.view(node.inputs[0]), known.shape(node.outputs[0])))


def _channels(planes: Planes, chosen: Sequence[int]) -> Planes:
    """Some channels, in their order."""
    n, c, *size = planes.shape
    refs = tuple(planes.refs[image * c + channel] for image in range(n) for channel in chosen)
    return Planes((n, len(chosen), *size), refs, planes.pitch, planes.margin, planes.shifted)


@operator("Gather")
def gather(planner: Planner, node: ir.Node) -> None:
    """Other planes of a map; else a copy by a table."""
    indices = planner.array(node, 1, "index")
    assert indices is not None
    shape = known.shape(node.inputs[0])
    axis = g.integer(node, "axis", 0) % len(shape)
    wanted = indices.reshape(-1).astype(np.int64) % shape[axis]
    held = planner.held(node.inputs[0])
    planes = planes_of(held)
    if axis == 1 and indices.ndim == 1 and planes is not None and len(shape) == 4:
        place(planner, node.outputs[0], _channels(planes, wanted.tolist()))
        return
    along(planner, planner.view(node.inputs[0]), axis, wanted, node.outputs[0])


def along(
    planner: Planner, view: View, axis: int, wanted: np.ndarray[tuple[int, ...], np.dtype[np.int64]], value: ir.Value
) -> None:
    """Numbers of one axis, by a table."""
    out = known.shape(value)
    between = planner.new((*view.shape[:axis], len(wanted), *view.shape[axis + 1 :]))
    into(planner, view, axis, wanted, between)
    place(planner, value, between.reshaped(out))


def into(
    planner: Planner, view: View, axis: int, wanted: np.ndarray[tuple[int, ...], np.dtype[np.int64]], to: View
) -> None:
    """Copies numbers of one axis, by a table: to[.., i, ..] = view[.., wanted[i], ..]."""
    rest = [i for i in range(len(view.shape)) if i != axis]
    if len(view.shape) > 8:
        raise ValueError("more axes than a step has")
    offsets = table([int(i) * view.strides[axis] for i in wanted])
    planner.step(
        Kind.MOVE,
        *(len(view.shape), len(wanted), *(view.shape[i] for i in rest)),
        *(at(view), at(to), offsets),
        *(0, *(view.strides[i] for i in rest)),
        *(to.strides[axis], *(to.strides[i] for i in rest)),
    )


def _part(held: Held, axis: int, start: int, count: int, step: int = 1) -> Held:
    """Some numbers of one axis."""
    if isinstance(held, Planes):
        if axis == 1:
            return _channels(held, range(start, start + count * step, step))
        _, c, *_ = held.shape
        shape = (*held.shape[:axis], count, *held.shape[axis + 1 :])
        if axis == 0:
            images = range(start, start + count * step, step)
            chosen = [held.refs[image * c + channel] for image in images for channel in range(c)]
            return Planes(shape, tuple(chosen), held.pitch, held.margin, held.shifted)
        by = start * (held.pitch if axis == 2 else 1)
        refs = tuple((storage, offset + by) for storage, offset in held.refs)
        return Planes(shape, refs, held.pitch * step if axis == 2 else held.pitch, shifted=True)
    shape = (*held.shape[:axis], count, *held.shape[axis + 1 :])
    strides = tuple(by * step if i == axis else by for i, by in enumerate(held.strides))
    whole = axis < 2  # planes of a map keep their margin
    return View(held.storage, held.offset + start * held.strides[axis], shape, strides, held.margin if whole else 0)


@operator("Slice")
def cut(planner: Planner, node: ir.Node) -> None:
    """A part of the same numbers."""
    starts, ends, axes, steps = (planner.array(node, i, "range") for i in (1, 2, 3, 4))
    assert starts is not None
    assert ends is not None
    held = planner.held(node.inputs[0])
    if isinstance(held, Planes):
        held = planner.view(node.inputs[0]) if (axes is None or set(axes.tolist()) != {1}) else held
    shape = known.shape(node.inputs[0])
    listed = range(len(starts)) if axes is None else axes.tolist()
    for i, axis in enumerate(listed):
        step = 1 if steps is None else int(steps[i])
        size = shape[axis]
        wanted = range(size)[slice(int(starts[i]), None if step < 0 and ends[i] < -size else int(ends[i]), step)]
        held = _part(held, axis % len(shape), wanted.start if len(wanted) else 0, len(wanted), step)
    place(planner, node.outputs[0], held)


@operator("Split")
def split(planner: Planner, node: ir.Node) -> None:
    """Parts of the same numbers."""
    axis = g.integer(node, "axis", 0) % len(known.shape(node.inputs[0]))
    held = planner.held(node.inputs[0])
    if isinstance(held, Planes) and axis != 1:
        held = planner.view(node.inputs[0])
    start = 0
    for value in node.outputs:
        count = known.shape(value)[axis]
        place(planner, value, _part(held, axis, start, count))
        start += count


@operator("Concat")
def concat(planner: Planner, node: ir.Node) -> None:
    """The planes of all maps, in order; else copies into one value."""
    value = node.outputs[0]
    out = known.shape(value)
    axis = g.integer(node, "axis", 0) % len(out)
    if len(out) == 4 and axis == 1:
        maps = [planes_of(planner.held(one)) for one in node.inputs]
        joined = _joined([one for one in maps if one is not None], out) if None not in maps else None
        if joined is not None:
            place(planner, value, joined)
            return
    result = planner.output(value)
    start = 0
    for one in node.inputs:
        count = known.shape(one)[axis]
        if count:
            part = _part(result, axis, start, count)
            assert isinstance(part, View)
            planner.copy(planner.held(one), part)
        start += count
    planner.set(value, result)


def _joined(maps: list[Planes], out: tuple[int, ...]) -> Planes | None:
    """The planes of several maps as those of one, where they lie in one buffer at one pitch."""
    if not maps or len({one.pitch for one in maps}) != 1:
        return None
    if len({storage.buffer for one in maps for storage, _ in one.refs}) != 1:
        return None
    refs = [
        ref
        for image in range(out[0])
        for one in maps
        for ref in one.refs[image * one.shape[1] : (image + 1) * one.shape[1]]
    ]
    margin = min(one.margin for one in maps)
    return Planes(out, tuple(refs), maps[0].pitch, margin, any(one.shifted for one in maps))


@operator("Pad")
def pad(planner: Planner, node: ir.Node) -> None:
    """A constant around a copy; other edges by tables, one axis after the other."""
    widths, value, axes = (planner.array(node, i, what) for i, what in ((1, "width"), (2, "value"), (3, "axes")))
    assert widths is not None
    shape, out = known.shape(node.inputs[0]), known.shape(node.outputs[0])
    listed = [int(axis) % len(shape) for axis in (range(len(shape)) if axes is None else axes)]
    half = len(widths) // 2
    before = dict(zip(listed, widths[:half].tolist(), strict=True))
    after = dict(zip(listed, widths[half:].tolist(), strict=True))
    mode = node.attributes.get_string("mode", "constant")
    view = planner.view(node.inputs[0])
    if mode != "constant":
        numpy_mode = {"edge": "edge", "reflect": "reflect", "wrap": "wrap"}.get(mode)
        if numpy_mode is None:
            raise refuse(node, f"its mode {mode} is not known")
        for axis in listed:
            ends = (before[axis], after[axis])
            if ends == (0, 0):
                continue
            kept = np.arange(max(0, -ends[0]), view.shape[axis] - max(0, -ends[1]))
            wanted = np.pad(kept, (max(0, ends[0]), max(0, ends[1])), numpy_mode)  # type: ignore[call-overload]
            wider = planner.new((*view.shape[:axis], len(wanted), *view.shape[axis + 1 :]))
            into(planner, view, axis, wanted, wider)
            view = wider
        place(planner, node.outputs[0], view)
        return
    result = planner.output(node.outputs[0])
    planner.fill(result, 0.0 if value is None else float(value.reshape(-1)[0]))
    target: Held = result
    source: Held = view
    for axis in listed:
        start, skipped = max(0, before[axis]), max(0, -before[axis])
        count = min(shape[axis] - skipped, out[axis] - start)
        target, source = _part(target, axis, start, count), _part(source, axis, skipped, count)
    assert isinstance(target, View)
    planner.copy(source, target)
    planner.set(node.outputs[0], result)


@operator("Tile")
def tile(planner: Planner, node: ir.Node) -> None:
    """Copies side by side, by a table for each axis that is repeated."""
    repeats = planner.array(node, 1, "number of repeats")
    assert repeats is not None
    view = planner.view(node.inputs[0])
    for axis, count in enumerate(repeats.tolist()):
        if count != 1:
            wider = planner.new((*view.shape[:axis], view.shape[axis] * count, *view.shape[axis + 1 :]))
            into(planner, view, axis, np.tile(np.arange(view.shape[axis]), count), wider)
            view = wider
    place(planner, node.outputs[0], view)


@operator("DepthToSpace", "SpaceToDepth")
def blocks(planner: Planner, node: ir.Node) -> None:
    """One copy between two orders of the same axes."""
    size = g.integer(node, "blocksize", 1)
    view = planner.view(node.inputs[0])
    n, c, h, w = view.shape
    sn, sc, sh, sw = view.strides
    if node.op_type == "SpaceToDepth":
        # out[n, (p, q, c), h, w] = in[n, c, h * size + p, w * size + q]
        split_shape = (n, size, size, c, h // size, w // size)
        split = View(view.storage, view.offset, split_shape, (sn, sh, sw, sc, sh * size, sw * size))
        order, named = (0, 1, 2, 3, 4, 5), split
    else:
        deep = c // size**2
        if node.attributes.get_string("mode", "DCR") == "DCR":
            strides = (sn, deep * size * sc, deep * sc, sc, sh, sw)
        else:
            strides = (sn, size * sc, sc, size**2 * sc, sh, sw)
        named = View(view.storage, view.offset, (n, size, size, deep, h, w), strides)
        order = (0, 3, 4, 1, 5, 2)
    turned = View(
        named.storage,
        named.offset,
        tuple(named.shape[i] for i in order),
        tuple(named.strides[i] for i in order),
    )
    between = planner.new(turned.shape)
    planner.copy(turned, between)
    place(planner, node.outputs[0], between.reshaped(known.shape(node.outputs[0])))
