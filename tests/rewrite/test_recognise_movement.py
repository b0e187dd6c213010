import numpy as np
import onnx
import pytest
import spellings
import torch
from graphs import Chain, apply, makers, normal, run, value
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that everyone gives it

from ssc_deploy.capture import capture
from ssc_deploy.ir import canonical, movement, roles
from ssc_deploy.rewrite import rewrite
from ssc_deploy.rewrite.recognise_movement import RecogniseMovement
from ssc_deploy.signature import of_image


class InForward(nn.Module):
    """Movement written in the forward of a module with weights, where probing modules cannot see it."""

    def __init__(self, channels, move):
        super().__init__()
        self.first, self.last, self.move = nn.Conv2d(3, channels, 1), nn.Conv2d(channels, 4, 1, groups=2), move

    def forward(self, x):
        return self.last(torch.relu(self.move(torch.relu(self.first(x)))))


def rewritten(module, shape=(1, 3, 8, 7)):
    captured = capture(module.eval(), of_image(shape))
    assert not captured.probed
    report = rewrite(captured.model, check=True)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        np.testing.assert_allclose(run(captured.model, x.numpy()), module(x).numpy(), rtol=0, atol=2e-6)
    return captured.model, report


class InManySpellings(nn.Module):
    """The same shift in many spellings, each between two convolutions."""

    def __init__(self, offsets, spelled):
        super().__init__()
        self.offsets, self.spelled = offsets, spelled
        self.convs = nn.ModuleList(nn.Conv2d(3, 3, 1) for _ in range(len(spelled) + 1))

    def forward(self, x):
        first, *others = self.convs
        x = first(x)
        for name, conv in zip(self.spelled, others, strict=True):
            x = conv(spellings.REGULAR_SHIFTS[name](torch.relu(x), self.offsets))
        return x


@pytest.mark.quick(1)
@pytest.mark.parametrize("part", range(3))
def test_shifts_in_all_spellings_are_found_beside_one_another(part):
    offsets = [(0, 1), (-1, 0), (1, -1)]
    spelled = list(spellings.REGULAR_SHIFTS)[part::3]
    model, report = rewritten(InManySpellings(offsets, spelled), (1, 3, 5, 4))
    count = len(spelled)
    assert (report.shifts, report.shuffles, report.refusals) == (count, 0, ())
    shifts = [node for node in model.graph if roles.role(node) is roles.Role.SHIFT]
    assert [canonical.shift_of(node).offsets for node in shifts] == [tuple(offsets)] * count
    assert [node.op_type for node in model.graph] == ["Conv", *["Relu", "Conv", "Conv"] * count]


class InAllEdges(nn.Module):
    """The same shift with edges that wrap around or repeat, in many spellings and layouts."""

    def __init__(self, offsets, spelled, layout):
        super().__init__()
        self.offsets, self.spelled, self.layout = offsets, spelled, layout
        self.first = nn.Conv2d(3, len(offsets), 1)
        self.products = nn.ModuleList(nn.Linear(len(offsets), len(offsets)) for _ in spelled)

    def forward(self, x):
        x = self.first(x).movedim(1, -1)
        n, h, w, c = x.shape
        for (name, edge), product in zip(self.spelled, self.products, strict=True):
            shift, _ = spellings.EDGES[name]
            match self.layout:
                case "first":
                    x = shift(torch.relu(x.movedim(-1, 1)), self.offsets, edge).movedim(1, -1)
                case "last":
                    x = shift(torch.relu(x), self.offsets, edge, (1, 2))
                case "rows":
                    rows = torch.relu(x.reshape(n, h * w, c)).transpose(1, 2).reshape(n, c, h, w)
                    x = shift(rows, self.offsets, edge).reshape(n, c, h * w).transpose(1, 2).reshape(n, h, w, c)
            x = product(x)
        return x.movedim(-1, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "spelled"),
    [
        ("first", spellings.EDGED_SHIFTS),
        ("last", [("rolls", "wrap"), ("assignments", "edge")]),
        ("rows", [("rolls_of_runs", "wrap"), ("indices", "edge")]),
    ],
    ids=["first", "last", "rows"],
)
def test_edges_that_wrap_around_or_repeat_are_found_in_every_spelling(layout, spelled):
    offsets = [(0, 1), (-2, 0), (1, -1)]
    model, report = rewritten(InAllEdges(offsets, spelled, layout), (1, 3, 5, 6))
    assert (report.shifts, report.shuffles, report.refusals) == (len(spelled), 0, ())
    found = [canonical.shift_of(node) for node in model.graph if roles.role(node) is roles.Role.SHIFT]
    assert found == [movement.shift(tuple(offsets), movement.Edge(edge)) for _, edge in spelled]


