"""Profiles end to end on this host."""

from __future__ import annotations

import dataclasses
import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from json_schemas import violation
from onnx import numpy_helper
from profiling.conftest import rewrite

import ssc_deploy
from ssc_deploy.errors import ProfileError, RuntimeLoadError, TargetError
from ssc_deploy.profiling import comparing, diverging, load_profile, statistics
from ssc_deploy.profiling.job import QUICK, Origin, Protocol, read_json
from ssc_deploy.profiling.preparing import prepare
from ssc_deploy.profiling.runner.contract import FailureKind
from ssc_deploy.profiling.targets.host import Host
from ssc_deploy.storage.digests import sha256_of

if TYPE_CHECKING:
    from pathlib import Path

# Each takes a process or more that loads a runtime.
pytestmark = pytest.mark.slow


def mutated(path: Path) -> bytes:
    """The file with one weight of its last convolution but one changed."""
    model = onnx.load(path)
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    name = convolutions[-1].input[1]
    (tensor,) = [tensor for tensor in model.graph.initializer if tensor.name == name]
    array = numpy_helper.to_array(tensor).copy()
    array.reshape(-1)[0] += 10
    tensor.CopyFrom(numpy_helper.from_array(array, name))
    return model.SerializeToString()


class Miscomputing(Host):
    """A device that computes something else: this host, with other weights than it was sent."""

    spec = "host"

    def run(self, folder, job, progress):
        path = folder / job.models[0].file
        before = path.read_bytes()
        path.write_bytes(mutated(path))
        entry = dataclasses.replace(job.models[0], sha256=sha256_of(path))
        rewrite(folder, dataclasses.replace(job, models=(entry,)))
        try:
            return super().run(folder, job, progress)
        finally:
            path.write_bytes(before)


@pytest.mark.parametrize("right", [True, False])
def test_the_job_and_its_result_are_what_their_schemas_say(job, right):
    folder, asked = job
    if not right:
        path = folder / asked.models[0].file
        path.write_bytes(mutated(path))
        asked = dataclasses.replace(asked, models=(dataclasses.replace(asked.models[0], sha256=sha256_of(path)),))
        rewrite(folder, asked)
    result = Host().run(folder, asked, lambda _line: None)
    assert (result.measurements[0].failure is None) == right
    assert violation("job", read_json(folder / "job.json")) is None
    assert violation("result", read_json(folder / "result.json")) is None


def test_a_profile_has_figures_for_every_model_and_number_of_threads(profiled):
    assert profiled.ok
    assert [(m.model, m.threads) for m in profiled.models] == [
        ("mine.onnx", 1),
        ("mine.tflite", 1),
        ("mine.onnx", 2),
        ("mine.tflite", 2),
    ]
    assert [(c.first, c.second) for c in profiled.comparisons] == [(0, 1), (2, 3)]
    for model in profiled.models:
        assert model.golden_origin == Origin.EXPORT
        assert model.latency.min <= model.latency.p50 <= model.latency.p99
        assert model.latency.runs == sum(map(len, model.samples))
    assert profiled.models[0].runtime.startswith("ONNX Runtime 1.")
    assert profiled.models[1].runtime.startswith("LiteRT 2.")
    assert profiled.decision[0].startswith("Shortest p50: mine.")
    assert any("shift and shuffle cost" in sentence for sentence in profiled.decision)


def test_a_profile_survives_its_json(profiled, tmp_path):
    (tmp_path / "p.json").write_text(json.dumps(profiled.to_dict(), allow_nan=False))
    assert load_profile(tmp_path / "p.json") == profiled


@pytest.mark.parametrize("text", ["", "{}", '{"schema_version": 1}', "[1]", '{"schema_version": 1, "device": NaN}'])
def test_what_is_no_profile_is_refused(text, tmp_path):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(ProfileError, match="is not a profile"):
        load_profile(tmp_path / "p.json")
    with pytest.raises(ProfileError, match="cannot be read: No such file"):
        load_profile(tmp_path / "q.json")


