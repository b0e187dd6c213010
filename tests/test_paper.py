"""Named networks, and the paper's figures beside them."""

import pytest
import torch

from ssc_deploy import nets, paper
from ssc_deploy.errors import NetworkError
from ssc_deploy.nets.sizes import NAMED, named


@pytest.fixture(scope="module")
def comparisons():
    return {(c.name, c.classes): c for c in paper.compare()}


@pytest.mark.slow
def test_every_named_network_is_compared(comparisons):
    # ssc-net-4-9 has a figure for ImageNet-32 only, as the others for CIFAR.
    assert {name for name, _ in comparisons} == set(NAMED)


@pytest.mark.slow
def test_exactly_the_exceptions_are_further_from_the_paper_than_three_percent(comparisons):
    further = {key for key, c in comparisons.items() if c.difference is None or abs(c.difference) > 0.03}
    assert further == {key for key, c in comparisons.items() if c.exception}
    assert {(name, classes) for name, classes in further if name.startswith("ssc-net")} == {
        ("ssc-net-2-9", 10),
        ("ssc-net-3-9", 1000),
        ("ssc-net-4-9", 1000),
        ("ssc-net-6-9", 1000),
    }


@pytest.mark.slow
def test_figures_cut_off_or_rounded_are_so(comparisons):
    for c in comparisons.values():
        tenths = c.ours / 1e5
        if "cuts" in c.exception:
            assert int(tenths) / 10 == c.paper
        elif "rounded" in c.exception:
            assert round(tenths) / 10 == c.paper


@pytest.mark.slow
def test_where_one_figure_stands_for_both_the_other_count_fits_it(comparisons):
    doubled = [c for c in comparisons.values() if "10 and 100" in c.exception]
    assert len(doubled) == 3
    for c in doubled:
        other = comparisons[c.name, {10: 100, 100: 10}[c.classes]]
        assert not other.exception
        assert f"that of {other.classes} classes" in c.exception


@pytest.mark.slow
def test_multiply_accumulates_are_counted_by_hand(comparisons):
    # ResNet-9-9: the stem, 18 convolutions a stage of equal cost but for the halved ones, shortcuts, classifier.
    stem, each = 32 * 32 * 16 * 27, 32 * 32 * 16 * 16 * 9
    projections = 16 * 16 * 32 * 16 + 8 * 8 * 64 * 32
    assert comparisons["resnet-9-9", 10].macs == stem + 54 * each - 2 * each // 2 + projections + 640


@pytest.mark.slow
def test_a_comparison_as_json(comparisons):
    described = comparisons["ssc-net-2-9", 10].to_dict()
    assert described["ours"] == 381_903
    assert described["difference"] == pytest.approx(0.1232, abs=1e-4)
    assert described["exception"].startswith("a misprint")
    assert comparisons["shufflenet-1x-3", 10].to_dict()["difference"] is None


def test_named_networks_take_their_classes():
    with torch.device("meta"):
        assert named("mobilenet-v2").config.classes == 10
        assert named("mobilenet-v2", 100).input_shape == (1, 3, 32, 32)
        assert named("ssc-net-4-18", classes=1000).head.out_features == 1000


def test_an_unknown_name_lists_the_known():
    with pytest.raises(NetworkError, match=r"no network 'ssc-net-1-8'; did you mean 'ssc-net-1-9'.*dfn-mr1"):
        named("ssc-net-1-8")


@pytest.mark.parametrize("name", NAMED)
def test_names_stand_for_known_architectures_and_arguments(name):
    arch, args = NAMED[name]
    config = nets.configure(arch, args)
    assert all(getattr(config, field) == value for field, value in args.items())


def test_a_name_stands_for_architecture_and_arguments_that_others_outdo():
    assert nets.resolve("ssc-net-6-9", {"G": "18"}) == ("ssc-net", {"B": 6, "G": "18"})
    assert nets.resolve("ssc-net", {"B": "2"}) == ("ssc-net", {"B": "2"})
    assert nets.resolve("unknown", {}) == ("unknown", {})
    # Called alike, they are not the same network; the architecture was there first.
    assert nets.resolve("mobilenet-v2", {}) == ("mobilenet-v2", {})
