"""What a run needs to continue: a file of tensors and plain values, readable with ``weights_only``."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from ssc_deploy.checkpoint import load_tensors, unpickle
from ssc_deploy.checkpoint.header import TRAINING_FORMAT, TRAINING_VERSION
from ssc_deploy.errors import CheckpointError, TrainingError
from ssc_deploy.nets.config import to_dict
from ssc_deploy.storage.files import write_verified
from ssc_deploy.training.record import Record

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.data import Dataset
    from ssc_deploy.nets import Network
    from ssc_deploy.training.recipe import Recipe


@dataclass(frozen=True)
class State:
    """A run after some epochs.

    Attributes:
        run: what must be the same to continue the run; see `describe`.
        epoch: number of finished epochs.
        network: its state dict.
        optimizer: its state dict.
        records: of the epochs so far.
    """

    run: dict[str, Any]
    epoch: int
    network: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    records: tuple[Record, ...]

    def write(self, path: Path) -> None:
        """Writes the state, whole or not at all.

        Raises:
            OutputError: the folder cannot be written.
        """
        file = io.BytesIO()
        records = [record.to_dict() for record in self.records]
        torch.save({"format": TRAINING_FORMAT, "version": TRAINING_VERSION, **vars(self), "records": records}, file)
        write_verified(path, file.getvalue(), lambda _: None, overwrite=True)


def describe(network: Network, data: Dataset, recipe: Recipe, processes: int) -> dict[str, Any]:
    """What determines a run's result, in plain values."""
    return {
        "architecture": network.arch,
        "configuration": to_dict(network.config),
        "classes": list(data.classes),
        "pictures": hashlib.sha256(data.pixels.data).hexdigest(),
        "labels": hashlib.sha256(data.labels.data).hexdigest(),
        "processes": processes,
        **recipe.to_dict(),
    }


def read(path: Path, run: dict[str, Any]) -> State:
    """Reads a state, and checks that it is of this run.

    Raises:
        CheckpointError: it is missing or damaged, not one of our training states, or of another network.
        TrainingError: it is of other data or another recipe; the first difference is named.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no training to be resumed; leave `resume` away to start one.")
    if not path.stat().st_size:
        raise CheckpointError(f"{path} is empty: start the training again with `overwrite=True`.")
    loaded = unpickle.load(path)
    if not isinstance(loaded, dict) or [loaded.get("format"), loaded.get("version")] != [
        TRAINING_FORMAT,
        TRAINING_VERSION,
    ]:
        raise CheckpointError(f"{path} is not a training of this version of ssc-deploy, and cannot be resumed.")
    found, epoch, network, optimizer, records = (
        loaded.get(name) for name in ("run", "epoch", "network", "optimizer", "records")
    )
    if not isinstance(found, dict) or not isinstance(network, dict) or not isinstance(optimizer, dict):
        raise _malformed(path)
    if not all(isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in network.items()):
        raise _malformed(path)
    _check(path, found, run)
    if type(epoch) is not int or not 0 <= epoch <= run["epochs"] or not isinstance(records, list):
        raise _malformed(path)
    return State(found, epoch, network, optimizer, tuple(_record(path, record) for record in records))


def restore(state: State, network: Network, optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Puts a state into the network and the optimizer.

    Raises:
        CheckpointError: it does not fit them.
    """
    load_tensors(network, state.network, path)
    own = optimizer.state_dict()
    wanted = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    moments = state.optimizer.get("state")
    if not isinstance(moments, dict):
        raise _malformed(path)
    for index, moment in moments.items():
        momentum = moment.get("momentum_buffer") if isinstance(moment, dict) else None
        if type(index) is not int or not 0 <= index < len(wanted) or not isinstance(momentum, torch.Tensor):
            raise _malformed(path)
        if momentum.shape != wanted[index].shape or momentum.dtype != wanted[index].dtype:
            raise _malformed(path)
    # Only the tensors are taken from the file. The recipe says how to step.
    optimizer.load_state_dict({**own, "state": moments})


def _check(path: Path, found: dict[str, Any], run: dict[str, Any]) -> None:
    for name in ("architecture", "configuration"):
        if found.get(name) != run[name]:
            raise CheckpointError(
                f"{path} is the training of another network: its {name} is {found.get(name)}, not {run[name]}; "
                "choose another `output` for this one."
            )
    for name, now in run.items():
        before = found.get(name)
        if before != now:
            if name in ("pictures", "labels"):
                raise TrainingError(f"{path} was trained on other {name} than the data now given: give the same data.")
            raise TrainingError(
                f"{path} was started with {name} {before}, and is to go on with {now}: give what it was started with, "
                "or start again in another `output`."
            )


def _record(path: Path, raw: object) -> Record:
    names = [field.name for field in dataclasses.fields(Record)]
    if not isinstance(raw, dict) or sorted(raw) != sorted(names):
        raise _malformed(path)
    if not all(
        type(value) in (int, float) or (name == "test_accuracy" and value is None) for name, value in raw.items()
    ):
        raise _malformed(path)
    return Record(**raw)


def _malformed(path: Path) -> CheckpointError:
    return CheckpointError(f"{path} is a damaged training state: start again with `overwrite=True`.")