def test_a_file_that_is_not_what_was_exported_gets_no_latency(files, tmp_path):
    (tmp_path / "mine.onnx").write_bytes(mutated(files / "mine.onnx"))
    shutil.copy(files / "mine.golden.npz", tmp_path)
    result = ssc_deploy.profile(tmp_path / "mine.onnx", quick=True)
    (model,) = result.models
    assert not result.ok
    assert (model.latency, model.turns, model.fresh, model.costs) == (None, (), None, None)
    assert model.failure.kind == FailureKind.WRONG
    assert "this host computes the same, so the file itself, or the golden set beside it" in model.failure.message
    assert "verify the file against its checkpoint, which names the first block" in model.failure.message


def test_a_device_that_computes_something_else_is_found_out_with_the_first_block(files, tmp_path):
    job = prepare(tmp_path, [files / "mine.onnx"], protocol=None)
    target = Miscomputing()
    result = diverging.explained(tmp_path, job, target.run(tmp_path, job, print), target, print)
    message = result.measurements[0].failure.message
    assert "host leaves this host's values first in " in message
    *_, last = (node for node in onnx.load(files / "mine.onnx").graph.node if node.op_type == "Conv")
    assert f"first in {last.output[0]}" in message or "first in classes" in message, message
    assert "before it agrees" in message


class Withholding(Miscomputing):
    """A device that is wrong, and brings back something else than the values that it is then asked for."""

    def __init__(self, damage):
        self.damage = damage

    def run(self, folder, job, progress):
        result = super().run(folder, job, progress)
        if job.keep_outputs:
            self.damage(folder / "outputs0.npz")
        return result


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: np.savez(path, other=np.zeros(1)),
        lambda path: path.write_bytes(b"PK"),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
    ],
)
def test_a_wrong_answer_stays_the_news_where_a_device_does_not_tell_more(files, tmp_path, damage):
    job = prepare(tmp_path, [files / "mine.onnx"], protocol=None)
    target = Withholding(damage)
    (one,) = diverging.explained(tmp_path, job, target.run(tmp_path, job, print), target, print).measurements
    assert one.failure.kind == FailureKind.WRONG
    assert "is off by max" in one.failure.message
    assert "where it arises could not be found: " in one.failure.message


def test_without_a_golden_set_the_host_is_the_measure_and_says_so(files, tmp_path):
    shutil.copy(files / "mine.tflite", tmp_path / "alone.tflite")
    (model,) = ssc_deploy.profile(tmp_path / "alone.tflite", quick=True).models
    assert model.failure is None
    assert model.golden_origin == Origin.HOST


def test_the_golden_set_of_another_checkpoint_is_refused(files, tmp_path):
    shutil.copy(files / "mine.tflite", tmp_path)
    with np.load(files / "mine.golden.npz") as file:
        arrays = {name: file[name] for name in file.files}
    arrays["meta"] = np.frombuffer(b'{"schema_version": 1, "source_sha256": "00"}', np.uint8)
    np.savez(tmp_path / "mine.golden.npz", **arrays)
    with pytest.raises(ProfileError, match=r"is of another checkpoint than mine\.tflite; export again"):
        ssc_deploy.profile(tmp_path / "mine.tflite")


def test_a_golden_set_of_another_size_is_refused(files, tmp_path):
    shutil.copy(files / "mine.tflite", tmp_path)
    with np.load(files / "mine.golden.npz") as file:
        arrays = {name: file[name] for name in file.files}
    arrays["inputs"] = arrays["inputs"][..., :4]
    np.savez(tmp_path / "mine.golden.npz", **arrays)
    with pytest.raises(ProfileError, match=r"mine\.tflite takes \[1, 48, 48, 3\], and mine\.golden\.npz holds"):
        ssc_deploy.profile(tmp_path / "mine.tflite")


@pytest.mark.parametrize("threads", [0, -1, (1, 0), ()])
def test_no_threads_are_refused(files, threads):
    with pytest.raises(ProfileError, match="at least one thread"):
        ssc_deploy.profile(files / "mine.onnx", threads=threads)


def test_nothing_to_measure_and_what_is_no_model_are_refused(tmp_path):
    with pytest.raises(ProfileError, match="no model is given"):
        ssc_deploy.profile([])
    (tmp_path / "a.onnx").write_bytes(b"no model")
    with pytest.raises(RuntimeLoadError, match="cannot be loaded"):
        ssc_deploy.profile(tmp_path / "a.onnx")
    with pytest.raises(RuntimeLoadError, match=r"b\.onnx is not there"):
        ssc_deploy.profile(tmp_path / "b.onnx")
    with pytest.raises(RuntimeLoadError, match="No runtime is known"):
        ssc_deploy.profile(tmp_path / "b.pt")
    with pytest.raises(TargetError, match="no device 'toaster'"):
        ssc_deploy.profile(tmp_path / "a.onnx", device="toaster")


