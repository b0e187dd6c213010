"""The lowerings by name, as the command line's ``--shift``, ``--shuffle`` and ``--dense`` know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ssc_deploy.errors import LoweringError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import onnx_ir as ir

    from ssc_deploy.ir.roles import Role

SiteT = TypeVar("SiteT")


@dataclass(frozen=True)
class Lowering(Generic[SiteT]):
    """One way to carry out a movement, or a product.

    Attributes:
        name: what a user writes.
        refusal: why it cannot carry out what is at a site, as the end of a sentence; None if it can.
        build: adds the nodes to the site and returns the result (the site's own output: leave the node).
    """

    name: str
    refusal: Callable[[SiteT], str | None]
    build: Callable[[SiteT], ir.Value]


class Registry(Generic[SiteT]):
    """Lowerings of one role.

    Attributes:
        role: of the sites.
        fallback: lowering of the sites that one asked for by name refuses; None if that is an error.

    Raises:
        ValueError: two of one name, or one named ``auto``.
    """

    def __init__(self, role: Role, lowerings: Iterable[Lowering[SiteT]], fallback: str | None = None) -> None:
        self.role, self.fallback = role, fallback
        self._by_name: dict[str, Lowering[SiteT]] = {}
        for lowering in lowerings:
            if lowering.name in self._by_name or lowering.name == "auto":
                raise ValueError(f"the {role} lowering name {lowering.name} is taken")
            self._by_name[lowering.name] = lowering

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the lowerings, in the order of registration."""
        return tuple(self._by_name)

    def get(self, name: str) -> Lowering[SiteT]:
        """The lowering of that name.

        Raises:
            LoweringError: there is none; the message lists those there are.
        """
        if name not in self._by_name:
            known = ", ".join(("auto", *self.names))
            raise LoweringError(f"there is no {self.role} lowering {name!r}; choose one of {known}")
        return self._by_name[name]
