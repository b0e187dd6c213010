"""What the blocks of the networks that the paper compares with compute, written out step by step."""

import pytest
import torch
from torch.nn import functional

from ssc_deploy import nets
from ssc_deploy.nets.resnet import ZeroPad
from ssc_deploy.nets.swapout import Mask


def randomised(arch, **args):
    net = nets.build(arch, **args).eval().double()
    nets.randomise(net)
    return net


def picture(channels, seed=3):
    return torch.randn(2, channels, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def convolve(conv, x, *, stride=1, groups=1):
    weight = conv.weight
    return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)


def normalise(bn, x):
    scale = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    return x * scale[:, None, None] + (bn.bias - bn.running_mean * scale)[:, None, None]


def relu(x):
    return x.clamp(min=0)


def relu6(x):
    return x.clamp(0, 6)


def step(part, x, **options):
    return normalise(part.bn, convolve(part.conv, x, **options))


def preactivated(part, x, **options):
    return convolve(part.conv, relu(normalise(part.bn, x)), **options)


def interleaved(x, groups):
    n, c, h, w = x.shape
    return torch.stack([x[:, i % groups * (c // groups) + i // groups] for i in range(c)], 1).reshape(n, c, h, w)


@torch.no_grad()
def test_a_zero_padded_shortcut_takes_every_other_pixel_and_adds_empty_channels():
    x = picture(4)
    y = ZeroPad(3, 2)(x)
    assert y.shape == (2, 7, 6, 6)
    assert torch.equal(y[:, :4], functional.avg_pool2d(x, 1, 2))
    assert not y[:, 4:].any()
    block = randomised("resnet", B=1, shortcut="zero-pad").body[1]
    x = picture(16)
    inner = step(block.conv2, relu(step(block.conv1, x, stride=2)))
    torch.testing.assert_close(block(x), relu(inner + torch.cat([x[:, :, ::2, ::2], torch.zeros(2, 16, 6, 6)], 1)))


@torch.no_grad()
@pytest.mark.parametrize("index", [0, 1, 2])
def test_pre_activation_bottleneck(index):
    # The first widens without a stride, the third with one; the second keeps everything.
    block = randomised("pre-resnet", B=2, stem=4).body[index]
    stride = 2 if index == 2 else 1
    x = picture(block.conv1.in_channels)
    y = relu(normalise(block.activated.bn, x))
    out = preactivated(block.conv3, preactivated(block.conv2, convolve(block.conv1, y), stride=stride))
    torch.testing.assert_close(block(x), out + (x if index == 1 else convolve(block.shortcut, y, stride=stride)))


@torch.no_grad()
@pytest.mark.parametrize("bottleneck", [False, True])
def test_dense_layer_and_transition(bottleneck):
    net = randomised("densenet", L=16 if bottleneck else 10, k=5, bottleneck=bottleneck, theta=0.5, stem=6)
    layer, x = net.body[0], picture(6)
    y = preactivated(layer.bottleneck, x) if bottleneck else x
    torch.testing.assert_close(layer(x), torch.cat([x, preactivated(layer.grow, y)], 1))
    transition, x = net.body[2], picture(16)
    y = preactivated(transition.project, x)
    assert y.shape[1] == 8
    corners = [y[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    torch.testing.assert_close(transition(x), sum(corners) / 4)


@torch.no_grad()
def test_swapout_at_inference_weighs_both_summands_with_the_mean_of_their_masks():
    net = randomised("swapout", B=1, widen=1, last=0.4)
    assert [block.mask1.p for block in net.body] == pytest.approx([0.8, 0.6, 0.4])
    block, x = net.body[1], picture(16)
    y = relu(normalise(block.activated.bn, x))
    out = preactivated(block.conv2, convolve(block.conv1, y, stride=2))
    torch.testing.assert_close(block(x), 0.6 * convolve(block.shortcut, y, stride=2) + 0.6 * out)


@torch.no_grad()
def test_swapout_in_training_drops_elements_without_scaling_the_others():
    torch.manual_seed(0)
    mask, x = Mask(0.25).train(), picture(64)
    y = mask(x)
    kept = y != 0
    assert torch.equal(y[kept], x[kept])
    # 18,432 elements: five standard deviations are 0.016.
    assert kept.double().mean().item() == pytest.approx(0.25, abs=0.016)
    assert torch.equal(mask.eval()(x), x * 0.25)


@torch.no_grad()
def test_merge_and_run_blocks():
    net = randomised("dfn-mr", B=1, stem=4)

    def parts(block, a, b, stride):
        first, second = (
            step(r.conv2, relu(step(r.conv1, x, stride=stride)))
            for r, x in ((block.residual1, a), (block.residual2, b))
        )
        if stride == 2:
            a, b = step(block.shortcut1, a, stride=2), step(block.shortcut2, b, stride=2)
        return (a + b) / 2, first, second

    a, b = picture(4, 1), picture(4, 2)
    fuse, first, second = parts(net.body[0], a, b, 1)
    for got, expected in zip(net.body[0](a, b), (relu(fuse + first), relu(fuse + second)), strict=True):
        torch.testing.assert_close(got, expected)
    a, b = picture(8, 1), picture(8, 2)
    torch.testing.assert_close(net.body[2](a, b), relu(sum(parts(net.body[2], a, b, 2))))


@pytest.mark.quick(1)
@torch.no_grad()
@pytest.mark.parametrize(("index", "stride"), [(1, 1), (2, 1), (5, 2)])
def test_interleaved_block_of_igcv3(index, stride):
    for expand_relu, permute_back in ((False, True), (True, False)):
        net = randomised("igcv3", width=0.25, expand_relu=expand_relu, permute_back=permute_back)
        block, x = net.body[index], picture(net.body[index].expand.conv.in_channels)
        y = step(block.expand, x, groups=2)
        y = interleaved(relu6(y) if expand_relu else y, 2)
        y = relu6(step(block.depthwise, y, stride=stride, groups=y.shape[1]))
        y = step(block.project, y, groups=2)
        if permute_back:
            # The inverse of the first: what stood side by side comes into two halves again.
            y = torch.cat([y[:, 0::2], y[:, 1::2]], 1)
        torch.testing.assert_close(block(x), x + y if index == 2 else y)


@torch.no_grad()
def test_widening_block_of_igcv2():
    block, x = randomised("igcv2", B=1, C=8, branch=4).body[1], picture(8)
    y = convolve(block.spatial, x, stride=2, groups=8)
    y = interleaved(convolve(block.first, y, groups=4), 4)
    y = interleaved(relu(step(block.second, y, groups=4)), 4)
    assert y.shape == (2, 16, 6, 6)
    torch.testing.assert_close(block(x), y)


@torch.no_grad()
def test_shuffle_units():
    net = randomised("shufflenet", scale=0.5)
    assert net.body[0].conv1.conv.groups == 1
    for index, x in ((0, picture(12)), (1, picture(120)), (4, picture(120))):
        unit, stride = net.body[index], 1 if index == 1 else 2
        y = relu(step(unit.conv1, x, groups=3 if index else 1))
        y = step(unit.depthwise, interleaved(y, 3), stride=stride, groups=y.shape[1])
        y = step(unit.conv2, y, groups=3)
        y = x + y if stride == 1 else torch.cat([functional.avg_pool2d(x, 3, 2, 1), y], 1)
        torch.testing.assert_close(unit(x), relu(y))


@pytest.mark.quick(1)
@torch.no_grad()
@pytest.mark.parametrize(("index", "stride", "adds"), [(1, 1, False), (2, 2, False), (3, 1, True)])
def test_inverted_residual(index, stride, adds):
    block = randomised("mobilenet-v2", width=0.35).features[index]
    *units, conv, bn = block.conv
    x = y = picture(units[0][0].in_channels)
    for unit in units:
        depthwise = unit is units[-1]
        options = {"stride": stride, "groups": y.shape[1]} if depthwise else {}
        y = relu6(normalise(unit[1], convolve(unit[0], y, **options)))
    y = normalise(bn, convolve(conv, y))
    torch.testing.assert_close(block(x), x + y if adds else y)


def test_strides_of_the_forms():
    def sizes(form, size):
        net, seen = nets.build("mobilenet-v2", width=0.35, form=form).eval(), []
        for layer in net.features:
            layer.register_forward_hook(lambda _, __, output: seen.append(output.shape[-1]))
        with torch.no_grad():
            net(torch.zeros(1, 3, size, size))
        return seen

    small, large = sizes("cifar", 32), sizes("imagenet", 128)
    assert (small[0], small[1], small[3], small[6], small[-1]) == (32, 32, 32, 16, 4)
    assert (large[0], large[1], large[3], large[6], large[-1]) == (64, 64, 32, 16, 4)


@torch.no_grad()
@pytest.mark.parametrize(("depth", "index"), [(18, 0), (50, 0), (50, 1)])
def test_block_under_torchvisions_names(depth, index):
    with torch.device("meta"):
        block = nets.build("torchvision-resnet", depth=depth).eval().double().layer2[index]
    block = block.to_empty(device="cpu")
    nets.randomise(block)
    stride, x = 1 if index else 2, picture(block.conv1.in_channels)
    if depth == 18:
        y = relu(normalise(block.bn1, convolve(block.conv1, x, stride=2)))
        y = normalise(block.bn2, convolve(block.conv2, y))
    else:
        y = relu(normalise(block.bn1, convolve(block.conv1, x)))
        y = relu(normalise(block.bn2, convolve(block.conv2, y, stride=stride)))
        y = normalise(block.bn3, convolve(block.conv3, y))
    shortcut = x if index else normalise(block.downsample[1], convolve(block.downsample[0], x, stride=2))
    torch.testing.assert_close(block(x), relu(y + shortcut))
