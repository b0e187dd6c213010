"""A tree that grows at its leaves, and the nearest ancestor that two of its vertices have in common.

Dominators of a graph without cycles are such a tree: the dominator of a vertex is the common ancestor of all that
stands directly before it. Each vertex keeps its parent and one further ancestor, chosen so that a common ancestor is
found in logarithmic time (E. W. Myers, "An applicative random-access stack", 1983).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")


class Tree(Generic[T]):
    """A tree with one root, of vertices of any kind, which are told apart by identity."""

    def __init__(self, root: T) -> None:
        self.root = root
        self._parent, self._jump, self._depth = {root: root}, {root: root}, {root: 0}

    def __contains__(self, vertex: object) -> bool:
        return vertex in self._parent

    def parent(self, vertex: T) -> T:
        """The vertex that the given one stands under; the root is its own parent."""
        return self._parent[vertex]

    def add(self, vertex: T, below: Iterable[T]) -> None:
        """Puts a vertex under the nearest common ancestor of those in ``below``, of which there is at least one."""
        first, *others = below
        parent = first
        for other in others:
            parent = self.common(parent, other)
        self._parent[vertex], self._depth[vertex] = parent, self._depth[parent] + 1
        jump, depth = self._jump[parent], self._depth
        # The jumps have the lengths of a skew-binary number.
        even = depth[parent] - depth[jump] == depth[jump] - depth[self._jump[jump]]
        self._jump[vertex] = self._jump[jump] if even else parent

    def common(self, a: T, b: T) -> T:
        """The nearest vertex that is an ancestor of both, or one of the two themselves."""
        if self._depth[a] < self._depth[b]:
            a, b = b, a
        level = self._depth[b]
        while self._depth[a] > level:
            a = self._jump[a] if self._depth[self._jump[a]] >= level else self._parent[a]
        while a is not b:
            far = self._jump[a] is not self._jump[b]
            a, b = (self._jump[a], self._jump[b]) if far else (self._parent[a], self._parent[b])
        return a

    def is_under(self, vertex: T, ancestor: T) -> bool:
        """Whether ``ancestor`` is ``vertex`` itself or one of its ancestors."""
        return self.common(vertex, ancestor) is ancestor
