"""Training of a network by its name on a folder of images: what ``ssc-deploy train`` does."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ssc_deploy.data import Split, read
from ssc_deploy.errors import TrainingError
from ssc_deploy.nets.sizes import named
from ssc_deploy.training import loop
from ssc_deploy.training.recipe import RECIPES, Precision
from ssc_deploy.training.world import World, fastest, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssc_deploy.training.loop import Step, TrainResult
    from ssc_deploy.training.record import Record


def train(
    net: str,
    data: str | Path,
    *,
    test: str | Path | None = None,
    resize: bool = False,
    output: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    recipe: str = "paper",
    epochs: int | None = None,
    lr: float | None = None,
    batch: int | None = None,
    seed: int = 0,
    precision: str = "auto",
    device: str = "cpu",
    world: World | None = None,
    on_step: Callable[[Step], None] | None = None,
    on_epoch: Callable[[Record], None] | None = None,
) -> TrainResult:
    """Trains a network of the paper on images of known classes, or continues its training.

    After every epoch the checkpoint, the state to resume from, the log and the curve are replaced, each in one step.

    Args:
        net: a network of the paper, e.g. ``"ssc-net-1-9"``; `models` lists them.
        data: a folder of CIFAR-10, CIFAR-100 or ImageNet-32 as published, a tree of ``<class>/<image>``, or a zip file
            of one.
        test: images that are scored after every epoch, in the same form.
        resize: scale and crop images of another size.
        output: folder of the files; default ``training/<net>/``.
        resume: continue the run in ``output``.
        overwrite: start again, and replace existing files.
        recipe: ``"paper"`` or another of `training.RECIPES`.
        epochs: number of epochs, instead of the recipe's.
        lr: highest learning rate, instead of the recipe's.
        batch: images in each step, instead of the recipe's.
        seed: of all random numbers.
        precision: of convolutions: ``"float32"``, ``"bfloat16"``, or ``"auto"`` for bfloat16 if the device supports
            it.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        world: the processes that train together; None for those that torchrun started, or this one alone.
        on_step: is called after every step, in the process that writes the files.
        on_epoch: is called after every epoch, in the same process.

    Raises:
        SscDeployError: the network is unknown, the data cannot be read, or the training cannot start or be resumed.
    """
    if recipe not in RECIPES:
        raise TrainingError(f"there is no recipe {recipe!r}; choose one of {', '.join(RECIPES)}")
    if precision not in {"auto", *Precision}:
        raise TrainingError(f"there is no precision {precision!r}; choose one of auto, {', '.join(Precision)}")
    changes = {"epochs": epochs, "lr": lr, "batch": batch, "seed": seed}
    chosen = dataclasses.replace(
        RECIPES[recipe],
        precision=fastest(device) if precision == "auto" else Precision(precision),
        **{name: value for name, value in changes.items() if value is not None},  # type: ignore[arg-type]  # by name
    )
    size = named(net).input_shape[2:]
    images = read(Path(data), Split.TRAIN, size=size, resize=resize)
    scored = None if test is None else read(Path(test), Split.TEST, size=size, resize=resize).ordered(images.classes)
    torch.manual_seed(seed)
    network = named(net, len(images.classes))
    with joined(device) if world is None else contextlib.nullcontext(world) as together:
        return loop.train(
            network,
            images,
            Path("training") / net if output is None else Path(output),
            chosen,
            name=net,
            test=scored,
            world=together,
            resume=resume,
            overwrite=overwrite,
            on_step=on_step if together.leads else None,
            on_epoch=on_epoch if together.leads else None,
        )
