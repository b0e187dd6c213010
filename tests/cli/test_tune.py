"""``tune`` on this host, and ``export --recipe``: the file that was measured, byte by byte."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli.tester import Outcome, foreign, refused, ssc

from ssc_deploy.lower import recipe_file
from ssc_deploy.lower.recipe import ALL, Verdict
from ssc_deploy.profiling.statistics import MARGIN
from ssc_deploy.storage.digests import sha256_of
from ssc_deploy.tuning import search

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "from ssc_deploy.cli import main; main()"


def failed(*arguments: str | Path) -> str:
    """Runs a command that has to fail once it has begun; returns why."""
    outcome = ssc(*arguments)
    assert outcome.code == 2, outcome
    assert "Traceback" not in outcome.err
    return outcome.err.rpartition("error: ")[2]


@pytest.fixture(autouse=True, scope="module")
def brief():
    """A fifth of the time for each measurement: the network is tiny."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SHORT", "LONG"):
            protocol = getattr(search, name)
            seconds = {"warmup_seconds": protocol.warmup_seconds / 5, "seconds": protocol.seconds / 5}
            patch.setattr(search, name, dataclasses.replace(protocol, **seconds))
        yield


@pytest.fixture(scope="module")
def tuned(folder, tmp_path_factory) -> tuple[Path, Outcome]:
    """The recipe of the foreign network, from a poor start, and what the command printed."""
    path = tmp_path_factory.mktemp("tuned") / "mine.onnx.toml"
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "--to", "onnx", "--start", "gather"]
    return path, ssc("tune", *options, "--budget", "3000", "-o", path, "--format", "json")


@pytest.mark.slow
def test_tune_writes_a_recipe_with_all_measurements(tuned) -> None:
    path, outcome = tuned
    assert outcome.code == 0, outcome.err
    recipe = recipe_file.read(path)
    assert outcome.json["path"] == str(path)
    assert outcome.json["trials"] == [trial.to_dict() for trial in recipe.trials]
    assert set(recipe.groups) == {"shift 18x8x8", "shuffle 18x8x8"}
    assert recipe.measured is not None
    assert (recipe.measured.device, recipe.measured.threads, recipe.measured.batch) == ("host", 1, 1)
    tried = {trial.lowering for trial in recipe.trials if trial.group == "shift 18x8x8"}
    assert tried >= {"depthwise", "slice", "flat"}
    assert "onnxruntime" in recipe.versions
    assert "best so far" in outcome.err
    # Whatever this machine is busy with: not the default only if that took longer in the last measurement of all.
    last = recipe.trials[-1]
    won = last.group == ALL and last.verdict is Verdict.TAKEN and last.high <= 1 - MARGIN
    assert recipe.measured.ratio == 1 or won


@pytest.mark.slow
def test_a_second_run_measures_nothing_anew(tuned, folder) -> None:
    path, first = tuned
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "--to", "onnx", "--start", "gather", "--overwrite"]
    again = ssc("tune", *options, "--budget", "3000", "-o", path, "--format", "json")
    assert again.code == 0, again.err
    # Where this machine is busy, the first run asks again for what it has measured.
    assert again.json["remembered"] == first.json["remembered"] + len(list((path.parent / ".tuning").iterdir()))
    assert {**again.json, "remembered": 0} == {**first.json, "remembered": 0}


@pytest.mark.slow
def test_export_by_the_recipe_gives_the_measured_file_byte_by_byte(tuned, folder, tmp_path) -> None:
    path, outcome = tuned
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "--to", "onnx", "-o", tmp_path / "out"]
    exported = ssc("export", *options, "--recipe", path, "--format", "json")
    assert exported.code == 0, exported.err
    assert sha256_of(tmp_path / "out" / "mine.onnx") == outcome.json["measured"]["sha256"]
    assert "recipe      the very file that was measured on" in exported.err
    # Also where the recipe is not what auto takes.
    changed = tmp_path / "changed.toml"
    chosen = outcome.json["shift"]["18x8x8"]
    other = "slice" if chosen == "depthwise" else "depthwise"
    changed.write_text(path.read_text().replace(f'18x8x8 = "{chosen}"', f'18x8x8 = "{other}"', 1))
    exported = ssc("export", *options, "--recipe", changed, "--overwrite", "--format", "json")
    assert exported.json["files"][0]["lowering"]["shift"] == {other: 1}
    assert "that file had other weights, options or versions" in exported.err


@pytest.mark.slow
def test_a_recipe_is_refused_where_it_does_not_belong(tuned, folder, tmp_path) -> None:
    path, _ = tuned
    mine = ["--ckpt", folder / "mine.pth.tar", *foreign(), "-o", tmp_path / "out"]
    assert "is for onnxruntime and the file for litert" in refused("export", *mine, "--to", "tflite", "--recipe", path)
    assert "leave --shift, --shuffle" in failed("export", *mine, "--recipe", path, "--shift", "slice")
    wider = [*foreign(), "--arg", "groups=3", "-o", tmp_path / "out"]
    message = failed("export", *wider, "--recipe", path)
    assert "another graph: it has a shift 27x8x8" in message
    assert "and no shift 18x8x8, which the recipe names" in message
    assert "cannot be read" in refused("export", *mine, "--recipe", tmp_path / "none.toml")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_what_cannot_be_tuned_is_refused(folder, tmp_path) -> None:
    mine = ["--ckpt", folder / "mine.pth.tar", *foreign(), "-o", tmp_path / "r.toml"]
    assert "above 0 seconds" in refused("tune", *mine, "--budget", "0")
    assert "no device 'toaster'" in refused("tune", *mine, "--device", "toaster")
    (tmp_path / "r.toml").write_text("mine")
    assert "exists" in refused("tune", *mine)
    assert (tmp_path / "r.toml").read_text() == "mine"
    assert "has nothing that could be carried out in" in failed(
        "tune", *foreign("Determinant"), "-o", tmp_path / "s.toml"
    )
    assert not (tmp_path / "s.toml").exists()


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_whole_measurements_and_no_recipe(folder, tmp_path) -> None:
    path = tmp_path / "mine.onnx.toml"
    command = [sys.executable, "-c", MAIN, "tune", "--ckpt", folder / "mine.pth.tar", *foreign(), "-o", path]
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith(" tune"):
                running.kill()
                break
    assert not path.exists()
    kept = list((tmp_path / ".tuning").iterdir())
    assert kept
    assert all(json.loads(file.read_text())["comparison"] for file in kept if not file.name.startswith("."))
