"""GridSample and DeformConv at constant places become shifts and convolutions, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import deform_conv2d

from ssc_deploy.capture import capture
from ssc_deploy.ir import roles
from ssc_deploy.rewrite import rewrite
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime
from ssc_deploy.signature import of_image

SHAPE = (1, 8, 7, 6)


class Sampled(nn.Module):
    """Each channel displaced by (dy, dx), by grid_sample."""

    def __init__(self, displacements, aligned=False, mode="bilinear"):
        super().__init__()
        self.register_buffer("d", torch.tensor(displacements, dtype=torch.float32))
        self.aligned, self.mode = aligned, mode

    def forward(self, x):
        n, c, h, w = x.shape
        size = torch.tensor([h, w], dtype=x.dtype) - (1 if self.aligned else 0)
        matrix = torch.eye(2, 3, dtype=x.dtype).repeat(c, 1, 1)
        matrix = torch.cat([matrix[:, :, :2], (self.d * 2 / size).flip(1).unsqueeze(2)], 2)
        grid = functional.affine_grid(matrix, (c, 1, h, w), align_corners=self.aligned)
        rows = x.reshape(n * c, 1, h, w)
        return functional.grid_sample(rows, grid, self.mode, align_corners=self.aligned).reshape(n, c, h, w)


class Deformed(nn.Module):
    def __init__(self, kernel, offsets, *, masked=False, groups=1, **options):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(6, 8 // groups, kernel, kernel, generator=generator))
        self.bias = nn.Parameter(torch.randn(6, generator=generator))
        self.register_buffer("offsets", torch.tensor(offsets, dtype=torch.float32).reshape(1, -1, 1, 1))
        self.masked, self.options, self.taps = masked, options, kernel * kernel

    def forward(self, x):
        stride, padding = self.options.get("stride", 1), self.options.get("padding", 0)
        reach = self.options.get("dilation", 1) * (self.weight.shape[-1] - 1)
        h, w = ((size + 2 * padding - reach - 1) // stride + 1 for size in x.shape[2:])
        offsets = self.offsets.expand(len(x), -1, h, w)
        mask = torch.full((len(x), offsets.shape[1] // 2, h, w), 0.5, dtype=x.dtype) if self.masked else None
        return deform_conv2d(x, offsets, self.weight, self.bias, mask=mask, **self.options)


WHOLE = [[c % 3 - 1, c // 3 - 1] for c in range(8)]
MODULES = {
    "whole displacements": (Sampled(WHOLE), 1),
    "whole displacements, corners aligned": (Sampled(WHOLE, aligned=True), 1),
    "fractions": (Sampled([[c / 5, -c / 3] for c in range(8)]), 0),
    "fractions, nearest": (Sampled([[c / 5, -c / 3] for c in range(8)], mode="nearest"), 1),
    "deformed, whole": (Deformed(1, np.array(WHOLE).reshape(-1)), 1),
    "deformed, fractions": (Deformed(1, np.linspace(-1.5, 1.5, 16)), 0),
    "deformed 3x3, two groups of offsets": (Deformed(3, np.arange(36) % 3 - 1, padding=1), 0),
    "deformed 3x3, stride, dilation, groups": (
        Deformed(3, np.arange(18) % 2 - 0.5, groups=2, stride=2, padding=2, dilation=2),
        0,
    ),
    "deformed and masked": (Deformed(1, np.zeros(2), masked=True), 0),
}


@pytest.mark.quick(5)
@pytest.mark.parametrize(("module", "shifts"), MODULES.values(), ids=MODULES)
def test_constant_places_become_convolutions(module: nn.Module, shifts: int) -> None:
    model = capture(module.eval(), of_image(SHAPE)).model
    rewrite(model)
    assert {node.op_type for node in model.graph} <= {"Conv", "Reshape", "Pad", "Slice"}
    assert sum(roles.role(node) is roles.Role.SHIFT for node in model.graph) == shifts
    _assert_computes(model, module)


class Computed(nn.Module):
    def forward(self, x):
        return functional.grid_sample(x, x[:, :2].permute(0, 2, 3, 1).tanh(), align_corners=False)


class Zoomed(nn.Module):
    def forward(self, x):
        grid = functional.affine_grid(torch.tensor([[[0.5, 0, 0], [0, 0.5, 0.1]]], dtype=x.dtype), (1, 1, 7, 6))
        return functional.grid_sample(x, grid)


@pytest.mark.parametrize("module", [Computed(), Zoomed()], ids=["computed", "zoomed"])
def test_other_places_stay(module: nn.Module) -> None:
    model = capture(module.eval(), of_image(SHAPE)).model
    rewrite(model)
    assert "GridSample" in {node.op_type for node in model.graph}


def _assert_computes(model, module: nn.Module) -> None:
    import onnx_ir as ir

    x = np.random.default_rng(0).standard_normal(SHAPE, np.float32)
    (found,) = OnnxRuntime().load(ir.to_proto(model).SerializeToString()).run([x])
    expected = module.double()(torch.from_numpy(x).double()).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)
