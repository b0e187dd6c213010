"""The schemas of what crosses to devices agree with what reads it here, on files that Java reads as well.

``<schema>/valid`` and ``invalid`` are what the schema, and every reader, accepts and refuses; ``model/inconsistent`` is
what a schema cannot see and a reader refuses. The results answer the job ``job/valid/two-models.json``.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest
from json_schemas import violation

from ssc_deploy.bundling.manifest import Manifest
from ssc_deploy.errors import TargetError
from ssc_deploy.profiling.job import Job, read_json
from ssc_deploy.profiling.targets.app_contract import Status
from ssc_deploy.profiling.targets.reading import read_result
from ssc_deploy.schemas import generated
from ssc_deploy.schemas.generated import FORMATS

HERE = Path(__file__).parent
SCHEMAS = Path(generated.__file__).parent


def result_of(path, folder):
    """The result in a file, as it is read when a device brings it back."""
    job = Job.from_dict(read_json(HERE / "job" / "valid" / "two-models.json"))
    (folder / "result.json").write_bytes(path.read_bytes())
    try:
        return read_result(folder, dataclasses.replace(job, protocol=None) if path.stem == "untimed" else job, "it")
    except TargetError as error:
        raise ValueError(str(error)) from error


READERS = {
    "model": lambda path, _folder: Manifest.from_dict(read_json(path)),
    "job": lambda path, _folder: Job.from_dict(read_json(path)),
    "result": result_of,
    "status": lambda path, _folder: Status.from_dict(read_json(path)),
}


def samples(verdict, names=tuple(FORMATS)):
    found = [(name, path) for name in names for path in sorted((HERE / name / verdict).glob("*.json"))]
    return pytest.mark.parametrize(("name", "path"), found, ids=[f"{name}-{path.stem}" for name, path in found])


@pytest.mark.parametrize("name", tuple(FORMATS))
def test_each_schema_is_one_and_has_samples_of_both_kinds(name):
    schema = read_json(SCHEMAS / f"{name}.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("/2020-12/schema")
    assert len(list((HERE / name / "valid").glob("*.json"))) >= 3
    assert len(list((HERE / name / "invalid").glob("*.json"))) >= 10


def test_no_schema_is_left_out():
    assert sorted(path.name for path in SCHEMAS.glob("*.json")) == sorted(
        f"{name}.schema.json" for name in tuple(FORMATS)
    )


@samples("valid")
def test_what_is_valid_is_read(name, path, tmp_path):
    assert violation(name, read_json(path)) is None
    READERS[name](path, tmp_path)


@samples("valid", ("model", "job"))
def test_what_is_read_is_written_as_it_was(name, path, tmp_path):
    assert READERS[name](path, tmp_path).to_dict() == read_json(path)


@pytest.mark.quick(60)
@samples("invalid")
def test_what_is_invalid_is_refused_by_the_schema_and_by_the_reader(name, path, tmp_path):
    try:
        value = read_json(path)
    except ValueError:
        pass  # no JSON at all
    else:
        assert violation(name, value)
    with pytest.raises(ValueError, match=r"."):
        READERS[name](path, tmp_path)


@samples("inconsistent", ("model",))
def test_what_contradicts_itself_passes_the_schema_and_is_refused(name, path, tmp_path):
    assert violation(name, read_json(path)) is None
    with pytest.raises(ValueError, match=r"."):
        READERS[name](path, tmp_path)


def objects(value, path=()):
    """Where in a value objects of fixed keys are; those whose keys are names have values of one kind."""
    if isinstance(value, dict):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if key not in {"made_by", "runtimes", "lowering", "files", "governor", "frequency_khz", "temperature_c"}:
            yield from objects(inner, (*path, key))


@pytest.mark.quick(4)
@samples("valid")
def test_no_schema_lets_a_key_pass_that_it_does_not_know(name, path):
    value = read_json(path)
    for place in objects(value):
        more = copy.deepcopy(value)
        inner = more
        for key in place:
            inner = inner[key]
        inner["battery"] = 1
        assert "battery" in violation(name, more), place


@samples("valid", ("job", "result", "status"))
def test_readers_of_jobs_and_answers_let_a_newer_program_say_more(name, path, tmp_path):
    more = tmp_path / path.name
    more.write_text(json.dumps({**read_json(path), "battery": 1}))
    READERS[name](more, tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_each_schema_is_made_from_the_classes_that_read_the_file(name):
    made, kept = generated.text(name), generated.path(name).read_text(encoding="utf-8")
    assert made == kept, "run `uv run python -m ssc_deploy.schemas`"


def test_a_reason_names_the_place_and_is_short():
    value = read_json(HERE / "model" / "valid" / "onnx.json")
    value["golden"]["count"] = 3
    with pytest.raises(ValueError, match=r"^golden\.count is 3, less than 16$"):
        Manifest.from_dict(value)
    value["golden"]["count"] = "x" * 100_000
    with pytest.raises(ValueError, match=r"golden\.count is 'x") as caught:
        Manifest.from_dict(value)
    assert len(str(caught.value)) < 300
