"""The runner as one file: the same on every machine, complete, and for the Python that a device has."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import subprocess
import sys
import typing
import zipfile
from pathlib import Path

import pytest

from ssc_deploy.profiling import job, runner, runner_archive
from ssc_deploy.profiling.runner import formats
from ssc_deploy.profiling.targets import remote_end
from ssc_deploy.storage import records
from ssc_deploy.verification.ranges import AxisBound
from ssc_deploy.verification.tolerance import Tolerance


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    return runner_archive.write(tmp_path_factory.mktemp("runner"))


@pytest.fixture(scope="module")
def sources(archive) -> list[Path]:
    """All that runs on a device, as files."""
    folder = archive.with_name("unpacked")
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return [*folder.rglob("*.py"), Path(remote_end.__file__)]


def test_another_process_in_another_time_zone_builds_the_same_bytes(archive):
    script = "import os, sys; os.umask(0o77); from ssc_deploy.profiling import runner_archive; "
    script += "sys.stdout.buffer.write(runner_archive.build())"
    environment = {**os.environ, "TZ": "Pacific/Auckland", "PYTHONHASHSEED": "1"}
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, env=environment)
    assert done.stdout == archive.read_bytes()


def test_nothing_in_it_tells_when_or_by_whom_its_sources_were_written(archive):
    with zipfile.ZipFile(archive) as file:
        members = file.infolist()
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {member.external_attr >> 16 for member in members} == {0o644}
    assert [member.filename for member in members] == sorted(member.filename for member in members)


def test_it_holds_every_module_of_the_runner_as_it_is(archive):
    with zipfile.ZipFile(archive) as file:
        held = {name: file.read(name) for name in file.namelist()}
    assert held.pop("__main__.py")
    modules = Path(runner.__file__).parent.rglob("*.py")
    assert held == {f"runner/{path.name}": path.read_bytes() for path in modules}


def test_each_of_its_modules_is_imported_from_it_alone(archive):
    modules = sorted(path.stem for path in Path(runner.__file__).parent.glob("*.py"))
    script = f"""
import importlib, sys
sys.modules["ssc_deploy"] = None  # importing it fails
sys.path.insert(0, {str(archive)!r})
for name in {modules!r}:
    module = importlib.import_module("runner." + name)
    assert module.__file__.startswith({str(archive)!r}), module.__file__
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_it_keeps_to_the_syntax_of_python_3_8(sources):
    for path in sources:
        ast.parse(path.read_text(), path.name, feature_version=(3, 8))


def test_it_uses_nothing_of_the_standard_library_that_python_3_8_does_not_have(sources):
    command = [sys.executable, "-c", "import vermin; vermin.main()", "--target=3.8-", "--no-tips", "--violations"]
    done = subprocess.run([*command, *sources], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_says_how_it_is_called(archive):
    done = subprocess.run([sys.executable, archive], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "usage: runner.pyz FOLDER | --probe\n")


def test_it_says_what_the_device_is_from_whatever_folder_it_is_called(archive):
    command = [sys.executable, archive.name, "--probe"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=archive.parent)
    environment = records.decode(job.Environment, json.loads(done.stdout))
    assert environment.runner.startswith("Python 3.")


KINDS = [kind for kind in vars(formats).values() if typing.is_typeddict(kind) and not kind.__name__.startswith("_")]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_keys_that_it_reads_and_writes_are_the_fields_of_the_records(kind):
    elsewhere = {"AxisBound": AxisBound, "Bound": Tolerance}
    record = elsewhere.get(kind.__name__) or getattr(job, kind.__name__)
    assert set(kind.__annotations__) == {field.name for field in dataclasses.fields(record)}
