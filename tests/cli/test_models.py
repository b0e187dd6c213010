"""``ssc-deploy models``: the list, and the paper's figures beside ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.tester import refused, ssc

from ssc_deploy import nets

MODELS = Path(__file__).parents[2] / "models"


@pytest.mark.slow
def test_the_list_says_what_is_trained_and_what_is_a_definition():
    outcome = ssc("models", "--models", MODELS)
    assert outcome.code == 0, outcome
    header, *lines = outcome.out.splitlines()
    assert header.split() == ["name", "network", "parameters", "weights"]
    assert [line.split()[0] for line in lines] == list(nets.NAMED)
    assert "191,391" in lines[0]
    assert "ssc_1_9.pt, top-1 " in lines[0]
    assert lines[1].endswith("381,903  definition only")


@pytest.mark.slow
def test_the_paper_s_figures_stand_beside_ours_with_every_exception_written_out():
    outcome = ssc("models", "--compare-paper")
    assert outcome.code == 0, outcome
    table, notes = outcome.out.split("\n\n")
    lines = {tuple(line.split()[:1]) + tuple(line.split()[-5:]): line for line in table.splitlines()[1:]}
    misprint = next(line for line in lines.values() if line.startswith("ssc-net-2-9"))
    assert misprint.split()[2:] == ["10", "381,903", "0.34", "M", "+12.3%", "53.5", "M", "[1]"]
    assert notes.splitlines()[0].startswith("[1] a misprint for 0.38")
    known = ssc("models", "--compare-paper", "--format", "json").json["networks"]
    assert len(known) == len(table.splitlines()) - 1
    assert {network["name"] for network in known} == set(nets.NAMED)


def test_a_malformed_card_is_refused(tmp_path):
    folder = tmp_path / "ssc-net-1-9"
    folder.mkdir()
    (folder / "model.toml").write_text("schema_version = 2\n")
    assert "schema_version is 2" in refused("models", "--models", tmp_path)
