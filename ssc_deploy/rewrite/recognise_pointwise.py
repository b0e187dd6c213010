"""A linear map from image to image, however it is written, becomes one convolution.

Group pointwise convolutions are written as einsum or batched ``MatMul`` over groups, as one ``Conv`` a branch behind a
split, as ``Linear`` on transposed feature maps. A region of steps that move data, with one step with
weights on each path, is a map

    v[n, o, y, x] = b[o] + sum over (i, u, w) of W[o, i, u, w] * s[n, i, y + u - r, x + w - r]

if it is translation-invariant. b is its output for zeros. W is read from impulses (one pixel of 1 for each channel),
without the offsets in the region, so that W is exact. The result is checked on random data against the bound of float32
summation. Later rules find groups and shifts inside W.

Joined branches of convolutions are such a map, too, but as one kernel they may be mostly zeros: a 1x1 beside a 3x3, or
a convolution of some channels beside others that do not change. Branches become one convolution only if that needs no
more multiplications.

A region that ends in a view of a feature map ([N, G, C, H * W], say) is treated as if it ended in the feature map, and
so is one that ends in a feature map with its channels last, if nothing else needs the feature map in that layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir
from onnx_ir.passes import common

from ssc_deploy.ir import canonical, known, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.ir.builder import Builder, take_over
from ssc_deploy.rewrite import regions
from ssc_deploy.rewrite.find_groups import blocks
from ssc_deploy.rewrite.hoist_activations import above_views
from ssc_deploy.rewrite.layout import Channels, Layout, known_channels, layouts
from ssc_deploy.rewrite.pixels import moves_data
from ssc_deploy.rewrite.reach import Order, Queue, Reach, Walk
from ssc_deploy.rewrite.report import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    import onnx

    Run = Callable[[npt.NDArray[np.float32]], npt.NDArray[Any]]

_TRIES = 16

#: How far before the end of what is not a map the feature map may stand from which the search goes on.
_BEFORE = 64

#: A kernel of more numbers than this comes of a map that mixes the whole feature map, and would fill the memory.
_LARGEST = 2**26


@dataclass(frozen=True)
class _Linear:
    weight: npt.NDArray[np.float32]  # [out, in, k, k]
    bias: npt.NDArray[np.float32]  # [out]


class RecognisePointwise(ir.passes.InPlacePass):
    """Rewrites linear regions into one Conv each; see the module's docstring."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass, once along the graph: a map that is found may be the source of the next."""
        search = _Search(model.graph)
        search.run()
        self.refusals = search.refusals
        # What was replaced still reads its feature maps, and would keep the next rule from taking them for read once.
        common.RemoveUnusedNodesPass()(model)
        return ir.passes.PassResult(model, search.modified)


class _Search:
    """Looks behind every value that no step made, in the graph's order, for the maps that begin there."""

    def __init__(self, graph: ir.Graph) -> None:
        self.modified = False
        self.refusals: list[Refusal] = []
        self._order = Order(graph)
        self._channels = known_channels(graph)
        self._queue = Queue(graph, self._order)
        self._inside: set[ir.Value] = set()
        # Values that maps are looked for behind, though a step made them.
        self._starts: set[ir.Value] = set()

    def run(self) -> None:
        """Looks behind every source; what is found is a source in its turn."""
        for source in self._queue:
            if (source in self._inside and source not in self._starts) or not source.uses():
                continue
            hoisted = self._hoist(source)
            shape = g.shape_of(source)
            if hoisted is not None:
                self._queue.push(hoisted)
            elif shape is not None and len(shape) == 4 and self._channels.get(source) is not Channels.LAST:
                self._look_behind(source)

    def _hoist(self, value: ir.Value) -> ir.Value | None:
        """The activation of an image, where ``value`` was that of a view of it; the views stand behind it now."""
        producer = value.producer()
        nodes = above_views(producer) if producer is not None and producer.op_type in g.ACTIVATIONS else []
        if producer is None or not nodes:
            return None
        for node in nodes:
            self._order.add(node, self._order.position[producer])
        self.modified = True
        return nodes[0].outputs[0]

    def _look_behind(self, source: ir.Value) -> None:
        steps = _Steps(source, self._order)
        self._inside.update(steps.weighted, steps.moved)
        done: set[ir.Value] = set()
        for end in list(steps.reach.ends()):
            if end not in steps.weighted:
                continue
            waiting, tries, reason, part_found = [end], 0, None, False
            while waiting and tries < _TRIES:
                value = waiting.pop()
                producer = value.producer()
                if value in done or producer is None:
                    continue
                done.add(value)
                found = self._try(steps, value)
                if isinstance(found, ir.Value):
                    part_found = True
                    continue
                if found is not None:
                    tries += 1
                    reason = reason or found
                waiting.extend(v for v in producer.inputs if v in steps.weighted)
            # What stands behind a map that was found is not a part of one any more.
            if reason is None or part_found:
                continue
            nearer = self._feature_map_before(steps, end)
            if nearer is None:
                self.refusals.append(reason)
            else:
                self._starts.add(nearer)
                self._queue.push(nearer)

    def _feature_map_before(self, steps: _Steps, end: ir.Value) -> ir.Value | None:
        """The nearest feature map before the products of ``end``, if all of ``end`` comes from it.

        What stands before it may be what keeps the whole from being a map.
        """
        value = end
        for _ in range(_BEFORE):
            value = steps.reach.before(value)
            if value is steps.reach.source:
                return None
            if value in steps.weighted or self._channels.get(value) is Channels.LAST:
                continue
            before, shape = g.shape_of(steps.reach.source), g.shape_of(value)
            if before is not None and shape is not None and len(shape) == 4 and shape[2:] == before[2:]:
                return None if value in self._starts else value
        return None

    def _try(self, steps: _Steps, value: ir.Value) -> ir.Value | Refusal | None:
        """The Conv's output that the value is made of now; why there is none; None if none was looked for."""
        source, producer = steps.reach.source, known.producer(value)
        # A product that is needed elsewhere as well would be computed twice.
        if not steps.reach.is_alone(value, heavy=True):
            return None
        views = _views(value, source, self._channels.get(value))
        if not steps.reach.is_alone(value):
            # The change of layout is needed elsewhere as well, and would be made once more behind the Conv.
            views = [view for view in views if not view.channels_last]
        part = regions.between(source, value) if views else None
        # A convolution alone is canonical, also where it is joined with what comes from elsewhere.
        if part is None or [node.op_type for node in part.nodes] == ["Conv"]:
            return None
        result, view = _read(part, views)
        if isinstance(result, str):
            return Refusal(roles.block(producer), "group pointwise", part.steps, result)
        conv, nodes = _replace(part, result, view)
        for node in nodes:
            self._order.add(node, self._order.position[producer])
        self._queue.push(conv)
        self.modified = True
        return conv


