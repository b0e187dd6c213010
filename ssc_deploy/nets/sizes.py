"""The networks that have a name: those of the SSC paper's tables, for images of 32x32."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from ssc_deploy.errors import NetworkError
from ssc_deploy.nets import config as configs
from ssc_deploy.nets import registry

if TYPE_CHECKING:
    from ssc_deploy.nets.registry import Network

Arguments = Mapping[str, object]

_SSC_NETS = ((1, 9), (2, 9), (3, 9), (4, 9), (6, 9), (9, 9), (3, 18), (4, 18))
_SHIFT_NETS = ((3, 6), (9, 6), (18, 6), (9, 9), (18, 9), (18, 1), (18, 3))
_RESNETS = {6: 1.41, 9: 1.0}  # e, and the reduction that makes it
_BC: Arguments = {"L": 100, "k": 12, "bottleneck": True, "theta": 0.5, "stem": 24}

#: Architecture and arguments by name, in the order of the paper's tables.
NAMED: Mapping[str, tuple[str, Arguments]] = MappingProxyType(
    {
        **{f"ssc-net-{b}-{g}": ("ssc-net", {"B": b, "G": g}) for b, g in _SSC_NETS},
        **{f"shift-net-{b}-{e}": ("shift-net", {"B": b, "e": e}) for b, e in _SHIFT_NETS},
        **{
            f"resnet-{b}-{e}": ("resnet", {"B": b, "reduction": _RESNETS[e]})
            for b, e in ((3, 6), (9, 6), (18, 6), (9, 9), (18, 9))
        },
        "resnet-110": ("resnet", {"B": 18, "shortcut": "zero-pad"}),
        "pre-resnet-164": ("pre-resnet", {"B": 18}),
        "mobilenet-v2": ("mobilenet-v2", {"form": "cifar"}),
        "igcv2-c416": ("igcv2", {"C": 416}),
        "igcv3-d-1.0": ("igcv3", {"width": 1.0}),
        "igcv3-d-0.7": ("igcv3", {"width": 0.7}),
        "densenet-40-12": ("densenet", {"L": 40, "k": 12}),
        "densenet-bc-100-12": ("densenet", _BC),
        "swapout-20-2": ("swapout", {"B": 3, "widen": 2}),
        "dfn-mr1": ("dfn-mr", {"B": 9}),
        "shufflenet-1x-3": ("shufflenet", {"scale": 1.0, "g": 3}),
    }
)


def resolve(arch: str, args: Arguments) -> tuple[str, Arguments]:
    """Architecture and arguments of what a user calls one: a name of `NAMED` brings arguments, which ``args`` outdo.

    Where a network is called as its architecture (``mobilenet-v2``), the architecture is meant. Any other text is left
    as it is; whether it is an architecture is the registry's to say.
    """
    if arch in registry.names() or arch not in NAMED:
        return arch, args
    known, own = NAMED[arch]
    return known, {**own, **args}


def named(name: str, classes: int = 10) -> Network:
    """The network of that name, with PyTorch's own random weights.

    Args:
        name: one of `NAMED`.
        classes: outputs: 10 or 100 for CIFAR, 1000 for ImageNet-32.

    Raises:
        NetworkError: no network has that name; the known are listed.
    """
    if name not in NAMED:
        near = configs.near(name, NAMED)
        raise NetworkError(f"there is no network {name!r}; {near}the known are {', '.join(NAMED)}.")
    arch, args = NAMED[name]
    return registry.build(arch, **{**args, "classes": classes})
