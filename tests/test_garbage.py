"""How often Python collects garbage is the caller's, before and after an export."""

from __future__ import annotations

import gc

import pytest
from cli.foreign_net import Net

import ssc_deploy
from ssc_deploy.errors import SscDeployError
from ssc_deploy.garbage import RARELY, collected_rarely

OWN = (700, 9, 8)


@pytest.fixture(autouse=True)
def own_thresholds():
    before = gc.get_threshold()
    gc.set_threshold(*OWN)
    yield
    gc.set_threshold(*before)


@pytest.mark.slow
def test_an_export_collects_rarely_and_leaves_the_thresholds_as_they_were(tmp_path):
    seen = set()
    options = {"input_shape": (1, 3, 8, 8), "output": tmp_path, "progress": lambda *_: seen.add(gc.get_threshold())}
    ssc_deploy.export(Net(), **options)
    assert seen == {RARELY}
    assert gc.get_threshold() == OWN
    with pytest.raises(SscDeployError):
        ssc_deploy.export(Net(), **options)  # the files are there
    assert gc.get_threshold() == OWN


def test_the_last_call_in_progress_gives_the_thresholds_back():
    first, second = collected_rarely(), collected_rarely()
    with first:
        second.__enter__()
    assert gc.get_threshold() == RARELY
    second.__exit__(None, None, None)
    assert gc.get_threshold() == OWN


@pytest.mark.parametrize("own", [(0, 10, 10), (RARELY[0], 1, 1), (10**6, 10, 10)])
def test_a_collector_that_is_off_or_collects_as_rarely_is_left_alone(own):
    gc.set_threshold(*own)
    with collected_rarely():
        assert gc.get_threshold() == own
    assert gc.get_threshold() == own


def test_what_somebody_else_sets_meanwhile_stays():
    with collected_rarely():
        gc.set_threshold(123, 4, 5)
    assert gc.get_threshold() == (123, 4, 5)
