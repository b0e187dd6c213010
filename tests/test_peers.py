"""The run beside other converters: names, processes, verdicts and pictures, with real parts and without network."""

import dataclasses
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import shift_networks
from benchmarks.measuring import Interval, Ratio
from benchmarks.peers import __main__ as command
from benchmarks.peers import contender, conversion, environments, net, picture, results, turns
from benchmarks.peers.contender import Kind
from benchmarks.peers.host import ContenderError, Process
from benchmarks.peers.net import Net
from benchmarks.peers.results import NetResult, Row, Status, Times
from ssc_deploy.verification.tolerance import error_of, own_error

NET = Net.parse("ssc-net-1-9")
EAGER = "one-hot depthwise"


def silent(_line: str) -> None:
    pass


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return turns.workshop(NET, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def eager(shop, tmp_path):
    with Process(Path(sys.executable), "torch_eager", tmp_path / "log") as process:
        yield process


# Networks


@pytest.mark.parametrize(
    ("name", "size", "batch"),
    [("ssc-net-1-9", 32, 1), ("ssc-net-1-9@64", 64, 1), ("ssc-net-2-27x4", 32, 4), ("shift-net-9-6@48x2", 48, 2)],
)
def test_a_name_tells_the_network_its_input_size_and_its_batch(name, size, batch):
    assert Net.parse(name).input_shape == (batch, 3, size, size)


@pytest.mark.parametrize("name", ["resnet", "ssc-net-1-9@", "ssc-net-1-9@64x", "", "ssc net"])
def test_a_name_of_no_network_is_refused(name):
    with pytest.raises(ValueError, match=r"is not NET|there is no network"):
        Net.parse(name)


@pytest.mark.parametrize("name", shift_networks.NETWORKS)
def test_networks_in_the_style_of_others_have_seeded_weights_and_tell_inputs_apart(name):
    one = dataclasses.replace(Net.parse(name), size=32)
    module = net.random_network(one)
    x = torch.from_numpy(net.inputs(one, 2 * one.batch))
    with torch.inference_mode():
        y = module(x)
    assert y.shape == (len(x), 10)
    assert torch.isfinite(y).all()
    assert not torch.allclose(y[0], y[1], rtol=1e-3)
    assert net.fingerprint(module) == net.fingerprint(net.random_network(one))


def test_mobilenet_has_its_form_for_small_pictures_unless_they_are_large():
    assert Net.parse("mobilenet-v2").args["form"] == "cifar"
    assert Net.parse("mobilenet-v2@224").args["form"] == "imagenet"


def test_products_hold_all_multiplications_of_the_network_and_none_of_its_shifts(shop):
    found = net.products(NET, net.network(NET, shop.weights))
    assert round(sum(product.macs for product in found) / 1e6) == 25
    assert not [product for product in found if "shift" in product.layer]
    dense = next(product for product in found if product.layer == "body.1.conv1.conv")
    assert (dense.rows, dense.inner, dense.columns) == (162, 81, 16 * 16)


@pytest.mark.slow
def test_rounding_stays_small_with_the_random_weights(shop):
    module = net.network(NET, shop.weights)
    x = torch.from_numpy(net.inputs(NET))
    with torch.inference_mode():
        exact = module.double()(x.double()).numpy()
        float32 = net.network(NET, shop.weights)(x).numpy()
    assert own_error(float32, exact).error.max < 1e-5 * np.abs(exact).max()


@pytest.mark.parametrize("spelled", ["stacked", "joined"])
def test_stored_weights_compute_the_same_however_the_shift_is_written(shop, spelled):
    x = torch.from_numpy(net.inputs(NET, 2))
    with torch.inference_mode():
        assert torch.equal(net.network(NET, shop.weights)(x), net.network(NET, shop.weights, spelled)(x))


# Contenders and their environments


@pytest.mark.parametrize("name", contender.names())
def test_a_contender_is_complete(name):
    module = contender.module(name)
    about = module.CONTENDER
    assert callable(module.convert)
    assert callable(module.load)
    assert about.environment in {environments.OWN, *environments.ENVIRONMENTS}
    for other in (about.converted_by, about.converted_from):
        assert other is None or set(about.variants) <= set(contender.module(other).CONTENDER.variants)


def test_every_requirement_is_pinned():
    requirements = [r for environment in environments.ENVIRONMENTS.values() for r in environment.requirements]
    assert requirements
    assert all("==" in requirement for requirement in requirements)


def test_a_network_without_shifts_is_converted_once_for_all_spellings():
    mobilenet = Net.parse("mobilenet-v2")
    assert list(conversion.variants("litert_torch", mobilenet)) == ["as it is"]
    assert list(conversion.variants("onnx_export", mobilenet)) == ["as it is", "dynamo"]
    assert "default" in conversion.variants("ours_litert", mobilenet)


def test_peers_of_gigabytes_run_only_where_they_are_named():
    assert "litert_torch" not in command.chosen(None)
    assert "litert_torch" in command.chosen(["all"])
    named = command.chosen(["executorch"])
    assert "executorch" in named
    assert "ncnn" not in named
    assert {"ours_litert", "ours_onnxruntime", "sgemm"} <= set(named)


def test_an_unknown_peer_is_refused():
    with pytest.raises(ValueError, match=r"there is no peer 'xla'; the known are all, .*ncnn"):
        command.chosen(["xla"])


def test_without_uv_an_environment_is_a_reason_and_not_a_crash(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(environments.EnvironmentUnavailableError, match="pip install uv"):
        environments.python("ncnn", tmp_path)


def test_an_environment_that_is_there_is_taken_and_one_of_other_versions_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = tmp_path / "environments" / "mnn"
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    table = environments.ENVIRONMENTS["mnn"]
    (folder / "requirements.txt").write_text("\n".join([table.python, *table.requirements]))
    assert environments.python("mnn", tmp_path) == python
    (folder / "requirements.txt").write_text("\n".join([table.python, "MNN==1.0.0"]))
    with pytest.raises(environments.EnvironmentUnavailableError):
        environments.python("mnn", tmp_path)


# Processes


@pytest.mark.slow
def test_a_process_converts_loads_computes_and_runs(shop, eager, tmp_path):
    options = {"shift": "one-hot"}
    job = {"net": NET.to_dict(), "weights": str(shop.weights), "options": options, "folder": str(tmp_path)}
    file = eager.ask("convert", job=job | {"source": None})["file"]
    eager.ask("load", **{"as": "v", "file": file, "net": NET.to_dict()})
    x = net.inputs(NET, 2)
    np.save(tmp_path / "x.npy", x)
    eager.ask("compute", **{"as": "v", "inputs": str(tmp_path / "x.npy"), "outputs": str(tmp_path / "y.npy")})
    with torch.inference_mode():
        expected = net.network(NET, shop.weights)(torch.from_numpy(x)).numpy()
    assert np.allclose(np.load(tmp_path / "y.npy"), expected, rtol=1e-4, atol=1e-4)
    times = eager.ask("run", **{"as": "v", "warmup": 1, "times": 3})
    assert len(times["cpu"]) == len(times["wall"]) == 3
    assert min(times["cpu"]) > 0


def test_what_fails_is_said_and_the_process_goes_on(eager):
    with pytest.raises(ContenderError, match="FileNotFoundError"):
        eager.ask("load", **{"as": "v", "file": "nowhere", "net": NET.to_dict()})
    assert eager.ask("versions", packages=["torch"])["versions"]["torch"].startswith("2.")


def test_a_process_that_dies_is_a_reason(eager):
    os.kill(eager._process.pid, signal.SIGSEGV)
    with pytest.raises(ContenderError, match="ended while asked to versions: signal SIGSEGV"):
        eager.ask("versions", packages=["torch"])


def test_a_process_that_takes_too_long_is_ended(eager):
    with pytest.raises(ContenderError, match="took longer than 0 s to versions"):
        eager.ask("versions", seconds=0.01, packages=["torch"])
    assert eager._process.wait() == -signal.SIGKILL


# Conversions


@pytest.mark.slow
def test_a_conversion_is_kept_until_what_it_depends_on_changes(shop):
    first = shop.convert("torch_eager", EAGER)
    assert first.file is not None
    written = Path(first.file).stat().st_mtime_ns
    assert shop.convert("torch_eager", EAGER) == first
    assert Path(first.file).stat().st_mtime_ns == written
    dataclasses.replace(shop, fingerprint="other weights").convert("torch_eager", EAGER)
    assert Path(first.file).stat().st_mtime_ns != written


@pytest.mark.slow
def test_a_conversion_that_fails_gives_its_reason_to_all_that_start_from_it(shop, tmp_path):
    lost = dataclasses.replace(shop, weights=tmp_path / "lost.pt", cache=tmp_path)
    failed = lost.convert("onnx_export", EAGER)
    assert failed.file is None
    assert "FileNotFoundError" in failed.reason
    assert lost.convert("onnx_export", EAGER) == failed
    assert lost.convert("mnn", EAGER).reason.startswith("needs the file of onnx_export: FileNotFoundError")


# Verdicts


def reference() -> turns.Reference:
    exact = np.random.default_rng(0).standard_normal((16, 10))
    return turns.Reference(np.zeros((16, 3, 32, 32), np.float32), exact, own_error(exact.astype(np.float32), exact))


def verdict(y: np.ndarray) -> Row:
    ref = reference()
    error = error_of(y, ref.exact) if y.shape == ref.exact.shape else None
    return turns.judged(Row("x", "X", Kind.PEER, "v", Status.FAILED), y, ref, error)


def test_the_network_in_float32_is_right():
    assert verdict(reference().exact.astype(np.float32)).status is Status.RIGHT


@pytest.mark.parametrize(
    "change", [lambda y: y[:, ::-1], lambda y: y.astype(np.float16), lambda y: y * 1.001, lambda y: y * np.nan]
)
def test_what_computes_something_else_is_wrong_and_not_fast(change):
    row = verdict(change(reference().exact.astype(np.float32)))
    assert row.status is Status.WRONG
    assert "of the largest output" in row.reason
    timed = dataclasses.replace(row, times=times(0.1))
    assert results.fastest([timed, ROWS[0]]) is ROWS[0]


def test_outputs_of_another_shape_are_wrong():
    assert verdict(np.zeros((16, 9), np.float32)).reason == "returns [16, 9] in place of [16, 10]"


# Results


def times(ms: float) -> Times:
    interval = Interval(ms, 0.9 * ms, 1.1 * ms)
    return Times(interval, interval, Ratio(ms / 2, ms / 2, ms / 2, 20), None)


ROWS = (
    Row("ours_litert", "ours, LiteRT", Kind.OURS, "default", Status.RIGHT, times=times(1.0), error=1e-7),
    Row("ncnn", "ncnn", Kind.PEER, "slow", Status.RIGHT, times=times(3.0), error=1e-7),
    Row("ncnn", "ncnn", Kind.PEER, "quick", Status.RIGHT, times=times(2.0), error=1e-7),
    Row("mnn", "MNN", Kind.PEER, "v", Status.WRONG, "differs", times=times(0.5), error=0.1),
    Row("tvm", "TVM", Kind.PEER, "v", Status.FAILED, "no wheel for <this> machine"),
    Row("eager", "eager", Kind.PEER, "v", Status.RIGHT, times=times(50.0), error=1e-7),
    Row("sgemm", "sgemm", Kind.LIMIT, "v", Status.BOUND, times=times(0.25)),
)
RESULT = NetResult("ssc-net-1-9", 25_000_000, "2026-01-02T03:04:05+00:00", 20, 7, 1e-7, ROWS, Ratio(0.5, 0.4, 0.6, 20))


def test_results_are_read_as_they_were_written(tmp_path):
    assert results.read(results.write(RESULT, tmp_path)) == RESULT


def test_a_file_of_another_benchmark_is_refused(tmp_path):
    path = tmp_path / "latency.json"
    path.write_text('{"benchmark": "latency", "schema_version": 1}')
    with pytest.raises(ValueError, match="holds no results"):
        results.read(path)


def test_the_picture_shows_the_best_of_each_peer_what_is_wrong_and_what_failed(tmp_path):
    results.write(RESULT, tmp_path)
    drawn = (picture.write(tmp_path) or tmp_path).read_text()
    assert "ncnn, quick" in drawn
    assert "ncnn, slow" not in drawn
    assert "0.50 ms, WRONG result" in drawn
    assert "TVM: no wheel for &lt;this&gt; machine" in drawn
    assert "the same MACs by sgemm of a library, 0.25 ms" in drawn
    assert "best of ours / best of peers 0.50 [0.40, 0.60]" in drawn
    assert "▸ 50.00 ms" in drawn


def test_nets_are_merged_into_one_picture_by_size_and_nothing_is_drawn_of_nothing(tmp_path):
    assert picture.write(tmp_path) is None
    results.write(dataclasses.replace(RESULT, net="ssc-net-6-9", macs=171_000_000), tmp_path)
    results.write(RESULT, tmp_path)
    drawn = (picture.write(tmp_path) or tmp_path).read_text()
    assert drawn.index("ssc-net-1-9") < drawn.index("ssc-net-6-9")


@pytest.mark.slow
def test_contenders_take_turns_and_are_compared_within_one_run(shop, capsys):
    names = ["ours_onnxruntime", "torch_eager", "sgemm"]
    result = turns.compare(NET, names, shop.cache, rounds=2, runs=2, say=silent)
    statuses = {row.contender: row.status for row in result.rows}
    assert statuses == {"ours_onnxruntime": Status.RIGHT, "torch_eager": Status.RIGHT, "sgemm": Status.BOUND}
    best = result.best(Kind.PEER)
    assert best is not None
    assert best.times is not None
    assert best.times.to_best_peer == Ratio(1.0, 1.0, 1.0, 2)
    assert best.versions["torch"].startswith("2.")
    assert result.ours_to_peers is not None
    assert result.ours_to_peers.rounds == 2
    assert "best peer" in "\n".join(command.lines(result))


def test_the_figures_of_the_c_engine_on_the_page_are_those_of_the_kept_runs():
    root = Path(__file__).parents[1] / "benchmarks"
    page = (root / "README.md").read_text(encoding="utf-8")
    kept = [*(root / "results" / "peers-c-engine").glob("*.json"), root / "results" / "peers-styles" / "wrap-net.json"]
    for path in kept:
        rows = [row for row in json.loads(path.read_text())["rows"] if row["status"] == "right" and row["times"]]
        best = {
            name: min((r for r in rows if r["contender"] == name), key=_cpu) for name in {r["contender"] for r in rows}
        }
        engine, avx2 = (best[name]["times"]["to_best_peer"] for name in ("ours_native", "ours_native_avx2"))
        by_ours = [_cpu(best["ours_native"]) / _cpu(best[name]) for name in ("ours_litert", "ours_onnxruntime")]
        interval = "{median:.2f} [{low:.2f}, {high:.2f}]".format(**engine)
        ratios = " | ".join(f"{ratio:.2f}" for ratio in (*by_ours, avx2["median"]))
        assert f"| {path.stem} | {interval} | {ratios} |" in page


def _cpu(row):
    return row["times"]["cpu"]["median"]
