"""The golden set that an export leaves beside its files."""

from __future__ import annotations

import dataclasses
import io
import zipfile

import numpy as np
import pytest

from ssc_deploy import golden
from ssc_deploy.errors import OutputError, RuntimeLoadError
from ssc_deploy.examples import Examples
from ssc_deploy.golden import GoldenOutput, GoldenSet, Named
from ssc_deploy.verification import Tolerance
from ssc_deploy.verification.ranges import FLOOR, MAX_FACTOR, AxisBound
from ssc_deploy.verification.tolerance import RMS_FACTOR, Error, error_of

INPUTS, OUTPUTS = Examples.of(np.ones((2, 3, 4, 4), np.float32)), np.ones((2, 5))
SET = GoldenSet("ab" * 32, INPUTS, (GoldenOutput(OUTPUTS, Tolerance(1e-3, 1e-4)),))
BOUNDS = Tolerance(1e-3, 1e-4, (AxisBound(1, (1e-3, 1e-3, 1e-7, 0.0, 1e-3)),))
BOUNDED = dataclasses.replace(SET, outputs=(GoldenOutput(OUTPUTS, BOUNDS),))
TOKENS = np.arange(14).reshape(2, 7)
SEVERAL = GoldenSet(
    "",
    Examples((TOKENS, np.ones((2, 3), np.float32)), rows=False),
    (GoldenOutput(np.ones((2, 1)), Tolerance(1.0, 0.5)), GoldenOutput(OUTPUTS, BOUNDS)),
)
NAMED = (Named("cat-0251", 3), Named("dög", 4))


def same(a: GoldenSet, b: GoldenSet) -> bool:
    arrays = [[*one.inputs.arrays, *(output.values for output in one.outputs)] for one in (a, b)]
    if len(arrays[0]) != len(arrays[1]) or not all(map(np.array_equal, *arrays)):
        return False
    told = [
        (one.source_sha256, one.inputs.rows, [output.tolerance for output in one.outputs], one.pictures)
        for one in (a, b)
    ]
    return told[0] == told[1]


def test_a_set_of_several_inputs_and_outputs_survives_its_file(tmp_path):
    path = tmp_path / "a.golden.npz"
    path.write_bytes(SEVERAL.to_bytes())
    assert same(golden.read(path), SEVERAL)
    assert golden.read(path).inputs.arrays[0].dtype == np.int64
    assert golden.already_written(path, SEVERAL)
    with pytest.raises(OutputError, match="belongs to another export"):
        golden.already_written(path, SET)


def test_a_set_survives_its_file_and_has_the_same_bytes_every_time(tmp_path):
    (tmp_path / "a.golden.npz").write_bytes(SET.to_bytes())
    assert same(golden.read(tmp_path / "a.golden.npz"), SET)
    assert SET.to_bytes() == SET.to_bytes()


def test_bounds_of_single_outputs_survive_the_file_and_a_set_without_them_is_read(tmp_path):
    (tmp_path / "a.golden.npz").write_bytes(BOUNDED.to_bytes())
    assert golden.read(tmp_path / "a.golden.npz").outputs[0].tolerance == BOUNDS
    np.savez(tmp_path / "old.golden.npz", **_arrays())
    assert golden.read(tmp_path / "old.golden.npz").outputs[0].tolerance.axes == ()


def test_a_set_of_pictures_says_which_they_are(tmp_path):
    named = dataclasses.replace(SET, pictures=NAMED)
    (tmp_path / "a.golden.npz").write_bytes(named.to_bytes())
    assert same(golden.read(tmp_path / "a.golden.npz"), named)


def _chosen(inputs, outputs, tolerance, errors=(), **options):
    return golden.chosen("", Examples.of(inputs), [outputs], tolerances=[tolerance], errors=[errors], **options)


def test_the_pictures_that_are_kept_keep_their_names():
    inputs = np.arange(64, dtype=np.float32)[:, None, None, None] * np.ones((1, 3, 32, 32), np.float32)
    named = [Named(str(i), i % 10) for i in range(64)]
    chosen = _chosen(inputs, np.zeros((64, 2)), Tolerance(1.0, 0.5), pictures=named)
    assert [int(picture.name) for picture in chosen.pictures] == [int(x[0, 0, 0]) for x in chosen.inputs.arrays[0]]


@pytest.mark.parametrize(("shape", "count"), [((64, 3, 32, 32), 16), ((5, 3, 32, 32), 5), ((64, 3, 224, 224), 4)])
def test_sixteen_pictures_are_kept_and_fewer_where_they_are_large(shape, count):
    inputs = np.broadcast_to(np.arange(shape[0], dtype=np.float32)[:, None, None, None], shape)
    chosen = _chosen(inputs, np.zeros((shape[0], 2)), Tolerance(1.0, 0.5))
    assert len(chosen.inputs) == len(chosen.outputs[0].values) == count
    assert len(np.unique(chosen.inputs.arrays[0])) == count
    assert chosen.outputs[0].tolerance == Tolerance(1.0, 0.5)


def test_where_bounds_were_given_a_device_is_held_to_what_the_files_are_off_by():
    same = (np.full(5, 1e-3),)
    errors = [Error(1e-3, 2e-4, same), Error(2e-3, 1e-4, same)]
    (chosen,) = _chosen(INPUTS, OUTPUTS, None, errors).outputs
    floor = FLOOR * np.abs(OUTPUTS).max()
    assert chosen.tolerance.max == pytest.approx(MAX_FACTOR * 2e-3 + floor)
    assert chosen.tolerance.rms == pytest.approx(RMS_FACTOR * 2e-4 + floor)


