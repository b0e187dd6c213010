"""Parts of an output that have a range of their own are held to bounds of their own."""

import copy

import networks
import numpy as np
import pytest

from ssc_deploy.verification import ranges, verify_file
from ssc_deploy.verification.ranges import AxisBound
from ssc_deploy.verification.tolerance import Tolerance, error_of, own_error, pooled, pooled_own, tolerance_from
from ssc_deploy.verification.torch_reference import TorchReference

RNG = np.random.default_rng(0)

#: Relative rounding of what PyTorch computes here.
ROUNDING = 3e-7


def rounded(exact, seed=1):
    """The values with rounding that is relative to each, as another runtime has it with another seed."""
    return exact * (1 + ROUNDING * np.random.default_rng(seed).standard_normal(exact.shape))


def head(shape, axis):
    """[16, ...] with four rows of pixels and probabilities of about 1e-4 along an axis."""
    exact = RNG.uniform(0.2, 1, (16, *shape))
    moved = np.moveaxis(exact, axis, 0)
    moved[:4] *= 640
    moved[4:] *= 1e-4
    return exact


def allowed(values, exact, float32=None):
    own = own_error(rounded(exact) if float32 is None else float32, exact)
    assert own.objection() is None
    return own.tolerance.allows(error_of(values, exact))


SHAPES = [((12,), 1), ((12, 50), 1), ((50, 12), 2), ((12, 5, 6), 1), ((5, 6, 12), 3), ((3, 5, 6, 12), 4)]


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_a_wrong_probability_beside_pixels_is_caught_whichever_axis_is_that_of_the_channels(shape, axis):
    exact = head(shape, axis)
    assert allowed(rounded(exact, 2), exact)
    wrong = rounded(exact, 2)
    np.moveaxis(wrong, axis, 0)[7] *= 3.1
    assert error_of(wrong, exact).max < own_error(rounded(exact), exact).tolerance.max, "the whole would let it pass"
    assert not allowed(wrong, exact)


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_probabilities_that_changed_places_are_caught(shape, axis):
    exact = head(shape, axis)
    swapped = rounded(exact, 2)
    moved = np.moveaxis(swapped, axis, 0)
    moved[[6, 9]] = moved[[9, 6]]
    assert not allowed(swapped, exact)


@pytest.mark.parametrize("dead", ["zero", "one", "a third"])
def test_a_channel_that_never_changes_is_held_to_the_usual_error_of_the_others(dead):
    exact = head((12, 50), 1)
    value = {"zero": 0.0, "one": 1.0, "a third": 1 / 3}[dead]
    exact[:, 5] = value
    float32 = rounded(exact)
    float32[:, 5] = np.float32(value)
    assert allowed(float32, exact, float32)
    off = float32.copy()
    off[3, 5, 7] += 1e-8 if dead == "zero" else 1e-7
    assert allowed(off, exact, float32), "a ReLU that another runtime leaves by a rounding"
    off[3, 5, 7] += 1e-3
    assert not allowed(off, exact, float32)


def test_a_channel_in_which_large_values_cancel_may_have_their_rounding():
    exact = RNG.uniform(0.2, 1, (16, 12, 50))
    exact[:, 3] *= 1e-9
    noise = ROUNDING * RNG.standard_normal((2, *exact.shape))
    assert allowed(exact + noise[1], exact, exact + noise[0])


def test_a_small_channel_that_float32_cannot_compute_is_said_to_be_ill_conditioned():
    exact = head((12, 50), 1)
    float32 = rounded(exact)
    float32[:, 9] += 1e-2 * RNG.standard_normal((16, 50))
    own = own_error(float32, exact)
    assert "in its output (channel 9), which is more than rounding" in own.objection()
    last = own_error(np.moveaxis(float32, 1, 2), np.moveaxis(exact, 1, 2))
    assert "in its output (index 9 of axis 2)" in last.objection()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("kind", ["logits", "softmax", "barely active"])
def test_right_values_pass_though_few_of_them_say_little_about_rounding(count, kind):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        exact = rng.standard_normal((count, 100)) * np.exp(rng.standard_normal(100))
        one, other = (exact + ROUNDING * rng.standard_normal(exact.shape) for _ in range(2))
        if kind == "softmax":
            exact, one, other = (np.exp(5 * y) / np.exp(5 * y).sum(1, keepdims=True) for y in (exact, one, other))
        if kind == "barely active":
            least = np.sort(exact, axis=0)[-1] - 1e-3 * rng.uniform(size=100) ** 3
            exact, one, other = (np.maximum(y - least, 0) for y in (exact, one, other))
        assert allowed(other, exact, one), seed