def test_two_profiles_are_compared_by_name_and_threads(profiled):
    changes = comparing.compare(profiled, profiled)
    assert len(changes.changes) == 4
    assert all(change.ratio.verdict == "cannot tell" for change in changes.changes)
    assert "separate runs" in changes.notes[0]
    assert json.loads(json.dumps(changes.to_dict()))["schema_version"] == 1


def test_files_of_other_names_are_compared_where_a_format_is_there_once(profiled):
    renamed = dataclasses.replace(
        profiled, models=tuple(dataclasses.replace(model, model=f"new-{model.model}") for model in profiled.models)
    )
    first = comparing.compare(profiled, renamed).changes[0]
    assert (first.before, first.after) == ("mine.onnx, 1 thread (before)", "new-mine.onnx, 1 thread (after)")


def test_profiles_that_have_nothing_in_common_are_refused(profiled):
    other = dataclasses.replace(profiled, models=())
    with pytest.raises(ProfileError, match="no model in common"):
        comparing.compare(profiled, other)


def test_what_is_slower_is_told_and_what_differs_is_said(profiled):
    def slower(turn):
        return dataclasses.replace(turn, samples_ns=tuple(3 * sample for sample in turn.samples_ns))

    def steadied(model, factor):
        turns = tuple(dataclasses.replace(turn, samples_ns=(factor * 1000,) * 9) for turn in model.turns)
        latency = statistics.latency([turn.samples_ns for turn in turns])
        return dataclasses.replace(model, turns=turns, latency=latency)

    before = dataclasses.replace(profiled, models=tuple(steadied(model, 10) for model in profiled.models))
    after = dataclasses.replace(
        before,
        environment=dataclasses.replace(before.environment, processor="another"),
        models=tuple(
            dataclasses.replace(model, turns=tuple(slower(turn) for turn in model.turns)) for model in before.models
        ),
    )
    changes = comparing.compare(before, after)
    sentence = "mine.onnx, 1 thread (after) is slower than mine.onnx, 1 thread (before): 3.0"
    assert str(changes.changes[0]).startswith(sentence)
    assert any("differ in processor" in note for note in changes.notes)
    disturbed = dataclasses.replace(before.models[0].latency, unsteady=("turns differ by 9%",))
    models = (dataclasses.replace(before.models[0], latency=disturbed), *before.models[1:])
    first, *others = comparing.compare(dataclasses.replace(before, models=models), after).changes
    assert first.ratio.verdict == "cannot tell"
    assert {change.ratio.verdict for change in others} == {"slower"}


@pytest.mark.parametrize(("times", "doubted"), [(1, False), (3, True)])
def test_a_profile_of_operators_that_was_disturbed_is_doubted(profiled, times, doubted):
    model = profiled.models[0]
    total = dataclasses.replace(model.costs.total, ns=int(times * model.latency.p50))
    slowed = dataclasses.replace(model, costs=dataclasses.replace(model.costs, total=total))
    decision = dataclasses.replace(profiled, models=(slowed, *profiled.models[1:])).decision
    (sentence,) = [one for one in decision if one.startswith("mine.onnx, 1 thread: shift and shuffle cost")]
    assert ("far more than p50, so something else ran then: measure again" in sentence) == doubted


def test_a_quick_run_is_called_one(profiled):
    said = "A quick run, too short to decide on."
    assert (said in profiled.decision) == (profiled.protocol == QUICK)
    assert said in dataclasses.replace(profiled, protocol=QUICK).decision
    assert said not in dataclasses.replace(profiled, protocol=Protocol()).decision


def test_it_is_said_which_files_are_the_same_in_both(profiled):
    other = dataclasses.replace(profiled.models[0], sha256="0" * 64)
    changed = dataclasses.replace(profiled, models=(other, *profiled.models[1:]))
    notes = comparing.compare(profiled, changed).notes
    assert "mine.tflite, 1 thread is the same file in both." in notes
    assert "mine.onnx, 1 thread is the same file in both." not in notes