def test_a_shift_that_wraps_around_is_one_convolution_behind_its_border():
    model, report = rewritten(InForward(4, lambda x: torch.roll(x, (1, 1), (2, 3))))
    assert (report.shifts, report.refusals) == (1, ())
    assert [node.op_type for node in model.graph] == ["Conv", "Relu", "Pad", "Conv", "Relu", "Conv"]


@pytest.mark.slow
@pytest.mark.parametrize("spelling", spellings.REGULAR_SHIFTS)
def test_every_spelling_of_a_shift_in_a_graph_is_found(spelling):
    # Each third tap of a window of 5x5, out to its corners; two periods of them where the spelling makes use of them,
    # else one and a channel, of which fewer nodes come.
    taps = spellings.raster(25, 5)[::3]
    offsets = taps * 2 if spelling == "pad_slice_stack" else [*taps, taps[0]]
    model, report = rewritten(InForward(len(offsets), lambda x: spellings.REGULAR_SHIFTS[spelling](x, offsets)))
    assert (report.shifts, report.shuffles, report.refusals) == (1, 0, ())
    (shift,) = [node for node in model.graph if roles.role(node) is roles.Role.SHIFT]
    assert canonical.shift_of(shift).offsets == tuple(offsets)
    assert [node.op_type for node in model.graph] == ["Conv", "Relu", "Conv", "Relu", "Conv"]


@pytest.mark.slow
def test_arbitrary_offsets_and_an_unshifted_rest_are_found():
    offsets = [*spellings.raster(9), (0, 0), (0, 0), (-3, 2)]
    _, report = rewritten(InForward(12, lambda x: spellings.pad_slice_cat(x, offsets)))
    assert (report.shifts, report.shuffles) == (1, 0)


@pytest.mark.slow
def test_a_shuffle_after_a_shift_is_one_movement_and_the_first_kernel_takes_the_shuffle():
    offsets = spellings.raster(18)
    _, report = rewritten(
        InForward(18, lambda x: torch.relu(spellings.shuffle(spellings.pad_slice_cat(x, offsets), 2)))
    )
    assert (report.shifts, report.shuffles, report.refusals) == (1, 0, ())


@pytest.mark.slow
def test_edges_of_two_kinds_are_two_shifts_and_the_reason_is_said():
    def move(x):
        return torch.cat([torch.roll(x[:, :2], (1, 1), (2, 3)), F.pad(x[:, 2:], (1, 0, 0, 0))[..., :-1]], 1)

    _, report = rewritten(InForward(4, move))
    assert report.shifts == 2
    (refusal, *_) = report.refusals
    assert "displaced by (-1, -1), but not every edge is zero" in refusal.reason


def test_a_resize_is_no_movement_and_a_subsampling_is_left_with_the_reason():
    model, report = rewritten(InForward(4, lambda x: x[:, :, ::2, ::2]))
    assert "turns a feature map of [4, 8, 7] into [4, 4, 4]" in report.refusals[0].reason
    assert "Slice" in [node.op_type for node in model.graph]


def test_shapes_decide_nothing_where_values_change():
    # The same nodes as a masked shift, with a mask that is not of zeros and ones.
    mask = np.full((1, 4, 5, 5), 0.5, np.float32)
    model = Chain(1, 4, 5, 5).then("Mul", mask).build()
    assert apply(RecogniseMovement(), model, exact=True) == ["Mul"]


def test_identity_regions_vanish():
    shape = np.array([1, 2, 2, 25], np.int64)
    model = Chain(1, 4, 5, 5).then("Relu").then("Reshape", shape).then("Reshape", np.array([1, 4, 5, 5])).then("Relu")
    model = model.build()
    RecogniseMovement()(model)
    assert model.graph.outputs[0].producer().inputs[0] is model.graph[0].outputs[0]


def test_neighbouring_channels_stay_a_slice():
    starts, ends, axes = np.array([1]), np.array([3]), np.array([1])
    model = Chain(1, 4, 5, 5).then("Slice", starts, ends, axes).build()
    assert apply(RecogniseMovement(), model, exact=True) == ["Slice"]


