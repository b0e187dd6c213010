"""Exact parameter counts, and the paper's figures against them."""

import pytest
import torch

from ssc_deploy import nets


def count(arch, **args):
    return sum(p.numel() for p in nets.build(arch, **args).parameters())


# B, G, classes, exact count, the paper's figure in millions
SSC_NETS = [
    (1, 9, 10, 191_391, 0.19),
    (2, 9, 10, 381_903, 0.34),
    (3, 9, 10, 572_415, 0.56),
    (6, 9, 10, 1_143_951, 1.15),
    (9, 9, 10, 1_715_487, 1.71),
    (3, 18, 10, 2_141_628, 2.1),
    (4, 18, 10, 2_859_450, 2.8),
    (3, 9, 1000, 894_165, 0.8),
    (4, 9, 1000, 1_084_677, 1.0),
    (6, 9, 1000, 1_465_701, 1.4),
    (4, 18, 1000, 3_501_960, 3.5),
]

#: Where the paper prints another figure: a misprint (Table 3's "1.5X" needs 0.38), and three of the 1000-class list.
PAPER_DIFFERS = {(2, 9, 10), (3, 9, 1000), (4, 9, 1000), (6, 9, 1000)}


@pytest.mark.parametrize(("b", "g", "classes", "exact", "paper"), SSC_NETS)
def test_ssc_net_has_exactly_these_parameters(b, g, classes, exact, paper):
    assert count("ssc-net", B=b, G=g, classes=classes) == exact
    within = abs(exact / 1e6 - paper) <= 0.03 * paper
    assert within == ((b, g, classes) not in PAPER_DIFFERS)


@pytest.mark.parametrize(
    ("b", "e", "exact", "paper"),
    [
        (3, 6, 186_746, 0.19),
        (9, 6, 583_226, 0.58),
        (18, 6, 1_177_946, 1.18),
        (9, 9, 871_898, 0.87),
        (18, 9, 1_762_970, 1.76),
        (18, 1, 202_906, 0.20),
        (18, 3, 592_922, 0.59),
    ],
)
def test_shift_net_has_exactly_these_parameters(b, e, exact, paper):
    assert count("shift-net", B=b, e=e) == exact
    assert count("shift-net", B=b, e=e, classes=100) == exact + 5_850
    assert exact / 1e6 == pytest.approx(paper, rel=0.03)


@pytest.mark.parametrize(
    ("b", "reduction", "exact", "paper"),
    [
        (9, 1.0, 855_770, 0.85),
        (18, 1.0, 1_730_714, 1.72),
        (3, 1.41, 185_290, 0.19),
        (9, 1.41, 582_130, 0.58),
        (18, 1.41, 1_177_390, 1.18),
    ],
)
def test_resnet_has_exactly_these_parameters(b, reduction, exact, paper):
    assert count("resnet", B=b, reduction=reduction) == exact
    assert exact / 1e6 == pytest.approx(paper, rel=0.03)


BC = {"L": 100, "bottleneck": True, "theta": 0.5, "stem": 24}
CIFAR = {"form": "cifar"}


@pytest.mark.quick(10)
@pytest.mark.parametrize(
    ("arch", "args", "exact"),
    [
        ("resnet", {"B": 18, "shortcut": "zero-pad"}, 1_727_962),
        ("pre-resnet", {}, 1_703_258),
        ("pre-resnet", {"classes": 100}, 1_726_388),
        ("mobilenet-v2", {"classes": 10, **CIFAR}, 2_236_682),
        ("mobilenet-v2", {"classes": 100, **CIFAR}, 2_351_972),
        ("mobilenet-v2", {}, 3_504_872),
        ("igcv2", {"classes": 100}, 650_308),
        ("igcv3", {}, 2_223_498),
        ("igcv3", {"classes": 100}, 2_338_788),
        ("igcv3", {"classes": 1000}, 3_491_688),
        ("igcv3", {"width": 0.7}, 1_222_104),
        ("igcv3", {"width": 0.7, "classes": 100}, 1_337_394),
        ("densenet", {}, 1_019_722),
        ("densenet", {"classes": 100}, 1_060_132),
        ("densenet", BC, 769_162),
        ("densenet", {**BC, "classes": 100}, 800_032),
        ("swapout", {}, 1_084_202),
        ("swapout", {"classes": 100}, 1_095_812),
        ("dfn-mr", {}, 1_710_426),
        ("dfn-mr", {"classes": 100}, 1_716_276),
        # Of other people's implementations, as the paper gives no figure.
        ("shufflenet", {"classes": 1000, "form": "imagenet"}, 1_865_728),
        ("torchvision-resnet", {"depth": 18}, 11_689_512),
        ("torchvision-resnet", {"depth": 34}, 21_797_672),
        ("torchvision-resnet", {"depth": 50}, 25_557_032),
        ("torchvision-resnet", {"depth": 101}, 44_549_160),
        ("torchvision-resnet", {"depth": 152}, 60_192_808),
    ],
)
def test_the_others_have_exactly_these_parameters(arch, args, exact):
    with torch.device("meta"):
        assert count(arch, **args) == exact


def test_resnet_in_block_mode_narrows_only_the_middles():
    whole, narrowed = count("resnet", B=3), count("resnet", B=3, reduction=2.0, mode="block")
    # Every 3x3 convolution loses half its kernel, every first BatchNorm half its two vectors.
    convolutions = sum(p.numel() for n, p in nets.build("resnet", B=3).body.named_parameters() if "conv.weight" in n)
    shortcuts = 16 * 32 + 32 * 64
    assert whole - narrowed == (convolutions - shortcuts) // 2 + 3 * (16 + 32 + 64)
