"""Runs the command line in this process, and what its tests run it on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from cli import foreign_net
from click.testing import CliRunner

from ssc_deploy import cli, nets
from ssc_deploy.errors import DefectError

NET_FILE = Path(foreign_net.__file__)
SHAPE = "1,3,8,8"
ZOO = Path(__file__).parents[2] / "models" / "ssc-net-1-9"


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def ssc(*arguments: str | Path) -> Outcome:
    """Runs ``ssc-deploy`` with the arguments; a defect of it fails the test."""
    result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code != DefectError.exit_code, result.stderr
    return Outcome(result.exit_code, result.stdout, result.stderr)


def refused(*arguments: str | Path, code: int = 2) -> str:
    """Runs a command that has to fail: one line that says why, nothing for whoever reads its result. Returns it."""
    outcome = ssc(*arguments)
    assert outcome.code == code, outcome
    assert outcome.out == ""
    assert outcome.err.startswith("error: ")
    assert "Traceback" not in outcome.err
    return outcome.err.removeprefix("error: ").rstrip("\n")


def foreign(kind: str = "Net") -> list[str]:
    """Options for a class of `foreign_net`."""
    return ["--model", f"{NET_FILE}:{kind}", "--input-shape", SHAPE]


def foreign_checkpoint(path: Path) -> Path:
    """Weights of ``foreign_net.Net`` as DataParallel saves them in a training record."""
    network = foreign_net.Net()
    nets.randomise(network)
    state = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, path)
    return path


def checkpoint(path: Path, **changes: torch.Tensor | None) -> Path:
    """A small SSC-Net's state dict with entries replaced, added, or (None) left out; ``__`` stands for a dot."""
    network = nets.build("ssc-net", B=1, G=9, stem=4, classes=4)
    nets.randomise(network)
    state = dict(network.state_dict())
    for name, tensor in changes.items():
        key = name.replace("__", ".")
        if tensor is None:
            del state[key]
        else:
            state[key] = tensor
    torch.save(state, path)
    return path