class _Steps:
    """The steps behind one source: what moves data, adds a constant, or is the first to weigh on its way."""

    def __init__(self, source: ir.Value, order: Order) -> None:
        self.reach = Reach(source)
        self.weighted: set[ir.Value] = set()
        self.moved: set[ir.Value] = set()
        walk = Walk(order)
        walk.reach(source)
        for node in walk:
            if self._is_step(node):
                self.reach.add(node, heavy=_weighs(node))
                for value in node.outputs:
                    walk.reach(value)

    def _is_step(self, node: ir.Node) -> bool:
        after_weights = any(value in self.weighted for value in node.inputs)
        if _weighs(node):
            step, weighted = not after_weights, True
        else:
            step, weighted = self._goes_on(node), after_weights
        if step:
            (self.weighted if weighted else self.moved).update(node.outputs)
        return step

    def _goes_on(self, node: ir.Node) -> bool:
        movement = canonical.movement_of(node)
        whole = movement is not None and sorted(movement.source) == list(range(movement.in_channels))
        inside = any(value in self.weighted or value in self.moved for value in node.inputs)
        if whole and not inside:
            # Canonical already, and no piece of a region: in it, it would only hide the groups of the kernel.
            return False
        return moves_data(node) or _adds_constant(node)


def _weighs(node: ir.Node) -> bool:
    constants = [g.constant(value) is not None for value in node.inputs]
    match node.op_type:
        case "MatMul" | "Einsum":
            return sum(constants) == 1 and len(constants) == 2
        case "Gemm":
            return all(constants[1:]) and not constants[0]
        case "Conv":
            # A Conv is canonical already, unless it is a branch of several that are joined.
            branch = any(user.op_type == "Concat" for user, _ in node.outputs[0].uses())
            return branch and all(constants[1:]) and not moves_data(node)
        case _:
            return False


def _adds_constant(node: ir.Node) -> bool:
    if node.op_type not in {"Add", "Sub"} or g.constant(node.inputs[0]) is not None:
        return False
    return g.constant(node.inputs[1]) is not None and g.shape_of(node.inputs[0]) == g.shape_of(node.outputs[0])


def _views(value: ir.Value, source: ir.Value, known: Channels | None) -> list[Layout]:
    """The layouts in which ``value`` may be an image of the size of ``source``, a feature map [1, C, H, W]."""
    shape, before = g.shape_of(value), g.shape_of(source)
    if shape is None or before is None or len(before) != 4 or before[0] != 1 or before[2] * before[3] == 1:
        return []
    if not source.dtype == value.dtype == ir.DataType.FLOAT or 0 in shape or 0 in before:
        return []
    size = (before[2], before[3])
    return [view for view in layouts(shape, [size], known) if view.size == size]


def _read(part: regions.Region, views: list[Layout]) -> tuple[_Linear | str, Layout]:
    """The map, or why it is none, and the layout of its output."""
    whole, linear = regions.load(part.to_proto()), regions.load(part.to_proto(_without_offsets))
    refused: list[tuple[str, Layout]] = []
    for view in views:
        result = _read_as(part, view, _viewed(whole, view), _viewed(linear, view))
        if isinstance(result, _Linear):
            return result, view
        refused.append((result, view))
    return refused[0]


def _viewed(run: Run, view: Layout) -> Run:
    return lambda feature_map: view.image(run(feature_map))[None]


