"""Recipes of int8 files: found by measuring such files, and for these alone."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import torch

import ssc_deploy
from benchmarks.lowerings import stage
from ssc_deploy import checkpoint, lower, nets
from ssc_deploy.errors import LoweringError, RecipeError
from ssc_deploy.lower import Target, recipe_file
from ssc_deploy.storage.digests import sha256_of
from ssc_deploy.tuning import search
from ssc_deploy.tuning import space as spaces
from tests.quantize.plans import noise

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.profiling.job import Protocol

IMAGES = noise(64, (3, 8, 8))
INT8 = ssc_deploy.Quantization("int8", calibration=IMAGES)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SSC-Net of four channels for images of 8x8."""
    module = nets.build("ssc-net", B=1, G=9, stem=4, classes=4)
    nets.randomise(module)
    nets.settle(module, torch.from_numpy(IMAGES))
    path = tmp_path_factory.mktemp("network") / "small.pt"
    checkpoint.save(module, path)
    return path


def test_integers_have_groups_to_join_and_no_planes() -> None:
    space = spaces.build_space(stage(36, 6, 1, "periodic"), Target.LITERT, "Net", quantize="int8")
    options = {axis.name: set(axis.options) for axis in space.axes}
    assert options["grouped 36x6x6"] == {"plain", "join-18", "join-36"}
    assert "layout" not in options
    recipe = space.recipe(space.default)
    assert recipe.quantize == "int8"
    assert recipe.groups["grouped 36x6x6"] == "plain"


def test_a_recipe_keeps_what_numbers_it_is_for(tmp_path: Path) -> None:
    model = stage(36, 6, 1, "periodic")
    space = spaces.build_space(model, Target.LITERT, "Net", quantize="int8")
    (axis,) = (axis for axis in space.axes if axis.name == "grouped 36x6x6")
    recipe = space.recipe(axis.changed(space.default, "join-36"))
    path = tmp_path / "net.toml"
    path.write_text(recipe_file.dumps(recipe))
    assert recipe_file.read(path) == recipe
    followed = lower.lower(model, Target.LITERT, lower.LoweringOptions(recipe=recipe, quantized=True))
    assert followed.report.summary()["grouped"] == "join-36 x3, plain x2"
    path.write_text(path.read_text().replace('"int8"', '"int4"'))
    with pytest.raises(RecipeError, match=r'quantize must be "int8", or left out for float32, not \'int4\''):
        recipe_file.read(path)


def test_files_that_compute_in_float32_have_the_recipe_of_float32(network: Path, tmp_path: Path) -> None:
    half = ssc_deploy.Quantization("float16")
    with pytest.raises(RecipeError, match="float16 files compute in float32, so the recipe of float32 is theirs"):
        ssc_deploy.tune(network, quantize=half, output=tmp_path / "net.toml")


def test_what_a_recipe_is_not_for_is_refused_before_the_work(network: Path, tmp_path: Path) -> None:
    model = stage(36, 6, 1, "periodic")
    said: list[str] = []
    for mode, wanted, words in (("int8", None, "found for int8 files"), ("", INT8, "found for float32 files")):
        space = spaces.build_space(model, Target.ONNXRUNTIME, "Net", quantize=mode)
        path = tmp_path / f"{mode}.toml"
        path.write_text(recipe_file.dumps(space.recipe(space.default)))
        with pytest.raises(RecipeError, match=words):
            ssc_deploy.export(
                network, recipe=path, quantize=wanted, output=tmp_path, progress=lambda stage, _: said.append(stage)
            )
    assert not said


def test_c_is_refused_before_the_images_are_looked_at(network: Path, tmp_path: Path) -> None:
    said: list[str] = []
    for formats in ("c", ("tflite", "c")):
        with pytest.raises(LoweringError, match="the C engine computes in float32"):
            ssc_deploy.export(
                network, to=formats, quantize=INT8, output=tmp_path, progress=lambda stage, _: said.append(stage)
            )
    assert not said
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_export_by_the_recipe_is_the_file_that_was_measured(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = {"warmup_seconds": 0.01, "seconds": 0.05, "runs": 20, "repeats": 5}
    for name in ("SHORT", "LONG"):
        protocol: Protocol = getattr(search, name)
        monkeypatch.setattr(search, name, dataclasses.replace(protocol, **quick))
    path = tmp_path / "small.toml"
    tuned = ssc_deploy.tune(network, to="onnx", quantize=INT8, output=path, input_shape=(1, 3, 8, 8))
    assert tuned.recipe.measured is not None
    result = ssc_deploy.export(
        network, to="onnx", recipe=path, quantize=INT8, output=tmp_path / "files", input_shape=(1, 3, 8, 8)
    )
    assert sha256_of(result.files[0].path) == tuned.recipe.measured.sha256
