"""The recipes that are kept in `export/` say what ``auto`` does: the defaults are what a search comes to."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ssc_deploy import lower
from ssc_deploy.exporting import stages
from ssc_deploy.lower import Target, recipe_file
from ssc_deploy.lower.recipe import Verdict
from ssc_deploy.source import open_source

if TYPE_CHECKING:
    import onnx_ir as ir

KEPT = sorted((Path(__file__).parents[2] / "export").glob("*.toml"))


def test_there_are_recipes_for_both_runtimes() -> None:
    assert {recipe_file.read(path).target for path in KEPT} == {Target.ONNXRUNTIME, Target.LITERT}


@functools.cache
def canonical(network: str) -> ir.Model:
    """Of random weights; nothing changes it."""
    return stages.canonicalise(open_source(None, arch=network)).model


@pytest.mark.slow
@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_a_kept_recipe_fits_its_network_and_is_what_auto_takes(path: Path) -> None:
    recipe = recipe_file.read(path)
    model = canonical(recipe.network.lower())
    followed = lower.lower(model, recipe.target, lower.LoweringOptions(recipe=recipe)).report
    runtime = {"layout": "auto", "runtime": "litert"} if recipe.target is Target.LITERT else {}
    taken = lower.lower(model, recipe.target, lower.LoweringOptions(**runtime)).report
    assert dataclasses.replace(followed, layout_reason="") == dataclasses.replace(taken, layout_reason="")


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_a_kept_recipe_carries_the_measurements_that_say_so(path: Path) -> None:
    recipe = recipe_file.read(path)
    assert recipe.measured is not None
    assert recipe.measured.complete
    assert recipe.measured.high <= 1
    assert {trial.verdict for trial in recipe.trials} >= {Verdict.OPEN, Verdict.TAKEN}
