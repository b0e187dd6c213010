"""Files that are damaged, hostile, or no checkpoint: each gets a sentence, and nothing of it runs."""

import contextlib
import os
import pickle
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from ssc_deploy import checkpoint, nets
from ssc_deploy.errors import CheckpointError, UnsafeCheckpointError


class RunsCode:
    """Creates a file when it is unpickled."""

    def __init__(self, witness):
        self.witness = str(witness)

    def __reduce__(self):
        return os.mkdir, (self.witness,)


def saved(path, thing, **options):
    torch.save(thing, path, **options)
    return path


def state():
    return dict(nets.build("shift-net", B=1, e=1, stem=2, classes=3).state_dict())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"\x89PNG\r\n\x1a\n....", "a PNG image"),
        (b"\xff\xd8\xff\xe0....", "a JPEG image"),
        (b"\x1f\x8b\x08\x00", "compressed with gzip"),
        (b"\x1c\x00\x00\x00TFL3....", "a TFLite model"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"hello, world", "not a PyTorch or safetensors checkpoint: it begins with b'hello, w'"),
        (b"PK\x03\x04 and then nothing", "truncated or damaged"),
        (b"\x80\x02", "truncated or damaged"),
    ],
)
def test_what_is_no_checkpoint_is_told_what_it_is(tmp_path, content, sentence):
    path = tmp_path / "net.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=sentence):
        checkpoint.read(path)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such file"):
        checkpoint.read(tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="a folder or a device"):
        checkpoint.read(tmp_path)


@pytest.mark.parametrize("name", ["net.pt", "legacy.pt", "net.safetensors"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, name, part):
    path, net = tmp_path / name, nets.build("shift-net", B=1)
    if name == "legacy.pt":
        torch.save(net.state_dict(), path, _use_new_zipfile_serialization=False)
    else:
        checkpoint.save(net, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(CheckpointError, match=r"truncated or damaged|not a whole safetensors file"):
        checkpoint.read(path)


@pytest.mark.parametrize(
    "write",
    [
        torch.save,
        lambda thing, path: torch.save(thing, path, _use_new_zipfile_serialization=False),
        lambda thing, path: torch.save(thing, path, pickle_protocol=4),
        lambda thing, path: path.write_bytes(pickle.dumps(thing)),
        lambda thing, path: path.write_bytes(pickle.dumps(thing, 2)),
    ],
    ids=["zip", "legacy", "protocol 4", "bare pickle", "bare pickle of protocol 2"],
)
def test_a_pickle_that_would_run_code_is_refused_and_does_not(tmp_path, write):
    path, witness = tmp_path / "net.pt", tmp_path / "witness"
    write({"state_dict": state(), "more": RunsCode(witness)}, path)
    with pytest.raises(UnsafeCheckpointError, match=r"would call posix\.mkdir"):
        checkpoint.read(path)
    assert not witness.exists()


@pytest.mark.parametrize("legacy", [False, True])
def test_a_whole_module_is_told_how_to_be_saved(tmp_path, legacy):
    path = saved(tmp_path / "net.pt", nn.Sequential(nn.Linear(2, 2)), _use_new_zipfile_serialization=not legacy)
    with pytest.raises(
        UnsafeCheckpointError, match=r"whole pickled module.*torch\.save\(model\.state_dict\(\), path\)"
    ):
        checkpoint.read(path)


def test_torchscript_and_other_zips(tmp_path):
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", b"")
        archive.writestr("net/code/__torch__.py", b"")
    with pytest.raises(CheckpointError, match="TorchScript archive, which holds code"):
        checkpoint.read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", b"")
    with pytest.raises(CheckpointError, match=r"not one that torch.save wrote"):
        checkpoint.read(path)


def test_a_program_of_torch_export_is_told_what_it_is(tmp_path):
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),)), path)
    with pytest.raises(CheckpointError, match=r"a program that torch\.export saved, not weights"):
        checkpoint.read(path)


def test_a_zip_that_unpacks_to_more_than_it_is_gets_refused(tmp_path):
    source, path = saved(tmp_path / "net.pt", {"weight": torch.zeros(10_000_000)}), tmp_path / "bomb.pt"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert path.stat().st_size < 100_000
    with pytest.raises(CheckpointError, match=r"is compressed, which torch.save never does"):
        checkpoint.read(path)


def test_a_tensor_that_claims_more_than_the_file_holds_is_refused(tmp_path):
    path = saved(tmp_path / "net.pt", {"weight": torch.zeros(1).expand(1 << 40)})
    with pytest.raises(CheckpointError, match="weight is an expanded view"):
        checkpoint.read(path)


def test_many_names_for_one_storage_are_refused(tmp_path):
    shared = torch.zeros(100_000)
    path = saved(tmp_path / "net.pt", {f"weight{i}": shared for i in range(100)})
    with pytest.raises(CheckpointError, match="its tensors claim 40000000 bytes"):
        checkpoint.read(path)


