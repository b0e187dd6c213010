"""Bundles replayed through the command line, and every way in which one can be broken or hostile."""

from __future__ import annotations

import io
import json
import os
import shutil

import numpy as np
import onnx
import pytest
from bundling.changing import manifest, sealed, write, zipped
from cli.tester import refused, ssc
from onnx import numpy_helper
from PIL import Image

from ssc_deploy.bundling import limits

pytestmark = pytest.mark.slow


def check(path, code=2):
    """The sentence of a check that has to fail before anything is printed."""
    return refused("bundle", "check", path, "--format", "json", code=code)


def wrong(path):
    """The sentence of a check that finds that something else is computed, and its report."""
    outcome = ssc("bundle", "check", path, "--format", "json")
    assert outcome.code == 1
    assert outcome.err.startswith(f"error: {path} is not right: ")
    assert not outcome.json["ok"]
    return outcome.err, outcome.json


def test_a_bundle_is_replayed_through_each_runtime_with_a_line_for_each(made):
    outcome = ssc("bundle", "check", made)
    assert (outcome.code, outcome.err) == (0, "")
    pictures, onnx_line, tflite_line, blocks = outcome.out.splitlines()
    assert pictures == " pictures           16 become the golden inputs, bit for bit"
    assert onnx_line.startswith(" model.onnx         ONNX Runtime ")
    assert tflite_line.startswith(" model.tflite       LiteRT ")
    assert all(line.endswith("top-1 agrees on 16/16 images · OK") for line in (onnx_line, tflite_line))
    assert blocks.startswith(" debug/blocks.onnx  ")
    assert blocks.endswith("blocks agree · OK")


def test_as_json_it_has_the_figures(made):
    report = ssc("bundle", "check", made, "--format", "json").json
    assert (report["schema_version"], report["ok"], report["pictures"]) == (1, True, 16)
    for model in report["models"]:
        assert 0 < model["error"]["max"] < model["tolerance"]["max"]
        assert model["top1"] == {"hits": 16, "total": 16}
    assert report["blocks"]["agree"] == report["blocks"]["blocks"] > 10


def test_a_zip_is_checked_as_its_folder_is(made, tmp_path):
    folder, archive = ssc("bundle", "check", made), ssc("bundle", "check", zipped(made, tmp_path / "b.zip"))
    assert (archive.code, archive.out) == (0, folder.out)


# ---- it computes something else: exit code 1


def weaken(path):
    """Makes one weight of an .onnx file another."""
    model = onnx.load(path)
    convolution = next(node for node in model.graph.node if node.op_type == "Conv")
    (tensor,) = [tensor for tensor in model.graph.initializer if tensor.name == convolution.input[1]]
    array = numpy_helper.to_array(tensor).copy()
    array.reshape(-1)[0] += 1
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    onnx.save(model, path)


def test_a_model_that_leaves_its_tolerance_fails(copied):
    weaken(copied / "model.onnx")
    sentence, report = wrong(sealed(copied))
    assert "model.onnx leaves its tolerance on ONNX Runtime" in sentence
    assert [model["ok"] for model in report["models"]] == [False, True]


def test_a_tolerance_that_nothing_meets_fails(copied):
    golden = manifest(copied)["golden"]
    wrong(sealed(copied, golden={**golden, "tolerance": {"max": 0, "rms": 0}}))


def test_a_debug_bundle_names_the_first_block_that_is_wrong(copied):
    weaken(copied / "debug" / "blocks.onnx")
    sentence, report = wrong(sealed(copied))
    assert (
        f"debug/blocks.onnx: it leaves the network first in {manifest(copied)['debug']['blocks'][0]['name']}"
        in sentence
    )
    assert report["blocks"]["agree"] < report["blocks"]["blocks"]


def test_a_picture_that_is_another_one_fails(copied):
    first, second = (copied / one["file"] for one in manifest(copied)["golden"]["pictures"][:2])
    shutil.copy(second, first)
    sentence, report = wrong(sealed(copied))
    assert f"golden/{first.name} is not image 0 of golden/pixels.npy" in sentence
    assert len(report["misfits"]) == 1


