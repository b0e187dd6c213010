"""Bundles made of an export, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import onnxruntime
import pytest
from bundling.changing import manifest
from cli.tester import NET_FILE, ZOO, foreign, ssc
from cli.tester import refused as cli_refused
from json_schemas import violation
from PIL import Image

import ssc_deploy
from ssc_deploy import golden
from ssc_deploy.bundling import limits
from ssc_deploy.bundling.manifest import Manifest
from ssc_deploy.errors import BundleError, OutputError
from ssc_deploy.metadata import Preprocessing
from ssc_deploy.storage.digests import sha256_of

pytestmark = pytest.mark.slow

CIFAR = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def test_a_bundle_holds_all_that_a_device_needs_and_says_so_by_the_schema(made, exported):
    said = manifest(made)
    assert violation("model", said) is None
    files = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert set(said["files"]) == files - {"model.json"}
    assert all(sha256_of(made / name) == entry["sha256"] for name, entry in said["files"].items())
    assert [entry["layout"] for entry in said["models"]] == ["NCHW", "NHWC"]
    assert [entry["input"]["shape"] for entry in said["models"]] == [[1, 3, 32, 32], [1, 32, 32, 3]]
    for suffix in ("onnx", "tflite"):
        assert (made / f"model.{suffix}").read_bytes() == (exported / f"small.{suffix}").read_bytes()
    assert said["name"] == "Small"
    assert said["labels"] == ["airplane", "automobile", "bird", "cat"]


def test_the_golden_set_is_the_one_that_the_export_proved(made, exported):
    proved = golden.read(exported / "small.golden.npz")
    said = manifest(made)["golden"]
    (inputs,), (output,) = proved.inputs.arrays, proved.outputs
    assert np.load(made / said["inputs"]).tobytes() == inputs.tobytes()
    assert np.array_equal(np.load(made / said["outputs"]), output.values)
    assert Manifest.from_dict(manifest(made)).golden.tolerance == output.tolerance


def test_the_golden_pictures_are_real_ones_under_their_own_names_and_classes(made, network):
    said = manifest(made)
    pixels = np.load(made / said["golden"]["pixels"])
    assert len(pixels) == said["golden"]["count"] == 16
    for picture, taken in zip(said["golden"]["pictures"], pixels, strict=True):
        name = picture["file"].removeprefix("golden/")
        assert np.array_equal(np.asarray(Image.open(network.parent / "golden" / name)), taken)
        assert name.startswith(said["labels"][picture["label"]])


def test_the_blocks_of_a_debug_bundle_are_outputs_by_the_names_that_it_gives(made):
    debug = manifest(made)["debug"]
    session = onnxruntime.InferenceSession(made / debug["model"], providers=["CPUExecutionProvider"])
    x = np.load(made / "golden" / "inputs.npy")[debug["picture"]][None]
    names = [block["output"] for block in debug["blocks"]]
    outputs = session.run(names, {session.get_inputs()[0].name: x})
    assert debug["blocks"][-1]["name"] == "output"
    assert len(names) > 10
    with np.load(made / debug["values"]) as values:
        for i, (block, output) in enumerate(zip(debug["blocks"], outputs, strict=True)):
            exact = values[f"block.{i}"]
            assert exact.dtype == np.float64
            assert exact.shape == output.shape
            assert np.abs(output - exact).max() <= block["max"]


def test_a_zip_has_the_files_at_its_root(exported, tmp_path):
    report = ssc_deploy.bundle(exported, tmp_path / "small.zip")
    assert report.ok
    with zipfile.ZipFile(tmp_path / "small.zip") as archive:
        assert archive.namelist()[0] == "model.json"
        assert {"model.onnx", "model.tflite", "golden/pixels.npy"} <= {*archive.namelist()}
        assert json.loads(archive.read("model.json"))["debug"] is None
    assert ssc_deploy.check_bundle(tmp_path / "small.zip").ok


def test_the_same_export_gives_the_same_zip(exported, tmp_path):
    for name in ("a.zip", "b.zip"):
        ssc_deploy.bundle(exported / "small.tflite", tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_pictures_of_any_size_become_the_golden_set_with_the_network_s_own_outputs(network, exported, tmp_path):
    for label in ("bird", "cat"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i, picture in enumerate(sorted((ZOO / "golden").glob(f"{label}-*.png"))):
            Image.open(picture).resize((40 + i, 37)).save(tmp_path / "photos" / label / f"same name {i}.png")
        for i in range(4):
            Image.new("RGB", (32, 32), (9 * i, 0, 200)).save(tmp_path / "photos" / f"{label} {i}.png")
    folder, files = tmp_path / "photos.bundle", exported
    report = ssc_deploy.bundle(files, folder, ckpt=network, pictures=tmp_path / "photos")
    assert report.ok
    pictures = manifest(folder)["golden"]["pictures"]
    assert len({picture["file"].casefold() for picture in pictures}) == 16
    assert {picture["label"] for picture in pictures} == {None, 2, 3}
    assert manifest(folder)["preprocessing"]["resize"] == "shorter-side-bilinear-center-crop"
    with pytest.raises(ssc_deploy.SscDeployError, match="the network takes 32x32"):
        ssc_deploy.bundle(files, tmp_path / "b", ckpt=network, pictures=tmp_path / "photos", resize=False)
    assert not (tmp_path / "b").exists()


def test_a_network_of_foreign_code_without_a_card_is_bundled_with_pictures_and_what_they_become(
    foreign_export, tmp_path
):
    options = foreign()
    given = ["--pictures", ZOO / "golden", "--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25"]
    (tmp_path / "labels").write_text("airplane\nbird\ncat\ndog\n")
    outcome = ssc("bundle", foreign_export, "-o", tmp_path / "b", *options, *given)
    assert (outcome.code, outcome.err) == (2, outcome.err)
    assert "says that airplane-0060.png is of the class 'airplane', which the network does not have" in outcome.err
    shutil.copytree(ZOO / "golden", tmp_path / "photos", ignore=shutil.ignore_patterns("*.csv"))
    given[1] = tmp_path / "photos"
    for more, labels in (
        ([], ["0", "1", "2", "3"]),
        (["--labels", tmp_path / "labels"], ["airplane", "bird", "cat", "dog"]),
    ):
        outcome = ssc("bundle", foreign_export, "-o", tmp_path / "b", *options, *given, "--overwrite", *more)
        assert outcome.code == 0, outcome.err
        assert manifest(tmp_path / "b")["labels"] == labels
    assert manifest(tmp_path / "b")["source_sha256"] == ""
    assert ssc("bundle", "check", tmp_path / "b").code == 0


# ---- what is refused


def refused(*arguments, match, error=BundleError, **options):
    with pytest.raises(error, match=match):
        ssc_deploy.bundle(*arguments, **options)
    assert not [path for path in arguments[1].parent.iterdir() if path.name.startswith(".")]


def test_an_export_on_noise_is_refused_with_the_way_out(foreign_export, tmp_path):
    preprocessing = {"preprocessing": Preprocessing((0.5,) * 3, (0.25,) * 3)}
    refused(foreign_export, tmp_path / "b", match="come from no images; name images with", **preprocessing)
    refused(foreign_export, tmp_path / "b", match="`preprocessing=Preprocessing")


def test_what_is_no_export_is_refused(exported, tmp_path):
    refused(tmp_path / "none", tmp_path / "b", match="is not there; give the folder of an export")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", tmp_path / "b", match=r"holds no \.onnx and no \.tflite file")
    for name in ("a.onnx", "b.onnx"):
        shutil.copy(exported / "small.onnx", tmp_path / "empty" / name)
    refused(tmp_path / "empty", tmp_path / "b", match="holds several networks")
    refused(tmp_path / "empty" / "a.onnx", tmp_path / "b", match="is not there, which an export leaves beside")


def test_files_of_two_exports_are_no_bundle(network, exported, foreign_export, tmp_path):
    other = shutil.copytree(foreign_export, tmp_path / "e") / "net.onnx"
    shutil.copy(exported / "small.tflite", other.with_suffix(".tflite"))
    refused(tmp_path / "e", tmp_path / "b", match="are not of one export")
    options = {"ckpt": network, "pictures": network.parent / "golden"}
    preprocessing = {"preprocessing": Preprocessing((0.5,) * 3, (0.25,) * 3)}
    refused(other, tmp_path / "b", match="was not exported from", **options, **preprocessing)


@pytest.mark.parametrize("batch", ["2", "dynamic"])
def test_a_file_that_takes_several_pictures_is_refused(batch, tmp_path):
    assert ssc("export", *foreign(), "--batch", batch, "--to", "tflite", "-o", tmp_path / "e").code == 0
    refused(tmp_path / "e", tmp_path / "b", match="one image of a fixed size at a time; export it with `batch=1`")


def test_too_few_pictures_are_refused(network, exported, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    refused(exported, tmp_path / "b", match="holds 0 images, and a bundle needs 16", ckpt=network, pictures=few)
    refused(exported, tmp_path / "b", match="is not a folder", ckpt=network, pictures=few / "none")


def test_what_runs_the_network_needs_to_know_which(exported, tmp_path):
    refused(exported, tmp_path / "b", match="`pictures` runs the network itself; name it", pictures=tmp_path)
    refused(exported, tmp_path / "b", match="`debug` runs the network itself; name it", debug=True)


def test_blocks_need_an_onnx_file(network, exported, tmp_path):
    options = {"ckpt": network, "debug": True}
    refused(exported / "small.tflite", tmp_path / "b", match="export with `to='onnx'` as well", **options)


def test_blocks_are_held_to_what_their_readers_count_which_is_files_and_not_values(
    made, network, exported, tmp_path, monkeypatch
):
    with zipfile.ZipFile(made / manifest(made)["debug"]["values"]) as archive:
        total = sum(entry.file_size for entry in archive.infolist())
    options = {"ckpt": network, "debug": True}
    monkeypatch.setattr(limits, "MOST_BLOCK_VALUES", total - 1)
    refused(exported, tmp_path / "b", match=f"take more than {total - 1:,} bytes; leave out `debug`", **options)
    monkeypatch.setattr(limits, "MOST_BLOCK_VALUES", total)
    assert ssc_deploy.bundle(exported, tmp_path / "b", **options).ok


def test_a_bundle_that_stands_there_is_replaced_only_when_told_to_and_nothing_else_ever(exported, tmp_path):
    place = tmp_path / "b"
    ssc_deploy.bundle(exported / "small.tflite", place)
    refused(exported / "small.tflite", place, match="exists already; give `overwrite=True`", error=OutputError)
    (place / "model.json").write_text("old")
    assert ssc_deploy.bundle(exported / "small.tflite", place, overwrite=True).ok
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter").write_text("dear")
    refused(exported, precious, match="is not replaced; choose another name", error=OutputError, overwrite=True)
    refused(
        exported, precious / "letter", match="is not replaced; choose another name", error=OutputError, overwrite=True
    )
    assert (precious / "letter").read_text() == "dear"


def test_a_bundle_that_its_own_check_finds_wrong_is_not_written_and_the_old_one_stays(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "e")
    path = tmp_path / "e" / "small.golden.npz"
    found = golden.read(path)
    outputs = tuple(dataclasses.replace(output, values=output.values + 1) for output in found.outputs)
    path.write_bytes(dataclasses.replace(found, outputs=outputs).to_bytes())
    options = {"match": "was not written: model.onnx leaves its", "error": ssc_deploy.VerificationError}
    for place in (tmp_path / "b", tmp_path / "b.zip"):
        refused(tmp_path / "e", place, **options)
        assert not place.exists()
        ssc_deploy.bundle(exported, place)
        refused(tmp_path / "e", place, **options, overwrite=True)
        assert ssc_deploy.check_bundle(place).ok


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--mean", "0.5,0.5", "--std", "1,1"], "mean must have one number for each channel of RGB, not 2"),
        (["--mean", "0.5,0.5,nan", "--std", "1,1,1"], "mean must be finite, not nan"),
        (["--mean", "0,0,0", "--std", "1,0,1"], "std must be above 0"),
        (["--mean", "0.5", "--std", "0.5"], "takes 3 channels, but its preprocessing is of L"),
        (["--mean", "0.1,0.1,0.1", "--std", "1,1,1"], "come from no images"),
        (["--labels", "three"], "what is given lists 3 labels, the network has 4 outputs"),
        (["--labels", "control"], "holds control characters"),
    ],
)
def test_what_does_not_fit_the_network_is_refused_through_the_command_line(exported, options, reason, tmp_path):
    (tmp_path / "three").write_text("a\nb\nc\n")
    (tmp_path / "control").write_text("a\nb\x01\nc\nd\n")
    options = [tmp_path / option if (tmp_path / option).is_file() else option for option in options]
    assert reason in cli_refused("bundle", exported, "-o", tmp_path / "b", *options)
    assert not (tmp_path / "b").exists()


def test_options_that_do_not_go_together_are_refused(exported, tmp_path):
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    for options, said in (
        (["--mean", "0,0,0"], "go together"),
        (["--labels", tmp_path / "latin"], "is not a text in UTF-8"),
    ):
        outcome = ssc("bundle", exported, "-o", tmp_path / "b", *options)
        assert (outcome.code, outcome.out) == (2, "")
        assert said in outcome.err


# ---- other colours, and a full disk


def shown_and_fed(bundle, colour):
    """The first golden picture of a bundle, which is the file that it was made of, and what the network is fed."""
    first = manifest(bundle)["golden"]["pictures"][0]["file"]
    shown = np.asarray(Image.open(bundle / first))
    assert np.array_equal(shown, np.asarray(Image.open(ZOO / first).convert(colour)))
    return shown, np.load(bundle / "golden" / "pixels.npy")[0]


def test_a_network_that_takes_blue_first_is_fed_so_and_its_pictures_are_shown_as_they_are(network, exported, tmp_path):
    preprocessing = Preprocessing((0.5,) * 3, (0.25,) * 3, "BGR")
    given = {"preprocessing": preprocessing, "pictures": network.parent / "golden"}
    assert ssc_deploy.bundle(exported, tmp_path / "b", ckpt=network, **given).ok
    shown, fed = shown_and_fed(tmp_path / "b", "RGB")
    assert np.array_equal(fed, shown[..., ::-1])


def test_a_network_of_one_channel_is_fed_grey_and_its_pictures_are_shown_so(tmp_path):
    network = {"model": f"{NET_FILE}:Grey", "input_shape": (1, 1, 32, 32)}
    ssc_deploy.export(None, **network, output=tmp_path / "e")
    given = {"preprocessing": Preprocessing((0.5,), (0.25,), "L"), "pictures": ZOO / "golden", "labels": CIFAR}
    assert ssc_deploy.bundle(tmp_path / "e", tmp_path / "b", **network, **given).ok
    shown, fed = shown_and_fed(tmp_path / "b", "L")
    assert np.array_equal(fed, shown[..., None])


def test_a_full_disk_leaves_nothing_behind(exported, tmp_path):
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); "
    for place in (tmp_path / "b", tmp_path / "b.zip"):
        script = f"import sys; {limit}from ssc_deploy.cli import main; main(sys.argv[1:], 'ssc-deploy')"
        command = [sys.executable, "-c", script, "bundle", exported, "-o", place]
        # Otherwise it would leave bytecode of 20,000 bytes, cut off, for whoever imports the module next.
        without = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=without)
        assert done.returncode == 2
        assert "cannot be written: the file would be larger" in done.stderr
        assert not list(tmp_path.iterdir())


def test_a_bundle_too_large_for_a_device_is_refused_when_it_is_made(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_ARRAY", 100_000)
    with pytest.raises(BundleError, match=r"inputs\.npy has 196,736 bytes, and the app takes up to 100,000"):
        ssc_deploy.bundle(exported, tmp_path / "large.bundle")
    assert not list(tmp_path.iterdir())


def test_a_device_refuses_images_of_another_size_where_the_export_says_so(network, tmp_path):
    ssc_deploy.export(network, output=tmp_path / "export", resize="none")
    ssc_deploy.bundle(tmp_path / "export", tmp_path / "bundle")
    assert manifest(tmp_path / "bundle")["preprocessing"]["resize"] == "none"
