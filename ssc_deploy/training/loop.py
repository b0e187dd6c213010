"""The loop over epochs and steps."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from ssc_deploy import checkpoint, pictures
from ssc_deploy.errors import OutputError, TrainingError
from ssc_deploy.metadata import SCHEMA_VERSION, Preprocessing
from ssc_deploy.storage.files import write_verified
from ssc_deploy.training import record, state
from ssc_deploy.training.augment import augmented
from ssc_deploy.training.recipe import Precision
from ssc_deploy.training.record import Record
from ssc_deploy.training.view import training_view
from ssc_deploy.training.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from torch import nn

    from ssc_deploy.data import Dataset
    from ssc_deploy.data.dataset import Pixels
    from ssc_deploy.nets import Network
    from ssc_deploy.training.recipe import Recipe

#: Test images that go through the network at once.
_TEST_BATCH = 250


@dataclass(frozen=True)
class Step:
    """The progress of a run.

    Attributes:
        epoch: from 1.
        step: of the epoch, from 1.
        steps: number of steps in an epoch.
        loss: mean of the epoch so far, over this process's images.
        accuracy: of the same images, 0..1.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class TrainResult:
    """The result of a run.

    Attributes:
        checkpoint: the network, as `checkpoint.read` takes it.
        log: one JSON object for each epoch.
        curve: their image; None if no epoch was trained.
        records: of all epochs, also those before a resumption.
    """

    checkpoint: Path
    log: Path
    curve: Path | None
    records: tuple[Record, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "schema_version": SCHEMA_VERSION,
            "checkpoint": str(self.checkpoint),
            "log": str(self.log),
            "curve": None if self.curve is None else str(self.curve),
            "epochs": [epoch.to_dict() for epoch in self.records],
        }


class _Files:
    """The files of a run with that name."""

    def __init__(self, folder: Path, name: str) -> None:
        self.checkpoint = folder / f"{name}.pt"
        self.state = folder / f"{name}.training.pt"
        self.log = folder / f"{name}.jsonl"
        self.curve = folder / f"{name}.png"


def train(
    network: Network,
    data: Dataset,
    folder: Path,
    recipe: Recipe,
    *,
    name: str,
    test: Dataset | None = None,
    world: World | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_step: Callable[[Step], None] | None = None,
    on_epoch: Callable[[Record], None] | None = None,
) -> TrainResult:
    """Trains a network, or continues its training.

    After every epoch the checkpoint, the state to resume from, the log and the curve are replaced, each in one step;
    the first two exist before the first epoch. If a run is stopped for any reason, the last files can be used.

    Args:
        network: is trained in place; with ``resume`` its weights are replaced.
        data: training images, with as many classes as the network has outputs.
        folder: of the files.
        recipe: how to train.
        name: of the files, without suffix.
        test: images of the same classes that are scored after every epoch.
        world: the processes that train together; None for this one alone, on the CPU.
        resume: continue the run in ``folder``.
        overwrite: start again, and replace existing files.
        on_step: is called after every step.
        on_epoch: is called after every epoch, once its files are written.

    Raises:
        OutputError: files of that name exist, and neither ``resume`` nor ``overwrite`` is given.
        CheckpointError: what is to be resumed is of another network, or damaged.
        TrainingError: what is to be resumed was started otherwise; the loss is no longer a number; or the processes
            cannot share a batch.
    """
    world = world or World(0, 1, torch.device("cpu"))
    files = _Files(folder, name)
    if recipe.batch % world.size or len(data) < world.size:
        raise TrainingError(f"a batch of {recipe.batch} cannot be shared by {world.size} processes.")
    network.to(world.device)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay, nesterov=True
    )
    run = state.describe(network, data, recipe, world.size)
    preprocessing = measured(data.pixels)
    done, records = 0, list[Record]()

    def save() -> None:
        if world.leads:
            tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
            state.State(run, done, tensors, optimizer.state_dict(), tuple(records)).write(files.state)
            checkpoint.save(network, files.checkpoint, labels=data.classes, preprocessing=preprocessing, overwrite=True)
            write_verified(files.log, record.lines(records), lambda _: None, overwrite=True)
            if records:
                write_verified(files.curve, record.curve(records, name), lambda _: None, overwrite=True)
        world.wait()

    if resume:
        before = state.read(files.state, run)
        state.restore(before, network, optimizer, files.state)
        done, records = before.epoch, list(before.records)
    else:
        there = [path for path in vars(files).values() if path.exists()]
        if there and not overwrite:
            raise OutputError(
                f"{there[0]} exists: give `resume=True` to go on with it, `overwrite=True` to start again, or another "
                "`output`."
            )
        world.wait()  # all processes must look before a file of this run exists
        save()
    view = world.shared(training_view(network))
    epochs = _Run(data, recipe, preprocessing, world, optimizer, on_step)
    while done < recipe.epochs:
        begun = time.perf_counter()
        loss, accuracy, rate = epochs.epoch(view, done)
        seconds = time.perf_counter() - begun
        scored = accuracy_of(network, test, preprocessing, world.device) if test is not None and world.leads else None
        done += 1
        records.append(Record(done, rate, loss, accuracy, scored, round(seconds, 3)))
        save()
        if on_epoch is not None:
            on_epoch(records[-1])
    return TrainResult(files.checkpoint, files.log, files.curve if records else None, tuple(records))