def test_where_bounds_were_given_each_output_is_still_held_to_a_bound_of_its_own():
    outputs = np.array([[640.0, 1e-3], [320.0, 2e-3]])
    values = outputs + np.array([[1e-4, 1e-10], [2e-4, 1e-10]])
    (chosen,) = _chosen(INPUTS, outputs, None, [error_of(values, outputs)]).outputs
    assert chosen.tolerance.allows(error_of(values, outputs))
    assert not chosen.tolerance.allows(error_of(values + np.array([0.0, 1e-5]), outputs))


def _arrays(**changes):
    with np.load(io.BytesIO(SET.to_bytes())) as file:
        return {**{name: file[name] for name in file.files}, **changes}


def _meta(pictures):
    text = b'{"schema_version": 1, "source_sha256": "", "pictures": ' + pictures + b"}"
    return np.frombuffer(text, np.uint8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": np.ones((2, 3, 4, 4), complex)}, "other types"),
        ({"outputs": np.ones((2, 5), np.float32)}, "other types"),
        ({"meta": np.frombuffer(b'{"schema_version": 1, "source_sha256": "", "rows": 7}', np.uint8)}, "other types"),
        ({"outputs.1": np.ones((2, 5))}, "not one tolerance"),
        ({"bounds.1.1": np.ones(5)}, "its bounds are not of its outputs"),
        ({"inputs": np.full((2, 3, 4, 4), np.nan, np.float32)}, "not finite"),
        ({"inputs": np.ones((3, 3, 4, 4), np.float32)}, "one output for each input"),
        ({"outputs": np.full((2, 5), np.nan)}, "not finite"),
        ({"tolerance": np.array([[-1.0, 0.0]])}, "not finite"),
        ({"tolerance": np.ones(2)}, "not one tolerance"),
        ({"bounds.1": np.ones(4)}, "its bounds are not of its outputs"),
        ({"bounds.0": np.ones(2)}, "its bounds are not of its outputs"),
        ({"bounds.2": np.ones(5)}, "its bounds are not of its outputs"),
        ({"bounds.one": np.ones(5)}, "its bounds are not of its outputs"),
        ({"bounds.1": np.ones(5, np.float32)}, "its bounds are not of its outputs"),
        ({"bounds.1": np.full(5, -1.0)}, "not finite"),
        ({"bounds.1": np.full(5, np.inf)}, "not finite"),
        ({"meta": np.frombuffer(b'{"schema_version": 9, "source_sha256": ""}', np.uint8)}, "schema version 9"),
        ({"meta": np.frombuffer(b"[]", np.uint8)}, "is not a golden set"),
        ({"meta": _meta(b'[["a", 1]]')}, "not one image for each input"),
        ({"meta": _meta(b'[["a", 1], ["b", -1]]')}, "not one image for each input"),
        ({"meta": _meta(b'[["a"], ["b"]]')}, "is not a golden set"),
        ({"meta": _meta(b"7")}, "is not a golden set"),
        ({"inputs": np.array([{}], object)}, "allow_pickle=False"),
    ],
)
def test_what_is_malformed_is_refused_and_nothing_is_unpickled(changes, message, tmp_path):
    path = tmp_path / "a.golden.npz"
    np.savez(path, **_arrays(**changes))
    with pytest.raises(RuntimeLoadError, match=message):
        golden.read(path)


def test_an_array_that_is_missing_and_bytes_that_are_none_of_it_are_refused(tmp_path):
    path = tmp_path / "a.golden.npz"
    arrays = _arrays()
    del arrays["tolerance"]
    np.savez(path, **arrays)
    with pytest.raises(RuntimeLoadError, match="is not a golden set"):
        golden.read(path)
    for data in (b"", b"PK", SET.to_bytes()[:-40]):
        path.write_bytes(data)
        with pytest.raises(RuntimeLoadError, match="export again with `overwrite=True`, or remove it"):
            golden.read(path)


def _zipped(name, content, **changes):
    """An archive of one member, whose header is changed afterwards."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        for key, value in changes.items():
            setattr(archive.getinfo(name), key, value)
    return file.getvalue()


def test_members_that_are_no_arrays_and_streams_that_break_off_are_refused(tmp_path):
    path = tmp_path / "a.golden.npz"
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"descr": "<f4", "fortran_order": False, "shape": (10**30,)})
    broken = bytearray(_zipped("inputs.npy", np.random.default_rng(0).bytes(1000)))
    broken[60:90] = b"\xff" * 30
    for data in (
        *(_zipped("inputs", b"text"), _zipped("inputs.npy", huge.getvalue()), bytes(broken)),
        *(_zipped("inputs.npy", b"\x93NUMPY\x01\x00" + header) for header in (b"\x03\x00{(\n", b"\x04\x00{}}\n")),
        *(_zipped("inputs.npy", b"x", compress_type=77), _zipped("inputs.npy", b"x", flag_bits=1)),
    ):
        path.write_bytes(data)
        with pytest.raises(RuntimeLoadError, match="is not a golden set"):
            golden.read(path)


@pytest.mark.slow
def test_a_file_that_would_fill_the_memory_is_not_unpacked(tmp_path):
    path = tmp_path / "a.golden.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inputs.npy", bytes(300_000_000))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(RuntimeLoadError, match="more than 256,000,000 bytes"):
        golden.read(path)


def test_a_set_of_the_same_checkpoint_stands_and_another_is_not_replaced(tmp_path):
    path = tmp_path / "a.golden.npz"
    assert not golden.already_written(path, SET)
    path.write_bytes(SET.to_bytes())
    assert golden.already_written(path, SET)
    other = dataclasses.replace(SET, source_sha256="cd" * 32)
    with pytest.raises(OutputError, match="belongs to another export; give `overwrite=True`"):
        golden.already_written(path, other)
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match="belongs to another export"):
        golden.already_written(path, SET)
