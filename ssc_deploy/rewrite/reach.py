"""The steps behind each source of a graph: walking along them, where they end, and what each value stands between."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

from ssc_deploy.ir import graph as g
from ssc_deploy.rewrite.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import onnx_ir as ir


class Order:
    """The order of a graph's nodes, and how many of each node's inputs are not constants."""

    def __init__(self, graph: ir.Graph) -> None:
        self.position: dict[ir.Node, int] = {}
        self.needed: dict[ir.Node, int] = {}
        for n, node in enumerate(graph):
            self.add(node, n)

    def add(self, node: ir.Node, position: int) -> None:
        """Adds a node; those of one position stand in the order in which they are found."""
        self.position[node] = position
        self.needed[node] = sum(not g.is_constant(value) for value in node.inputs)

    def of(self, value: ir.Value) -> int:
        """Where the value is made; -1 for an input of the graph."""
        producer = value.producer()
        return -1 if producer is None else self.position[producer]


class Queue:
    """The values of a graph in its order, and those that are pushed on the way: what a rule has made, for example."""

    def __init__(self, graph: ir.Graph, order: Order) -> None:
        self._order = order
        self._waiting: list[tuple[int, int, ir.Value]] = []
        self._pushed = 0
        for value in (*graph.inputs, *(value for node in graph for value in node.outputs)):
            self.push(value)

    def push(self, value: ir.Value) -> None:
        """Adds a value; of those of one place in the graph the first that was pushed comes first."""
        self._pushed += 1
        heapq.heappush(self._waiting, (self._order.of(value), self._pushed, value))

    def __iter__(self) -> Iterator[ir.Value]:
        while self._waiting:
            yield heapq.heappop(self._waiting)[2]


class Walk:
    """The nodes whose inputs have all been reached, in the graph's order; constants aside.

    A node that is reached by some of its inputs alone costs one addition for each of them.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._reached: Counter[ir.Node] = Counter()
        self._waiting: list[tuple[int, int, ir.Node]] = []
        self._pushed = 0

    def reach(self, value: ir.Value) -> None:
        """Says that a value has been reached; once for each value."""
        for user, _ in value.uses():
            self._reached[user] += 1
            if self._reached[user] == self._order.needed[user]:
                self._pushed += 1
                heapq.heappush(self._waiting, (self._order.position[user], self._pushed, user))

    def __iter__(self) -> Iterator[ir.Node]:
        while self._waiting:
            yield heapq.heappop(self._waiting)[2]


#: Stands for all that is outside of the region, behind its ends.
_OUTSIDE = "outside"


class Reach:
    """Nodes whose inputs all come from one source, by nodes of the region alone; constants aside.

    Nodes are added in the graph's order; what asks about ends comes when all are there.
    """

    def __init__(self, source: ir.Value) -> None:
        self.source = source
        self.nodes: dict[ir.Node, None] = {}
        self._before: Tree[ir.Value] = Tree(source)
        self._behind: Tree[ir.Node | ir.Value | str] | None = None
        self._heavy: set[ir.Node] = set()
        # Where all the first steps, and all the heavy ones, on the way to a value meet.
        self._first: dict[ir.Value, ir.Node | ir.Value | str] = {}
        self._first_heavy: dict[ir.Value, ir.Node | ir.Value | str] = {}

    def __contains__(self, value: object) -> bool:
        return value in self._before

    def add(self, node: ir.Node, *, heavy: bool = False) -> None:
        """Adds a node, and the values that it makes; a heavy one must not be computed twice."""
        self.nodes[node] = None
        if heavy:
            self._heavy.add(node)
        inputs = [value for value in node.inputs if value is not None and value in self._before]
        for output in node.outputs:
            self._before.add(output, inputs)

    def before(self, value: ir.Value) -> ir.Value:
        """The value nearest before this one that everything passes on its way from the source to it."""
        return self._before.parent(value)

    def ends(self) -> Iterator[ir.Value]:
        """The values that something outside of the region reads, or that the graph returns, last first."""
        for node in reversed(self.nodes):
            for value in node.outputs:
                if value.is_graph_output() or any(user not in self.nodes for user, _ in value.uses()):
                    yield value

    def ends_in(self, value: ir.Value, behind: ir.Value) -> bool:
        """Whether everything on its way from the first out of the region passes the second."""
        tree = self._tree()
        return value not in tree or (behind in tree and tree.is_under(value, behind))

    def is_alone(self, value: ir.Value, *, heavy: bool = False) -> bool:
        """Whether all the steps from the source to this value, or from the heavy ones on, serve it alone."""
        tree = self._tree()
        first = self._first_heavy if heavy else self._first
        return value in first and tree.is_under(first[value], value)

    def _tree(self) -> Tree[ir.Node | ir.Value | str]:
        """What stands behind what, seen from outside; steps that lead nowhere are not in it."""
        if self._behind is not None:
            return self._behind
        tree: Tree[ir.Node | ir.Value | str] = Tree(_OUTSIDE)
        for node in reversed(self.nodes):
            for value in node.outputs:
                users = [user if user in self.nodes else _OUTSIDE for user, _ in value.uses()]
                users += [_OUTSIDE] if value.is_graph_output() else []
                _add(tree, value, users)
            _add(tree, node, node.outputs)
        for node in self.nodes:
            _meet(tree, node, self._first, begins=self.source in node.inputs)
            _meet(tree, node, self._first_heavy, begins=node in self._heavy)
        self._behind = tree
        return tree


def _add(
    tree: Tree[ir.Node | ir.Value | str], vertex: ir.Node | ir.Value, behind: Iterable[ir.Node | ir.Value | str]
) -> None:
    reached = [other for other in dict.fromkeys(behind) if other in tree]
    if reached:
        tree.add(vertex, reached)


def _meet(
    tree: Tree[ir.Node | ir.Value | str],
    node: ir.Node,
    first: dict[ir.Value, ir.Node | ir.Value | str],
    *,
    begins: bool,
) -> None:
    """Notes for a node's outputs where what begins on the way to them, here at the latest, meets behind them."""
    if node not in tree:
        return
    meet: ir.Node | ir.Value | str | None = node if begins else None
    for value in dict.fromkeys(value for value in node.inputs if value is not None and value in first):
        meet = first[value] if meet is None else tree.common(meet, first[value])
    if meet is not None:
        first.update(dict.fromkeys((value for value in node.outputs if value in tree), meet))
