import dataclasses

import networks
import pytest

from ssc_deploy import movement as mv
from ssc_deploy.verification import movement

X = networks.pictures(1)


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "net.onnx"
    return path, networks.write(networks.random_net(0), path)


def test_every_shift_and_shuffle_of_a_right_file_is_exact(written):
    report = movement.check(*written, X)
    assert report.ok
    assert (report.checked, report.exact, report.first_failure) == (4, 4, None)


def test_a_wrong_direction_is_found_and_the_first_pixel_named(written):
    path, sites = written
    offsets = [*sites[2].movement.offsets]
    offsets[5] = (0, -1)
    sites[2] = dataclasses.replace(sites[2], movement=mv.shift(tuple(offsets)))
    report = movement.check(path, sites, X)
    assert not report.ok
    assert (report.checked, report.exact) == (4, 3)
    assert "body.1.shift differs from body.1.mix" in report.first_failure
    assert "channel 5" in report.first_failure


def test_two_swapped_channels_are_found(written):
    path, sites = written
    source = [*sites[1].movement.source]
    source[0], source[1] = source[1], source[0]
    sites[1] = dataclasses.replace(sites[1], movement=mv.permutation(tuple(source)))
    report = movement.check(path, sites, X)
    assert not report.ok
    assert "body.0.shuffle" in report.first_failure


def test_a_value_that_is_off_by_one_rounding_is_found(tmp_path):
    net = networks.random_net(0)
    kernel = net.body[0].shift.movement.kernel() * (1 + 2**-23)
    sites = networks.write(net, tmp_path / "right.onnx")
    networks.replace_constant(tmp_path / "right.onnx", "body.0.shift/kernel", kernel, tmp_path / "off.onnx")
    report = movement.check(tmp_path / "off.onnx", sites, X)
    assert report.exact == 3
    assert "body.0.shift differs" in report.first_failure


def test_a_movement_into_a_tensor_that_the_file_lacks_is_no_success(written):
    path, sites = written
    sites[0] = dataclasses.replace(sites[0], target="elsewhere")
    report = movement.check(path, sites, X)
    assert not report.ok
    assert "no tensor elsewhere" in report.first_failure


def test_a_movement_that_does_not_fit_its_tensor_is_no_success(written):
    path, sites = written
    sites[0] = dataclasses.replace(sites[0], movement=mv.permutation((0, 1, 2)))
    assert "18" in movement.check(path, sites, X).first_failure


def test_a_file_without_movements_has_none_to_check(written):
    report = movement.check(written[0], [], X)
    assert report.ok
    assert report.checked == 0
