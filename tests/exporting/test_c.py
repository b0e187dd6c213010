"""`export --to c`: a package of C sources, verified as other formats are, and built by whoever gets it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

import ssc_deploy
from ssc_deploy.errors import (
    BundleError,
    LoweringError,
    OutputError,
    ProfileError,
    RecipeError,
    RuntimeLoadError,
    SscDeployError,
    UnsupportedOperatorError,
)
from ssc_deploy.exporting import stages
from ssc_deploy.lower import native
from ssc_deploy.native import package
from ssc_deploy.source import open_source

if TYPE_CHECKING:
    from ssc_deploy.exporting.results import ExportResult

CHECKPOINT = Path(__file__).parents[2] / "models" / "ssc-net-1-9" / "ssc_1_9.pt"

pytestmark = pytest.mark.needs("gcc")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    return ssc_deploy.export(CHECKPOINT, to="c", output=tmp_path_factory.mktemp("c"))


def test_the_package_is_verified_with_all_movements(exported: ExportResult) -> None:
    report = exported.files[0].verification
    assert report.ok
    assert report.movements is not None
    assert report.movements.exact == report.movements.total == 9
    assert exported.files[0].path.name == "ssc_1_9_c"


def test_verify_finds_the_package_right(exported: ExportResult) -> None:
    report = ssc_deploy.verify(CHECKPOINT, exported.files[0].path)
    assert report.ok, str(report)


def test_verify_finds_a_weight_that_was_changed(exported: ExportResult, tmp_path: Path) -> None:
    copy = tmp_path / "ssc_1_9_c"
    copy.mkdir()
    for file in exported.files[0].path.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    weights = np.fromfile(copy / "ssc_1_9.weights", "<f4")
    weights[len(weights) // 2] += 0.5
    weights.tofile(copy / "ssc_1_9.weights")
    assert not ssc_deploy.verify(CHECKPOINT, copy).ok


@pytest.mark.parametrize(
    "compiler", ["gcc", pytest.param("clang", marks=[pytest.mark.needs("clang"), pytest.mark.slow])]
)
def test_its_sources_compile_without_warnings_and_the_example_runs(
    exported: ExportResult, tmp_path: Path, compiler: str
) -> None:
    folder = exported.files[0].path
    flags = ["-std=c11", "-O1", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    program = tmp_path / "example"
    built = subprocess.run(
        [compiler, *flags, "-o", str(program), *map(str, sorted(folder.glob("*.c")))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    image = tmp_path / "image.ppm"
    image.write_bytes(b"P6\n# made by a test\n32 32\n255\n" + pixels.tobytes())
    weights = str(folder / "ssc_1_9.weights")
    ran = subprocess.run([str(program), str(image), weights], capture_output=True, text=True, check=True)
    best = ssc_deploy.load_model(folder).predict(pixels)[0].top[0]
    assert ran.stdout.splitlines()[0].split()[-1] == best.label
    cut = tmp_path / "cut.ppm"
    cut.write_bytes(image.read_bytes()[:-1])
    assert subprocess.run([str(program), str(cut), weights], capture_output=True, check=False).returncode == 1


def test_a_second_export_gives_the_same_bytes(exported: ExportResult, tmp_path: Path) -> None:
    again = ssc_deploy.export(CHECKPOINT, to="c", output=tmp_path).files[0].path
    first = {file.name: file.read_bytes() for file in exported.files[0].path.iterdir()}
    assert {file.name: file.read_bytes() for file in again.iterdir()} == first


def test_the_tables_of_the_network_are_small(exported: ExportResult) -> None:
    assert (exported.files[0].path / "ssc_1_9.plan").stat().st_size < 120_000


def test_a_folder_with_other_files_is_not_replaced(exported: ExportResult, tmp_path: Path) -> None:
    taken = tmp_path / "ssc_1_9_c"
    taken.mkdir()
    (taken / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not replaced"):
        ssc_deploy.export(CHECKPOINT, to="c", output=tmp_path, overwrite=True)
    assert (taken / "thesis.txt").read_text() == "mine"
    assert [one.name for one in tmp_path.iterdir()] == ["ssc_1_9_c"]


class _Sorted(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1).sort(1).values


def test_an_operator_without_a_kernel_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"the C engine cannot write .*test_c.py"):
        ssc_deploy.export(None, model=_Sorted(), input_shape=(1, 1, 4, 4), to="c", output=tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_batch_of_any_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoweringError, match="`batch`"):
        ssc_deploy.export(CHECKPOINT, to="c", output=tmp_path, batch=None)


def test_a_batch_of_three_is_right(tmp_path: Path) -> None:
    assert ssc_deploy.export(CHECKPOINT, to="c", output=tmp_path, batch=3).files[0].verification.ok


@pytest.mark.parametrize(
    "damage",
    [
        lambda plan: plan[:-1],  # cut off
        lambda plan: np.concatenate([plan, plan[:1]]),
        lambda plan: np.where(np.arange(len(plan)) == 3, 1, plan),  # a smaller arena
        lambda plan: np.where(np.arange(len(plan)) == 9, 1, plan),  # a smaller input
        lambda plan: np.where(np.arange(len(plan)) == plan[8], 77, plan),  # an unknown step
    ],
)
def test_a_damaged_plan_is_refused_before_it_runs(exported: ExportResult, tmp_path: Path, damage: object) -> None:
    copy = tmp_path / "ssc_1_9_c"
    copy.mkdir()
    for file in exported.files[0].path.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    plan = np.fromfile(copy / "ssc_1_9.plan", "<i4")
    damage(plan).astype("<i4").tofile(copy / "ssc_1_9.plan")  # type: ignore[operator]
    with pytest.raises(RuntimeLoadError, match="cannot run"):
        ssc_deploy.load_model(copy)


def test_a_package_without_its_description_is_no_package(exported: ExportResult, tmp_path: Path) -> None:
    copy = tmp_path / "ssc_1_9_c"
    copy.mkdir()
    for file in exported.files[0].path.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "ssc_1_9.json").write_text(json.dumps({"schema_version": 1}))
    with pytest.raises(RuntimeLoadError, match="is damaged"):
        ssc_deploy.load_model(copy)
    (copy / "ssc_1_9.json").unlink()
    assert not package.is_package(copy)


def test_commands_that_do_not_take_a_package_say_so(exported: ExportResult, tmp_path: Path) -> None:
    path = exported.files[0].path
    with pytest.raises(ProfileError, match="C package"):
        ssc_deploy.profile([path], quick=True)
    with pytest.raises(BundleError, match="C package"):
        ssc_deploy.bundle(path, tmp_path / "bundle")
    with pytest.raises(SscDeployError, match="C package"):
        ssc_deploy.inspect(path)
    with pytest.raises(RecipeError, match="nothing is tuned"):
        ssc_deploy.tune(CHECKPOINT, to="c")


def test_a_package_is_scored_as_the_network_is(exported: ExportResult, tmp_path: Path) -> None:
    images = sorted((CHECKPOINT.parent / "golden").glob("*.png"))[:8]
    for image in images:
        folder = tmp_path / image.name.split("-")[0]
        folder.mkdir(exist_ok=True)
        (folder / image.name).write_bytes(image.read_bytes())
    result = ssc_deploy.evaluate([exported.files[0].path, CHECKPOINT], tmp_path)
    assert result.ok
    assert result.files[0].scores.pictures == 8


@pytest.mark.slow
def test_the_plan_stays_small_where_images_are_large() -> None:
    source = open_source(None, arch="ssc-net-1-9", input_shape=(1, 3, 224, 224))
    assert native.plan(stages.canonicalise(source).model).words.nbytes < 120_000
