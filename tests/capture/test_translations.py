"""What PyTorch's exporter writes at length, wrongly or not at all is captured in a few standard operators, exactly."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn
from torch.nn import functional

from ssc_deploy.capture import capture
from ssc_deploy.rewrite import rewrite
from ssc_deploy.runtimes.onnxruntime import OnnxRuntime
from ssc_deploy.signature import of_image


class Pooled(nn.Module):
    def __init__(self, pool, size, **options):
        super().__init__()
        self.pool, self.size, self.options = pool, size, options

    def forward(self, x):
        found = self.pool(x * 1.5, self.size, **self.options)
        return found[1].float() if self.options else found


POOLS = {
    "mean, uneven": (Pooled(functional.adaptive_avg_pool2d, (3, 5)), {"Mul", "MatMul"}),
    "mean, even": (Pooled(functional.adaptive_avg_pool2d, (3, 7)), {"Mul", "AveragePool"}),
    "mean, one axis": (Pooled(functional.adaptive_avg_pool2d, (None, 2)), {"Mul", "MatMul"}),
    "mean, larger": (Pooled(functional.adaptive_avg_pool2d, (12, 10)), {"Mul", "MatMul"}),
    "maximum, uneven": (Pooled(functional.adaptive_max_pool2d, (3, 5)), {"Mul", "Slice", "ReduceMax", "Concat"}),
    "maximum, even": (Pooled(functional.adaptive_max_pool2d, (3, 1)), {"Mul", "MaxPool"}),
    "places of the maximum": (Pooled(functional.adaptive_max_pool2d, (4, 2), return_indices=True), None),
}


@pytest.mark.quick(3)
@pytest.mark.parametrize(("module", "operators"), POOLS.values(), ids=POOLS)
def test_adaptive_pools_are_exact_and_short(module: Pooled, operators: set[str] | None) -> None:
    model = capture(module.eval(), of_image((1, 4, 9, 7))).model
    rewrite(model)
    if operators is not None:
        assert {node.op_type for node in model.graph} <= operators
    x = np.random.default_rng(0).standard_normal((1, 4, 9, 7), np.float32)
    (found,) = OnnxRuntime().load(ir.to_proto(model).SerializeToString()).run([x])
    expected = module(torch.from_numpy(x).double()).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


class Volumes(nn.Module):
    """Images as frames of one clip, under a convolution of volumes."""

    def __init__(self, *, batch, **options):
        super().__init__()
        self.batch, self.conv, self.norm = batch, nn.Conv3d(4, 5, **options), nn.BatchNorm3d(5)

    def forward(self, x):
        frames = torch.stack([x, x.flip(2), -x], 2)
        return self.norm(self.conv(frames)) if self.batch else self.conv(frames[0])


VOLUMES = {
    "no bias": Volumes(batch=True, kernel_size=3, padding=1, bias=False),
    "uneven": Volumes(batch=True, kernel_size=(2, 3, 1), stride=(1, 2, 2), padding=(1, 0, 2)),
    "no batch": Volumes(batch=False, kernel_size=(1, 3, 3), dilation=(1, 2, 1), bias=False),
}


@pytest.mark.parametrize("module", VOLUMES.values(), ids=VOLUMES)
def test_convolutions_of_volumes_are_exact_with_and_without_a_bias(module: Volumes) -> None:
    # The exporter gives a convolution without a bias one of a wrong shape, which no rewrite can fold.
    model = capture(module.eval(), of_image((1, 4, 9, 7))).model
    rewrite(model)
    x = np.random.default_rng(0).standard_normal((1, 4, 9, 7), np.float32)
    (found,) = OnnxRuntime().load(ir.to_proto(model).SerializeToString()).run([x])
    with torch.no_grad():
        expected = module.double()(torch.from_numpy(x).double()).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


class Attention(nn.Module):
    """Tokens of an image, in heads or not, with what else the function of PyTorch takes."""

    def __init__(self, heads, kv_heads=0, mask=None, **options):
        super().__init__()
        self.heads, self.kv_heads, self.options = heads, kv_heads or heads, options
        self.mask = mask

    def forward(self, x):
        tokens = x.flatten(2).transpose(1, 2)
        if not self.heads:
            return functional.scaled_dot_product_attention(tokens, tokens.sin(), tokens.cos(), **self.options)
        query = tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)
        key = query[:, : self.kv_heads].sin()
        mask = self.mask
        if mask is not None and mask.dtype != torch.bool:
            mask = mask.to(x.dtype)
        return functional.scaled_dot_product_attention(query, key, key.cos(), attn_mask=mask, **self.options)


ATTENTION = {
    "rank 3": Attention(0),
    "heads": Attention(2),
    "causal, scaled": Attention(2, is_causal=True, scale=0.3),
    "shared heads": Attention(4, 2, enable_gqa=True),
    "masked": Attention(2, mask=torch.ones(63, 63, dtype=torch.bool).tril(3)),
    "biased": Attention(2, mask=torch.linspace(-1, 1, 63).expand(63, 63)),
}


@pytest.mark.quick(1)
@pytest.mark.parametrize("module", ATTENTION.values(), ids=ATTENTION)
def test_attention_of_any_kind_is_exact(module: Attention) -> None:
    model = capture(module.eval(), of_image((1, 8, 9, 7))).model
    rewrite(model)
    x = np.random.default_rng(0).standard_normal((1, 8, 9, 7), np.float32)
    (found,) = OnnxRuntime().load(ir.to_proto(model).SerializeToString()).run([x])
    np.testing.assert_allclose(found, module(torch.from_numpy(x).double()).numpy(), rtol=0, atol=1e-5)
