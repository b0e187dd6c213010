"""Small networks and pictures to train on."""

from __future__ import annotations

import pytest
import torch
from data import samples

from ssc_deploy import data as datasets
from ssc_deploy import nets
from ssc_deploy.data import Split


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """The tests run beside others; their networks are small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """60 pictures of 3 classes, which differ in brightness."""
    return datasets.read(samples.tree(tmp_path_factory.mktemp("pictures") / "tree", per_class=20), Split.TRAIN)


@pytest.fixture
def small():
    """Makes the same small SSC-Net each time."""

    def make(classes: int = 3, **args: object) -> nets.Network:
        torch.manual_seed(1)
        return nets.build("ssc-net", **{"B": 1, "G": 9, "stem": 4, "classes": classes, **args})

    return make