def test_inputs_that_preprocessing_does_not_give_to_the_last_bit_fail(copied):
    inputs = np.load(copied / "golden" / "inputs.npy")
    inputs[3, 0, 0, 0] = np.nextafter(inputs[3, 0, 0, 0], np.float32(9))
    np.save(copied / "golden" / "inputs.npy", inputs)
    sentence, report = wrong(sealed(copied))
    assert "preprocessed, is not input 3 of golden/inputs.npy" in sentence
    assert len(report["misfits"]) == 1


# ---- it is no bundle: exit code 2


@pytest.mark.parametrize("name", ["nothing", "nothing.zip"])
def test_what_is_not_there(name, tmp_path):
    assert f"{tmp_path / name} is not there; give a folder or a .zip" in check(tmp_path / name)


@pytest.mark.parametrize("data", [b"", b"PK", b"hello", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip(data, tmp_path):
    (tmp_path / "b.zip").write_bytes(data)
    assert "is not a bundle that can be used" in check(tmp_path / "b.zip")


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.999])
def test_a_zip_that_is_cut_off(made, kept, tmp_path):
    path = zipped(made, tmp_path / "b.zip")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    assert "cut off, damaged, or no zip file" in check(path)


def test_a_zip_of_which_a_byte_is_another(made, tmp_path):
    path = zipped(made, tmp_path / "b.zip")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "is not a bundle that can be used" in check(path)


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "golden/../../evil",
        "/evil",
        "..\\evil",
        "C:evil",
        "a//evil",
        "./evil",
        "golden/pixels.npy/evil",
        "é",
    ],
)
def test_a_zip_whose_names_lead_elsewhere(made, name, tmp_path):
    (tmp_path / "in").mkdir()
    sentence = check(zipped(made, tmp_path / "in" / "b.zip", (name, b"evil")))
    assert "it holds a file called" in sentence or "is a folder as well" in sentence
    assert not list(tmp_path.rglob("*evil*"))


