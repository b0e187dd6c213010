"""What the benchmarks export, and what they compare with: SSC-Net with its shift written as others write it.

For `ssc-deploy`: ``--model benchmarks/networks.py:ssc_net --arg shift=rolls --arg B=6 --input-shape 1,3,32,32``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ssc_deploy import card as cards
from ssc_deploy import checkpoint, nets, pictures
from ssc_deploy.nets.movement import Shift

if TYPE_CHECKING:
    from collections.abc import Callable

#: Pictures that untrained networks are settled on.
MODEL = Path(__file__).parents[1] / "models" / "ssc-net-1-9"


def _windows(x: torch.Tensor, join: Callable[[list[torch.Tensor]], torch.Tensor]) -> torch.Tensor:
    """Pads ``x`` [N, C, H, W] once, cuts nine windows out of a view of its whole groups of nine, and joins them.

    Channels beyond the last whole group stay where they are, as in `ssc_deploy.nets.movement.window_offsets`.
    """
    n, c, h, w = x.shape
    whole = c // 9 * 9
    moved = x if whole == c else x[:, :whole]
    padded = functional.pad(moved, (1, 1, 1, 1)).view(n, whole // 9, 9, h + 2, w + 2)
    windows = [padded[:, :, p : p + 1, p // 3 : p // 3 + h, p % 3 : p % 3 + w] for p in range(9)]
    moved = join(windows).view(n, whole, h, w)
    return moved if whole == c else torch.cat([moved, x[:, whole:]], 1)


class StackedSlices(nn.Module):
    """Pad once, cut nine windows out of a view of the groups, stack them: what one writes first."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Moves the pixels of ``x`` [N, C, H, W]."""
        return _windows(x, lambda windows: torch.stack([window.squeeze(2) for window in windows], 2))


class JoinedSlices(nn.Module):
    """The same nine windows joined by a concatenation: no axis comes or goes on the way."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Moves the pixels of ``x`` [N, C, H, W]."""
        return _windows(x, lambda windows: torch.cat(windows, 2))


class Rolls(nn.Module):
    """Each channel rolled by itself, the rows and columns that came in from the other side blanked."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Moves the pixels of ``x`` [N, C, H, W]."""
        planes = []
        for c, channel in enumerate(x.split(1, dim=1)):
            dy, dx = c % 9 // 3 - 1, c % 3 - 1
            plane = channel.roll((-dy, -dx), (2, 3)).clone()
            if dy:
                plane[:, :, -1 if dy > 0 else 0, :] = 0
            if dx:
                plane[:, :, :, -1 if dx > 0 else 0] = 0
            planes.append(plane)
        return torch.cat(planes, 1)


#: How the shift may be written; None leaves the project's own, a one-hot depthwise convolution.
SHIFTS: dict[str, type[nn.Module] | None] = {
    "one-hot": None,
    "stacked": StackedSlices,
    "joined": JoinedSlices,
    "rolls": Rolls,
}


def respell(network: nn.Module, shift: str) -> None:
    """Writes all shifts of a network that move the channels over a 3x3 window in another way, in place."""
    spelled = SHIFTS[shift]
    if spelled is None:
        return
    sites = [
        (parent, name)
        for parent in network.modules()
        for name, child in parent.named_children()
        if isinstance(child, Shift)
    ]
    for parent, name in sites:
        setattr(parent, name, spelled())


def ssc_net(shift: str = "one-hot", B: int = 6, G: int = 9) -> nn.Module:  # noqa: N803 - the paper's names
    """SSC-Net-B-G in eval mode with seeded weights, the same whatever the spelling of its shift."""
    network = nets.build("ssc-net", B=B, G=G).eval()
    nets.randomise(network)
    respell(network, shift)
    return network


def large_mobilenet() -> nn.Module:
    """MobileNetV2 of 1.3 times the width, 5.4 M parameters, in eval mode with seeded weights."""
    network = nets.build("mobilenet-v2", width=1.3).eval()
    nets.randomise(network)
    return network


#: Of what is added to a shortcut in a network of `calm`.
_BRANCH_SCALE = 0.3


_SUMS = {"add", "add_", "__add__", "__radd__", "__iadd__"}


class _Sums(TorchFunctionMode):
    """Notes the convolutions and BatchNorms whose outputs, moved, scaled or cut off, are terms of sums."""

    def __init__(self) -> None:
        super().__init__()
        self._wrote: list[tuple[torch.Tensor, nn.Module]] = []
        self.found: dict[nn.Module, None] = {}

    def note(self, layer: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        """A layer has written a value."""
        self._wrote.append((output, layer))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        # Who has written a value last, since a BatchNorm passes on what its convolution has written.
        writers = [[layer for output, layer in self._wrote if output is term][-1:] for term in args[:2]]
        layers = [layer for found in writers for layer in found]
        if name in _SUMS:
            self.found.update(dict.fromkeys(layers))
        elif layers and isinstance(result, torch.Tensor):
            self._wrote.append((result, layers[0]))
        return result


def calm(network: nn.Module, images: torch.Tensor) -> None:
    """Makes what is added to shortcuts small against them, as training does, in place.

    With random branches as large as their shortcuts a deep network enlarges every rounding: of an IGCV3 of 31 blocks
    the int8 file has 7 dB, and what is wrong with it could not be told from that.

    Args:
        network: with seeded weights.
        images: float32 [N, C, H, W], preprocessed.
    """
    sums = _Sums()
    hooks = [
        layer.register_forward_hook(sums.note)
        for name, layer in network.named_modules()
        if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d)) and not name.startswith("stem") and "shortcut" not in name
    ]
    with torch.no_grad(), sums:
        network.eval()(images)
        for hook in hooks:
            hook.remove()
    with torch.no_grad():
        for layer in sums.found:
            for parameter in layer.parameters():
                parameter.mul_(_BRANCH_SCALE)


def settled_calm(name: str, size: str, path: str, *arguments: str) -> None:
    """`settled` for a network of `calm`."""
    settled(name, size, path, *arguments, prepare=calm)


def settled(
    name: str,
    size: str,
    path: str,
    *arguments: str,
    prepare: Callable[[nn.Module, torch.Tensor], None] | None = None,
) -> None:
    """Writes the checkpoint of a network with seeded weights, under which it sees real pictures as a trained one does.

    Prints its title, architecture and parameters as JSON.

    Args:
        name: of `nets.NAMED`, or an architecture.
        size: height and width of the pictures.
        path: of the checkpoint.
        arguments: of the network, ``NAME=VALUE``.
        prepare: is given the network with its seeded weights and some images, before the statistics are taken.
    """
    given = dict(argument.split("=", 1) for argument in arguments)
    arch, resolved = nets.resolve(name, given)
    network = nets.build(arch, **resolved)
    nets.randomise(network)
    described = cards.read(MODEL / cards.FILE_NAME)
    assert described.preprocessing is not None  # the card of a model that ships
    shape = (int(size), int(size))
    read = [pictures.read(p.path, "RGB", shape, resize=True) for p in described.golden_pictures()[::4]]
    images = torch.from_numpy(pictures.preprocess(read, described.preprocessing, "NCHW"))
    if prepare is not None:
        prepare(network, images)
    nets.settle(network, images)
    checkpoint.save(network, Path(path))
    count = sum(p.numel() for p in network.parameters())
    print(json.dumps({"network": network.title, "architecture": arch, "parameters": count}))