def test_a_one_hot_depthwise_convolution_is_marked_where_it_stands():
    kernel = np.zeros((4, 1, 3, 3), np.float32)
    kernel[:, 0, 0, 2] = 1
    model = Chain(1, 4, 5, 5).then("Conv", kernel, np.zeros(4, np.float32), group=4, pads=[1] * 4).build()
    assert apply(RecogniseMovement(), model, exact=True) == ["Conv"]
    assert roles.role(model.graph[0]) is roles.Role.SHIFT
    assert len(model.graph[0].inputs) == 2


# What follows is written node by node, as no exporter needs to have written it.


def reading(chain, *further):
    """The operators that are left of the chain, and the rule."""
    rule = RecogniseMovement()
    return apply(rule, chain.build(*further), exact=True), rule


def shifted(chain, offsets, channels):
    """The shift by ``offsets`` as padding, slices and a concatenation."""
    r = max(max(abs(dy), abs(dx)) for dy, dx in offsets)
    padded = chain.then("Pad", np.array([0, 0, r, r, 0, 0, r, r])).last
    h, w = chain.size
    planes = []
    for c, (dy, dx) in zip(channels, offsets, strict=True):
        starts, ends = [c, r + dy, r + dx], [c + 1, r + dy + h, r + dx + w]
        planes.append(chain.aside("Slice", padded, np.array(starts), np.array(ends), np.array([1, 2, 3])))
    return chain.back_to(planes[0]).then("Concat", *planes[1:], axis=1)


def chain_of(channels, height, width):
    chain = Chain(1, channels, height, width)
    chain.size = (height, width)
    return chain


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    offsets=st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=1, max_size=8),
    data=st.data(),
)
def test_any_offsets_from_any_channels_are_read(size, offsets, data):
    channels = data.draw(st.lists(st.integers(0, 5), min_size=len(offsets), max_size=len(offsets)))
    model = shifted(chain_of(6, *size).then("Neg"), offsets, channels).then("Relu").build()
    rule = RecogniseMovement()
    left = apply(rule, model, exact=True)
    assert set(left) <= {"Neg", "Conv", "Gather", "Slice", "Relu"}
    assert len(left) <= 4
    assert rule.refusals == []


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(6)), seed=st.integers(0, 99))
def test_shift_and_shuffle_in_one_are_taken_apart_again(order, seed):
    offsets = [tuple(o) for o in np.random.default_rng(seed).integers(-1, 2, (6, 2)).tolist()]
    model = shifted(chain_of(6, 5, 4).then("Neg"), offsets, order).then("Relu").build()
    apply(RecogniseMovement(), model, exact=True)
    shifts = [canonical.shift_of(node) for node in model.graph if roles.role(node) is roles.Role.SHIFT]
    # The shift stands first and has its offsets in the order of the channels that it is given.
    expected = dict(zip(order, offsets, strict=True))
    assert [s.offsets for s in shifts] == [tuple(expected[c] for c in range(6))] * any(any(o) for o in offsets)


def test_movement_of_the_network_s_own_input_is_found():
    left, _ = reading(shifted(chain_of(3, 4, 4), [(1, 0), (0, 1), (-1, 0)], range(3)))
    assert left == ["Conv"]


def test_two_shifts_in_a_row_lose_what_the_first_pushes_out():
    chain = chain_of(2, 4, 4).then("Neg")
    shifted(chain, [(1, 0), (0, 1)], range(2))
    left, rule = reading(shifted(chain, [(-1, 0), (0, -1)], range(2)))
    # Together they blank an edge, which no single shift does; each alone is found.
    assert left == ["Neg", "Conv", "Conv"]
    assert rule.refusals == []


def test_two_shifts_in_a_row_that_go_on_the_same_way_are_one():
    chain = chain_of(2, 5, 5).then("Neg")
    shifted(chain, [(1, 0), (0, 1)], range(2))
    model = shifted(chain, [(1, 0), (0, 1)], range(2)).then("Relu").build()
    assert apply(RecogniseMovement(), model, exact=True) == ["Neg", "Conv", "Relu"]
    assert canonical.shift_of(model.graph[1]).offsets == ((2, 0), (0, 2))


