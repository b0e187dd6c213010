"""The list of named networks, against the models that the project ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssc_deploy import nets, zoo
from ssc_deploy.errors import CardError

MODELS = Path(__file__).parents[1] / "models"


@pytest.mark.slow
def test_every_named_network_is_listed_once_in_the_order_of_the_tables():
    listed = zoo.models(MODELS)
    assert tuple(entry.name for entry in listed) == tuple(nets.NAMED)


@pytest.mark.slow
def test_trained_are_those_with_a_card_and_the_others_are_definitions(tmp_path):
    trained = {entry.name: entry for entry in zoo.models(MODELS) if entry.checkpoint is not None}
    assert set(trained) == {path.parent.name for path in MODELS.glob("*/model.toml")}
    for entry in trained.values():
        assert entry.checkpoint.is_file()
        assert entry.pictures == 5000
    assert trained["ssc-net-1-9"].parameters == 191_391
    assert all(entry.checkpoint is None and entry.top1 is None for entry in zoo.models(tmp_path))


def test_a_malformed_card_is_named(tmp_path):
    folder = tmp_path / "ssc-net-1-9"
    folder.mkdir()
    (folder / "model.toml").write_text("schema_version = 1\n")
    with pytest.raises(CardError, match=r"ssc-net-1-9.model\.toml: the key name is missing"):
        zoo.models(tmp_path)


@pytest.mark.slow
def test_models_are_found_in_a_clone_wherever_the_command_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = {entry.name for entry in zoo.models() if entry.checkpoint is not None}
    assert "ssc-net-1-9" in found
    (tmp_path / "models").mkdir()
    assert all(entry.checkpoint is None for entry in zoo.models())
