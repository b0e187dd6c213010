import dataclasses

import networks
import numpy as np
import onnx
import pytest

from ssc_deploy.examples import Examples
from ssc_deploy.ir import movement as mv
from ssc_deploy.verification import movement as moving
from ssc_deploy.verification.intermediate import Inside

X = networks.pictures(1)


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "net.onnx"
    return path, networks.write(networks.random_net(0), path)


def test_every_shift_and_shuffle_of_a_right_file_is_exact(written):
    report = moving.check(Inside(written[0]), written[1], Examples.of(X))
    assert report.ok
    assert (report.checked, report.exact, report.first_failure) == (4, 4, None)


def test_a_wrong_direction_is_found_and_the_first_pixel_named(written):
    path, sites = written
    offsets = [*sites[2].movement.offsets]
    offsets[5] = (0, -1)
    sites[2] = dataclasses.replace(sites[2], movement=mv.shift(tuple(offsets)))
    report = moving.check(Inside(path), sites, Examples.of(X))
    assert not report.ok
    assert (report.checked, report.exact) == (4, 3)
    assert "body.1.shift differs from body.1.mix" in report.first_failure
    assert "channel 5" in report.first_failure


def test_two_swapped_channels_are_found(written):
    path, sites = written
    source = [*sites[1].movement.source]
    source[0], source[1] = source[1], source[0]
    sites[1] = dataclasses.replace(sites[1], movement=mv.permutation(tuple(source)))
    report = moving.check(Inside(path), sites, Examples.of(X))
    assert not report.ok
    assert "body.0.shuffle" in report.first_failure


def test_a_value_that_is_off_by_one_rounding_is_found(tmp_path):
    net = networks.random_net(0)
    kernel = net.body[0].shift.movement.kernel() * (1 + 2**-23)
    sites = networks.write(net, tmp_path / "right.onnx")
    networks.replace_constant(tmp_path / "right.onnx", "body.0.shift/kernel", kernel, tmp_path / "off.onnx")
    report = moving.check(Inside(tmp_path / "off.onnx"), sites, Examples.of(X))
    assert report.exact == 3
    assert "body.0.shift differs" in report.first_failure


def test_a_movement_into_a_tensor_that_the_file_lacks_is_no_success(written):
    path, sites = written
    sites[0] = dataclasses.replace(sites[0], target="elsewhere")
    report = moving.check(Inside(path), sites, Examples.of(X))
    assert not report.ok
    assert "no tensor elsewhere" in report.first_failure


def test_a_movement_that_does_not_fit_its_tensor_is_no_success(written):
    path, sites = written
    sites[0] = dataclasses.replace(sites[0], movement=mv.permutation((0, 1, 2)))
    assert "18" in moving.check(Inside(path), sites, Examples.of(X)).first_failure


def test_a_file_without_movements_has_none_to_check(written):
    report = moving.check(Inside(written[0]), [], Examples.of(X))
    assert report.ok
    assert report.checked == 0


def masked(path, tmp_path, *, mask):
    """The file with the first shift's ReLU replaced by one that ``mask`` [1, C, H, W] is added before."""
    model = onnx.load(path)
    relu = next(node for node in model.graph.node if node.output[0] == "body.0.mix")
    at = list(model.graph.node).index(relu)
    model.graph.initializer.append(onnx.numpy_helper.from_array(mask, "mask"))
    model.graph.node.insert(at, onnx.helper.make_node("Add", [relu.input[0], "mask"], ["lowered"]))
    relu.input[0], relu.output[0] = "lowered", "masked"
    next(node for node in model.graph.node if "body.0.mix" in node.input).input[0] = "masked"
    onnx.save(model, tmp_path / "masked.onnx")
    return tmp_path / "masked.onnx"


def unread(site):
    """-1e30 wherever no output of the shift reads."""
    channels, size = site.movement.in_channels, networks.SIZE[1:]
    numbers = np.arange(channels * size[0] * size[1], dtype=np.float32).reshape(1, channels, *size) + 1
    read = np.isin(numbers, site.movement(numbers))
    return np.where(read, np.float32(0), np.float32(-1e30))


def test_a_file_that_masks_what_a_shift_does_not_read_is_checked_before_the_relu(written, tmp_path):
    path, sites = written
    sites[0] = dataclasses.replace(sites[0], linear="body.0.mix.1")
    report = moving.check(Inside(masked(path, tmp_path, mask=unread(sites[0]))), sites, Examples.of(X))
    assert (report.checked, report.exact) == (4, 4)


def test_a_mask_that_hides_a_pixel_that_is_read_is_found(written, tmp_path):
    path, sites = written
    sites[0] = dataclasses.replace(sites[0], linear="body.0.mix.1")
    mask = unread(sites[0])
    mask[:, :, 3, 3] = -1e30
    report = moving.check(Inside(masked(path, tmp_path, mask=mask)), sites, Examples.of(X))
    assert report.exact == 3
    assert "body.0.shift differs from body.0.mix.1" in report.first_failure
