"""Parts of a network with feature maps as planes: channel-major, with one row of H * W pixels for each channel.

    feature map [1, C, H, W]  ->  planes [g, C / g, H * W]      for any g that divides C, in the same order

In NHWC a group pointwise convolution is a matrix product of nine by nine for each pixel. Over planes it is one product
for each group, with H * W as its long side, and a shift of whole planes moves few long pieces:

    1x1 convolution of stride 1:   W [g, O / g, I / g] x planes [g, I / g, H * W] + b [g, O / g, 1]
    shuffle:                       Transpose(1, 0, 2) of [g, C / g, H * W]
    shift:                         `skew`
    activation, addition:          number by number

A stretch is a connected part of such operators. It is converted if it contains a group pointwise convolution. Its
values become feature maps again where another operator reads them. Values keep the names of the feature maps that they
hold. All of it is standard ONNX.

Refused: batches of more than one image, since planes of rank 3 have no axis for them; networks without such a stretch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ssc_deploy.errors import LoweringError
from ssc_deploy.ir import canonical, known, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.ir.builder import Place
from ssc_deploy.ir.movement import Edge
from ssc_deploy.lower import skew, transposition
from ssc_deploy.lower.report import Choice
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    import onnx_ir as ir


#: Operators of each number alone, which planes change nothing about.
_EACH_NUMBER = g.ACTIVATIONS | {"Elu", "Erf", "Gelu", "Mish", "Selu", "Softplus"}


def check(nodes: set[ir.Node], target: Target, batch: int | None) -> None:
    """Checks that what was asked for is possible.

    Args:
        nodes: of `stretches`.
        target: what will run the graph.
        batch: images at a time.

    Raises:
        LoweringError: see the module's docstring.
    """
    if target is not Target.LITERT:
        raise LoweringError("channel-major is a layout of TFLite files; ONNX Runtime has this order anyway")
    if batch != 1:
        raise LoweringError("channel-major takes one image at a time; use `layout='nhwc'`, or `batch=1`")
    if not nodes:
        raise LoweringError(
            "the network has no stretch with a group pointwise convolution, which is what channel-major makes faster; "
            "use `layout='nhwc'`"
        )


def convert(model: ir.Model, nodes: set[ir.Node]) -> list[Choice]:
    """Converts every stretch of ``model``, in place.

    Args:
        model: static shapes, of one image; `stretches` of it in canonical form.
        nodes: of `stretches`.

    Returns:
        how each movement inside the stretches is carried out.
    """
    choices: list[Choice] = []
    planes = _Planes()
    for node in list(model.graph):
        if node in nodes:
            role = roles.role(node)
            if role in {roles.Role.SHIFT, roles.Role.SHUFFLE}:
                name = "skew" if role is roles.Role.SHIFT else "transpose"
                choices.append(Choice(node.outputs[0].name or "", roles.block(node), role, name))
            planes.convert(node)
        else:
            planes.leave(node)
    planes.finish(model.graph)
    return choices


def stretches(model: ir.Model) -> set[ir.Node]:
    """The nodes that are to work on planes."""
    kin: dict[ir.Node, set[ir.Node]] = {}
    for node in model.graph:
        makers = {value.producer() for value in node.inputs if value is not None} & kin.keys()
        if _works_on_planes(node, makers):
            joined = {node}.union(*(kin[maker] for maker in makers if maker is not None))
            kin.update(dict.fromkeys(joined, joined))
    return {node for node, stretch in kin.items() if any(roles.role(n) is roles.Role.GROUP_POINTWISE for n in stretch)}


def _works_on_planes(node: ir.Node, makers: set[ir.Node | None]) -> bool:
    """Whether the node can; ``makers`` are those of its inputs that do."""
    data, shape = node.inputs[0] if node.inputs else None, g.shape_of(node.outputs[0])
    if data is None or shape is None or len(shape) != 4 or shape[0] != 1 or g.is_constant(data):
        return False
    match roles.role(node), node.op_type:
        case roles.Role.SHIFT, _:
            return _raster(node) is not None
        case roles.Role.SHUFFLE, _:
            return _view(node) is not None
        case _, "Conv":
            return _is_pointwise(node)
        # By themselves these gain nothing: they go with what makes their input.
        case _, one if one in _EACH_NUMBER:
            return bool(makers)
        case _, "Add" | "Mul":
            return bool(makers) and all(
                g.shape_of(value) == shape and not g.is_constant(value) for value in node.inputs
            )
        case _:
            return False


def _is_pointwise(node: ir.Node) -> bool:
    weight = g.constant(node.inputs[1])
    return (
        weight is not None
        and weight.shape[2:] == (1, 1)
        and g.ints(node, "strides", (1, 1)) == (1, 1)
        and not any(g.ints(node, "pads", (0,) * 4))
        and all(g.constant(value) is not None for value in node.inputs[2:])
        and weight.shape[1] > 1
    )


def _raster(node: ir.Node) -> skew.Raster | None:
    movement, shape = canonical.movement_of(node), g.shape_of(node.outputs[0])
    if movement is None or shape is None or movement.edge is not Edge.ZERO:
        return None
    return skew.raster(movement.offsets, *shape[2:])


def _view(node: ir.Node) -> tuple[int, int] | None:
    movement = canonical.movement_of(node)
    return None if movement is None else transposition.view_of(movement.source, movement.in_channels)


class _Planes:
    """Which feature maps of the graph are held as planes, and under which values."""

    def __init__(self) -> None:
        self._held: dict[ir.Value, ir.Value] = {}
        self._views: dict[tuple[ir.Value, int], ir.Value] = {}
        self._feature_maps: dict[ir.Value, ir.Value] = {}
        self._replaced: list[ir.Node] = []

    def convert(self, node: ir.Node) -> None:
        """Puts nodes before ``node`` that compute its output as planes."""
        place = Place(node)
        result, old = self._computed(place), node.outputs[0]
        place.insert()
        result.metadata_props.update(old.metadata_props)
        self._held[old] = result
        self._replaced.append(node)

    def leave(self, node: ir.Node) -> None:
        """Lets a node that works on feature maps read them."""
        place = Place(node)
        for i, value in enumerate(node.inputs):
            if value is not None and value in self._held:
                node.replace_input_with(i, self._feature_map(place, value))
        place.insert()

    def finish(self, graph: ir.Graph) -> None:
        """Gives the planes the names of their feature maps, and takes away the nodes that computed those."""
        for i, value in enumerate(graph.outputs):
            if value in self._held:
                place = Place(self._replaced[-1])
                graph.outputs[i] = self._feature_map(place, value)
                graph.extend(place.nodes)
        for node in reversed(self._replaced):
            old = node.outputs[0]
            name, held = old.name, self._held[old]
            graph.remove(node, safe=True)
            feature_map = self._feature_maps.get(old)
            if feature_map is not None and feature_map.is_graph_output():
                feature_map.name = name
                continue
            old.name = None
            held.name = known.producer(held).name = name

    def _computed(self, place: Place) -> ir.Value:
        node = place.node
        _, channels, height, width = known.shape(node.outputs[0])
        size = height * width
        match roles.role(node), node.op_type:
            case roles.Role.SHIFT, _:
                raster = _raster(node)
                assert raster is not None  # or it would not work on planes
                return skew.skew(place, self._view(place, 0, channels // raster.period), raster, height, width)
            case roles.Role.SHUFFLE, _:
                view = _view(node)
                assert view is not None  # or it would not work on planes
                return place.transpose(self._view(place, 0, view[0]), 1, 0, 2, label="planes")
            case _, "Conv":
                return self._pointwise(place, channels, size)
            case _, "Add" | "Mul":
                first = next(self._held[value] for value in node.inputs if value in self._held)
                shape = known.shape(first)
                sides = [self._view(place, i, shape[0]) for i in range(2)]
                return place.op(node.op_type, sides, label="planes", shape=shape)
            case _:
                planes = self._held[known.data(node)]
                inputs = [planes, *node.inputs[1:]]
                return place.op(node.op_type, inputs, g.attributes(node), label="planes", shape=known.shape(planes))

    def _pointwise(self, place: Place, channels: int, size: int) -> ir.Value:
        node = place.node
        weight, groups = known.constant(node.inputs[1]), g.integer(node, "group", 1)
        shape = (groups, channels // groups, size)
        kernel = place.constant("planes_weight", weight.reshape(groups, channels // groups, -1))
        result = place.op("MatMul", [kernel, self._view(place, 0, groups)], label="planes", shape=shape)
        bias = g.constant(node.inputs[2]) if len(node.inputs) > 2 else None
        if bias is None:
            return result
        column = place.constant("planes_bias", bias.reshape(groups, -1, 1))
        return place.op("Add", [result, column], label="planes_biased", shape=shape)

    def _view(self, place: Place, index: int, groups: int) -> ir.Value:
        """The input ``index`` as planes [groups, C / groups, H * W]."""
        feature_map = known.operand(place.node, index)
        _, channels, *size = known.shape(feature_map)
        held = self._held.get(feature_map, feature_map)
        wanted = (groups, channels // groups, math.prod(size))
        if g.shape_of(held) == wanted:
            return held
        if (feature_map, groups) not in self._views:
            self._views[feature_map, groups] = place.reshape(held, wanted, f"view_{index}", label=f"view_of_{index}")
        return self._views[feature_map, groups]

    def _feature_map(self, place: Place, value: ir.Value) -> ir.Value:
        """The planes of ``value`` as the feature map that they are."""
        if value not in self._feature_maps:
            held, shape, label = self._held[value], known.shape(value), f"{value.name}/picture"
            self._feature_maps[value] = place.reshape(held, shape, f"{label}_shape", label=label, like=value.producer())
        return self._feature_maps[value]
