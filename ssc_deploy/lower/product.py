"""What places of 1x1 convolutions have in common, dense and grouped: a product of a kernel with each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.ir.builder import Place
from ssc_deploy.ir.roles import Role
from ssc_deploy.lower.registry import Lowering

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Roles of what computes a product.
ROLES = (Role.DENSE, Role.GROUPED)


@dataclass(frozen=True, eq=False)
class Product(Place):
    """A place of a 1x1 convolution.

    Attributes:
        weight: float32 [O, I / groups, 1, 1], a constant.
        height: of the feature map that comes out, in pixels.
        width: likewise.
    """

    weight: npt.NDArray[np.float32]
    height: int
    width: int

    @property
    def label(self) -> str:
        """See `site.Choosable`."""
        return f"{len(self.weight)}x{self.height}x{self.width}"

    @property
    def numbers(self) -> int:
        """See `site.Choosable`."""
        return len(self.weight) * self.height * self.width


def _stays(_site: Product) -> None:
    return None


#: Leaves a product as it is.
PLAIN: Lowering[Any] = Lowering("plain", _stays, lambda site: site.node.outputs[0])