def test_a_value_that_is_repeated_counts_once():
    exact = np.repeat(RNG.uniform(0.2, 1, (2, 12, 1, 1)), 30, axis=2).repeat(30, axis=3)
    exact[:, :4] *= 640
    own = own_error(exact + 1e-9, exact)
    single = own_error(exact[..., :1, :1] + 1e-9, exact[..., :1, :1])
    np.testing.assert_allclose(own.roundings[0].total, single.roundings[0].total)


def test_an_axis_whose_ranges_do_not_differ_has_no_bounds():
    exact = RNG.standard_normal((16, 12, 50))
    assert own_error(rounded(exact), exact).tolerance.axes == ()
    exact = head((12, 50), 1)
    (bound,) = own_error(rounded(exact), exact).tolerance.axes
    assert (bound.axis, len(bound.max)) == (1, 12)


def test_parts_of_the_values_give_the_same_bounds_as_all_together():
    exact = head((12, 50), 1)
    float32 = rounded(exact)
    parts = [slice(0, 3), slice(3, 8), slice(8, 16)]
    owns = [own_error(float32[part], exact[part]) for part in parts]
    sizes = [exact[part].size for part in parts]
    together, whole = pooled_own(owns, sizes), own_error(float32, exact)
    assert together.tolerance.max == whole.tolerance.max
    for one, other in zip(together.tolerance.axes, whole.tolerance.axes, strict=True):
        np.testing.assert_allclose(one.max, other.max)
    values = rounded(exact, 2)
    error = pooled([error_of(values[part], exact[part]) for part in parts], sizes)
    assert [list(along) for along in error.axes] == [list(along) for along in error_of(values, exact).axes]


def test_the_figures_of_the_slice_stand_in_the_message():
    bound = Tolerance(1.0, 1.0, (AxisBound(1, (1.0, 1e-3)), AxisBound(2, (1.0, 1.0, 1e-6))))
    exact = np.zeros((1, 2, 3))
    off = exact.copy()
    off[0, 1, 0] = 2e-3
    assert bound.compared(error_of(off, exact)).endswith("; in channel 1 max 2.00e-03 (allowed 1.00e-03)")
    off[0, 0, 2] = 1e-4
    assert "in index 2 of axis 2 max 1.00e-04 (allowed 1.00e-06)" in bound.compared(error_of(off, exact))
    assert bound.use(error_of(off, exact)) == pytest.approx(100)


def test_bounds_of_other_shapes_are_no_bounds_of_these_values():
    with pytest.raises(ValueError, match="bounds for 3 slices along axis 1"):
        Tolerance(1.0, 1.0, (AxisBound(1, (1.0, 1.0, 1.0)),)).allows(error_of(np.ones((1, 2)), np.ones((1, 2))))


def two_scales():
    net = networks.random_net(0)
    net.head.weight.data[:3] *= 1e5
    return net


def verified(tmp_path, net, changed, inputs, **options):
    path = tmp_path / "net.onnx"
    sites = networks.write(changed, path)
    return verify_file(path, TorchReference(net), inputs, movements=sites, **options)


def test_a_file_with_outputs_of_two_scales_passes_and_a_fault_in_the_small_ones_is_caught(tmp_path):
    net, inputs = two_scales(), networks.pictures(8)
    report = verified(tmp_path, net, net, inputs)
    assert report.ok, str(report)
    changed = copy.deepcopy(net)
    changed.head.weight.data[5] *= 1.01
    report = verified(tmp_path, net, changed, inputs)
    assert not report.ok
    assert report.error.max < report.tolerance.max, "the whole would let it pass"
    assert "in channel 5 max" in report.failures[0]
    assert report.first_divergence.block.name == "output"
    assert report.first_divergence.last_good.ok


def test_what_is_always_within_is_allowed_by_the_bounds_of_the_slices():
    random, cleared = np.random.default_rng(0), 0
    for _ in range(300):
        shape = tuple(random.integers(1, 5, random.integers(2, 5)))
        scale = 10.0 ** random.integers(-6, 3, (1, shape[1], *(1,) * (len(shape) - 2)))
        exact = random.standard_normal(shape) * scale
        own = own_error((exact * (1 + 1e-7 * random.standard_normal(shape))).astype(np.float32), exact)
        error = error_of(exact + 10.0 ** random.uniform(-8, -4) * scale * random.standard_normal(shape), exact)
        whole = own_error(exact.astype(np.float32), exact, slices=False)
        assert whole.roundings == ()
        if tolerance_from(own.error, own.scale).allows(error) and ranges.always_within(
            error.axes, own.error.axes, ranges.along_axes(np.abs(exact)), own.scale
        ):
            cleared += 1
            assert own.tolerance.allows(error)
    assert cleared > 30
