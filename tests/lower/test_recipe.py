"""A recipe fits its graph, whatever the weights, and no other; its file is read strictly."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
from graphs import Chain
from moving import graph_of

from ssc_deploy import lower
from ssc_deploy.errors import LoweringError, RecipeError
from ssc_deploy.ir import fingerprint
from ssc_deploy.ir import movement as mv
from ssc_deploy.lower import Target, recipe_file
from ssc_deploy.lower.recipe import Measured, Recipe, Trial, Verdict
from ssc_deploy.tuning import space as spaces

if TYPE_CHECKING:
    from pathlib import Path

SHIFT = mv.shift(tuple((c % 9 // 3 - 1, c % 3 - 1) for c in range(18)))
SHUFFLE = mv.permutation(tuple(np.arange(18).reshape(2, 9).T.reshape(-1).tolist()))
OTHER_SHIFT = mv.shift(((0, 1),) * 18)

MEASURED = Measured("host", 'A "machine" · 2 cores', 1, 1, 61.5, True, 0.75, 0.74, 0.76, "ab12")
TRIALS = (
    Trial("shift 18x5x4", "slice", "flat", Verdict.HOPELESS, 1.5, 1.4, 1.6, 3.0, 2.0, 1.001, 10),
    Trial("shift 18x5x4", "gather", "flat", Verdict.FAILED, None, None, None, None, 2.0, 1.0, 10, "it \\ fails"),
)


def space(*movements: mv.Movement, target: Target = Target.ONNXRUNTIME, network: str = "Net") -> spaces.Space:
    return spaces.build_space(graph_of(list(movements), (5, 4)), target, network)


def lowered(recipe: Recipe, *movements: mv.Movement, target: Target = Target.ONNXRUNTIME, **options) -> list[str]:
    """What carries out each movement, in order."""
    graph = graph_of(list(movements), (5, 4))
    return [
        choice.lowering
        for choice in lower.lower(graph, target, lower.LoweringOptions(recipe=recipe, **options)).report.choices
    ]


@pytest.fixture
def recipe() -> Recipe:
    """Of a shift, a shuffle, and the same shift again."""
    found = space(SHIFT, SHUFFLE, SHIFT)
    shift, shuffle = sorted(found.axes, key=lambda axis: axis.name)
    return found.recipe(shuffle.changed(shift.changed(found.default, "flat"), "gather"))


def test_lowering_follows_the_recipe(recipe: Recipe) -> None:
    assert dict(recipe.groups) == {"shift 18x5x4": "flat", "shuffle 18x5x4": "gather"}
    assert lowered(recipe, SHIFT, SHUFFLE, SHIFT) == ["flat", "gather", "flat"]


def test_a_single_site_may_differ_from_its_group(recipe: Recipe) -> None:
    found = space(SHIFT, SHUFFLE, SHIFT)
    last = found.groups[0].sites[-1].name
    assert lowered(dataclasses.replace(recipe, exceptions={last: "slice"}), SHIFT, SHUFFLE, SHIFT)[-1] == "slice"
    mixed = found.recipe(
        {**found.default, **dict.fromkeys((site.name for site in found.groups[0].sites), "gather"), last: "slice"}
    )
    assert len(mixed.exceptions) == 1
    assert lowered(mixed, SHIFT, SHUFFLE, SHIFT) == ["gather", "gather", "slice"]


def test_movements_that_differ_are_groups_of_their_own() -> None:
    assert {str(group) for group in space(SHIFT, OTHER_SHIFT).groups} == {"shift 18x5x4", "shift 18x5x4 #2"}


def test_the_fingerprint_knows_structure_and_no_weights_or_names() -> None:
    def graph(weight: float, channels: int = 18, **attributes: object) -> str:
        kernel = np.full((channels, 18, 1, 1), weight, np.float32)
        return fingerprint.fingerprint(Chain(1, 18, 5, 4).then("Conv", kernel, **attributes).then("Relu").build())

    same = graph(0.5)
    assert graph(-2.0) == same
    assert len({same, graph(0.5, channels=9), graph(0.5, strides=(2, 2))}) == 3
    assert space(SHIFT).graph != space(OTHER_SHIFT).graph
    assert space(SHIFT).graph == space(SHIFT, target=Target.LITERT, network="Other").graph


def test_a_recipe_of_another_graph_is_refused_with_what_differs(recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match=r"is for Net, and this is another graph: it has no shuffle 18x5x4; find one"):
        lowered(recipe, SHIFT)
    with pytest.raises(RecipeError, match="it has a shift 18x5x4 #2, which the recipe does not know"):
        lowered(recipe, SHIFT, SHUFFLE, OTHER_SHIFT)
    with pytest.raises(RecipeError, match="it moves the same, and differs in other operators"):
        lowered(recipe, SHIFT, SHUFFLE)


def test_a_recipe_for_another_runtime_is_refused(recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="is for onnxruntime and the file for litert"):
        lowered(recipe, SHIFT, SHUFFLE, SHIFT, target=Target.LITERT)


def test_a_lowering_that_the_runtime_cannot_take_is_refused() -> None:
    tflite = space(SHIFT, target=Target.LITERT)
    wrong = tflite.recipe(tflite.axes[0].changed(tflite.default, "flat"))
    with pytest.raises(LoweringError, match="cannot be carried out by flat: its feature maps are stored channels last"):
        lowered(wrong, SHIFT, target=Target.LITERT)


def test_a_lowering_that_nobody_knows_is_refused(recipe: Recipe) -> None:
    unknown = dataclasses.replace(recipe, groups={**recipe.groups, "shift 18x5x4": "magic"})
    with pytest.raises(LoweringError, match="there is no shift lowering 'magic'"):
        lowered(unknown, SHIFT, SHUFFLE, SHIFT)


def test_a_recipe_that_does_not_say_all_or_says_too_much_is_refused(recipe: Recipe) -> None:
    short = dataclasses.replace(recipe, groups={"shift 18x5x4": "flat"})
    with pytest.raises(RecipeError, match="does not say how this graph is carried out: it has a shuffle 18x5x4"):
        lowered(short, SHIFT, SHUFFLE, SHIFT)
    elsewhere = dataclasses.replace(recipe, exceptions={"body.99": "slice"})
    with pytest.raises(RecipeError, match=r"it has no body\.99"):
        lowered(elsewhere, SHIFT, SHUFFLE, SHIFT)


@pytest.mark.parametrize(
    "option", [{"shift": "slice"}, {"shuffle": "gather"}, {"dense": "plain"}, {"runtime": "litert"}]
)
def test_a_recipe_and_a_named_lowering_contradict_each_other(recipe: Recipe, option: dict[str, str]) -> None:
    with pytest.raises(RecipeError, match="leave `shift`, `shuffle`, `dense`, `layout` and `runtime` out"):
        lowered(recipe, SHIFT, SHUFFLE, SHIFT, **option)


def test_the_file_holds_all_of_it(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    whole = dataclasses.replace(
        recipe, exceptions={"body.7.ssc1": "slice"}, measured=MEASURED, trials=TRIALS, versions={"onnxruntime": "1.32"}
    )
    for written in (recipe, whole):
        path.write_text(recipe_file.dumps(written))
        assert recipe_file.read(path) == written


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("schema_version = 1", "schema_version = 2", "schema_version is 2, this package reads 1"),
        ('network = "Net"', "network = 7", "network must be a string, not 7"),
        ('runtime = "onnxruntime"', 'runtime = "tensorrt"', "runtime must be onnxruntime or litert, not 'tensorrt'"),
        ("[shift]", 'layout = "rows"\n[shift]', "layout must be nhwc or channel-major, not 'rows'"),
        ("[shuffle]", "[shufle]", "the key shufle is unknown; did you mean shuffle"),
        ('18x5x4 = "flat"', "18x5x4 = 3", "shift.18x5x4 must be a string, not 3"),
        ("[shift]", "[shift", "cannot be read"),
        ("threads = 1", "cores = 1", "the key measured.threads is missing"),
        ("complete = true", 'complete = "yes"', "measured.complete must be true or false"),
        ('verdict = "hopeless"', 'verdict = "poor"', "trials.0.verdict is none of taken"),
        ("seconds = 61.5", f"seconds = 1{'0' * 400}", "measured.seconds is beyond the 64 bits of a whole number"),
        ("p50_ms = 3.0", f"p50_ms = 0x{'f' * 5000}", "trials.0.p50_ms is beyond the 64 bits of a whole number"),
        ("turns = 10", f"turns = {'1' * 5000}", "cannot be read"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_file_and_key(
    recipe: Recipe, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    text = recipe_file.dumps(dataclasses.replace(recipe, measured=MEASURED, trials=TRIALS))
    assert old in text
    path = tmp_path / "net.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RecipeError, match=r"net\.toml") as raised:
        recipe_file.read(path)
    assert reason in str(raised.value)


def test_numbers_may_be_written_as_whole_ones(recipe: Recipe, tmp_path: Path) -> None:
    text = recipe_file.dumps(dataclasses.replace(recipe, measured=MEASURED, trials=TRIALS))
    path = tmp_path / "net.toml"
    path.write_text(text.replace("p50_ms = 3.0", "p50_ms = 3").replace("seconds = 61.5", f"seconds = {2**63 - 1}"))
    read = recipe_file.read(path)
    assert read.measured is not None
    assert [type(number) for number in (read.trials[0].p50_ms, read.measured.seconds)] == [float, float]
    assert (read.trials[0].p50_ms, read.measured.seconds) == (3.0, 2.0**63)


def test_a_recipe_of_another_version_of_this_package_is_told(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(recipe_file.dumps(dataclasses.replace(recipe, versions={"ssc-deploy": "0.0.1"})))
    with pytest.warns(UserWarning, match=r"found with ssc-deploy 0\.0\.1"):
        recipe_file.read(path)
