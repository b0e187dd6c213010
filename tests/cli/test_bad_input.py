"""Bad input gets a clear sentence, an exit code, and nothing is lost."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from cli import foreign_net
from cli.tester import ZOO, checkpoint, foreign, refused, ssc

from ssc_deploy import nets

EXPORT = ("export", "--to", "onnx", "--to", "tflite", "--format", "json")


@pytest.fixture
def output(tmp_path):
    """Where nothing may be left."""
    yield tmp_path / "output"
    assert not (tmp_path / "output").exists()


class RunsCode:
    """Makes a folder when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = str(witness)

    def __reduce__(self):
        return os.mkdir, (self.witness,)


def test_a_missing_file(output):
    assert refused(*EXPORT, "--ckpt", "nowhere.pt", "-o", output) == "nowhere.pt: there is no such file."


def test_no_network_at_all(output):
    outcome = ssc(*EXPORT, "-o", output)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--ckpt FILE, --model FILE.py:NAME or --arch NAME" in outcome.err


def test_an_empty_file(tmp_path, output):
    (tmp_path / "net.pt").touch()
    assert "net.pt is empty: the download or the saving was interrupted" in refused(
        *EXPORT, "--ckpt", tmp_path / "net.pt", "-o", output
    )


def test_a_truncated_file(tmp_path, output):
    whole = (ZOO / "ssc_1_9.pt").read_bytes()
    (tmp_path / "net.pt").write_bytes(whole[: len(whole) // 2])
    message = refused(*EXPORT, "--ckpt", tmp_path / "net.pt", "-o", output)
    assert "net.pt is truncated or damaged" in message
    assert "fetch it again" in message


@pytest.mark.parametrize("write", [torch.save, lambda thing, path: path.write_bytes(pickle.dumps(thing))])
def test_a_pickle_that_would_run_code_does_not(tmp_path, output, write):
    write({"state_dict": {}, "more": RunsCode(tmp_path / "witness")}, tmp_path / "net.pt")
    message = refused(*EXPORT, "--ckpt", tmp_path / "net.pt", "-o", output)
    assert f"would call {os.mkdir.__module__}.mkdir" in message
    assert not (tmp_path / "witness").exists()


def test_a_whole_pickled_module_is_told_how_to_be_saved(tmp_path, output):
    torch.save(foreign_net.Net(), tmp_path / "net.pt")
    message = refused(*EXPORT, "--ckpt", tmp_path / "net.pt", *foreign(), "-o", output)
    assert "whole pickled module" in message
    assert "torch.save(model.state_dict(), path)" in message


def test_a_tensor_of_another_shape_is_named_with_both_shapes(tmp_path, output):
    path = checkpoint(tmp_path / "net.pt", body__0__conv2__conv__weight=torch.zeros(81, 3, 1, 1))
    message = refused(*EXPORT, "--ckpt", path, "-o", output)
    assert "body.0.conv2.conv.weight has shape [81, 3, 1, 1] in the checkpoint and [81, 9, 1, 1] in SscNet" in message


def test_missing_and_extra_keys_are_named_with_the_nearest(tmp_path, output):
    path = checkpoint(tmp_path / "net.pt", stem__bn__bias=None, stem__bn__biass=torch.zeros(4))
    message = refused(*EXPORT, "--ckpt", path, "-o", output)
    assert "lacks stem.bn.bias (nearest that it has: stem.bn.biass)" in message
    assert "has stem.bn.biass (nearest that missing is: stem.bn.bias)" in message


@pytest.mark.parametrize(("value", "name"), [(float("nan"), "NaN"), (float("inf"), "Inf")])
def test_weights_that_are_no_numbers(tmp_path, output, value, name):
    path = checkpoint(tmp_path / "net.pt", head__bias=torch.tensor([1, 2, 3, value]))
    assert f"head.bias holds {name}" in refused(*EXPORT, "--ckpt", path, "-o", output)


def test_an_unknown_architecture_lists_the_known(output):
    message = refused(*EXPORT, "--arch", "ssc-nett", "-o", output)
    assert "unknown architecture 'ssc-nett'; did you mean 'ssc-net'?" in message
    assert message.endswith(f"the known are {', '.join(nets.names())}.")


def test_an_unknown_argument_lists_the_known(output):
    message = refused(*EXPORT, "--arch", "ssc-net", "--arg", "GG=9", "-o", output)
    assert "unknown argument 'GG'; did you mean 'G'? the known are B, G, k" in message


def test_a_file_of_code_that_is_not_there(output):
    message = refused(*EXPORT, "--model", "nowhere.py:Net", "--input-shape", "1,3,8,8", "-o", output)
    assert message == "--model: there is no file nowhere.py."


@pytest.mark.slow
def test_a_module_that_cannot_be_captured_says_what_and_where(output):
    outcome = ssc(*EXPORT, *foreign("Deciding"), "-o", output)
    assert (outcome.code, outcome.out) == (2, "")
    stage, error = outcome.err.splitlines()
    assert stage.startswith(" checkpoint")
    line = next(
        n for n, text in enumerate(Path(foreign_net.__file__).read_text().splitlines(), 1) if "x.sum() > 0" in text
    )
    assert error.startswith("error: torch.export cannot capture Deciding: ")
    assert f"{Path(foreign_net.__file__).name}, line {line}, in forward)" in error
    assert "what it does there depends on the image's values" in error


def test_an_operator_that_tflite_emission_does_not_know_is_named_with_its_block_and_line(output):
    outcome = ssc("export", "--to", "tflite", "--format", "json", *foreign("Summing"), "-o", output)
    assert (outcome.code, outcome.out) == (2, "")
    error = outcome.err.splitlines()[-1]
    line = next(
        n for n, text in enumerate(Path(foreign_net.__file__).read_text().splitlines(), 1) if "linalg.det" in text
    )
    assert error.startswith("error: TFLite emission cannot write Det ")
    assert " of block between (" in error
    assert f"{Path(foreign_net.__file__).name}, line {line}, in forward)" in error


@pytest.mark.slow
def test_of_two_formats_none_is_replaced_when_one_cannot_be_written(tmp_path):
    (tmp_path / "summing.onnx").write_bytes(b"old")
    outcome = ssc(*EXPORT, *foreign("Summing"), "-o", tmp_path, "--overwrite")
    assert (outcome.code, outcome.out) == (2, "")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"summing.onnx": b"old"}


def test_a_lowering_that_is_not_there_lists_those_that_are(output):
    outcome = ssc(*EXPORT, *foreign(), "--shift", "magic", "-o", output)
    assert (outcome.code, outcome.out) == (2, "")
    assert "'magic' is not one of 'auto', 'depthwise', 'slice', 'gather'" in outcome.err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--input-shape", "3x32", "'3x32' is not of the form 1,3,32,32"),
        ("--batch", "many", "'many' is neither a number nor the word dynamic"),
        ("--arg", "G", "'G' is not of the form NAME=VALUE"),
        ("--atol", "-1", "-1.0 is not in the range x>=0"),
        ("--to", "coreml", "'coreml' is not one of 'onnx', 'tflite'"),
    ],
)
def test_values_that_cannot_be_read(output, option, value, said):
    outcome = ssc(*EXPORT, "--arch", "ssc-net", option, value, "-o", output)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err


