"""``ssc-deploy train`` on a few small pictures: alone, interrupted, resumed, and as two processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch
from cli.tester import refused, ssc
from data import samples

from ssc_deploy import checkpoint

if TYPE_CHECKING:
    from pathlib import Path

TRAIN = ("train", "--net", "shift-net-3-6", "--recipe", "one-cycle", "--batch", "8", "--threads", "1")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """A zip file of 24 pictures in three classes."""
    folder = tmp_path_factory.mktemp("train")
    return samples.packed(samples.tree(folder / "tree", per_class=8, side=32), folder / "train.zip", "train/")


def weights(path: Path) -> dict[str, torch.Tensor]:
    return checkpoint.read(path).tensors


def equal(one: Path, other: Path) -> bool:
    before, after = weights(one), weights(other)
    return before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.slow
def test_what_it_trained_is_evaluated_and_exported_by_the_other_commands(pictures, tmp_path):
    command = (*TRAIN, "--data", pictures, "--test", pictures, "-o", tmp_path, "--epochs", "2")
    outcome = ssc(*command)
    assert outcome.code == 0, outcome
    first, second, written = outcome.out.splitlines()
    assert first.startswith("epoch   1/2  rate ")
    assert "  test " in second
    assert written == str(tmp_path / "shift-net-3-6.pt")
    scored = ssc("eval", "--ckpt", written, "--data", pictures, "--format", "json")
    last = json.loads((tmp_path / "shift-net-3-6.jsonl").read_text().splitlines()[-1])
    assert scored.json["files"][0]["top1"] == last["test_accuracy"]
    assert ssc("export", "--ckpt", written, "-o", tmp_path / "exported").code == 0


@pytest.mark.slow
def test_json_is_all_that_stands_on_standard_output(pictures, tmp_path):
    outcome = ssc(*TRAIN, "--data", pictures, "-o", tmp_path, "--epochs", "1", "--format", "json")
    assert outcome.json["epochs"][0]["epoch"] == 1
    assert outcome.err.startswith("epoch   1/1")


#: Presses Ctrl-C after five steps: each epoch of the pictures has three, so in the middle of the second one.
CTRL_C = """
import itertools, os, signal
from torch.optim import optimizer
steps = itertools.count(1)
optimizer.register_optimizer_step_post_hook(lambda *_: next(steps) == 5 and os.kill(os.getpid(), signal.SIGINT))
# Whoever started the tests may have switched Ctrl-C off for what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
"""


def run(*arguments: str | Path, before: str = "", processes: int = 1) -> subprocess.CompletedProcess[str]:
    """The command line in processes of its own, in which ``before`` runs first."""
    command = [sys.executable, "-c", f"{before}\nfrom ssc_deploy.cli import main; main()"]
    if processes > 1:
        torchrun = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "--no-python")
        command = [sys.executable, *torchrun, *command]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.slow
def test_ctrl_c_leaves_a_checkpoint_and_resume_ends_as_if_it_had_not_been(pictures, tmp_path):
    command = (*TRAIN, "--data", pictures, "--epochs", "3")
    assert ssc(*command, "-o", tmp_path / "unbroken").code == 0
    done = run(*command, "-o", tmp_path / "broken", before=CTRL_C)
    assert done.returncode == 130
    assert [line[:11] for line in done.stdout.splitlines()] == ["epoch   1/3"]
    err = done.stderr
    broken = tmp_path / "broken" / "shift-net-3-6.pt"
    assert f"{broken} holds the last whole epoch; --resume continues from it" in err
    assert "Traceback" not in err
    assert not equal(broken, tmp_path / "unbroken" / broken.name)
    assert ssc(*command, "-o", tmp_path / "broken", "--resume").code == 0
    assert equal(broken, tmp_path / "unbroken" / broken.name)
    assert sorted(path.suffix for path in broken.parent.iterdir()) == [".jsonl", ".png", ".pt", ".pt"]


@pytest.mark.slow
def test_two_processes_under_torchrun_share_every_batch(pictures, tmp_path):
    done = run(*TRAIN, "--data", pictures, "--test", pictures, "-o", tmp_path, "--epochs", "2", processes=2)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("epoch")]
    assert len(lines) == 2, done.stdout  # of one process alone
    records = [json.loads(line) for line in (tmp_path / "shift-net-3-6.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == [1, 2]
    for record in records:  # counted over both: a share of all 24 pictures
        assert record["accuracy"] * 24 == pytest.approx(round(record["accuracy"] * 24), abs=1e-9)
    scored = ssc("eval", "--ckpt", tmp_path / "shift-net-3-6.pt", "--data", pictures, "--format", "json")
    assert scored.json["files"][0]["top1"] == records[-1]["test_accuracy"]


@pytest.mark.slow
def test_bad_input_gets_a_sentence_and_leaves_the_checkpoint_alone(pictures, tmp_path):
    command = (*TRAIN, "--data", pictures, "-o", tmp_path, "--epochs", "1")
    assert ssc(*command).code == 0
    path = tmp_path / "shift-net-3-6.pt"
    before = path.read_bytes()
    assert "exists: give --resume to go on with it" in refused(*command)
    assert "was started with seed 0, and is to go on with 1" in refused(*command, "--resume", "--seed", "1")
    other = samples.tree(tmp_path / "other", per_class=2, side=32, classes=("cat", "dog", "newt"))
    message = refused(*TRAIN, "--data", other, "-o", tmp_path, "--epochs", "1", "--resume")
    assert "was started with classes" in message
    assert "newt" in message
    message = refused(*command, "--test", other)
    assert "has 1 class (newt), which the network's labels" in message
    (tmp_path / "ssc-net-1-9.training.pt").write_bytes((tmp_path / "shift-net-3-6.training.pt").read_bytes())
    command = ("train", "--net", "ssc-net-1-9", *TRAIN[3:], "--data", pictures, "-o", tmp_path, "--epochs", "1")
    assert "is the training of another network: its architecture is shift-net, not ssc-net" in refused(
        *command, "--resume"
    )
    assert path.read_bytes() == before


def test_what_cannot_be_trained_at_all(pictures, tmp_path):
    rest = ("--data", pictures, "-o", tmp_path / "new")
    assert "there is no network 'ssc-net-1-8'; did you mean" in refused("train", "--net", "ssc-net-1-8", *rest)
    assert "nowhere: there is no such file or folder" in refused(*TRAIN, "--data", "nowhere")
    assert "there is no training to be resumed" in refused(*TRAIN, *rest, "--resume")
    assert "there is no device 'cp'" in refused(*TRAIN, *rest, "--device", "cp")
    assert ssc(*TRAIN, *rest, "--resume", "--overwrite").code == 2
    small = samples.tree(tmp_path / "small", per_class=1)
    assert "is 8x8 (width x height), the network takes 32x32; scale it, or ask for resizing" in refused(
        *TRAIN, "--data", small
    )
    assert not (tmp_path / "new").exists()