def measured(pixels: Pixels) -> Preprocessing:
    """Mean and standard deviation of each channel over all images, to four digits."""
    levels = np.arange(256) / 255
    means, deviations = [], []
    for channel in range(pixels.shape[-1]):
        counts = np.bincount(pixels[..., channel].ravel(), minlength=256)
        mean = float((counts * levels).sum() / counts.sum())
        deviation = math.sqrt(float((counts * (levels - mean) ** 2).sum() / counts.sum()))
        means.append(round(mean, 4))
        # Images of a single colour must not cause a division by zero.
        deviations.append(max(round(deviation, 4), 0.01))
    return Preprocessing(tuple(means), tuple(deviations))


def accuracy_of(network: nn.Module, data: Dataset, preprocessing: Preprocessing, device: torch.device) -> float:
    """Share of the images whose highest output is their class, in float32. The network's mode is restored."""
    mode = network.training
    network.eval()
    right = 0
    with torch.no_grad():
        for start in range(0, len(data), _TEST_BATCH):
            part = slice(start, start + _TEST_BATCH)
            predicted = network(_input(data.pixels[part], preprocessing, device)).argmax(1).cpu().numpy()
            right += int((predicted == data.labels[part]).sum())
    network.train(mode)
    return right / len(data)


@dataclass(frozen=True)
class _Run:
    """State that all epochs of a run share."""

    data: Dataset
    recipe: Recipe
    preprocessing: Preprocessing
    world: World
    optimizer: torch.optim.Optimizer
    on_step: Callable[[Step], None] | None

    def epoch(self, view: nn.Module, epoch: int) -> tuple[float, float, float]:
        """One pass over the data; returns mean loss, accuracy, and the last learning rate."""
        recipe, world = self.recipe, self.world
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(self.data))
        # Every process needs a part of every batch.
        order = order[: len(order) - len(order) % world.size]
        steps = -(-len(order) // recipe.batch)
        # Networks with dropout draw from PyTorch's own generator. Each process draws other numbers.
        torch.manual_seed(int(np.random.SeedSequence([recipe.seed, epoch, world.rank]).generate_state(1)[0]))
        sums = torch.zeros(3, dtype=torch.float64)
        rate = 0.0
        for step in range(steps):
            chosen = order[step * recipe.batch : (step + 1) * recipe.batch]
            rate = recipe.rate(epoch * steps + step, steps)
            sums += self._step(view, chosen, rate, np.random.default_rng([recipe.seed, epoch, step]))
            loss, right, seen = sums.tolist()
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss is no longer a number in epoch {epoch + 1}, step {step + 1}: give a lower `lr`; "
                    "the checkpoint of the epoch before is kept."
                )
            if self.on_step is not None:
                self.on_step(Step(epoch + 1, step + 1, steps, loss / seen, right / seen))
        loss, right, seen = world.total(sums.to(world.device)).tolist()
        return loss / seen, right / seen, rate

    def _step(
        self, view: nn.Module, chosen: npt.NDArray[np.int64], rate: float, rng: np.random.Generator
    ) -> torch.Tensor:
        """Trains on the images ``chosen``; returns the sum of losses, the right ones and the number of images."""
        part, device = self.world.part, self.world.device
        pixels = augmented(self.data.pixels[chosen], self.recipe, rng, part)
        labels = torch.from_numpy(self.data.labels[chosen[part]]).to(device)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(device.type, torch.bfloat16, enabled=self.recipe.precision is Precision.BFLOAT16):
            logits = view(_input(pixels, self.preprocessing, device))
        loss = functional.cross_entropy(logits.float(), labels)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch has no annotation for it
        self.optimizer.step()
        right = int((logits.argmax(1) == labels).sum())
        return torch.tensor([loss.item() * len(labels), right, len(labels)], dtype=torch.float64)


def _input(pixels: Pixels, preprocessing: Preprocessing, device: torch.device) -> torch.Tensor:
    """float32 [N, C, H, W], in channels-last order."""
    listed: Sequence[Pixels] = list(pixels)
    values = torch.from_numpy(pictures.preprocess(listed, preprocessing, "NHWC"))
    return values.to(device).permute(0, 3, 1, 2)
