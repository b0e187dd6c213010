"""``ssc-deploy train``: trains a network of the paper on images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssc_deploy.cli import bars, options, screen

if TYPE_CHECKING:
    from ssc_deploy.training import Record, Step

# Names that the library knows, repeated here so that a help text does not import torch.
_RECIPES = ("paper", "imagenet-32", "one-cycle")
_PRECISIONS = ("auto", "float32", "bfloat16")

_EXAMPLES = """\b
ssc-deploy train --net ssc-net-1-9 --data cifar-10-batches-py --epochs 160
ssc-deploy train --net ssc-net-1-9 --data train.zip --test test.zip \\
    --recipe one-cycle --epochs 20
torchrun --nproc-per-node 2 --no-python ssc-deploy train --net ...
"""


@click.command(epilog=_EXAMPLES)
@click.option("--net", required=True, metavar="NAME", help="A network of the paper, e.g. ssc-net-1-9.")
@click.option("--data", type=options.PATH, required=True, help="Folder or zip file of images with classes.")
@click.option("--test", type=options.PATH, help="Images to score after every epoch, in the same form.")
@click.option("--resize", is_flag=True, help="Scale and crop images of another size.")
@click.option("-o", "--output", type=options.PATH, help="Folder for the files.  [default: training/<net>/]")
@click.option("--resume", is_flag=True, help="Continue the run in --output.")
@click.option("--overwrite", is_flag=True, help="Start again, and replace existing files.")
@click.option("--recipe", type=click.Choice(_RECIPES), default="paper", show_default=True, help="How it is trained.")
@click.option("--epochs", type=click.IntRange(min=1), help="Number of epochs, instead of the recipe's.")
@click.option(
    "--lr", type=click.FloatRange(min=0, min_open=True), help="Highest learning rate, instead of the recipe's."
)
@click.option("--batch", type=click.IntRange(min=1), help="Images in each step, instead of the recipe's.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of everything random.")
@click.option(
    "--precision",
    type=click.Choice(_PRECISIONS),
    default="auto",
    show_default=True,
    help="Precision of convolutions; auto: bfloat16 if the processor supports it.",
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of PyTorch.  [default: one for each core]")
@options.output_format
@options.verbosity
def train(
    *,
    net: str,
    data: Path,
    test: Path | None,
    resize: bool,
    output: Path | None,
    resume: bool,
    overwrite: bool,
    recipe: str,
    epochs: int | None,
    lr: float | None,
    batch: int | None,
    seed: int,
    precision: str,
    device: str,
    threads: int | None,
    form: str,
) -> None:
    """Train a network of the paper on images of known classes.

    DATA is a folder of CIFAR-10, CIFAR-100 or ImageNet-32 as published, a tree of <class>/<image>, or a zip file of
    one. After every epoch the checkpoint, a log and its curve are written. You can interrupt it at any time: the same
    command with --resume continues, and ends with the same weights. Under torchrun, the processes share every batch.
    """
    if resume and overwrite:
        raise click.UsageError("--resume and --overwrite exclude each other")

    import torch

    from ssc_deploy import training
    from ssc_deploy.training import named

    if threads is not None:
        torch.set_num_threads(threads)
    folder = output if output is not None else Path("training") / net
    total = epochs or training.RECIPES[recipe].epochs
    with training.joined(device) as world, bars.Bars() as progress:
        shown = _Shown(progress, total, on_stderr=form == "json")
        try:
            result = named.train(
                net,
                data,
                test=test,
                resize=resize,
                output=folder,
                resume=resume,
                overwrite=overwrite,
                recipe=recipe,
                epochs=epochs,
                lr=lr,
                batch=batch,
                seed=seed,
                precision=precision,
                device=device,
                world=world,
                on_step=shown.step,
                on_epoch=shown.epoch,
            )
        except KeyboardInterrupt:
            if world.leads and (folder / f"{net}.pt").is_file():
                click.echo(f"{folder / net}.pt holds the last whole epoch; --resume continues from it", err=True)
            raise
        leads = world.leads
    if leads and form == "json":
        screen.print_json(result.to_dict())
    elif leads:
        click.echo(f"{result.checkpoint}")


class _Shown:
    """Shows a run: a bar over all steps on a terminal, and one line for each epoch."""

    def __init__(self, progress: bars.Bars, epochs: int, *, on_stderr: bool) -> None:
        self._progress, self._epochs, self._on_stderr = progress, epochs, on_stderr

    def step(self, at: Step) -> None:
        done = (at.epoch - 1) * at.steps + at.step
        figures = f"epoch {at.epoch}/{self._epochs}  loss {at.loss:.3f}  accuracy {at.accuracy:.1%}"
        self._progress.show("training", done, self._epochs * at.steps, figures)

    def epoch(self, record: Record) -> None:
        tested = "" if record.test_accuracy is None else f"  test {record.test_accuracy:.2%}"
        line = (
            f"epoch {record.epoch:>3}/{self._epochs}  rate {record.rate:.4f}  loss {record.loss:.4f}  "
            f"accuracy {record.accuracy:.2%}{tested}  {record.seconds:.0f} s"
        )
        self._progress.line(line, on_stderr=self._on_stderr)