@pytest.mark.parametrize("option", [("--layout", "channel-major"), ("--dense", "tile-8"), ("--runtime", "litert")])
def test_what_only_a_tflite_file_has_without_one(output, option):
    message = refused("export", "--to", "onnx", "--ckpt", ZOO / "ssc_1_9.pt", *option, "-o", output)
    assert "layout, dense and runtime are of TFLite files, and none is exported" in message


@pytest.mark.slow
def test_an_opset_out_of_range(output):
    outcome = ssc("export", "--format", "json", *foreign(), "--opset", "9", "-o", output)
    assert (outcome.code, outcome.out) == (2, "")
    assert "error: opset 9 cannot be written; choose one from 13 to 22" in outcome.err


def test_an_output_that_exists_stays_as_it_is(tmp_path, folder):
    (tmp_path / "mine.tflite").write_bytes(b"precious")
    message = refused(*EXPORT, "--ckpt", folder / "mine.pth.tar", *foreign(), "-o", tmp_path)
    assert f"{tmp_path}/mine.tflite exists" in message
    assert "--overwrite" in message
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"mine.tflite": b"precious"}


@pytest.mark.slow
def test_an_output_is_replaced_when_asked_for(tmp_path, folder):
    (tmp_path / "mine.tflite").write_bytes(b"old")
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "-o", tmp_path]
    assert ssc("export", "--to", "tflite", *options, "--overwrite").code == 0
    assert (tmp_path / "mine.tflite").read_bytes()[4:8] == b"TFL3"
    assert {path.name for path in tmp_path.iterdir()} == {"mine.tflite", "mine.golden.npz"}


