import numpy as np
import pytest
import spellings
import torch
from graphs import Chain, apply, makers, normal, operators, run, value
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ssc_deploy.capture import capture
from ssc_deploy.ir import roles
from ssc_deploy.rewrite import rewrite
from ssc_deploy.rewrite.find_groups import FindGroups
from ssc_deploy.rewrite.recognise_pointwise import RecognisePointwise
from ssc_deploy.signature import of_image


class TwoProducts(nn.Module):
    def __init__(self, spell):
        super().__init__()
        self.first = nn.Conv2d(3, 12, 1)
        self.up, self.down = spellings.GroupPointwise(3, 4, 6, spell), spellings.GroupPointwise(3, 6, 2, spell)

    def forward(self, x):
        return self.down(torch.relu(self.up(torch.relu(self.first(x)))))


class InAllSpellings(nn.Module):
    """Group products one after another, each in another spelling."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 1)
        self.products = nn.ModuleList(
            spellings.GroupPointwise(2, 2, 2, spell) for spell in spellings.GROUP_POINTWISE.values()
        )

    def forward(self, x):
        x = self.first(x)
        for product in self.products:
            x = product(torch.relu(x))
        return x


def test_group_pointwise_convolutions_in_all_spellings_are_found_beside_one_another():
    module = InAllSpellings().eval()
    captured = capture(module, of_image((1, 3, 5, 4)))
    report = rewrite(captured.model, check=True)
    count = len(spellings.GROUP_POINTWISE)
    assert (report.group_pointwise, report.refusals) == (count, ())
    assert [node.op_type for node in captured.model.graph] == ["Conv", *["Relu", "Conv"] * count]
    x = torch.randn(1, 3, 5, 4)
    with torch.inference_mode():
        np.testing.assert_allclose(run(captured.model, x.numpy()), module(x).numpy(), rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("spelling", spellings.GROUP_POINTWISE)
def test_every_spelling_of_a_group_pointwise_becomes_one_grouped_convolution(spelling):
    module = TwoProducts(spellings.GROUP_POINTWISE[spelling]).eval()
    captured = capture(module, of_image((1, 3, 8, 7)))
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

    captured = capture(Views().eval(), of_image((1, 3, 8, 7)))
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
    assert "mixes pixels from all over the feature map" in rule.refusals[0].reason


def test_an_offset_that_differs_from_pixel_to_pixel_stays_behind_the_convolution():
    weight, position = np.eye(3, dtype=np.float32) * 2, np.arange(16, dtype=np.float32).reshape(1, 1, 16)
    model = Chain(1, 3, 4, 4).then("Reshape", np.array([1, 3, 16])).then("MatMul", weight, first=False)
    model = model.then("Add", position).then("Reshape", np.array([1, 3, 4, 4])).build()
    assert apply(RecognisePointwise(), model) == ["Conv", "Reshape", "Add", "Reshape"]


@pytest.mark.slow
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

    captured = capture(Shifted().eval(), of_image((1, 3, 8, 8)))
    report = rewrite(captured.model, check=True)
    assert (report.shifts, report.group_pointwise) == (1, 1)


# What follows is written node by node, as no exporter needs to have written it.


def joined(chain, *ends):
    return chain.back_to(ends[0]).then("Concat", *ends[1:], axis=1)


def conv(chain, source, weight, **attributes):
    pads = [weight.shape[2] // 2] * 4
    return chain.back_to(source).then("Conv", weight, pads=pads, **attributes).last


def left_by(model):
    rule = RecognisePointwise()
    return apply(rule, model), rule.refusals


@settings(max_examples=15, deadline=None)
@given(
    groups=st.integers(2, 4),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 3),
    kernel=st.sampled_from([1, 3]),
    size=st.tuples(st.integers(3, 7), st.integers(3, 7)),
    seed=st.integers(0, 99),
)
def test_branches_on_pieces_are_one_group_convolution(*, groups, inputs, outputs, kernel, size, seed):
    chain = Chain(1, groups * inputs, *size).then("Neg").then("Split", axis=1, num_outputs=groups, outputs=groups)
    weights = [normal(outputs, inputs, kernel, kernel, seed=seed + b) for b in range(groups)]
    model = joined(chain, *[conv(chain, f"v{b + 1}", w) for b, w in enumerate(weights)]).build()
    assert left_by(model) == (["Neg", "Conv"], [])
    assert FindGroups()(model).modified
    np.testing.assert_array_equal(model.graph[1].inputs[1].const_value.numpy(), np.concatenate(weights))


def test_a_convolution_joined_with_another_picture_stays_as_it_is():
    # DenseNet: the rule must come to an end as well.
    chain = Chain(1, 4, 5, 5).then("Relu")
    model = joined(chain, "input", conv(chain, "v0", normal(2, 4, 3, 3))).build()
    assert left_by(model) == (["Relu", "Conv", "Concat"], [])


def test_kernels_of_two_sizes_stay_apart():
    # SqueezeNet: as one kernel, the 1x1 would be mostly zeros.
    chain = Chain(1, 4, 5, 5).then("Relu")
    model = joined(chain, conv(chain, "v0", normal(2, 4, 1, 1)), conv(chain, "v0", normal(2, 4, 3, 3))).build()
    operators, (refusal,) = left_by(model)
    assert operators == ["Relu", "Conv", "Conv", "Concat"]
    assert refusal.reason == "would multiply 1.8 times as much in one convolution"


def test_a_convolution_of_some_channels_beside_the_others_stays():
    # FasterNet
    chain = Chain(1, 8, 5, 5).then("Relu").then("Split", np.array([2, 6]), axis=1, outputs=2)
    model = joined(chain, conv(chain, "v1", normal(2, 2, 3, 3)), "v2").build()
    operators, (refusal,) = left_by(model)
    assert operators == ["Relu", "Split", "Conv", "Concat"]
    assert refusal.reason == "would multiply 4.0 times as much in one convolution"


def test_depthwise_convolutions_of_two_sizes_stay_apart():
    # MixNet
    chain = Chain(1, 4, 7, 7).then("Relu").then("Split", np.array([2, 2]), axis=1, outputs=2)
    ends = [conv(chain, name, normal(2, 1, k, k), group=2) for name, k in (("v1", 3), ("v2", 5))]
    assert left_by(joined(chain, *ends).build())[0] == ["Relu", "Split", "Conv", "Conv", "Concat"]


def test_branches_on_the_whole_picture_are_one_convolution():
    chain = Chain(1, 4, 5, 5).then("Relu")
    model = joined(chain, conv(chain, "v0", normal(2, 4, 3, 3)), conv(chain, "v0", normal(3, 4, 3, 3, seed=1))).build()
    assert left_by(model) == (["Relu", "Conv"], [])


def test_a_product_over_all_pixels_of_a_large_picture_is_left_before_the_memory_is_full():
    # The kernel of such a map would have 2**28 numbers.
    mix = normal(32 * 32, 32 * 32)
    chain = Chain(1, 512, 32, 32).then("Reshape", np.array([1, 512, 1024])).then("MatMul", mix)
    model = chain.then("Reshape", np.array([1, 512, 32, 32])).build()
    rule = RecognisePointwise()
    rule(model)
    assert operators(model) == ["Reshape", "MatMul", "Reshape"]
    assert "mixes pixels from all over the feature map" in rule.refusals[0].reason


def test_a_product_with_something_computed_is_left_alone():
    chain = Chain(1, 4, 3, 3).then("Reshape", np.array([1, 4, 9]))
    model = chain.then("MatMul", chain.aside("Transpose", "v0", perm=[0, 2, 1])).build()
    assert left_by(model) == (["Reshape", "Transpose", "MatMul"], [])


def test_two_products_with_nothing_between_them_are_two_convolutions():
    chain = Chain(1, 6, 4, 4).then("Reshape", np.array([1, 2, 3, 16]))
    chain.then("MatMul", normal(2, 4, 3), first=False).then("MatMul", normal(2, 5, 4), first=False)
    operators, _ = left_by(chain.then("Reshape", np.array([1, 10, 4, 4])).build())
    assert [op for op in operators if op != "Reshape"] == ["Conv", "Conv"]


def test_a_linear_layer_over_the_whole_picture_stays():
    model = Chain(1, 3, 4, 4).then("Flatten").then("Gemm", normal(48, 5), normal(5)).build()
    assert left_by(model) == (["Flatten", "Gemm"], [])


def test_a_product_after_pooling_stays():
    model = Chain(1, 3, 4, 4).then("GlobalAveragePool").then("Conv", normal(5, 3, 1, 1)).then("Flatten").build()
    assert left_by(model) == (["GlobalAveragePool", "Conv", "Flatten"], [])


def test_a_result_that_is_read_in_the_middle_is_kept():
    chain = Chain(1, 6, 4, 4).then("Reshape", np.array([1, 2, 3, 16])).then("MatMul", normal(2, 4, 3), first=False)
    model = chain.then("Reshape", np.array([1, 8, 4, 4])).build("v1")
    assert left_by(model)[0] == ["Conv", "Reshape", "Reshape"]


def test_the_block_is_what_the_last_step_returns():
    chain = Chain(1, 6, 4, 4).then("Reshape", np.array([1, 2, 3, 16])).then("MatMul", normal(2, 4, 3), first=False)
    model = chain.then("Reshape", np.array([1, 8, 4, 4])).then("Relu").build()
    roles.add_output_of(value(model, "v1"), "product")
    roles.add_output_of(value(model, "v2"), "block")
    apply(RecognisePointwise(), model)
    assert makers(model) == {"block": "Conv"}


def test_branches_behind_a_shuffle_are_one_group_convolution_behind_it():
    order = np.arange(6).reshape(2, 3).T.ravel()
    chain = Chain(1, 6, 4, 4).then("Relu").then("Gather", order, axis=1)
    chain.then("Split", axis=1, num_outputs=2, outputs=2)
    model = joined(chain, *[conv(chain, name, normal(2, 3, 1, 1)) for name in ("v2", "v3")]).build()
    roles.set_role(model.graph[1], roles.Role.SHUFFLE)
    assert left_by(model) == (["Relu", "Gather", "Conv"], [])
    assert FindGroups()(model).modified


@pytest.mark.parametrize("rows", [False, True], ids=["pictures", "rows"])
def test_any_number_of_linear_layers_with_the_channels_last_become_convolutions(rows):
    chain = Chain(1, 4, 3, 5).then("Conv", normal(4, 4, 1, 1)).then("Transpose", perm=[0, 2, 3, 1])
    if rows:
        chain.then("Reshape", np.array([1, 15, 4]))
    for i in range(5):
        chain.then("MatMul", normal(4, 4, seed=i)).then("Add", normal(4, seed=i)).then("Relu")
    if rows:
        chain.then("Reshape", np.array([1, 3, 5, 4]))
    model = chain.then("Transpose", perm=[0, 3, 1, 2]).then("Softplus").build()
    left, refusals = left_by(model)
    assert [op for op in left if op not in {"Transpose", "Reshape"}] == ["Conv"] + ["Conv", "Relu"] * 5 + ["Softplus"]
    assert refusals == []


def test_products_that_share_a_change_of_layout_stay_products():
    # Queries, keys and values: each as a convolution would need the change of layout once more.
    chain = Chain(1, 4, 3, 5).then("Relu").then("Transpose", perm=[0, 2, 3, 1])
    ends = [chain.aside("Neg", chain.aside("MatMul", "v1", normal(4, 4, seed=i))) for i in range(3)]
    model = joined(chain, ends[0], *ends[1:]).build()
    assert left_by(model)[0].count("MatMul") == 3


def test_a_product_behind_a_movement_that_is_no_shift_is_found():
    chain = Chain(1, 4, 3, 5).then("Relu")
    pieces = [chain.aside("Slice", "v0", np.array([a]), np.array([b]), np.array([2])) for a, b in ((-1, 9), (0, -1))]
    chain.back_to(pieces[0]).then("Concat", pieces[1], axis=2)
    chain.then("Transpose", perm=[0, 2, 3, 1]).then("MatMul", normal(4, 6)).then("Transpose", perm=[0, 3, 1, 2])
    assert left_by(chain.then("Softplus").build()) == (["Relu", "Slice", "Slice", "Concat", "Conv", "Softplus"], [])
