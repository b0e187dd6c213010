import numpy as np
import pytest
import spellings
import torch
from graphs import Chain, apply, run
from torch import nn

from ssc_deploy.capture import capture
from ssc_deploy.rewrite import rewrite
from ssc_deploy.rewrite.recognise_pointwise import RecognisePointwise


class TwoProducts(nn.Module):
    def __init__(self, spell):
        super().__init__()
        self.first = nn.Conv2d(3, 12, 1)
        self.up, self.down = spellings.GroupPointwise(3, 4, 6, spell), spellings.GroupPointwise(3, 6, 2, spell)

    def forward(self, x):
        return self.down(torch.relu(self.up(torch.relu(self.first(x)))))


@pytest.mark.parametrize("spelling", spellings.GROUP_POINTWISE)
def test_every_spelling_of_a_group_pointwise_becomes_one_grouped_convolution(spelling):
    module = TwoProducts(spellings.GROUP_POINTWISE[spelling]).eval()
    captured = capture(module, (1, 3, 8, 7))
    report = rewrite(captured.model, check=True)
    assert [node.op_type for node in captured.model.graph] == ["Conv", "Relu", "Conv", "Relu", "Conv"]
    assert (report.group_pointwise, report.refusals) == (2, ())
    x = torch.randn(1, 3, 8, 7)
    with torch.inference_mode():
        np.testing.assert_allclose(run(captured.model, x.numpy()), module(x).numpy(), rtol=0, atol=1e-5)


def test_a_product_between_two_views_with_an_activation_inside_is_found():
    class Views(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 12, 1)
            self.a, self.b = nn.Parameter(torch.randn(3, 4, 4)), nn.Parameter(torch.randn(3, 4, 4))

        def forward(self, x):
            x = torch.relu(self.first(x))
            n, c, h, w = x.shape
            y = torch.relu(self.a @ x.view(n, 3, 4, h * w))
            return (self.b @ y).view(n, c, h, w)

    captured = capture(Views().eval(), (1, 3, 8, 7))
    assert rewrite(captured.model, check=True).group_pointwise == 2


def test_weights_are_read_off_exactly():
    weight = np.random.default_rng(0).standard_normal((2, 3, 5), np.float32)
    offset = np.random.default_rng(1).standard_normal((2, 3, 1), np.float32)
    model = (
        Chain(1, 10, 4, 4)
        .then("Reshape", np.array([1, 2, 5, 16]))
        .then("MatMul", weight, first=False)
        .then("Add", offset)
        .then("Reshape", np.array([1, 6, 4, 4]))
        .build()
    )
    assert apply(RecognisePointwise(), model) == ["Conv"]
    _, kernel, bias = model.graph[0].inputs
    dense = kernel.const_value.numpy()[:, :, 0, 0]
    np.testing.assert_array_equal(dense[:3, :5], weight[0])
    np.testing.assert_array_equal(dense[3:, 5:], weight[1])
    assert not dense[:3, 5:].any()
    np.testing.assert_array_equal(bias.const_value.numpy(), offset.reshape(-1))


def test_a_product_that_mixes_pixels_is_left_with_the_reason():
    mix = np.random.default_rng(0).standard_normal((16, 16)).astype(np.float32)
    model = Chain(1, 3, 4, 4).then("Reshape", np.array([1, 3, 16])).then("MatMul", mix)
    model = model.then("Reshape", np.array([1, 3, 4, 4])).build()
    rule = RecognisePointwise()
    assert apply(rule, model) == ["Reshape", "MatMul", "Reshape"]
    assert "mixes pixels from all over the picture" in rule.refusals[0].reason


def test_an_offset_that_differs_from_pixel_to_pixel_stays_behind_the_convolution():
    weight, position = np.eye(3, dtype=np.float32) * 2, np.arange(16, dtype=np.float32).reshape(1, 1, 16)
    model = Chain(1, 3, 4, 4).then("Reshape", np.array([1, 3, 16])).then("MatMul", weight, first=False)
    model = model.then("Add", position).then("Reshape", np.array([1, 3, 4, 4])).build()
    assert apply(RecognisePointwise(), model) == ["Conv", "Reshape", "Add", "Reshape"]


def test_a_shift_inside_the_region_is_found_again_behind_it():
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 18, 1)
            self.weight = nn.Parameter(torch.randn(2, 9, 9))

        def forward(self, x):
            x = torch.relu(self.first(x))
            n, c, h, w = x.shape
            padded = torch.nn.functional.pad(x, (1, 1, 1, 1)).view(n, 2, 9, h + 2, w + 2)
            taps = torch.stack([padded[:, :, p, p // 3 : p // 3 + h, p % 3 : p % 3 + w] for p in range(9)], 2)
            return torch.einsum("ngphw,gop->ngohw", taps, self.weight).reshape(n, c, h, w)

    captured = capture(Shifted().eval(), (1, 3, 8, 8))
    report = rewrite(captured.model, check=True)
    assert (report.shifts, report.group_pointwise) == (1, 1)
