"""What both runtimes promise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from runtimes.networks import METADATA, in_tflite, onnx_network, picture, tflite_network

from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.runtimes import Runtime, TensorSpec, runtime_for

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Format:
    suffix: str
    network: Callable[..., bytes]
    to_file: tuple[int, ...]

    @property
    def runtime(self) -> Runtime:
        return runtime_for(Path(f"net{self.suffix}"))

    def arranged(self, x: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(x.transpose(self.to_file))


FORMATS = [Format(".onnx", onnx_network, (0, 1, 2, 3)), Format(".tflite", tflite_network, (0, 2, 3, 1))]


@pytest.fixture(params=FORMATS, ids=lambda f: f.suffix)
def fmt(request: pytest.FixtureRequest) -> Format:
    return request.param


def test_suffix_chooses_the_runtime() -> None:
    assert runtime_for(Path("a/net.onnx")).name == "onnxruntime"
    assert runtime_for(Path("a/net.TFLITE")).name == "litert"
    with pytest.raises(RuntimeLoadError, match=r"'net\.pt'; give a file that ends in \.onnx or \.tflite"):
        runtime_for(Path("a/net.pt"))


def test_version_is_that_of_the_installed_package(fmt: Format) -> None:
    major, minor = fmt.runtime.version.split(".")[:2]
    assert major.isdigit()
    assert minor.isdigit()


def test_both_compute_the_same() -> None:
    x = picture()
    (a,), (b,) = (f.runtime.load(f.network()).run([f.arranged(x)]) for f in FORMATS)
    np.testing.assert_allclose(b.transpose(0, 3, 1, 2), a, rtol=0, atol=40 * np.finfo(np.float32).eps * np.abs(a).max())


def test_a_file_and_its_bytes_are_the_same(fmt: Format, tmp_path: Path) -> None:
    path = tmp_path / f"net{fmt.suffix}"
    path.write_bytes(fmt.network())
    x = fmt.arranged(picture())
    np.testing.assert_array_equal(fmt.runtime.load(path).run([x])[0], fmt.runtime.load(fmt.network()).run([x])[0])


def test_inputs_and_outputs_are_described(fmt: Format) -> None:
    runner = fmt.runtime.load(fmt.network())
    shape = tuple((1, 3, 6, 5)[axis] for axis in fmt.to_file)
    assert runner.inputs == (TensorSpec("input", shape, "float32"),)
    assert runner.outputs == (TensorSpec("output", shape, "float32"),)


def test_taps_follow_the_outputs_in_the_order_asked_for(fmt: Format) -> None:
    x = fmt.arranged(picture())
    plain = fmt.runtime.load(fmt.network()).run([x])
    tapped = fmt.runtime.load(fmt.network(), taps=["body.2", "body.1", "output"])
    assert [spec.name for spec in tapped.outputs] == ["output", "body.2", "body.1", "output"]
    outputs = tapped.run([x])
    np.testing.assert_array_equal(outputs[0], plain[0])
    np.testing.assert_array_equal(outputs[3], plain[0])
    np.testing.assert_array_equal(outputs[1] + x, plain[0])
    assert outputs[2].min() == 0 < outputs[2].max()


def test_an_unknown_tap_is_named(fmt: Format) -> None:
    with pytest.raises(RuntimeLoadError, match=r"no tensor 'body\.9'"):
        fmt.runtime.load(fmt.network(), taps=["body.9"])


def test_tensors_are_listed_in_the_order_of_execution(fmt: Format) -> None:
    tensors = fmt.runtime.tensors(fmt.network("N"))
    fused = {"body.0"} if fmt.suffix == ".tflite" else set()
    assert list(tensors) == [n for n in ("input", "body.0", "body.1", "body.2", "output") if n not in fused]
    assert tensors["body.2"] == TensorSpec("body.2", tuple((None, 3, 6, 5)[axis] for axis in fmt.to_file), "float32")


def test_metadata_comes_back(fmt: Format) -> None:
    expected = in_tflite(METADATA) if fmt.suffix == ".tflite" else METADATA
    assert fmt.runtime.metadata(fmt.network()) == expected


def test_a_dynamic_batch_may_change_from_run_to_run(fmt: Format) -> None:
    runner = fmt.runtime.load(fmt.network("N"))
    assert runner.inputs[0].shape[0] is None
    whole = picture(4)
    (together,) = runner.run([fmt.arranged(whole)])
    for i, batch in ((0, 1), (1, 3)):
        (part,) = runner.run([fmt.arranged(whole[i : i + batch])])
        np.testing.assert_array_equal(part, together[i : i + batch])


def test_an_output_survives_the_next_run(fmt: Format) -> None:
    runner = fmt.runtime.load(fmt.network())
    x = fmt.arranged(picture())
    (first,) = runner.run([x])
    kept = first.copy()
    runner.run([x * 2])
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "takes 1 inputs, and 0 were given"),
        ([np.zeros((1, 2, 2, 3), np.float32)], r"float32 \[1, 2, 2, 3\] was given"),
        ([np.zeros((6, 5, 3), np.float32)], r"float32 \[6, 5, 3\] was given"),
        ([np.zeros((1, 6, 5, 3), np.float64)], "float64"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(fmt: Format, wrong: list[np.ndarray], message: str) -> None:
    with pytest.raises(RuntimeLoadError, match=message):
        fmt.runtime.load(fmt.network()).run(wrong)


def test_a_missing_file_is_named(fmt: Format, tmp_path: Path) -> None:
    path = tmp_path / f"nothing{fmt.suffix}"
    for use in (fmt.runtime.load, fmt.runtime.tensors, fmt.runtime.metadata):
        with pytest.raises(RuntimeLoadError, match=r"nothing\.\w+ cannot be loaded: No such file"):
            use(path)


def test_an_empty_file_is_refused(fmt: Format, tmp_path: Path) -> None:
    path = tmp_path / f"net{fmt.suffix}"
    path.touch()
    with pytest.raises(RuntimeLoadError, match="it is empty"):
        fmt.runtime.load(path)


@pytest.mark.parametrize("content", [b"PK\3\4" * 100, bytes(1000), b"\x80\x04\x95" * 50])
def test_a_file_of_another_kind_is_refused(fmt: Format, content: bytes) -> None:
    with pytest.raises(RuntimeLoadError, match="The model cannot be loaded: "):
        fmt.runtime.load(content)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_off_is_refused(fmt: Format, part: float) -> None:
    data = fmt.network()
    with pytest.raises(RuntimeLoadError, match="The model cannot be loaded: "):
        fmt.runtime.load(data[: int(len(data) * part)])


def test_metadata_of_others_is_none(fmt: Format) -> None:
    data = fmt.network()
    assert fmt.runtime.metadata(data.replace(b'"schema_version"', b'"another_versio"')) is None
