"""A network of any steps in any spelling, as a user's file has it: ``--model any_network.py:AnyNetwork``."""

from __future__ import annotations

import spellings
import torch
from torch import nn

from ssc_deploy import nets
from ssc_deploy.nets import ssc_net

WIDTH = 18

#: Steps by name: ``shift`` as a module or in the forward, ``group`` in 2, 3 or 9 groups, in all their spellings,
#: and movements of other kinds.
STEPS = (
    *(f"{where}-{spelling}" for where in ("module", "forward") for spelling in spellings.REGULAR_SHIFTS),
    *(f"{groups}-{spelling}" for groups in (2, 3, 9) for spelling in spellings.GROUP_POINTWISE),
    *(f"moved-{name}" for name in ("edge_stays", "edge_stays_aslant", "leftover_zero", "zero_in_between")),
    "shuffle-2",
    "shuffle-9",
    "mixer-picture",
    "mixer-rows",
    "norm",
    "relu",
    "relu6",
    "residual",
)


class AnyNetwork(nn.Module):
    """Stem, the steps one after another, mean, linear layer.

    Args:
        steps: names of `STEPS` with commas between.
        seed: of the weights.
    """

    def __init__(self, steps: str, seed: str = "0") -> None:
        super().__init__()
        torch.manual_seed(int(seed))
        self.stem, self.head = nn.Conv2d(3, WIDTH, 3, padding=1), nn.Linear(WIDTH, 5)
        self.steps = nn.ModuleDict()
        self.names = [(name, f"{n}_{name.replace('-', '_')}") for n, name in enumerate(steps.split(","))]
        for name, key in self.names:
            layer = _layer(name)
            if layer is not None:
                self.steps[key] = layer
        nets.randomise(self, int(seed))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = first = self.stem(x)
        for name, key in self.names:
            if key in self.steps:
                x = self.steps[key](x)
            elif name.startswith("forward-"):
                x = spellings.REGULAR_SHIFTS[name.removeprefix("forward-")](x, spellings.raster(WIDTH))
            elif name.startswith("moved-"):
                x = spellings.REARRANGEMENTS[name.removeprefix("moved-")][0](x)
            elif name.startswith("shuffle-"):
                x = spellings.shuffle(x, int(name.removeprefix("shuffle-")))
            else:
                x = x + first
        return self.head(x.mean((2, 3)))


#: Rearrangements by name, one after another.
REARRANGED = ("edge_stays", "edge_stays_aslant", "leftover_zero", "as_wide_as_the_image", "pixel_shuffle", "focus")


class Rearranged(nn.Module):
    """`REARRANGED` in one forward, a convolution before each."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convs = nn.ModuleList()
        inputs = 3
        for name in REARRANGED:
            channels = spellings.REARRANGEMENTS[name][1]
            self.convs.append(nn.Conv2d(inputs, channels, 1))
            inputs = {"pixel_shuffle": channels // 4, "focus": channels * 4}.get(name, channels)
        self.head = nn.Conv2d(inputs, 5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name, conv in zip(REARRANGED, self.convs, strict=True):
            x = spellings.REARRANGEMENTS[name][0](conv(x))
        return self.head(x).mean((2, 3))


class Named(nn.Module):
    """Its modules have the names that a file gives to what the whole network takes and returns."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.input, self.output, self.head = (nn.Conv2d(3, 3, 1) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.output(torch.relu(self.input(x)))))


class Wide(nn.Module):
    """One module of an SSC-Net whose window is 5x5, and which so has 625 channels."""

    def __init__(self) -> None:
        super().__init__()
        config = ssc_net.SscNetConfig(G=25, k=5)
        self.module, self.head = ssc_net.SscModule(config, 3, config.G, stride=2), nn.Linear(625, 5)
        nets.randomise(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.module(x).mean((2, 3)))


def _layer(name: str) -> nn.Module | None:
    kind, _, spelling = name.partition("-")
    if kind == "module":
        return spellings.Spelled(spellings.raster(WIDTH), spellings.REGULAR_SHIFTS[spelling])
    if kind == "mixer":
        return spellings.Mixer(WIDTH, spellings.raster(WIDTH), rows=spelling == "rows")
    if kind.isdecimal():
        groups = int(kind)
        product = spellings.GroupPointwise(
            groups, WIDTH // groups, WIDTH // groups, spellings.GROUP_POINTWISE[spelling]
        )
        product.weight.data /= (WIDTH // groups) ** 0.5
        return product
    return {"norm": nn.BatchNorm2d(WIDTH), "relu": nn.ReLU(inplace=True), "relu6": nn.ReLU6()}.get(kind)
