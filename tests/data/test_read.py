"""Each published form gives the same pictures in the same order, whatever it is packed in."""

from __future__ import annotations

import numpy as np
import pytest
from data import samples
from PIL import Image

from ssc_deploy import data as datasets
from ssc_deploy.data import Split
from ssc_deploy.errors import DataError


def test_cifar10_as_published_by_python_2(tmp_path):
    folder = samples.cifar10(tmp_path / "cifar-10-batches-py")
    train, test = datasets.read(folder, Split.TRAIN), datasets.read(folder, Split.TEST)
    assert (len(train), len(test)) == (50, 10)
    np.testing.assert_array_equal(train.pixels[10:20], samples.pixels(10, 32, 1))
    np.testing.assert_array_equal(test.pixels, samples.pixels(10, 32, 5))
    assert train.labels[10:14].tolist() == [1, 2, 3, 4]
    assert train.classes == tuple(f"class{i}" for i in range(10))
    assert train.names[13] == "data_batch_2[3]"
    assert train.pixels.flags.c_contiguous


def test_the_folder_around_the_unpacked_one_will_do(tmp_path):
    samples.cifar10(tmp_path / "cifar-10-batches-py")
    assert len(datasets.read(tmp_path, Split.TEST)) == 10


def test_cifar100_has_its_fine_classes(tmp_path):
    test = datasets.read(samples.cifar100(tmp_path / "cifar-100-python"), Split.TEST)
    assert test.labels[:3].tolist() == [1, 8, 15]
    assert test.classes[15] == "fine15"
    np.testing.assert_array_equal(test.pixels, samples.pixels(10, 32, 1))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_imagenet32_as_pickles_of_any_protocol(tmp_path, protocol):
    folder = samples.imagenet32(tmp_path / "in32", npz=False, protocol=protocol)
    train, test = datasets.read(folder, Split.TRAIN), datasets.read(folder, Split.TEST)
    assert (len(train), len(test), len(train.classes)) == (60, 6, 1000)
    assert train.labels[6:8].tolist() == [100, 101]
    np.testing.assert_array_equal(train.pixels[6:12], samples.pixels(6, 32, 1))


def test_imagenet32_as_npz_is_what_it_is_as_pickles(tmp_path):
    pickled = datasets.read(samples.imagenet32(tmp_path / "pickled", npz=False), Split.TRAIN)
    zipped = datasets.read(samples.imagenet32(tmp_path / "zipped", npz=True), Split.TRAIN)
    np.testing.assert_array_equal(pickled.pixels, zipped.pixels)
    np.testing.assert_array_equal(pickled.labels, zipped.labels)


@pytest.mark.parametrize("prefix", ["", "train/", "cifar/train/"])
def test_a_zip_of_a_tree_is_the_tree(tmp_path, prefix):
    folder = samples.tree(tmp_path / "tree")
    unpacked = datasets.read(folder, Split.TRAIN)
    packed = datasets.read(samples.packed(folder, tmp_path / "tree.zip", prefix), Split.TRAIN)
    assert unpacked.classes == packed.classes == samples.CLASSES
    np.testing.assert_array_equal(unpacked.pixels, packed.pixels)
    assert unpacked.labels.tolist() == packed.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert [f"{prefix}{name}" for name in unpacked.names] == list(packed.names)
    with Image.open(folder / "dog" / "0002.png") as picture:
        np.testing.assert_array_equal(unpacked.pixels[6], np.asarray(picture))


def test_a_split_is_taken_from_its_folder(tmp_path):
    samples.tree(tmp_path / "train", per_class=3)
    samples.tree(tmp_path / "val", per_class=2, seed=1)
    assert len(datasets.read(tmp_path, Split.TRAIN)) == 9
    assert len(datasets.read(tmp_path, Split.TEST)) == 6


def test_a_class_may_be_called_train(tmp_path):
    folder = samples.tree(tmp_path / "tree", classes=("bus", "car", "train"))
    assert datasets.read(folder, Split.TRAIN).classes == ("bus", "car", "train")


def test_what_is_no_picture_is_passed_over(tmp_path):
    folder = samples.tree(tmp_path / "tree")
    for name in ("README.md", "cat/Thumbs.db", "cat/._0000.png"):
        (folder / name).write_bytes(b"no image")
    (folder / ".hidden").mkdir()
    (folder / "cat" / "more").mkdir()
    Image.fromarray(samples.pixels(1)[0]).save(folder / "cat" / "more" / "1.png")
    read = datasets.read(folder, Split.TRAIN)
    assert len(read) == 13
    assert read.classes == samples.CLASSES
    assert "cat/more/1.png" in read.names


def test_pictures_of_another_size_are_resized_only_when_asked(tmp_path):
    folder = samples.tree(tmp_path / "tree", side=10)
    with pytest.raises(DataError, match=r"0000.png is 10x10 .* the network takes 8x8; scale it, or ask"):
        datasets.read(folder, Split.TRAIN, size=(8, 8))
    assert datasets.read(folder, Split.TRAIN, size=(8, 8), resize=True).size == (8, 8)
    cifar = samples.cifar10(tmp_path / "cifar")
    with pytest.raises(DataError, match=r"test_batch\[0\] is 32x32"):
        datasets.read(cifar, Split.TEST, size=(8, 8))
    assert datasets.read(cifar, Split.TEST, size=(8, 8), resize=True).size == (8, 8)


def test_classes_follow_the_network_s_labels(tmp_path):
    read = datasets.read(samples.tree(tmp_path / "tree", per_class=1), Split.TRAIN)
    ordered = read.ordered(("frog", "bird", "dog", "cat"))
    assert ordered.labels.tolist() == [3, 2, 0]
    with pytest.raises(DataError, match=r"has 1 class \(frog\), which the network's labels \(2 classes \(cat, dog"):
        read.ordered(("cat", "dog"))