@pytest.mark.slow
def test_the_golden_set_of_another_export_is_not_replaced_and_then_nothing_is_written(tmp_path, folder):
    (tmp_path / "mine.golden.npz").write_bytes(b"precious")
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "-o", tmp_path, "--to", "tflite", "--format", "json"]
    outcome = ssc("export", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert "mine.golden.npz exists, and belongs to another export; give --overwrite" in outcome.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"mine.golden.npz": b"precious"}


@pytest.mark.slow
def test_the_golden_set_stays_when_another_format_is_exported_beside_it(tmp_path, folder):
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "-o", tmp_path]
    assert ssc("export", *options, "--to", "tflite").code == 0
    before = (tmp_path / "mine.golden.npz").read_bytes()
    assert ssc("export", *options, "--to", "onnx").code == 0
    assert (tmp_path / "mine.golden.npz").read_bytes() == before


@pytest.mark.slow
def test_a_folder_that_cannot_be_written(tmp_path, folder):
    (tmp_path / "file").write_bytes(b"precious")
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "-o", tmp_path / "file"]
    outcome = ssc("export", "--to", "tflite", "--format", "json", *options)
    assert (outcome.code, outcome.out) == (2, "")
    error = outcome.err.splitlines()[-1]
    assert error.startswith(f"error: {tmp_path}/file/mine.tflite cannot be written: a part of the path is a file")
    assert (tmp_path / "file").read_bytes() == b"precious"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind root")
