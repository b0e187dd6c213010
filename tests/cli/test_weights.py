"""``--weights`` and ``--seed`` on the command line."""

from __future__ import annotations

import inspect

import pytest
import torch
from cli import foreign_net
from cli.tester import NET_FILE, SHAPE, ssc

import ssc_deploy
from ssc_deploy import cli, source

NETWORK = ("--model", f"{NET_FILE}:Net", "--input-shape", SHAPE)


@pytest.fixture
def averaged(tmp_path):
    """A file with raw and averaged weights of `foreign_net.Net`."""
    raw, average = foreign_net.Net().state_dict(), foreign_net.Net().state_dict()
    torch.save({"model": raw, "ema": average}, tmp_path / "net.pt")
    return tmp_path / "net.pt"


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "averaged weights of ema, not model"),
        (("--weights", "ema"), "averaged weights of ema, not model"),
        (("--weights", "raw"), "raw weights of model, not ema"),
        (("--weights", "model", "--seed", "3"), "raw weights of model, not ema"),
    ],
)
def test_the_line_about_the_checkpoint_says_which_weights_were_taken(averaged, options, told):
    outcome = ssc("inspect", averaged, "--stage", "checkpoint", *NETWORK, *options)
    assert outcome.code == 0
    assert told in next(line for line in outcome.out.splitlines() if line.lstrip().startswith("checkpoint"))


def test_a_choice_that_is_not_there_is_a_sentence(averaged):
    outcome = ssc("inspect", averaged, "--stage", "checkpoint", *NETWORK, "--weights", "best")
    assert outcome.code == 2
    assert "holds no weights called 'best'; it holds model (raw), ema (averaged)" in outcome.err.replace("\n", " ")


def test_weights_without_a_checkpoint_are_refused():
    outcome = ssc("inspect", "--stage", "checkpoint", *NETWORK, "--weights", "raw")
    assert outcome.code == 2
    assert "name it with --ckpt" in outcome.err


@pytest.mark.parametrize("name", ["export", "verify", "inspect", "tune", "bundle"])
def test_whatever_takes_a_checkpoint_takes_what_says_how_it_is_read(name):
    wanted = {"model", "arch", "args", "input_shape", "weights", "seed"}
    assert wanted <= set(inspect.signature(source.open_source).parameters)
    assert wanted <= set(inspect.signature(getattr(ssc_deploy, name)).parameters)
    command = cli.main.get_command(None, name)
    command = getattr(command, "commands", {}).get("make", command)
    assert wanted <= {parameter.name for parameter in command.params}


@pytest.mark.slow
def test_a_file_says_which_weights_it_holds_and_verify_which_it_is_compared_with(averaged, tmp_path):
    out = tmp_path / "out"
    assert ssc("export", "--ckpt", averaged, *NETWORK, "--weights", "raw", "--to", "onnx", "--output", out).code == 0
    file = out / "net.onnx"
    assert "raw weights of model" in ssc("inspect", file).out.replace("\n", " ")
    right = ssc("verify", "--ckpt", averaged, "--against", file, *NETWORK, "--weights", "raw")
    assert right.code == 0
    assert "float64, raw weights of model: " in right.out
    assert "says that it holds" not in right.err
    wrong = ssc("verify", "--ckpt", averaged, "--against", file, *NETWORK)
    assert wrong.code == 1
    said = " ".join(wrong.err.split())
    assert "net.onnx says that it holds the raw weights of model, and is compared with the averaged weights of" in said
    assert "give --weights model" in said
