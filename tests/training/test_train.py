"""Training learns, resumes bit for bit, leaves usable files whatever happens, and refuses what is not its own."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from PIL import Image

from ssc_deploy import checkpoint, nets
from ssc_deploy.data import Dataset
from ssc_deploy.errors import CheckpointError, OutputError, TrainingError
from ssc_deploy.training import RECIPES, Precision, train
from ssc_deploy.training.loop import measured

RECIPE = dataclasses.replace(RECIPES["one-cycle"], epochs=3, batch=16, lr=0.05)


class StopError(Exception):
    """What a test stops a run with."""


def stop_after(epoch):
    def stop(record):
        if record.epoch == epoch:
            raise StopError

    return stop


def tensors(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.slow
def test_it_learns_and_writes_a_checkpoint_a_log_and_a_curve(tmp_path, pictures, small):
    result = train(small(), pictures, tmp_path / "new", RECIPE, name="net", test=pictures)
    assert [record.epoch for record in result.records] == [1, 2, 3]
    assert result.records[-1].loss < result.records[0].loss
    assert result.records[-1].test_accuracy > 0.6
    assert [json.loads(line) for line in result.log.read_text().splitlines()] == result.to_dict()["epochs"]
    with Image.open(result.curve) as image:
        assert image.format == "PNG"
    read = checkpoint.read(result.checkpoint)
    assert read.header.arch == "ssc-net"
    assert read.header.labels == pictures.classes
    assert read.header.preprocessing == measured(pictures.pixels)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        *("net.jsonl", "net.png", "net.pt", "net.training.pt")
    ]


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("arch", ["ssc-net", "swapout"])
@pytest.mark.slow
def test_a_resumed_run_ends_bit_for_bit_as_an_unbroken_one(tmp_path, pictures, arch, precision):
    recipe = dataclasses.replace(RECIPE, precision=precision)
    args = {"ssc-net": {"B": 1, "stem": 4}, "swapout": {"B": 1, "widen": 1}}[arch]

    def network(seed):
        torch.manual_seed(seed)
        return nets.build(arch, classes=3, **args)

    unbroken = network(1)
    train(unbroken, pictures, tmp_path / "unbroken", recipe, name="net")
    with pytest.raises(StopError):
        train(network(1), pictures, tmp_path / "broken", recipe, name="net", on_epoch=stop_after(1))
    torch.manual_seed(99)  # nothing may depend on what the process did before
    resumed = network(2)
    result = train(resumed, pictures, tmp_path / "broken", recipe, name="net", resume=True)
    assert same(tensors(resumed), tensors(unbroken))
    whole, broken = ((tmp_path / name / "net.pt").read_bytes() for name in ("unbroken", "broken"))
    assert whole == broken
    assert [record.epoch for record in result.records] == [1, 2, 3]


@pytest.mark.slow
def test_another_seed_gives_another_result(tmp_path, pictures, small):
    one, other = small(), small()
    short = dataclasses.replace(RECIPE, epochs=1)
    train(one, pictures, tmp_path / "one", short, name="net")
    train(other, pictures, tmp_path / "other", dataclasses.replace(short, seed=1), name="net")
    assert not same(tensors(one), tensors(other))


@pytest.mark.slow
def test_an_interrupt_in_the_middle_of_an_epoch_leaves_the_epoch_before(tmp_path, pictures, small):
    def interrupt(at):
        if (at.epoch, at.step) == (2, 2):
            raise KeyboardInterrupt

    unbroken, resumed = small(), small()
    train(unbroken, pictures, tmp_path / "unbroken", RECIPE, name="net")
    with pytest.raises(KeyboardInterrupt):
        train(small(), pictures, tmp_path / "net", RECIPE, name="net", on_step=interrupt)
    assert len(checkpoint.read(tmp_path / "net" / "net.pt").tensors) == len(resumed.state_dict())
    assert len((tmp_path / "net" / "net.jsonl").read_text().splitlines()) == 1
    train(resumed, pictures, tmp_path / "net", RECIPE, name="net", resume=True)
    assert same(tensors(resumed), tensors(unbroken))


def test_an_interrupt_in_the_first_epoch_leaves_a_checkpoint_too(tmp_path, pictures, small):
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(small(), pictures, tmp_path, RECIPE, name="net", on_step=interrupt)
    assert same(checkpoint.read(tmp_path / "net.pt").tensors, tensors(small()))


def test_files_that_are_there_are_not_replaced_unasked(tmp_path, pictures, small):
    short = dataclasses.replace(RECIPE, epochs=1)
    train(small(), pictures, tmp_path, short, name="net")
    before = (tmp_path / "net.pt").read_bytes()
    with pytest.raises(OutputError, match=r"net\.pt exists: give `resume=True` to go on with it, `overwrite=True`"):
        train(small(), pictures, tmp_path, short, name="net")
    assert (tmp_path / "net.pt").read_bytes() == before
    train(small(), pictures, tmp_path, short, name="net", overwrite=True)


@pytest.mark.slow
def test_nothing_but_the_same_run_is_resumed(tmp_path, pictures, small):
    short = dataclasses.replace(RECIPE, epochs=1)
    train(small(), pictures, tmp_path, short, name="net")
    files = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def refused(kind, said, network=None, data=pictures, recipe=short):
        with pytest.raises(kind, match=said):
            train(network or small(), data, tmp_path, recipe, name="net", resume=True)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files

    refused(CheckpointError, "another network: its architecture is ssc-net", nets.build("shift-net", B=1, classes=3))
    refused(CheckpointError, "another network: its configuration is .*'stem': 4", small(stem=8))
    refused(TrainingError, "started with epochs 1, and is to go on with 2", recipe=RECIPE.__class__(2, 0.05, 2e-4))
    refused(TrainingError, "trained on other pictures", data=dataclasses.replace(pictures, pixels=pictures.pixels + 1))
    renamed = dataclasses.replace(pictures, classes=("cat", "dog", "newt"))
    refused(TrainingError, r"started with classes .*'frog'.*, and is to go on with .*'newt'", data=renamed)


@pytest.mark.slow
def test_a_state_that_is_none(tmp_path, pictures, small):
    path = tmp_path / "net.training.pt"

    def refused(said):
        with pytest.raises(CheckpointError, match=said):
            train(small(), pictures, tmp_path, RECIPE, name="net", resume=True)

    refused("there is no training to be resumed")
    path.touch()
    refused("net.training.pt is empty")
    torch.save({"state_dict": {}}, path)
    refused("is not a training of this version")
    train(small(), pictures, tmp_path, RECIPE, name="net", overwrite=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused("truncated or damaged")
    path.write_bytes(whole)
    odd = {"state": {0: {"momentum_buffer": torch.zeros(2)}}}
    for change in (
        *({"records": [{"epoch": 1}]}, {"epoch": 99}, {"network": None}, {"network": {"head.bias": 1}}),
        *({"optimizer": {}}, {"optimizer": odd}, {"optimizer": {"state": {99: {}}}}),
    ):
        torch.save(torch.load(path, weights_only=True) | change, path)
        refused("damaged training state")
        path.write_bytes(whole)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(tmp_path, pictures, small):
    with pytest.raises(TrainingError, match=r"no longer a number in epoch \d, step \d+: give a lower `lr`"):
        train(small(), pictures, tmp_path, dataclasses.replace(RECIPE, lr=1e30), name="net")
    assert checkpoint.read(tmp_path / "net.pt").header.arch == "ssc-net"


def test_preprocessing_is_the_data_s_mean_and_deviation(pictures):
    found = measured(pictures.pixels)
    values = pictures.pixels / 255
    assert found.mean == pytest.approx(values.mean((0, 1, 2)), abs=1e-4)
    assert found.std == pytest.approx(values.std((0, 1, 2)), abs=1e-4)
    black = Dataset(pictures.path, pictures.pixels * 0, pictures.labels, pictures.classes, pictures.names)
    assert min(measured(black.pixels).std) > 0
