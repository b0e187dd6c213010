"""Small canonical graphs with plans, made without images: ranges are those of noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir
import torch
from torch import nn

from ssc_deploy.exporting import stages
from ssc_deploy.quantize import grid, places
from ssc_deploy.quantize.plan import Plan
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime
from ssc_deploy.source import open_source

if TYPE_CHECKING:
    from ssc_deploy.exporting.stages import Canonical
    from ssc_deploy.quantize.grid import Grid


class Small(nn.Module):
    """A stem, a shift between two group pointwise convolutions, a shuffle, a residual, a pool and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.first = nn.Sequential(nn.Conv2d(8, 8, 1, groups=2), nn.ReLU())
        self.second = nn.Conv2d(8, 8, 1, groups=4, bias=False)
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [N, 5] of ``x`` [N, 3, H, W]."""
        x = y = self.stem(x)
        y = self.first(y)
        up, down = y[:, :4], y[:, 4:]
        y = torch.cat(
            [nn.functional.pad(up, (0, 0, 0, 1))[:, :, 1:], nn.functional.pad(down, (0, 0, 1, 0))[:, :, :-1]], 1
        )
        y = self.second(y).clamp(0, 6)
        n, c, h, w = y.shape
        y = y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        x = (x + y).relu()
        logits: torch.Tensor = self.head(nn.functional.max_pool2d(x, 2).mean((2, 3)))
        return logits


def canonical_of(module: nn.Module, shape: tuple[int, ...] = (1, 3, 6, 5)) -> Canonical:
    """The canonical form of a module with seeded weights."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return stages.canonicalise(open_source(None, model=module.eval(), input_shape=shape))


def noise(count: int, shape: tuple[int, ...] = (3, 6, 5)) -> np.ndarray:
    """Seeded inputs, float32 [count, *shape]."""
    return np.random.default_rng(0).normal(size=(count, *shape)).astype(np.float32)


def plan_of(canonical: Canonical, inputs: np.ndarray, *, bits: int = 7) -> tuple[ir.Model, Plan]:
    """A graph whose kernels are on their grids, and a plan by the least and greatest numbers of ``inputs``."""
    found = places.places(canonical.model)
    probed = canonical.model.clone()
    values = {value.name: value for node in probed.graph for value in node.outputs}
    names = [name for names in found.groups for name in names]
    probed.graph.outputs[:] = [values[name] for name in names if name in values]
    runner = OnnxRuntime().load(ir.to_proto(probed).SerializeToString())
    low, high = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    for one in inputs:
        ran = {spec.name: array for spec, array in zip(runner.outputs, runner.run([one[None]]), strict=True)}
        ran[canonical.model.graph.inputs[0].name] = one
        for name in names:
            low[name], high[name] = min(low[name], float(ran[name].min())), max(high[name], float(ran[name].max()))
    grids: dict[str, Grid] = {}
    for at, group in enumerate(found.groups):
        of_group = grid.of_range(min(low[name] for name in group), max(high[name] for name in group))
        grids.update(dict.fromkeys(group, found.fixed.get(at, of_group)))
    model = canonical.model.clone()
    for node in model.graph:
        if node.op_type in places.WEIGHTED and places.kind(node) is places.Kind.COMPUTES:
            weight = node.inputs[1]
            rounded = grid.of_weights(weight.const_value.numpy(), places.kernel_axis(node), bits=bits).numbers
            weight.const_value = ir.tensor(rounded, name=weight.name)
    return model, Plan(grids, places.kernels(model), bits)
