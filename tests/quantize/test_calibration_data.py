"""Which images the grids are fixed on, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from ssc_deploy.errors import DataError, PreprocessingError, QuantizationError
from ssc_deploy.metadata import Preprocessing
from ssc_deploy.quantize import calibration_data
from ssc_deploy.signature import Signature, Tensor, of_image
from tests.data import samples

if TYPE_CHECKING:
    from pathlib import Path

SIGNATURE = of_image((1, 3, 8, 8))
PLAIN = Preprocessing((0.0,) * 3, (1.0,) * 3)
CLIP = Signature((Tensor("input", (8, 3, 4, 4)),), (Tensor("output", (1, 5)),), rows=False)
TWO = Signature((Tensor("image", (1, 3, 4, 4)), Tensor("tokens", (1, 7), "int64")), (Tensor("output", (1, 5)),))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def opened(given: object, **options: object) -> calibration_data.CalibrationData:
    return calibration_data.open_data(given, SIGNATURE, preprocessing=PLAIN, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("packed", [False, True])
def test_images_are_spread_over_the_classes_and_the_others_are_held_out(tmp_path: Path, packed: bool) -> None:
    tree = samples.tree(tmp_path / "tree", per_class=20)
    path = samples.packed(tree, tmp_path / "tree.zip") if packed else tree
    data = opened(path, images=30)
    assert data.inputs.shapes == "[30, 3, 8, 8]"
    held = data.held_out
    assert held is not None
    assert np.bincount(held.labels).tolist() == [10, 10, 10]
    everything = np.concatenate([data.inputs.arrays[0], held.inputs(slice(None)).arrays[0]])
    assert len(np.unique(everything.reshape(60, -1), axis=0)) == 60
    # The samples show their class as a brightness.
    assert np.bincount((data.inputs.arrays[0].mean((1, 2, 3)) * 255 / 80).astype(int)).tolist() == [10, 10, 10]


def test_the_same_images_are_chosen_each_time(tmp_path: Path) -> None:
    path = samples.tree(tmp_path / "tree", per_class=20)
    one, other = opened(path, images=33), opened(path, images=33)
    assert np.array_equal(one.inputs.arrays[0], other.inputs.arrays[0])


@pytest.mark.parametrize("counts", [(5, 5, 5), (1, 9, 5), (0, 3, 4)])
@pytest.mark.parametrize("count", [1, 4, 9, 15, 40])
def test_no_class_has_more_images_than_another_unless_that_has_no_more(counts: tuple[int, ...], count: int) -> None:
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(3), counts))
    chosen = calibration_data.spread(labels, count)
    assert len(np.unique(chosen)) == len(chosen) == min(count, len(labels))
    found = np.bincount(labels[chosen], minlength=3)
    for one, there in zip(found, counts, strict=True):
        assert one >= found.max() - 1 or one == there


@pytest.mark.parametrize("below", ["", "photos/"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_of_images_without_classes(tmp_path: Path, below: str, packed: bool) -> None:
    folder = tmp_path / "images" / below
    folder.mkdir(parents=True)
    for i, pixels in enumerate(samples.pixels(40)):
        Image.fromarray(pixels).save(folder / f"{i}.png")
    path = samples.packed(tmp_path / "images", tmp_path / "a.zip") if packed else tmp_path / "images"
    data = opened(path, images=35)
    assert len(data.inputs) == 35
    assert data.held_out is None


def test_only_the_images_that_are_chosen_are_decoded(tmp_path: Path) -> None:
    tree = samples.tree(tmp_path / "tree", per_class=20)
    names = sorted(tree.glob("*/*.png"))
    chosen = set(calibration_data.spread(np.repeat(np.arange(3), 20), 3))
    for i in set(range(60)) - chosen:
        names[i].write_bytes(b"")  # would be refused
    assert len(opened(tree, images=3, held_out=0).inputs) == 3
    with pytest.raises(DataError):
        opened(tree, images=4, held_out=0)


def test_classes_of_another_network_calibrate_but_measure_nothing(tmp_path: Path) -> None:
    path = samples.tree(tmp_path / "tree", per_class=20)
    data = opened(path, images=32, labels=["bird", "ship"])
    assert data.held_out is None
    assert "no accuracy can be measured" in data.notes[0]
    data = opened(path, images=32, labels=["frog", "dog", "bird", "cat"])
    assert data.held_out is not None
    assert set(data.held_out.labels) == {0, 1, 3}


@pytest.mark.parametrize("suffix", [".npy", ".npz", None])
def test_arrays(tmp_path: Path, suffix: str | None) -> None:
    array = noise(50, 3, 8, 8).astype(np.float64)
    path = tmp_path / f"a{suffix}"
    if suffix == ".npy":
        np.save(path, array)
    elif suffix == ".npz":
        np.savez(path, anything=array, labels=np.arange(50) % 4)
    data = opened(array if suffix is None else path, images=40)
    assert [one.dtype for one in data.inputs.arrays] == [np.float32]
    assert len(data.inputs) == 40
    assert (data.held_out is None) == (suffix != ".npz")


def test_several_inputs_and_clips(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, tokens=np.arange(350, dtype=np.int32).reshape(50, 7), image=noise(50, 3, 4, 4))
    data = calibration_data.open_data(path, TWO, images=40)
    assert data.inputs.shapes == "[40, 3, 4, 4] and [40, 7]"
    assert data.inputs.arrays[1].dtype == np.int64
    data = calibration_data.open_data(noise(40, 8, 3, 4, 4), CLIP)
    assert data.inputs.shapes == "[40, 8, 3, 4, 4]"
    assert not data.inputs.rows


def test_few_images_are_taken_with_a_note() -> None:
    assert not opened(noise(32, 3, 8, 8)).notes
    assert "8 images alone" in opened(noise(8, 3, 8, 8)).notes[0]


def _without(array: np.ndarray, value: float) -> np.ndarray:
    array[3, 0, 0, 0] = value
    return array


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (noise(0, 3, 8, 8), "empty"),
        (noise(9, 8, 8, 3), r"needs \[N, 3, 8, 8\]"),
        (noise(9, 3, 16, 16), r"needs \[N, 3, 8, 8\]"),
        (np.float32(1), "needs"),
        (samples.pixels(9).transpose(0, 3, 1, 2), "takes float32"),
        (_without(noise(9, 3, 8, 8), np.nan), "1 of 9 .* NaN or Inf"),
        (_without(noise(9, 3, 8, 8), np.inf), "1 of 9 .* NaN or Inf"),
        (np.zeros((9, 3, 8, 8), np.float32), "one colour"),
        (np.broadcast_to(noise(9, 3, 1, 1), (9, 3, 8, 8)), "one colour"),
        (np.repeat(noise(1, 3, 8, 8), 9, 0), "all the same"),
    ],
)
def test_inputs_from_which_no_ranges_follow_are_refused(array: np.ndarray, said: str) -> None:
    with pytest.raises(QuantizationError, match=said):
        opened(np.asarray(array))


def test_files_that_are_missing_damaged_or_of_another_size_are_refused(tmp_path: Path) -> None:
    for name in ("a.npy", "a.npz", "a"):
        with pytest.raises(QuantizationError, match="there is no such file"):
            opened(tmp_path / name)
    for name in ("b.npy", "b.npz"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 nothing")
        with pytest.raises(QuantizationError, match="cannot be read as arrays"):
            opened(tmp_path / name)
    np.save(tmp_path / "objects.npy", np.array([{}], object))
    with pytest.raises(QuantizationError, match="cannot be read as arrays"):
        opened(tmp_path / "objects.npy")
    np.savez(tmp_path / "c.npz", image=noise(50, 3, 4, 4))
    with pytest.raises(QuantizationError, match="no array 'tokens'"):
        calibration_data.open_data(tmp_path / "c.npz", TWO)
    np.savez(tmp_path / "d.npz", image=noise(50, 3, 4, 4), tokens=np.zeros((40, 7), np.int64))
    with pytest.raises(QuantizationError, match="50 of image, 40 of tokens"):
        calibration_data.open_data(tmp_path / "d.npz", TWO)
    np.savez(tmp_path / "e.npz", input=noise(50, 3, 8, 8), labels=np.zeros(49, np.int64))
    with pytest.raises(QuantizationError, match="a class"):
        opened(tmp_path / "e.npz")
    larger = samples.tree(tmp_path / "larger", side=16)
    with pytest.raises(DataError, match="16x16"):
        opened(larger)
    assert opened(larger, resize=True).inputs.shapes == "[12, 3, 8, 8]"
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        opened(tmp_path / "empty")


def test_images_need_a_preprocessing_and_a_network_that_takes_one(tmp_path: Path) -> None:
    tree = samples.tree(tmp_path / "tree")
    with pytest.raises(PreprocessingError, match="preprocessing="):
        calibration_data.open_data(tree, SIGNATURE)
    with pytest.raises(QuantizationError, match=r"image \[N, 3, 4, 4\] and tokens \[N, 7\]"):
        calibration_data.open_data(tree, TWO, preprocessing=PLAIN)