@pytest.mark.parametrize(
    ("tensor", "sentence"),
    [
        (torch.tensor([1.0, float("nan")]), "weight holds NaN"),
        (torch.tensor([1.0, -float("inf")]), "weight holds Inf"),
        (torch.tensor([float("inf")], dtype=torch.float16), "weight holds Inf"),
        (torch.eye(3).to_sparse(), "weight is sparse; save it dense"),
        ("quantized", "weight is quantized"),
        (torch.ones(3, dtype=torch.complex64), "weight is of type torch.complex64"),
        (torch.ones(3, device="meta"), "weight has no data"),
        (torch.zeros(1).expand(1 << 40), "weight is an expanded view"),
    ],
    ids=["NaN", "Inf", "Inf in half", "sparse", "quantized", "complex", "meta", "expanded"],
)
def test_a_tensor_that_no_network_can_use_is_named(tmp_path, tensor, sentence):
    if tensor == "quantized":  # made here, since torch warns of it
        with warnings.catch_warnings(action="ignore"):
            tensor = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
    path = saved(tmp_path / "net.pt", {"bias": torch.ones(2), "weight": tensor})
    with pytest.raises(CheckpointError, match=sentence):
        checkpoint.load_into(nn.BatchNorm1d(2, track_running_stats=False), checkpoint.read(path).entries, path)
    alone = saved(tmp_path / "alone.pt", {"weight": tensor})
    with pytest.raises(CheckpointError, match=sentence):
        checkpoint.load_into(nn.PReLU(3), checkpoint.read(alone).entries, alone)


@pytest.mark.parametrize(
    ("thing", "sentence"),
    [
        ({"epoch": 3, "lr": 0.1}, "a dict with epoch, lr, and no state dict"),
        ({}, "an empty dict"),
        ([torch.ones(2)], "a list, and no state dict"),
    ],
)
def test_a_file_without_one_state_dict_says_what_it_holds(tmp_path, thing, sentence):
    with pytest.raises(CheckpointError, match=sentence):
        checkpoint.read(saved(tmp_path / "net.pt", thing))


def test_the_first_wrong_shape_is_named_with_both_shapes(tmp_path):
    path = saved(tmp_path / "net.pt", state())
    target = nets.build("shift-net", B=1, e=1, stem=2, classes=100)
    with pytest.raises(
        CheckpointError, match=r"head\.weight has shape \[3, 8\] in the checkpoint and \[100, 8\] in Shi"
    ):
        checkpoint.load_into(target, checkpoint.read(path).entries, path)


def test_missing_and_extra_keys_are_named_with_their_nearest(tmp_path):
    wrong = state()
    wrong["heads.bias"] = wrong.pop("head.bias")
    path = saved(tmp_path / "net.pt", wrong)
    target = nets.build("shift-net", B=1, e=1, stem=2, classes=3)
    with pytest.raises(CheckpointError, match="does not fit ShiftNet") as caught:
        checkpoint.load_into(target, checkpoint.read(path).entries, path)
    assert "lacks head.bias (nearest that it has: heads.bias) that it needs" in str(caught.value)
    assert "has heads.bias (nearest that missing is: head.bias) that it does not know" in str(caught.value)


def test_many_missing_keys_are_counted(tmp_path):
    path = saved(tmp_path / "net.pt", {"head.bias": torch.zeros(3)})
    target = nets.build("shift-net", B=1, e=1, stem=2, classes=3)
    with pytest.raises(CheckpointError, match=r"lacks stem\.conv\.weight, .* and \d+ more that it needs"):
        checkpoint.load_into(target, checkpoint.read(path).entries, path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    legacy=st.booleans(),
    damage=st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_damaged_bytes_never_raise_anything_else(tmp_path, legacy, damage):
    path = tmp_path / "net.pt"
    if legacy:
        # What torch wrote of the same dict in its old format, kept because no two processes write the same bytes.
        content = bytearray(Path(__file__).with_name("legacy.pt").read_bytes())
    else:
        saved(path, {"net": {"a.weight": torch.ones(3, 2), "a.bias": torch.ones(3)}, "epoch": 3})
        content = bytearray(path.read_bytes())
    for at, value in damage:
        content[at % len(content)] = value
    path.write_bytes(content)
    with contextlib.suppress(CheckpointError):
        assert checkpoint.read(path).tensors


def test_a_dict_that_holds_itself_many_times_is_read_in_no_time(tmp_path):
    content: dict[str, object] = {"model": torch.nn.Linear(3, 2).state_dict()}
    content |= {f"again{i}": content for i in range(100)}
    torch.save(content, tmp_path / "net.pt")
    assert [entry.place for entry in checkpoint.read(tmp_path / "net.pt").entries] == ["model"]


@pytest.mark.parametrize(
    "content",
    [
        {"\x1b[31m\n" + "w" * 9999: torch.zeros(2)},
        {**torch.nn.Linear(3, 2).state_dict(), "\x1b[31m\n" + "w" * 9999: torch.zeros(2)},
        {"\x1b[31m\n" + "w" * 9999: torch.nn.Linear(3, 2).state_dict(), "b" * 9999: torch.nn.Linear(3, 2).state_dict()},
        {"\x1b[31m\n" + "w" * 9999: torch.zeros(2).to_sparse()},
        {"\x1b[31m\n" + "w" * 9999: 1},
    ],
)
def test_names_out_of_a_file_are_printable_and_short_in_what_is_said(tmp_path, content):
    path, net = tmp_path / "net.pt", torch.nn.Linear(3, 2)
    torch.save(content, path)
    with (
        warnings.catch_warnings(action="error"),
        pytest.raises((CheckpointError, UserWarning), match=r"\?\[31m\?www") as caught,
    ):
        checkpoint.load_into(net, checkpoint.read(path).entries, path)
    said = str(caught.value)
    assert said.isprintable()
    assert len(said) < 1000 + len(str(path))


def test_whole_numbers_in_place_of_weights_are_refused(tmp_path):
    path, net = tmp_path / "net.pt", torch.nn.Linear(3, 2)
    torch.save({"weight": torch.ones(2, 3, dtype=torch.int8), "bias": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="weight holds whole numbers, as quantized weights do"):
        checkpoint.load_into(net, checkpoint.read(path).entries, path)