def _read_as(part: regions.Region, view: Layout, whole: Run, linear: Run) -> _Linear | str:
    shape = known.shape(part.source)
    black = np.zeros(shape, np.float32)
    offsets = whole(black)
    if (offsets != offsets[:, :, :1, :1]).any():
        return "adds an offset that differs from pixel to pixel"
    signed = np.random.default_rng(0).standard_normal(shape, np.float32)
    expected = whole(signed)
    radius = _radius(linear, shape)
    if 2 * radius + 1 > min(shape[2:]) or view.channels * shape[1] * (2 * radius + 1) ** 2 > _LARGEST:
        return "mixes pixels from all over the feature map"
    weight = _impulses(linear, shape, view.channels, radius)
    candidate = _Linear(weight, offsets[0, :, 0, 0].copy())
    got, bound = _conv(candidate, signed)
    if (np.abs(got - expected) > bound).any():
        return "is not a convolution: what it does differs from pixel to pixel"
    branches = [g.constant(node.inputs[1]) for node in part.nodes if _weighs(node) and node.op_type == "Conv"]
    cost, apart = _multiplications(weight), sum(branch.size for branch in branches if branch is not None)
    if branches and cost > apart:
        return f"would multiply {cost / apart:.1f} times as much in one convolution"
    return candidate


def _multiplications(weight: npt.NDArray[np.float32]) -> int:
    """Of a kernel [out, in, k, k], a pixel, once the rules that follow have found shift and groups in it."""
    taps = (weight != 0).any(0).reshape(weight.shape[1], -1).sum(1)
    if (taps <= 1).all():
        weight = weight.sum((2, 3), keepdims=True)
    return weight.size // blocks(weight[None])


def _radius(run: Run, shape: tuple[int, ...]) -> int:
    """How far from the pixel in the middle its light is seen, in pixels."""
    middle = np.array(shape[2:]) // 2
    feature_map = np.zeros(shape, np.float32)
    # Different numbers in the channels, so that what they add up to does not vanish.
    feature_map[0, :, middle[0], middle[1]] = np.random.default_rng(1).random(shape[1], np.float32) + 1
    seen = np.argwhere(run(feature_map)[0].any(0))
    return int(np.abs(seen - middle).max(initial=0))


def _impulses(run: Run, shape: tuple[int, ...], outputs: int, radius: int) -> npt.NDArray[np.float32]:
    """The kernel [out, in, k, k], k = 2 * radius + 1, from feature maps with a bright pixel for each channel.

    Pixels of several channels share a feature map where they are too far apart to meet.
    """
    channels, k = shape[1], 2 * radius + 1
    weight = np.zeros((outputs, channels, k, k), np.float32)
    places = [(y, x) for y in range(radius, shape[2] - radius, k) for x in range(radius, shape[3] - radius, k)]
    for first in range(0, channels, len(places)):
        feature_map = np.zeros(shape, np.float32)
        lit = list(zip(range(first, min(first + len(places), channels)), places, strict=False))
        for c, (y, x) in lit:
            feature_map[0, c, y, x] = 1.0
        answer = run(feature_map)
        for c, (y, x) in lit:
            seen = answer[0, :, y - radius : y + radius + 1, x - radius : x + radius + 1]
            # out[y - u + r] sees the pixel at y through tap u: the kernel is the answer, turned around.
            weight[:, c] = seen[:, ::-1, ::-1]
    return weight


def _conv(linear: _Linear, x: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The convolution in float64, and how far float32 summation in any order may be from it."""
    (_, channels, k, _), r = linear.weight.shape, linear.weight.shape[2] // 2
    padded = np.pad(x[0].astype(np.float64), ((0, 0), (r, r), (r, r)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k), (1, 2))
    axes = ((1, 2, 3), (0, 3, 4))
    bias = linear.bias.astype(np.float64)[:, None, None]
    out = np.tensordot(linear.weight.astype(np.float64), windows, axes) + bias
    size = np.tensordot(np.abs(linear.weight).astype(np.float64), np.abs(windows), axes) + np.abs(bias)
    return out[None], (channels * k * k + 2) * float(np.finfo(np.float32).eps) * size[None]


def _without_offsets(node: onnx.NodeProto) -> None:
    if node.op_type in {"Conv", "Gemm"}:
        del node.input[2:]
    elif node.op_type in {"Add", "Sub"}:
        node.op_type = "Identity"
        del node.input[1:]


def _replace(part: regions.Region, linear: _Linear, view: Layout) -> tuple[ir.Value, Sequence[ir.Node]]:
    """Puts a Conv in the part's place, and what makes the view behind it; returns the Conv's output and all nodes."""
    builder = Builder(part.nodes[-1])
    weight = builder.constant("weight", linear.weight)
    bias = builder.constant("bias", linear.bias) if linear.bias.any() else None
    conv = builder.conv(part.source, weight, bias, group=1, pads=linear.weight.shape[2] // 2)
    result = view.from_image(builder, conv)
    builder.insert()
    take_over(part.output, result)
    return conv, builder.nodes