def test_a_folder_without_permission(tmp_path, folder):
    tmp_path.chmod(0o500)
    try:
        options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "-o", tmp_path]
        outcome = ssc("export", "--to", "tflite", "--format", "json", *options)
    finally:
        tmp_path.chmod(0o700)
    assert (outcome.code, outcome.out) == (2, "")
    assert "permission denied" in outcome.err
    assert not list(tmp_path.iterdir())


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB of its own; skipped where mounting is not allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system needs privileges; a write that fails in the middle is tested without")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
@pytest.mark.needs("mount", "umount")
def test_a_disk_that_is_full_in_the_middle_of_writing(small_disk, folder):
    (small_disk / "mine.tflite").write_bytes(b"old")
    (small_disk / "ballast").write_bytes(bytes(56 * 1024))
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "-o", small_disk, "--overwrite"]
    outcome = ssc("export", "--to", "tflite", "--format", "json", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"error: {small_disk}/mine.tflite cannot be written: the disk is full" in outcome.err
    assert {path.name for path in small_disk.iterdir()} == {"mine.tflite", "ballast"}
    assert (small_disk / "mine.tflite").read_bytes() == b"old"


@pytest.fixture
def small_files():
    """Lets this process write 4096 bytes a file: the kernel takes a part of the data, and fails the next write."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
@pytest.mark.usefixtures("small_files")
def test_a_write_that_fails_in_the_middle(tmp_path, folder):
    (tmp_path / "mine.tflite").write_bytes(b"old")
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "-o", tmp_path, "--overwrite", "--format", "json"]
    outcome = ssc("export", *options, "--to", "tflite")
    assert (outcome.code, outcome.out) == (2, "")
    assert f"error: {tmp_path}/mine.tflite cannot be written: the file would be larger" in outcome.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"mine.tflite": b"old"}


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_behind(tmp_path, folder):
    """Pressed while the new file lies beside the old one and is being verified."""
    (tmp_path / "mine.tflite").write_bytes(b"old")
    options = ["--ckpt", folder / "mine.pth.tar", *foreign("Interrupted"), "-o", tmp_path, "--overwrite"]
    # Whoever started the tests may have switched Ctrl-C off.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        outcome = ssc("export", *options, "--format", "json")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (outcome.code, outcome.out) == (130, "")
    assert outcome.err.splitlines()[-1] == "error: interrupted; files that were not finished are removed"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"mine.tflite": b"old"}


def test_a_picture_that_is_none(exported, tmp_path):
    files, _ = exported
    normalisation = ["--mean", "0,0,0", "--std", "1,1,1", "--format", "json"]
    (tmp_path / "cat.png").write_bytes(b"meow")
    message = refused("run", files / "mine.onnx", tmp_path / "cat.png", *normalisation)
    assert f"{tmp_path}/cat.png is not an image that can be read (PNG, JPEG, " in message
    message = refused("run", files / "mine.onnx", tmp_path / "dog.png", *normalisation)
    assert f"{tmp_path}/dog.png is not there" in message
    whole = next((ZOO / "golden").glob("*.png"))
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:900])
    message = refused("run", files / "mine.tflite", tmp_path / "cut.png", *normalisation)
    assert f"{tmp_path}/cut.png is damaged or cut off" in message
    message = refused("run", files / "mine.tflite", whole, *normalisation)
    assert "is 32x32 (width x height), the network takes 8x8" in message


def test_a_model_that_cannot_be_run(exported, tmp_path):
    files, _ = exported
    picture = next((ZOO / "golden").glob("*.png"))
    assert "give --mean and --std" in refused("run", files / "mine.onnx", picture, "--format", "json")
    assert "is not there" in refused("run", tmp_path / "net.onnx", picture)
    whole = (files / "mine.tflite").read_bytes()
    (tmp_path / "net.tflite").write_bytes(whole[: len(whole) // 2])
    for command in (("run", tmp_path / "net.tflite", picture), ("inspect", tmp_path / "net.tflite")):
        assert "net.tflite cannot be loaded: it is damaged or cut off" in refused(*command, "--format", "json")


def test_a_stage_that_a_file_does_not_have(exported):
    files, _ = exported
    message = refused("inspect", files / "mine.tflite", "--stage", "lower", "--format", "json")
    assert "has the stage file only; give the checkpoint instead" in message
    assert "for .onnx and .tflite files" in refused("inspect", ZOO / "ssc_1_9.pt", "--stage", "file")
    assert "not a PyTorch network" in refused("inspect", files / "mine.onnx", "--stage", "checkpoint")


@pytest.mark.slow
def test_an_export_that_fails_verification_writes_nothing(tmp_path, folder):
    (tmp_path / "mine.tflite").write_bytes(b"old")
    options = ["--ckpt", folder / "mine.pth.tar", *foreign(), "--atol", "0", "--rtol", "0", "-o", tmp_path]
    outcome = ssc("export", "--to", "tflite", "--format", "json", "--overwrite", *options)
    assert (outcome.code, outcome.out) == (1, "")
    assert "error: mine.tflite was not written: LiteRT" in outcome.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"mine.tflite": b"old"}