def test_a_value_in_the_middle_that_is_returned_is_kept():
    chain = chain_of(2, 5, 5).then("Neg")
    middle = shifted(chain, [(1, 0), (0, 1)], range(2)).last
    left, _ = reading(shifted(chain, [(1, 0), (0, 1)], range(2)), middle)
    assert left == ["Neg", "Conv", "Conv"]


def test_a_shift_by_more_than_the_picture_is_left_with_the_reason():
    left, rule = reading(shifted(chain_of(2, 3, 3).then("Neg"), [(3, 0), (0, 1)], range(2)))
    assert "Concat" in left
    assert "output channel 0 is zero everywhere" in rule.refusals[0].reason


def test_all_of_a_5x5_window_on_a_3x3_picture_is_read():
    offsets = spellings.raster(25, 5)
    left, _ = reading(shifted(chain_of(25, 3, 3).then("Neg"), offsets, range(25)))
    assert left == ["Neg", "Conv"]


def test_channels_that_are_zero_among_those_that_move_are_left_with_the_reason():
    # The shortcut of ResNet-110: more channels, the new ones zero.
    left, rule = reading(Chain(1, 2, 4, 4).then("Neg").then("Pad", np.array([0, 1, 0, 0, 0, 1, 0, 0])))
    assert left == ["Neg", "Pad"]
    assert [r.reason for r in rule.refusals] == ["output channel 0 is zero everywhere"]


def test_a_subsampling_shortcut_that_pads_channels_is_left_alone():
    chain = (
        Chain(1, 2, 4, 4)
        .then("Relu")
        .then("Slice", np.array([0, 0]), np.array([9, 9]), np.array([2, 3]), np.array([2, 2]))
    )
    left, _ = reading(chain.then("Pad", np.array([0, 1, 0, 0, 0, 1, 0, 0])).then("Relu"))
    assert left == ["Relu", "Slice", "Pad", "Relu"]


def test_more_or_fewer_channels_than_before_are_a_selection():
    left, _ = reading(Chain(1, 2, 3, 3).then("Neg").then("Concat", "v0", axis=1).then("Relu"))
    assert left == ["Neg", "Gather", "Relu"]
    picked = Chain(1, 5, 3, 3).then("Neg").then("Gather", np.array([[3, 1]]), axis=1)
    left, _ = reading(picked.then("Reshape", np.array([1, 2, 3, 3])))
    assert left == ["Neg", "Gather"]


def test_two_pictures_that_are_joined_stay_joined():
    left, rule = reading(Chain(1, 2, 3, 3).then("Relu").then("Concat", "input", axis=1))
    assert left == ["Relu", "Concat"]
    assert rule.refusals == []


