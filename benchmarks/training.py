"""How long an epoch of training takes, against the network as it stands, and with each way of computing it.

    python -m benchmarks.training [--net ssc-net-1-9] [--rounds 8] [--threads 2] [--spelling NAME ...] [--json FILE]

A step is what one step of ``ssc-deploy train`` is on the processor: forward and backward pass on 128 pictures, and the
optimizer; an epoch is 391 of them (50,000 pictures). ``straightforward`` is the network as `nets` has it, in PyTorch's
defaults: grouped convolutions, channels first, float32. ``trained`` is what ``ssc-deploy train`` does. The others say
why: group pointwise as PyTorch's grouped convolution, as a product batched over the groups, or as a dense convolution
with a block-diagonal kernel; the shift as a depthwise convolution, or as slices copied to their place (both ways in the
backward pass); either order of channels; either precision. All take turns in every round, and compute the same: their
losses are compared first.

Set ``OMP_WAIT_POLICY=passive`` where others use the machine: threads that wait for each other then sleep, instead of
taking the time that the other one needs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from benchmarks import measuring
from ssc_deploy import nets
from ssc_deploy.nets.movement import Shift
from ssc_deploy.nets.sizes import named
from ssc_deploy.training import training_view

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH, STEPS = 128, 391
TARGET = 0.5


@dataclass(frozen=True)
class Spelling:
    """One way of computing the network.

    Attributes:
        pointwise: ``"grouped"``, ``"batched"`` or ``"dense"``.
        shift: ``"depthwise"`` or ``"slices"``.
        channels_last: order of the activations; with it, the shuffle of `training_view`.
        bfloat16: precision of the convolutions.
        view: whether it is computed through `training_view`.
    """

    pointwise: str = "grouped"
    shift: str = "depthwise"
    channels_last: bool = False
    bfloat16: bool = False
    view: bool = True


SPELLINGS = {
    "straightforward": Spelling(view=False),
    "trained": Spelling(channels_last=True, bfloat16=True),
    "channels-last": Spelling(channels_last=True),
    "bfloat16": Spelling(bfloat16=True, view=False),
    "plain-shuffle": Spelling(channels_last=True, bfloat16=True, view=False),
    "batched": Spelling("batched", view=False),
    "dense": Spelling("dense", view=False),
    "dense-channels-last": Spelling("dense", channels_last=True),
    "dense-trained": Spelling("dense", channels_last=True, bfloat16=True),
    "slices": Spelling(shift="slices", view=False),
    "slices-bfloat16": Spelling(shift="slices", bfloat16=True, view=False),
}


class Batched(nn.Module):
    """A group pointwise convolution as one product for each group and picture."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolves ``x`` [N, C, H, W]."""
        weight, groups = self.conv.weight, self.conv.groups
        out, inner = weight.shape[:2]
        n, _, h, w = x.shape
        product = torch.matmul(weight.view(1, groups, out // groups, inner), x.reshape(n, groups, inner, h * w))
        return product.view(n, out, h, w)


class Dense(nn.Module):
    """A group pointwise convolution as a dense one, whose kernel has the groups on its diagonal."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self.register_buffer("diagonal", torch.eye(conv.groups).view(conv.groups, 1, conv.groups, 1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolves ``x`` [N, C, H, W]."""
        weight, groups = self.conv.weight, self.conv.groups
        out, inner = weight.shape[:2]
        kernel = (weight.view(groups, out // groups, 1, inner) * self.diagonal).reshape(out, groups * inner, 1, 1)
        return functional.conv2d(x, kernel, stride=self.conv.stride)


class _Move(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: torch.Tensor, offsets: list, k: int) -> torch.Tensor:
        ctx.offsets, ctx.k = offsets, k
        return _moved(x, offsets, k, 1)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return _moved(grad, ctx.offsets, ctx.k, -1), None, None


def _moved(x: torch.Tensor, offsets: list[tuple[int, int]], k: int, sign: int) -> torch.Tensor:
    out = torch.zeros_like(x)
    height, width = x.shape[2:]
    for p, (dy, dx) in enumerate(offsets[:k]):
        y, z = sign * dy, sign * dx
        to = (slice(max(0, -y), height - max(0, y)), slice(max(0, -z), width - max(0, z)))
        come = (slice(max(0, y), height - max(0, -y)), slice(max(0, z), width - max(0, -z)))
        out[:, p::k, *to] = x[:, p::k, *come]
    return out


class Slices(nn.Module):
    """A shift of interleaved channels as one copy for each offset, and the reverse copies in the backward pass."""

    def __init__(self, shift: Shift) -> None:
        super().__init__()
        self.offsets, self.k = list(shift.offsets), shift.kernel.shape[-1] ** 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Moves the pixels of ``x`` [N, C, H, W]."""
        return _Move.apply(x, self.offsets, self.k)


def spelled(network: nn.Module, spelling: Spelling) -> nn.Module:
    """The network in train mode, computed so; it is changed in place."""
    pointwise = {"grouped": None, "batched": Batched, "dense": Dense}[spelling.pointwise]
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(module, Batched | Dense):
                continue
            if isinstance(child, nn.Conv2d) and child.groups > 1 and child.kernel_size == (1, 1) and pointwise:
                setattr(module, name, pointwise(child))
            elif isinstance(child, Shift) and spelling.shift == "slices":
                setattr(module, name, Slices(child))
    return training_view(network) if spelling.view else network.train()


def stepper(name: str, spelling: Spelling) -> Callable[[], float]:
    """Runs one step, on the same pictures each time; returns the loss."""
    network = named(name)
    nets.randomise(network)
    module = spelled(network, spelling)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-4, momentum=0.9, weight_decay=2e-4, nesterov=True)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, *network.input_shape[1:], generator=generator)
    labels = torch.randint(0, 10, (BATCH,), generator=generator)
    if spelling.channels_last:
        x = x.contiguous(memory_format=torch.channels_last)

    def step() -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=spelling.bfloat16):
            logits = module(x)
        loss = functional.cross_entropy(logits.float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def main() -> None:
    """Prints a line a spelling."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", default="ssc-net-1-9")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--spelling", action="append", choices=list(SPELLINGS), help="default: all")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    chosen = ["straightforward", *(name for name in options.spelling or SPELLINGS if name != "straightforward")]
    steppers = {name: stepper(options.net, SPELLINGS[name]) for name in chosen}
    losses = {name: step() for name, step in steppers.items()}
    for name, loss in losses.items():
        tolerance = 2e-2 if SPELLINGS[name].bfloat16 else 1e-4
        if abs(loss - losses["straightforward"]) > tolerance * losses["straightforward"]:
            raise RuntimeError(f"{name} computes another loss: {loss}, not {losses['straightforward']}")
    wall: dict[str, list[float]] = {name: [] for name in chosen}
    cpu: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(options.rounds):
        for name, step in steppers.items():
            before = time.perf_counter(), time.process_time()
            step()
            wall[name].append(time.perf_counter() - before[0])
            cpu[name].append(time.process_time() - before[1])
    results = {}
    for name in chosen:
        target = TARGET if name == "trained" else None
        ratios = {
            "wall_ratio": measuring.paired(wall[name], wall["straightforward"], target),
            "cpu_ratio": measuring.paired(cpu[name], cpu["straightforward"], target),
        }
        seconds = statistics.median(wall[name]) * STEPS, statistics.median(cpu[name]) * STEPS
        print(f"{name:20} {seconds[0]:6.0f} s an epoch, {seconds[1]:6.0f} s CPU   ", end="")
        print(f"wall {ratios['wall_ratio']}   CPU {ratios['cpu_ratio']}")
        results[name] = {"loss": losses[name], "wall_seconds": wall[name], "cpu_seconds": cpu[name], **ratios}
    measuring.write(options.json, "training", {"net": options.net, "threads": options.threads, "spellings": results})


if __name__ == "__main__":
    main()
