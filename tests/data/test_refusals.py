"""Data that is missing, damaged or hostile: each is named with what was expected, and nothing of it runs."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from data import samples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ssc_deploy import data as datasets
from ssc_deploy.data import Split, dataset, pickles, tree
from ssc_deploy.errors import DataError


class RunsCode:
    """Makes a folder when it is unpickled."""

    def __init__(self, witness):
        self.witness = str(witness)

    def __reduce__(self):
        return os.mkdir, (self.witness,)


def refused(path, split=Split.TRAIN, **options):
    with pytest.raises(DataError) as raised:
        datasets.read(path, split, **options)
    return str(raised.value)


def picture():
    file = io.BytesIO()
    Image.fromarray(samples.pixels(1)[0]).save(file, "PNG")
    return file.getvalue()


def test_nothing_there(tmp_path):
    message = refused(tmp_path / "nowhere")
    assert "nowhere: there is no such file or folder; give a folder of CIFAR-10" in message


def test_files_that_are_no_data_set(tmp_path):
    for name, said in [("a.tar.gz", "unpack it"), ("cifar-10-python.TAR", "unpack it"), ("a.png", "is a single file")]:
        (tmp_path / name).write_bytes(b"?")
        assert said in refused(tmp_path / name)


@pytest.mark.parametrize("where", ["labels", "more"])
def test_a_pickle_that_would_run_code_does_not(tmp_path, where):
    folder = samples.cifar10(tmp_path / "cifar")
    batch = {"data": samples.rows(samples.pixels(2, 32)), "labels": [0, 1], where: RunsCode(tmp_path / "witness")}
    (folder / "data_batch_3").write_bytes(pickle.dumps(batch))
    message = refused(folder)
    assert "data_batch_3 is refused: it is a pickle that asks for posix.mkdir" in message
    assert not (tmp_path / "witness").exists()


@pytest.mark.parametrize(
    "value", [np.array([object()]), np.array(["text"]), np.zeros(2, [("a", "i4")]), {1, 2}, range(3), 1j]
)
def test_a_pickle_of_anything_but_arrays_is_refused(tmp_path, value):
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps({"data": value}))
    if isinstance(value, set):  # a container without code of its own: read, and of no use
        assert pickles.read(path)["data"] == value
        return
    with pytest.raises(DataError, match="is refused: it is a pickle that asks for"):
        pickles.read(path)


def test_an_array_without_its_bytes_is_refused(tmp_path):
    whole = pickle.dumps({"data": np.zeros((300, 300), np.uint8)}, protocol=2)
    path = tmp_path / "batch"
    path.write_bytes(whole.replace(b"M,\x01", b"M\xff\xff"))
    with pytest.raises(DataError, match="truncated or damaged"):
        pickles.read(path)


def test_a_pickle_that_fills_the_memory_is_refused(tmp_path):
    path = tmp_path / "batch"
    path.write_bytes(b"\x80\x02}r\xff\xff\xff\x7f.")  # remembers its dict as number 2,147,483,647
    with pytest.raises(DataError, match="an index that no writer gives"):
        pickles.read(path)


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.999])
@pytest.mark.parametrize("form", ["cifar10", "npz"])
def test_a_half_downloaded_file_is_named(tmp_path, form, part):
    folder = tmp_path / "set"
    if form == "cifar10":
        samples.cifar10(folder)
        path = folder / "data_batch_4"
    else:
        samples.imagenet32(folder, npz=True)
        path = folder / "train_data_batch_4.npz"
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    assert f"{path} is truncated or damaged" in refused(folder)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), value=st.integers(0, 255))
@pytest.mark.slow
def test_a_damaged_byte_is_survived(tmp_path, at, value):
    content = bytearray(samples.python2({b"data": samples.rows(samples.pixels(3, 4)), b"labels": [1, 2, 300]}))
    content[at % len(content)] = value
    path = tmp_path / "batch"
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        assert isinstance(pickles.read(path), dict)


def test_missing_files_are_listed(tmp_path):
    folder = samples.cifar10(tmp_path / "cifar")
    (folder / "data_batch_2").unlink()
    (folder / "data_batch_5").unlink()
    assert "lacks data_batch_2, data_batch_5 of the 5 files of CIFAR-10's train split" in refused(folder)
    assert len(datasets.read(folder, Split.TEST)) == 10
    (folder / "batches.meta").unlink()
    assert "lacks batches.meta, which names the classes" in refused(folder, Split.TEST)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": [1, 2]}, "needs the array data, uint8"),
        ({"data": np.zeros((2, 3072), np.float32)}, "needs the array data, uint8"),
        ({"data": np.zeros((2, 3000), np.uint8)}, "rows of 3000 bytes are not square images"),
        ({"labels": [1]}, "needs the list labels, a class for each of its 2 images"),
        ({"labels": [1, 2**80]}, "needs the list labels"),
        ({"labels": ["1", "2"]}, "needs the list labels"),
        ({"labels": [0, 10]}, "classes of CIFAR-10 are 0 to 9"),
    ],
)
def test_batches_of_another_form(tmp_path, changes, said):
    folder = samples.cifar10(tmp_path / "cifar")
    batch = {"data": samples.rows(samples.pixels(2, 32)), "labels": [0, 1]} | changes
    (folder / "test_batch").write_bytes(pickle.dumps(batch))
    message = refused(folder, Split.TEST)
    assert str(folder / "test_batch") in message
    assert said in message


def test_an_npz_with_objects_is_refused(tmp_path):
    folder = samples.imagenet32(tmp_path / "set", npz=True)
    np.savez(folder / "val_data.npz", data=np.array([RunsCode(tmp_path / "witness")], object), labels=[1])
    assert "val_data.npz is truncated or damaged (an array object[1])" in refused(folder, Split.TEST)
    assert not (tmp_path / "witness").exists()


def test_an_npz_whose_header_claims_more_than_it_has_is_refused(tmp_path):
    folder = samples.imagenet32(tmp_path / "set", npz=True)
    file = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (1_000_000, 3072)}
    np.lib.format.write_array_header_1_0(file, header)
    with zipfile.ZipFile(folder / "val_data.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.npy", file.getvalue() + bytes(1000))
        archive.writestr("labels.npy", file.getvalue())
    assert "bytes for an array uint8[1000000, 3072]" in refused(folder, Split.TEST)


def test_a_class_without_pictures_is_named(tmp_path):
    folder = samples.tree(tmp_path / "tree")
    (folder / "newt").mkdir()
    (folder / "newt" / "notes.txt").touch()
    assert "the class folder newt holds no images" in refused(folder)
    with zipfile.ZipFile(samples.packed(folder, tmp_path / "tree.zip"), "a") as archive:
        archive.writestr("ape/", "")
    assert "the class folder ape (and 1 more) holds no images" in refused(tmp_path / "tree.zip")


def test_folders_without_classes(tmp_path):
    assert "holds no folders of classes: expected is <class>/<image>" in refused(tmp_path)
    (tmp_path / "0.png").write_bytes(picture())
    assert "holds no folders of classes" in refused(tmp_path)


def test_a_split_that_is_not_there(tmp_path):
    samples.tree(tmp_path / "train")
    samples.tree(tmp_path / "training")
    assert "has no folder test or val or valid or validation, it has train, training" in refused(tmp_path, Split.TEST)


def test_a_damaged_picture_is_named(tmp_path):
    folder = samples.tree(tmp_path / "tree")
    (folder / "dog" / "0001.png").write_bytes(picture()[:60])
    assert f"{folder / 'dog' / '0001.png'} is damaged or cut off" in refused(folder)
    (folder / "dog" / "0001.png").write_bytes(b"no image")
    assert f"{folder / 'dog' / '0001.png'} is not an image that can be read" in refused(folder)
    path = samples.packed(folder, tmp_path / "tree.zip")
    assert f"{path / 'dog' / '0001.png'} is not an image that can be read" in refused(path)


def test_zip_files_that_are_none(tmp_path):
    path = samples.packed(samples.tree(tmp_path / "tree"), tmp_path / "tree.zip")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "tree.zip is truncated, or no zip file" in refused(path)
    damaged = bytearray(content)
    damaged[60] ^= 255  # in the content of the first entry
    path.write_bytes(damaged)
    assert "is damaged (Bad CRC-32" in refused(path)


@pytest.mark.slow
def test_an_entry_that_unpacks_to_any_size_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/0.png", bytes(tree.MAX_ENTRY_BYTES + 1))
    assert "cat/0.png unpacks to 64 MB, more than an image has" in refused(tmp_path / "bomb.zip")


def test_two_entries_of_one_name_are_refused(tmp_path):
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat/0.png", picture())
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("cat/0.png", picture())
    assert "holds cat/0.png twice" in refused(path)


def test_pictures_that_do_not_fit_into_memory_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    folder = samples.tree(tmp_path / "tree")
    monkeypatch.setattr(dataset, "MAX_BYTES", 12 * 8 * 8 * 3 - 1)
    assert "12 images of 8x8 take" in refused(folder)