def test_a_zip_bomb(made, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_UNPACKED", 20_000_000)
    path = zipped(made, tmp_path / "b.zip", ("zeros", bytes(30_000_000)))
    assert path.stat().st_size < 20_000_000
    assert "unpacks to more than 20,000,000 bytes" in check(path)


def test_a_zip_whose_files_are_as_large_as_the_app_takes_besides_model_json(made, tmp_path, monkeypatch):
    path = zipped(made, tmp_path / "b.zip")
    total = sum(entry["bytes"] for entry in manifest(made)["files"].values())
    monkeypatch.setattr(limits, "MOST_UNPACKED", total)
    assert ssc("bundle", "check", path).code == 0
    monkeypatch.setattr(limits, "MOST_UNPACKED", total - 1)
    assert f"unpacks to more than {total - 1:,} bytes" in check(path)


def test_a_zip_whose_model_json_is_a_bomb(made, tmp_path):
    path = zipped(made, tmp_path / "b.zip", ("model.json", bytes(limits.MOST_JSON + 1)), without="model.json")
    assert "its model.json is larger than 8,000,000 bytes" in check(path)


def test_a_bundle_that_the_app_would_refuse_for_its_size_is_refused_with_the_reason(copied):
    value = manifest(copied)
    value["files"]["golden/inputs.npy"]["bytes"] = 300_000_000
    write(copied, value)
    sentence = check(copied)
    assert "golden/inputs.npy has 300,000,000 bytes, and the app takes up to 256,000,000" in sentence
    assert "its network takes too large images (32x32) for the 16 images that a bundle has at least" in sentence


def test_an_archive_that_the_app_would_not_read_is_refused(made, tmp_path):
    path = zipped(made, tmp_path / "b.zip")
    with path.open("r+b") as file:
        file.truncate(600_000_000)  # sparse: it takes no room
    assert "more than the 520,000,000 bytes of an archive that the app takes" in check(path)


def test_a_zip_bomb_that_lies_about_its_size(made, tmp_path):
    path = zipped(made, tmp_path / "b.zip", ("zeros", bytes(30_000_000)))
    data = path.read_bytes()
    path.write_bytes(data.replace((30_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    assert "is not a bundle that can be used" in check(path)


def test_a_zip_with_a_name_twice(made, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped(made, tmp_path / "b.zip", ("model.onnx", b"another"))
    assert "two of one name" in check(path)


def test_a_zip_with_a_password(made, tmp_path):
    path = zipped(made, tmp_path / "b.zip")
    data = path.read_bytes()
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.index(mark) + place
        data = data[:start] + (data[start] | 1).to_bytes(1, "little") + data[start + 1 :]
    path.write_bytes(data)
    assert "is not a bundle that can be used" in check(path)


def test_a_zip_without_its_manifest_or_with_the_bundle_in_a_folder(made, tmp_path):
    assert "it holds no model.json" in check(zipped(made, tmp_path / "b.zip", without="model.json"))
    assert "it holds no model.json" in check(zipped(made.parent, tmp_path / "c.zip"))


def test_a_folder_without_its_manifest(copied):
    (copied / "model.json").unlink()
    assert "its model.json cannot be read (No such file or directory)" in check(copied)
    (copied / "model.json").mkdir()
    assert "its model.json cannot be read (Is a directory)" in check(copied)


@pytest.mark.parametrize("name", ["model.onnx", "model.tflite", "golden/outputs.npy", "debug/blocks.npz"])
def test_a_file_with_another_hash(copied, name):
    path = copied / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert f"{name} is damaged: its size or its SHA-256 is not what model.json says" in check(copied)


def test_a_file_that_is_missing_and_one_too_many(copied):
    (copied / "letter").write_text("dear")
    assert "it holds 'letter', which model.json does not name" in check(copied)
    (copied / "letter").unlink()
    (copied / "model.onnx").unlink()
    assert "model.onnx is missing" in check(copied)


def test_a_link_is_not_followed(copied, tmp_path):
    shutil.move(copied / "model.onnx", tmp_path / "model.onnx")
    (copied / "model.onnx").symlink_to(tmp_path / "model.onnx")
    assert "'model.onnx' in it is a link, or no ordinary file" in check(copied)
    (copied / "model.onnx").unlink()
    os.mkfifo(copied / "model.onnx")
    assert "'model.onnx' in it is a link, or no ordinary file" in check(copied)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[]", "it is not of schema version 1"),
        ('{"schema_version": 2}', "of schema version 2, and this program reads schema version 1"),
        ('{"schema_version": 1}', "name is missing"),
        ("[" * 200_000, "nests without end"),
        ('{"x": NaN}', "it holds NaN, which JSON does not know"),
        ('{"x": 1' + "0" * 5000 + "}", ""),
        ("\ufeff{}", ""),
        ('"\ud800"', ""),
    ],
)
def test_a_manifest_that_is_none(copied, text, reason):
    (copied / "model.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert reason in check(copied)


def test_a_manifest_that_would_fill_the_memory(copied):
    (copied / "model.json").write_text(" " * 9_000_000)
    assert "its model.json is larger than 8,000,000 bytes" in check(copied)


def edited(folder, *path, to):
    value = manifest(folder)
    place = value
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    write(folder, value)
    return folder


@pytest.mark.parametrize(
    ("path", "to", "reason"),
    [
        (("labels",), ["airplane"], "there are 1 labels, and model.onnx has 4 outputs"),
        (("models", 0, "file"), "../model.onnx", "models[0].file is '../model.onnx', no path of a file in the bundle"),
        (("models", 0, "input", "shape"), [1, 3, 32, 31], "takes [1, 3, 32, 31], and its preprocessing makes"),
        (("golden", "tolerance", "max"), 1e999, "it holds Infinity"),
        (("preprocessing", "std"), [0.2, 0, 0.2], "preprocessing.std[1] is 0.0, less than 1e-30"),
    ],
)
def test_a_manifest_that_cannot_be_true(copied, path, to, reason):
    assert reason in check(edited(copied, *path, to=to))


def test_a_manifest_without_labels(copied):
    value = manifest(copied)
    del value["labels"]
    write(copied, value)
    assert "labels is missing" in check(copied)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("outputs", lambda array: np.where(array == array.max(), np.nan, array)),
        ("outputs", lambda array: np.where(array == array.max(), np.inf, array)),
        ("inputs", lambda array: np.where(array == array.max(), np.nan, array)),
        ("outputs", lambda array: array.astype(np.float32)),
        ("outputs", lambda array: array[:15]),
        ("inputs", lambda array: array.transpose(0, 2, 3, 1)),
        ("pixels", lambda array: array.astype(np.int8)),
        ("pixels", lambda array: array[..., :1]),
    ],
)
def test_a_golden_array_that_is_none(copied, name, change):
    array = change(np.load(copied / "golden" / f"{name}.npy"))
    np.save(copied / "golden" / f"{name}.npy", np.ascontiguousarray(array))
    sentence = check(sealed(copied))
    assert f"golden/{name}.npy of the bundle holds " in sentence


def test_an_array_that_would_run_code_is_not_unpickled(copied, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    np.save(copied / "golden" / "outputs.npy", np.array([Evil()], object), allow_pickle=True)
    assert "holds object [1], not float64 [16, 4]" in check(sealed(copied))
    assert not (tmp_path / "evil").exists()


def headed(text):
    """An array file whose header is that text."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "data",
    [
        *(b"x", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x09\x00v\x00{}", None),
        *map(
            headed,
            (b"{'descr': (", b"{'descr': '<f8'}}", b"{'descr': \xff}", b"(" * 5000, b"9" * 9000, b"{[]: 1}", b"f()"),
        ),
    ],
)
def test_an_array_file_that_is_none(copied, data):
    path = copied / "golden" / "outputs.npy"
    path.write_bytes(path.read_bytes()[:-8] if data is None else data)
    assert "golden/outputs.npy of the bundle is damaged, or no array file" in check(sealed(copied))


def test_an_array_that_says_it_is_huge_is_not_read(copied):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**9)})
    (copied / "golden" / "outputs.npy").write_bytes(header.getvalue())
    assert "holds float64 [1000000000, 1000000000], not float64 [16, 4]" in check(sealed(copied))


def test_blocks_that_are_none(copied):
    path = copied / "debug" / "blocks.npz"
    with np.load(path) as file:
        values = {name: file[name] for name in file.files}
    first = np.full_like(values["block.0"], np.nan)
    np.savez(path, **{**values, "block.0": first})
    assert "debug/blocks.npz of the bundle holds NaN or Inf" in check(sealed(copied))
    np.savez(path, **{**values, "block.0": values["block.0"][:, 1:]})
    assert "debug/blocks.onnx has no output" in check(sealed(copied))
    del values["block.0"]
    np.savez(path, **values)
    assert "has not the blocks that model.json names" in check(sealed(copied))
    path.write_bytes(b"PK")
    assert "has not the blocks that model.json names" in check(sealed(copied))


def test_a_picture_that_is_none(copied):
    (copied / manifest(copied)["golden"]["pictures"][0]["file"]).write_bytes(b"meow")
    assert "is not an image that can be read" in check(sealed(copied))
    Image.new("RGB", (31, 32)).save(copied / manifest(copied)["golden"]["pictures"][0]["file"])
    assert "is 31x32 (width x height), the network takes 32x32" in check(sealed(copied))


def test_a_model_that_takes_something_else_than_the_manifest_says(made, copied, tmp_path):
    models = manifest(made)["models"]
    models[0]["input"]["name"] = "picture"
    assert "model.onnx takes float32 'input' [1, 3, 32, 32], and model.json says float32 'picture'" in check(
        sealed(copied, models=models)
    )
    model = onnx.load(made / "model.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 40
    onnx.save(model, copied / "model.onnx")
    sealed(copied, models=manifest(made)["models"])
    sentence = check(copied)
    assert "[1, 3, 32, 40], and model.json says" in sentence or "ONNX Runtime refuses it" in sentence


def test_a_model_that_is_none(copied):
    (copied / "model.tflite").write_bytes(b"TFL3" * 100)
    assert "model.tflite cannot be loaded" in check(sealed(copied))


def test_what_is_no_bundle_is_not_changed_by_looking_at_it(made, tmp_path):
    path = zipped(made, tmp_path / "b.zip", ("../evil", b""))
    before = path.read_bytes()
    check(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["b.zip"]


def test_the_manifest_is_text_that_people_can_read(made):
    text = (made / "model.json").read_text(encoding="utf-8")
    assert text.startswith("{\n  ")
    assert json.loads(text)["golden"]["count"] == 16
