"""Weights under which a network sees pictures as a trained one does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ssc_deploy import card as cards
from ssc_deploy import nets, pictures

MODEL = Path(__file__).parents[2] / "models" / "ssc-net-1-9"


@pytest.fixture(scope="session")
def golden():
    """16 pictures of CIFAR-10 as a network takes them, of every second pixel, [16, 3, 16, 16]."""
    described = cards.read(MODEL / cards.FILE_NAME)
    read = [pictures.read(p.path, "RGB", (32, 32)) for p in described.golden_pictures()[::4]]
    return torch.from_numpy(pictures.preprocess(read, described.preprocessing, "NCHW"))[..., ::2, ::2].contiguous()


@pytest.fixture(scope="session")
def pictured(golden):
    """Builds a network of seeded weights, with the BatchNorm statistics that it has on the golden pictures."""

    def build(arch, **args):
        net = nets.build(arch, **args)
        nets.randomise(net)
        nets.settle(net, golden)
        return net

    return build
