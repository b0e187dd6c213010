"""An ``.onnx`` graph for images of any height or width, from the graphs of two sizes.

A graph is captured for one size, and holds that size where the network's code has read it: in the shapes of views, in
the ends of slices, in the sizes of a Resize. The same network captured at another size shows where these places are:

    nodes and constants are the same in both   nothing of the graph depends on the size
    a constant that is a shape differs         it is computed from the shapes of earlier values when the file runs
    anything else differs                      the network is refused, by the name of the block

A rule found at two sizes may be wrong at a third. So the file is also run at other sizes, and compared with the network
there, before it is written (`exporting.sizes`).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy.errors import LoweringError
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known, roles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

#: A size in the first graph and in the second.
Pair = tuple[int, int]

#: What stands for "up to the end" in a Slice.
_END = np.iinfo(np.int64).max

#: The axes of an image that may be open, with the names of their sizes in the file.
NAMES = {2: "height", 3: "width"}


def free(model: ir.Model, other: ir.Model) -> None:
    """Lets the sizes be open that differ between the images of two graphs.

    Args:
        model: the lowered graph of a network; is changed in place.
        other: the graph of the same network, lowered in the same way, for images of another size.

    Raises:
        LoweringError: it depends on the size in another way; names the block.
    """
    _Graph(model, other).free()


class _Graph:
    def __init__(self, model: ir.Model, other: ir.Model) -> None:
        self._model, self._other = model, other
        #: The value of the other graph that stands in the place of each value, in the order of execution.
        self._twins: dict[ir.Value, ir.Value] = {}
        self._sizes: dict[Pair, ir.Value] = {}
        self._shapes: dict[ir.Value, ir.Value] = {}
        self._count = itertools.count(1)

    def free(self) -> None:
        graph, other = self._model.graph, self._other.graph
        self._twins.update(zip(graph.inputs, other.inputs, strict=True))
        nodes = list(graph)
        for node, twin in itertools.zip_longest(nodes, list(other)):
            if node is None or twin is None:
                raise _refused(node or twin, "stands in the graph of one size and not in that of another")
            self._compare(node, twin)
            self._twins.update(zip(node.outputs, twin.outputs, strict=True))
        if [self._twins.get(value) for value in graph.outputs] != list(other.outputs):
            raise _refused(nodes[-1], "is not what the network returns at another size")
        for value, counterpart in self._twins.items():
            value.shape = _open(value, counterpart, names=NAMES if value in graph.inputs else {})

    def _compare(self, node: ir.Node, twin: ir.Node) -> None:
        same = (node.op_type, node.domain, len(node.inputs), len(node.outputs))
        if same != (twin.op_type, twin.domain, len(twin.inputs), len(twin.outputs)):
            raise _refused(node, f"is {_article(twin.op_type)} at another size")
        if not _equal(g.attributes(node), g.attributes(twin)):
            raise _refused(node, "has attributes that depend on the size")
        for index, (value, counterpart) in enumerate(zip(node.inputs, twin.inputs, strict=True)):
            constant, of_twin = g.constant(value), g.constant(counterpart)
            if constant is None or of_twin is None:
                if (None if value is None else self._twins.get(value)) is not counterpart:
                    raise _refused(node, "reads other values at another size")
            elif constant.dtype != of_twin.dtype or not np.array_equal(constant, of_twin):
                self._compute(node, index, constant, of_twin)

    def _compute(self, node: ir.Node, index: int, constant: npt.NDArray[Any], other: npt.NDArray[Any]) -> None:
        """Replaces a constant that depends on the size."""
        if constant.dtype == np.int64 and constant.shape == other.shape and constant.ndim == 1:
            pairs = list(zip(constant.tolist(), other.tolist(), strict=True))
            match node.op_type, index:
                case "Reshape", 1:
                    return self._reshape(node, pairs)
                case "Expand", 1:
                    return node.replace_input_with(1, self._shape(node, pairs))
                case "Slice", 1 | 2:
                    return self._slice(node, index, pairs)
                case "Resize", 3:
                    return self._resize(node, pairs)
        raise _refused(node, "has a constant that depends on the size")

    def _reshape(self, node: ir.Node, pairs: Sequence[Pair]) -> None:
        """To 0 (the size of before) where that will do, to -1 (what is left) in one place, else to computed sizes."""
        before = self._dims(known.data(node))
        copies = g.integer(node, "allowzero", 0) == 0
        target = [
            0
            if one != two and copies and axis < len(before) and before[axis] == (one, two)
            else one
            if one == two
            else -1
            for axis, (one, two) in enumerate(pairs)
        ]
        if target.count(-1) > 1:
            node.replace_input_with(1, self._shape(node, pairs))
        else:
            node.replace_input_with(1, self._constant(node, target))

    def _slice(self, node: ir.Node, index: int, pairs: Sequence[Pair]) -> None:
        """Counted from the end, where the distance to it is the same in both."""
        axes = g.constant(node.inputs[3]) if len(node.inputs) > 3 else np.arange(len(pairs))
        if axes is None:
            raise _refused(node, "has a constant that depends on the size")
        dims, numbers = self._dims(known.data(node)), []
        for axis, (one, two) in zip(axes.tolist(), pairs, strict=True):
            size, at_other = dims[axis]
            if one == two:
                numbers.append(one)
            elif one - size == two - at_other and (one < size or index == 2):
                numbers.append(one - size if one < size else _END)
            else:
                raise _refused(node, "cuts at a place that depends on the size")
        node.replace_input_with(index, self._constant(node, numbers))

    def _resize(self, node: ir.Node, pairs: Sequence[Pair]) -> None:
        """By scales, where these are the same in both; else to computed sizes."""
        before = self._dims(known.data(node))
        axes = g.ints(node, "axes", range(len(before)))
        ratios = [(one / before[axis][0], two / before[axis][1]) for axis, (one, two) in zip(axes, pairs, strict=True)]
        if all(one == two for one, two in ratios):
            name = f"{node.outputs[0].name}/scales"
            scales = g.initializer(known.graph(node), name, np.array([one for one, _ in ratios], np.float32))
            node.replace_input_with(2, scales)
            node.replace_input_with(3, None)
        else:
            node.replace_input_with(3, self._shape(node, pairs))

    def _shape(self, node: ir.Node, pairs: Sequence[Pair]) -> ir.Value:
        """A shape, int64 [n], of which some sizes are computed."""
        parts: list[ir.Value] = []
        for fixed, run in itertools.groupby(pairs, lambda pair: pair[0] == pair[1]):
            some = list(run)
            parts += [self._constant(node, [one for one, _ in some])] if fixed else [self._size(node, p) for p in some]
        return parts[0] if len(parts) == 1 else self._op(node, "Concat", parts, {"axis": 0})

    def _size(self, node: ir.Node, pair: Pair) -> ir.Value:
        """One size, int64 [1], from the shapes of values that are computed before the node.

        Raises:
            LoweringError: none of them is equal to it, a multiple or a part of it, or gives it as a product.
        """
        if pair not in self._sizes:
            found = self._as_product(node, pair) or self._as_multiple(node, pair)
            if found is None:
                raise _refused(node, f"has a size that does not follow from the image's ({pair[0]} and {pair[1]})")
            self._sizes[pair] = found
        return self._sizes[pair]

    def _as_product(self, node: ir.Node, pair: Pair) -> ir.Value | None:
        """One size of a value, or the product of two of the same value."""
        for factors in (1, 2):
            for value, dims in self._nearest(node):
                for axes in itertools.combinations(range(len(dims)), factors):
                    if np.prod([dims[axis] for axis in axes], axis=0).tolist() == list(pair):
                        sizes = [self._dim(node, value, axis) for axis in axes]
                        return sizes[0] if factors == 1 else self._op(node, "Mul", sizes)
        return None

    def _as_multiple(self, node: ir.Node, pair: Pair) -> ir.Value | None:
        for value, dims in self._nearest(node):
            for axis, (one, two) in enumerate(dims):
                if one == two:
                    continue
                for op_type, whole, part in (("Mul", pair, (one, two)), ("Div", (one, two), pair)):
                    factor = whole[0] // part[0]
                    if factor * part[0] == whole[0] and factor * part[1] == whole[1]:
                        return self._op(node, op_type, [self._dim(node, value, axis), self._constant(node, [factor])])
        return None

    def _nearest(self, node: ir.Node) -> Iterator[tuple[ir.Value, tuple[Pair, ...]]]:
        """Values that are computed before the node, its own first, then those of last."""
        own = [value for value in node.inputs if value is not None and value in self._twins]
        for value in dict.fromkeys([*own, *reversed(self._twins)]):
            dims = self._dims(value)
            if any(one != two for one, two in dims):
                yield value, dims

    def _dims(self, value: ir.Value) -> tuple[Pair, ...]:
        """The sizes of a value in both graphs; none where one is not known."""
        one, two = (g.shape_of(each) for each in (value, self._twins[value]))
        return () if one is None or two is None or len(one) != len(two) else tuple(zip(one, two, strict=True))

    def _dim(self, node: ir.Node, value: ir.Value, axis: int) -> ir.Value:
        if value not in self._shapes:
            self._shapes[value] = self._op(node, "Shape", [value])
        return self._op(node, "Gather", [self._shapes[value], self._constant(node, [axis])], {"axis": 0})

    def _op(
        self, before: ir.Node, op_type: str, inputs: Sequence[ir.Value], attributes: dict[str, Any] | None = None
    ) -> ir.Value:
        node = ir.node(op_type, inputs, attributes)
        node.outputs[0].name = f"{before.outputs[0].name}/size_{next(self._count)}"
        node.outputs[0].type = ir.TensorType(ir.DataType.INT64)
        roles.set_block(node, roles.block(before))
        known.graph(before).insert_before(before, node)
        return node.outputs[0]

    def _constant(self, node: ir.Node, numbers: Sequence[int]) -> ir.Value:
        return g.initializer(known.graph(node), f"{node.outputs[0].name}/sizes", np.array(numbers, np.int64))


def _open(value: ir.Value, counterpart: ir.Value, names: dict[int, str]) -> ir.Shape | None:
    if value.shape is None or counterpart.shape is None or len(value.shape) != len(counterpart.shape):
        return None
    pairs = zip(value.shape, counterpart.shape, strict=True)
    return ir.Shape([one if one == two else names.get(axis) for axis, (one, two) in enumerate(pairs)])


def _equal(one: Any, two: Any) -> bool:
    """Of attributes: numbers, texts, lists of them, tensors. A graph inside a node is equal to none."""
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(_equal(value, two[name]) for name, value in one.items())
    if isinstance(one, ir.TensorProtocol) and isinstance(two, ir.TensorProtocol):
        return np.array_equal(one.numpy(), two.numpy())
    return bool(one == two)


def _article(op_type: str) -> str:
    return f"an {op_type}" if op_type[0] in "AEIOU" else f"a {op_type}"


def _refused(node: ir.Node, reason: str) -> LoweringError:
    return LoweringError(
        f"the size of images cannot be dynamic: {roles.where(node)} {reason}; "
        "leave `dynamic` out, and export a file for each size that you need"
    )
