"""The steps behind one source: where they end, and what each value stands between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.rewrite.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import onnx_ir as ir

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
    for value in dict.fromkeys(value for value in node.inputs if value in first):
        assert value is not None  # None is no key
        meet = first[value] if meet is None else tree.common(meet, first[value])
    if meet is not None:
        first.update(dict.fromkeys((value for value in node.outputs if value in tree), meet))