@pytest.mark.parametrize(
    ("op_type", "operands", "attributes"),
    [
        ("Conv", [normal(4, 1, 3, 3)], {"group": 4, "pads": [1] * 4}),
        ("Conv", [np.ones((4, 1, 1, 1), np.float32) * 2], {"group": 4}),
        ("ConvTranspose", [normal(4, 4, 2, 2)], {"strides": [2, 2]}),
        ("MaxPool", [], {"kernel_shape": [3, 3], "pads": [1] * 4}),
        ("Softmax", [], {"axis": 1}),
        ("LayerNormalization", [normal(5)], {}),
        ("InstanceNormalization", [normal(4), normal(4)], {}),
        ("Resize", ["", np.array([1, 1, 2, 2], np.float32)], {"mode": "nearest"}),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_computes_is_no_movement(op_type, operands, attributes):
    left, _ = reading(Chain(1, 4, 4, 5).then(op_type, *operands, **attributes).then("Relu"))
    assert left == [op_type, "Relu"]


def test_attention_over_channels_is_left_alone():
    chain = Chain(1, 4, 4, 5).then("Relu").then("GlobalAveragePool").then("Sigmoid").then("Mul", "v0")
    assert reading(chain)[0] == ["Relu", "GlobalAveragePool", "Sigmoid", "Mul"]


def test_a_convolution_of_ones_along_one_axis_is_left_alone():
    chain = Chain(1, 4, 6).then("Conv", np.ones((4, 1, 1), np.float32), group=4)
    assert reading(chain)[0] == ["Conv"]


def test_blanked_pixels_are_no_shift():
    mask = np.ones((1, 4, 5, 5), np.float32)
    mask[:, :, 2, 3] = 0
    left, rule = reading(Chain(1, 4, 5, 5).then("Neg").then("Mul", mask))
    assert left == ["Neg", "Mul"]
    assert len(rule.refusals) == 1


def test_a_transposed_picture_is_no_movement():
    left, rule = reading(Chain(1, 4, 5, 5).then("Neg").then("Transpose", perm=[0, 1, 3, 2]))
    assert left == ["Neg", "Transpose"]
    assert "displaced" in rule.refusals[0].reason


def test_a_region_that_is_left_alone_is_reported_once():
    chain = Chain(1, 4, 5, 5).then("Neg")
    for _ in range(4):
        chain.then("Transpose", perm=[0, 1, 3, 2]).then("Concat", axis=1)
    _, rule = reading(chain.then("Transpose", perm=[0, 1, 3, 2]))
    assert len(rule.refusals) == 1


@pytest.mark.parametrize("layout", ["first", "last", "rows"])
def test_every_image_of_a_clip_may_be_moved(layout):
    chain = Chain(2, 4, 4, 5).then("Neg")
    chain.size = (4, 5)
    if layout != "first":
        chain.then("Transpose", perm=[0, 2, 3, 1]).then("Abs")
        if layout == "rows":
            chain.then("Reshape", np.array([2, 20, 4])).then("Neg").then("Reshape", np.array([2, 4, 5, 4]))
        chain.then("Transpose", perm=[0, 3, 1, 2])
    left, rule = reading(shifted(chain, [(1, 0), (0, 1), (-1, 0), (0, -1)], [1, 0, 3, 2]).then("Relu"))
    assert [op for op in left if op not in {"Neg", "Reshape", "Transpose", "Abs"}] == ["Conv", "Gather", "Relu"]
    assert rule.refusals == []


def test_images_that_are_moved_each_in_another_way_are_left_with_the_reason():
    chain = Chain(2, 4, 5, 5).then("Neg").then("Gather", np.array([1, 0]), axis=0)
    left, rule = reading(chain.then("Relu"))
    assert left == ["Neg", "Gather", "Relu"]
    assert "from one of its 2 images to another" in rule.refusals[0].reason


def test_float64_is_left_alone():
    double = onnx.TensorProto.DOUBLE
    chain = Chain(1, 4, 5, 5).then("Cast", to=double).then("Gather", np.array([1, 0, 3, 2]), axis=1)
    assert reading(chain.then("Cast", to=onnx.TensorProto.FLOAT))[0] == ["Cast", "Gather", "Cast"]


def test_the_block_is_what_the_last_step_returns():
    chain = shifted(chain_of(2, 4, 4).then("Neg"), [(1, 0), (0, 1)], [1, 0])
    model = chain.then("Relu").build()
    roles.add_output_of(model.graph[-2].outputs[0], "move")
    roles.add_output_of(model.graph[1].outputs[0], "pad")
    apply(RecogniseMovement(), model, exact=True)
    assert makers(model) == {"move": "Gather"}


def test_a_piece_of_a_split_takes_its_block_along():
    chain = Chain(1, 4, 3, 3).then("Neg").then("Split", np.array([2, 2]), axis=1, outputs=2)
    chain.back_to("v1").then("Abs")
    chain.back_to("v2").then("Transpose", perm=[0, 1, 3, 2]).then("Add", "v3")
    model = chain.build()
    roles.add_output_of(value(model, "v1"), "half")
    apply(RecogniseMovement(), model, exact=True)
    marked = [v for node in model.graph for v in node.outputs if roles.outputs_of(v)]
    assert [v.producer().op_type for v in marked] == ["Slice"]


def test_a_shift_whose_channels_are_dealt_out_stays_one_shift():
    chain = shifted(chain_of(4, 5, 5).then("Neg"), [(1, 0), (0, 1), (-1, 0), (0, -1)], range(4))
    chain.then("Split", axis=1, num_outputs=2, outputs=2)
    first, second = chain.last, f"v{int(chain.last[1:]) + 1}"
    chain.then("Relu").then("Mul", chain.aside("Abs", second))
    left, _ = reading(chain)
    assert first
    assert left.count("Conv") == 1
    assert left.count("Pad") == 0


# Images in other layouts: a change of layout before the movement, behind it, or on both sides.

LAYOUTS = {
    "first": ([1, 6, 4, 5], None),
    "last": ([1, 4, 5, 6], (0, 3, 1, 2)),
    "rows": ([1, 20, 6], (0, 3, 1, 2)),
    "flat": ([1, 6, 20], None),
    "groups": ([1, 2, 3, 4, 5], None),
    "groups last": ([1, 4, 5, 2, 3], (0, 3, 1, 2)),
}


def moved_between(before, after, offsets, order):
    """A shift and a shuffle of an image [6, 4, 5] that is given in one layout and made in another."""
    shape, perm = LAYOUTS[before]
    chain = Chain(*shape).then("Neg")
    if perm:
        chain.then("Reshape", np.array([1, 4, 5, 6])).then("Transpose", perm=perm)
    chain.then("Reshape", np.array([1, 6, 4, 5]))
    chain.size = (4, 5)
    shifted(chain, offsets, order)
    if LAYOUTS[after][1]:
        chain.then("Transpose", perm=[0, 2, 3, 1])
    return chain.then("Reshape", np.array(LAYOUTS[after][0])).then("Relu")


@pytest.mark.quick(10)
@pytest.mark.parametrize("before", LAYOUTS)
@pytest.mark.parametrize("after", LAYOUTS)
def test_a_change_of_layout_stands_beside_the_movement(before, after):
    offsets = [(0, 1), (1, 0), (-1, -1), (0, 0), (1, 1), (0, -1)]
    left, rule = reading(moved_between(before, after, offsets, [2, 0, 1, 5, 3, 4]))
    assert [op for op in left if op not in {"Reshape", "Transpose"}] == ["Neg", "Conv", "Gather", "Relu"]
    assert left.count("Transpose") == (LAYOUTS[before][1] is not None) + (LAYOUTS[after][1] is not None)
    assert rule.refusals == []


def test_layouts_between_two_movements_are_gone():
    offsets = [(0, 1), (1, 0), (-1, -1), (0, 0), (1, 1), (0, -1)]
    chain = moved_between("last", "last", offsets, range(6))
    chain._nodes.pop()  # the activation
    chain.back_to(f"v{chain._values - 2}").then("Transpose", perm=[0, 3, 1, 2])
    chain.size = (4, 5)
    shifted(chain, [(-dy, -dx) for dy, dx in offsets], range(6))
    left, rule = reading(chain.then("Relu"))
    assert left == ["Neg", "Transpose", "Conv", "Conv", "Relu"]
    assert rule.refusals == []


def test_a_layout_that_is_changed_and_changed_back_is_none():
    chain = Chain(1, 4, 5, 6).then("Neg").then("Transpose", perm=[0, 3, 1, 2]).then("Reshape", np.array([1, 6, 20]))
    chain.then("Transpose", perm=[0, 2, 1]).then("Reshape", np.array([1, 4, 5, 6])).then("Relu")
    assert reading(chain)[0] == ["Neg", "Relu"]


def test_some_channels_of_an_image_with_its_channels_last_stay_a_slice():
    chain = Chain(1, 3, 4, 5).then("Neg").then("Transpose", perm=[0, 2, 3, 1])
    chain.then("Slice", np.array([0]), np.array([2]), np.array([3])).then("Relu")
    left, rule = reading(chain)
    assert left == ["Neg", "Transpose", "Slice", "Relu"]
    assert rule.refusals == []


def test_a_shift_behind_a_roll_that_wraps_is_found():
    chain = chain_of(2, 5, 5).then("Neg")
    pieces = [chain.aside("Slice", "v0", np.array([a]), np.array([b]), np.array([2])) for a, b in ((-1, 9), (0, -1))]
    chain.back_to(pieces[0]).then("Concat", pieces[1], axis=2)
    left, rule = reading(shifted(chain, [(1, 0), (0, 1)], range(2)).then("Relu"))
    assert left == ["Neg", "Pad", "Conv", "Conv", "Relu"]
    assert rule.refusals == []


def test_a_number_for_the_whole_image_is_no_movement():
    chain = Chain(1, 2, 3, 4)
    mean = chain.aside("ReduceMean", "input", keepdims=0)
    scaled = chain.aside("Reshape", chain.aside("Identity", mean), np.array([1, 1, 1]))
    chain.then("Mul", chain.aside("Reshape", chain.aside("Transpose", scaled), np.array([], np.int64)))
    assert apply(RecogniseMovement(), chain.build())[-1] == "Mul"
