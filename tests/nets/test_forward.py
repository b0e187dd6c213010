"""What the blocks compute, written out step by step without the layers' own forward."""

import pytest
import torch
from torch.nn import functional

from ssc_deploy import nets
from ssc_deploy.ir import movement as mv
from ssc_deploy.nets.movement import window_offsets


def randomised(arch, **args):
    net = nets.build(arch, **args).eval().double()
    nets.randomise(net)
    return net


def step(part, x, *, relu, stride=1, groups=1):
    """Convolution and BatchNorm by their equations."""
    weight, bn = part.conv.weight, part.bn
    y = functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)
    scale = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    y = y * scale[:, None, None] + (bn.bias - bn.running_mean * scale)[:, None, None]
    return y.clamp(min=0) if relu else y


def shifted(x):
    return torch.from_numpy(mv.shift(window_offsets(x.shape[1], 3))(x.numpy()))


def picture(channels):
    return torch.randn(2, channels, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


@torch.no_grad()
@pytest.mark.parametrize(("index", "g", "stride", "width"), [(0, 9, 1, 16), (1, 18, 2, 81)])
def test_ssc_module(index, g, stride, width):
    module, x = randomised("ssc-net").body[index], picture(width)
    y = step(module.conv1, x, relu=True, stride=stride)
    y = step(module.conv2, y, relu=True, groups=g)
    y = step(module.ssc1, shifted(y), relu=True, groups=g)
    n, m, h, w = y.shape
    y = y.view(n, g, 9, h, w).transpose(1, 2).reshape(n, m, h, w)
    y = step(module.conv3, y, relu=True, groups=9)
    y = step(module.ssc2, shifted(y), relu=True, groups=g)
    y = step(module.merge, y, relu=False, groups=9)
    y = (y + step(module.shortcut, x, relu=False, stride=stride)).clamp(min=0)
    torch.testing.assert_close(module(x), y)


@torch.no_grad()
@pytest.mark.parametrize("after", [False, True])
def test_shift_net_block(after):
    net = randomised("shift-net", B=1, e=2, relu="after-sum" if after else "before-sum")
    block, x = net.body[1], picture(16)
    y = step(block.expand, x, relu=True)
    y = step(block.project, shifted(y), relu=not after, stride=2) + step(block.shortcut, x, relu=False, stride=2)
    assert (y < 0).any()
    torch.testing.assert_close(block(x), y.clamp(min=0) if after else y)


@torch.no_grad()
def test_resnet_block_with_the_identity_as_shortcut():
    block, x = randomised("resnet", B=1, reduction=2.0, mode="block").body[0], picture(16)
    y = step(block.conv2, step(block.conv1, x, relu=True), relu=False)
    torch.testing.assert_close(block(x), (y + x).clamp(min=0))
