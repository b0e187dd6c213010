"""A linear map from picture to picture, however it is written, becomes one convolution.

Group pointwise convolutions are written as einsum or batched ``MatMul`` over groups, as one ``Conv`` a branch behind a
split, as ``Linear`` on transposed pictures. A region of steps that move data, and of one step with weights on each way
through it, is a map

    v[n, o, y, x] = b[o] + sum over (i, u, w) of W[o, i, u, w] * s[n, i, y + u - r, x + w - r]

if it is translation-invariant. b is its answer to a black picture; W is read off impulses (one bright pixel a
channel), with the offsets taken out of the region so that W is exact. The result is checked on random data against the
bound of float32 summation. Groups and shifts inside W are found by the rules that follow.

Branches of convolutions that are joined are such a map, too, but as one kernel they may be mostly zeros: a 1x1 beside
a 3x3, a convolution of some channels beside the others as they are. Branches become one convolution only where that
multiplies no more than they do.

A region that ends in a view of a picture ([N, G, C, H * W], say) is treated as if it ended in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy import roles
from ssc_deploy.rewrite import canonical, regions
from ssc_deploy.rewrite import graph as g
from ssc_deploy.rewrite.find_groups import blocks
from ssc_deploy.rewrite.recognise_movement import moves_data
from ssc_deploy.rewrite.report import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import onnx

    Run = Callable[[npt.NDArray[np.float32]], npt.NDArray[Any]]

_TRIES = 16

#: A kernel of more numbers than this comes of a map that mixes the whole picture, and would fill the memory.
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
        """Runs the pass until nothing is left to find: a map found may be the source of the next."""
        self.refusals = []
        modified = False
        while self._once(model.graph):
            modified = True
        return ir.passes.PassResult(model, modified)

    def _once(self, graph: ir.Graph) -> bool:
        self.refusals = []
        steps = _Steps()
        found = regions.origins(graph, steps)
        for end in list(regions.ends(graph, found)):
            waiting, tries, reason = [end], 0, None
            while waiting and tries < _TRIES:
                value = waiting.pop()
                source, producer = found.get(value), value.producer()
                if source is None or source is value or producer is None or value not in steps.weighted:
                    continue
                out_shape = _picture_shape(value, source)
                region = regions.region(value, found)
                # A convolution alone is canonical, also where it is joined with what comes from elsewhere.
                found_before = [node.op_type for node in region.nodes] == ["Conv"]
                if out_shape is not None and not found_before and not _is_read_inside(region, steps.weighted):
                    tries += 1
                    result = _read(region, out_shape)
                    if isinstance(result, _Linear):
                        _replace(region, result, out_shape)
                        return True
                    reason = reason or Refusal(roles.block(producer), "group pointwise", region.steps, result)
                waiting.extend(v for v in producer.inputs if v is not None and found.get(v) is source)
            if reason is not None:
                self.refusals.append(reason)
        return False


class _Steps:
    """Whether a node may be a step of a linear region: moves data, adds a constant, or is the first to weigh."""

    def __init__(self) -> None:
        self.weighted: set[ir.Value] = set()
        self._inside: set[ir.Value | None] = set()

    def __call__(self, node: ir.Node) -> bool:
        after_weights = any(value in self.weighted for value in node.inputs)
        if _weighs(node):
            step, weighted = not after_weights, not after_weights
        else:
            step, weighted = self._goes_on(node), after_weights
        if step:
            self._inside.update(node.outputs)
        if step and weighted:
            self.weighted.update(node.outputs)
        return step

    def _goes_on(self, node: ir.Node) -> bool:
        movement = canonical.movement_of(node)
        whole = movement is not None and sorted(movement.source) == list(range(movement.in_channels))
        if whole and self._inside.isdisjoint(node.inputs):
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


def _picture_shape(value: ir.Value, source: ir.Value) -> tuple[int, ...] | None:
    """[N, C', H, W] of the picture that ``value`` is, or is a view of; None where it is neither."""
    shape, before = g.shape_of(value), g.shape_of(source)
    if shape is None or before is None or len(before) != 4 or before[0] != 1:
        return None
    if not source.dtype == value.dtype == ir.DataType.FLOAT:
        return None
    pixels = before[2] * before[3]
    size = int(np.prod(shape))
    if len(shape) < 3 or shape[0] != 1 or pixels == 1 or size % pixels:
        return None
    # The view must keep the pixels innermost: [..., H, W] or [..., H * W].
    if shape[-2:] != before[2:] and shape[-1] != pixels:
        return None
    return (1, size // pixels, *before[2:])


def _is_read_inside(region: regions.Region, weighted: set[ir.Value]) -> bool:
    """Whether a product in the region is needed elsewhere, so that it would be computed twice."""
    inside = set(region.nodes)
    products = (v for node in region.nodes for v in node.outputs if v in weighted and v is not region.output)
    return any(v.is_graph_output() or any(user not in inside for user, _ in v.uses()) for v in products)


def _read(region: regions.Region, out_shape: tuple[int, ...]) -> _Linear | str:
    shape = g.shape_of(region.source)
    assert shape is not None  # _picture_shape looked
    whole = regions.load(region.to_proto())
    linear = regions.load(region.to_proto(_without_offsets))
    black = np.zeros(shape, np.float32)
    offsets = whole(black).reshape(out_shape)
    if (offsets != offsets[:, :, :1, :1]).any():
        return "adds an offset that differs from pixel to pixel"
    signed = np.random.default_rng(0).standard_normal(shape, np.float32)
    expected = whole(signed).reshape(out_shape)
    radius = _radius(linear, shape, out_shape)
    if 2 * radius + 1 > min(shape[2:]) or out_shape[1] * shape[1] * (2 * radius + 1) ** 2 > _LARGEST:
        return "mixes pixels from all over the picture"
    weight = _impulses(linear, shape, out_shape, radius)
    candidate = _Linear(weight, offsets[0, :, 0, 0].copy())
    got, bound = _conv(candidate, signed)
    if (np.abs(got - expected) > bound).any():
        return "is no convolution: what it does differs from pixel to pixel"
    branches = [g.constant(node.inputs[1]) for node in region.nodes if _weighs(node) and node.op_type == "Conv"]
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


def _radius(run: Run, shape: tuple[int, ...], out_shape: tuple[int, ...]) -> int:
    """How far from the pixel in the middle its light is seen, in pixels."""
    middle = np.array(shape[2:]) // 2
    picture = np.zeros(shape, np.float32)
    # Different numbers in the channels, so that what they add up to does not vanish.
    picture[0, :, middle[0], middle[1]] = np.random.default_rng(1).random(shape[1], np.float32) + 1
    seen = np.argwhere(run(picture).reshape(out_shape)[0].any(0))
    return int(np.abs(seen - middle).max(initial=0))


def _impulses(run: Run, shape: tuple[int, ...], out_shape: tuple[int, ...], radius: int) -> npt.NDArray[np.float32]:
    """The kernel [out, in, k, k], k = 2 * radius + 1, from pictures with a bright pixel for each channel.

    Pixels of several channels share a picture where they are too far apart to meet.
    """
    channels, k = shape[1], 2 * radius + 1
    weight = np.zeros((out_shape[1], channels, k, k), np.float32)
    places = [(y, x) for y in range(radius, shape[2] - radius, k) for x in range(radius, shape[3] - radius, k)]
    for first in range(0, channels, len(places)):
        picture = np.zeros(shape, np.float32)
        lit = list(zip(range(first, min(first + len(places), channels)), places, strict=False))
        for c, (y, x) in lit:
            picture[0, c, y, x] = 1.0
        answer = run(picture).reshape(out_shape)
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


def _replace(region: regions.Region, linear: _Linear, out_shape: tuple[int, ...]) -> None:
    last = region.nodes[-1]
    graph, path = last.graph, roles.block(last)
    assert graph is not None
    weight = g.initializer(graph, f"{path}/weight", linear.weight)
    bias = g.initializer(graph, f"{path}/bias", linear.bias) if linear.bias.any() else None
    node = g.conv(last, region.source, weight, bias, group=1, pads=linear.weight.shape[2] // 2)
    g.put(last, node)
    value, shape = node.outputs[0], g.shape_of(region.output)
    assert shape is not None  # _picture_shape looked
    if shape != out_shape:
        target = g.initializer(graph, f"{path}/view", np.array(shape, np.int64))
        view = g.node_like(last, "Reshape", [value, target], shape=shape)
        g.put(last, view)
        value = view.outputs[0]
    g.take_over(region.output, value)
    # The region's nodes go once nothing else reads them; the next round must not find them again.
    ir.passes.common.RemoveUnusedNodesPass()(ir.Model(graph, ir_version=10))
