"""The sizes that the SSC paper prints, beside those of the networks here."""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ssc_deploy.inspection import module_layers
from ssc_deploy.nets.sizes import named

if TYPE_CHECKING:
    from ssc_deploy.nets.registry import Network

#: How far a count may be from the printed figure, which is rounded or cut off, without being an exception.
TOLERANCE = 0.03

_CUT_OFF = "the list prints one digit and cuts the others off"
_ROUNDED = "the table prints one digit, rounded"
_BOTH = "the table prints one figure for 10 and 100 classes; it is that of {} classes"

#: Name, classes, millions of parameters as the paper prints them, and why they differ where they do.
_PRINTED: tuple[tuple[str, int, float | None, str], ...] = (
    ("ssc-net-1-9", 10, 0.19, ""),
    ("ssc-net-2-9", 10, 0.34, "a misprint for 0.38: the 1.5X of the paper's Table 3 needs it"),
    ("ssc-net-3-9", 10, 0.56, ""),
    ("ssc-net-6-9", 10, 1.15, ""),
    ("ssc-net-9-9", 10, 1.71, ""),
    ("ssc-net-3-18", 10, 2.1, ""),
    ("ssc-net-4-18", 10, 2.8, ""),
    ("ssc-net-3-9", 1000, 0.8, _CUT_OFF),
    ("ssc-net-4-9", 1000, 1.0, _CUT_OFF),
    ("ssc-net-6-9", 1000, 1.4, _CUT_OFF),
    ("ssc-net-4-18", 1000, 3.5, ""),
    ("shift-net-3-6", 10, 0.19, ""),
    ("shift-net-9-6", 10, 0.58, ""),
    ("shift-net-18-6", 10, 1.18, ""),
    ("shift-net-9-9", 10, 0.87, ""),
    ("shift-net-18-9", 10, 1.76, ""),
    ("shift-net-18-1", 10, 0.20, ""),
    ("shift-net-18-3", 10, 0.59, ""),
    ("resnet-3-6", 10, 0.19, ""),
    ("resnet-9-6", 10, 0.58, ""),
    ("resnet-18-6", 10, 1.18, ""),
    ("resnet-9-9", 10, 0.85, ""),
    ("resnet-18-9", 10, 1.72, ""),
    ("resnet-110", 10, 1.7, ""),
    ("pre-resnet-164", 10, 1.7, ""),
    ("pre-resnet-164", 100, 1.7, ""),
    ("mobilenet-v2", 10, 2.3, ""),
    ("mobilenet-v2", 100, 2.3, ""),
    ("mobilenet-v2", 1000, 3.5, ""),
    ("igcv2-c416", 100, 0.7, _ROUNDED),
    ("igcv3-d-1.0", 10, 2.4, _BOTH.format(100)),
    ("igcv3-d-1.0", 100, 2.4, ""),
    ("igcv3-d-1.0", 1000, 3.5, ""),
    ("igcv3-d-0.7", 10, 1.2, ""),
    ("igcv3-d-0.7", 100, 1.2, _BOTH.format(10)),
    ("densenet-40-12", 10, 1.0, ""),
    ("densenet-40-12", 100, 1.0, _BOTH.format(10)),
    ("densenet-bc-100-12", 10, 0.8, _ROUNDED),
    ("densenet-bc-100-12", 100, 0.8, ""),
    ("swapout-20-2", 10, 1.1, ""),
    ("swapout-20-2", 100, 1.1, ""),
    ("dfn-mr1", 10, 1.7, ""),
    ("dfn-mr1", 100, 1.7, ""),
    ("shufflenet-1x-3", 10, None, "the paper's text names it, without a figure"),
)


@dataclass(frozen=True)
class Comparison:
    """A network here, and what the paper prints about it.

    Attributes:
        name: of `sizes.NAMED`.
        network: its title.
        classes: outputs.
        ours: parameters.
        paper: millions of parameters as printed; None if there is no figure.
        exception: why ``ours`` is further from it than `TOLERANCE`; empty if it is not.
        macs: multiply-accumulates of convolutions and the classifier for one image of 32x32; shifts have none.
    """

    name: str
    network: str
    classes: int
    ours: int
    paper: float | None
    exception: str
    macs: int

    @property
    def difference(self) -> float | None:
        """Of ours from the paper's figure, as a fraction of that; None if there is none."""
        return None if self.paper is None else self.ours / (self.paper * 1e6) - 1

    def to_dict(self) -> dict[str, Any]:
        """Field by field, with the difference."""
        return {**asdict(self), "difference": self.difference}


@functools.cache
def compare() -> tuple[Comparison, ...]:
    """Builds, counts and tries every network of the paper, in the order of its tables."""
    return tuple(_compare(*printed) for printed in _PRINTED)


def _compare(name: str, classes: int, paper: float | None, exception: str) -> Comparison:
    # Shapes alone tell all that is counted, without the memory and time of numbers.
    with torch.device("meta"):
        network = named(name, classes).eval()
    ours = sum(p.numel() for p in network.parameters())
    return Comparison(name, network.title, classes, ours, paper, exception, _macs(network))


def _macs(network: Network) -> int:
    """Multiply-accumulates of the modules.

    Not of the canonical graph: the rewrite changes none of them, and a capture of a deep network takes half a minute.
    """
    # A shift's kernel comes from NumPy, so that it has to follow.
    network.to("meta")
    # These have none, and PyTorch is slow at telling their output's shape, which is their input's.
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d | nn.ReLU | nn.ReLU6):
                setattr(module, name, nn.Identity())
    given = torch.zeros(network.input_shape, device="meta")
    return sum(layer.macs or 0 for layer in module_layers.layers_of(network, [given]))
