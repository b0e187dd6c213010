"""Progress bars on standard error, shown only on a terminal; used as a context manager."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from rich.progress import Progress, TaskID


class Bars:
    """One bar for each task that runs."""

    def __init__(self) -> None:
        self._live: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[figures]}", markup=False),
            )
            self._live = Progress(*columns, console=Console(stderr=True), transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, name: str, done: int, total: int, figures: str = "") -> None:
        """Moves the bar of that name, and ends it when its task is done."""
        if self._live is None:
            return
        if name not in self._tasks:
            self._tasks[name] = self._live.add_task(name, total=total, figures=figures)
        self._live.update(self._tasks[name], completed=done, figures=figures)
        if done >= total:
            self._live.remove_task(self._tasks.pop(name))

    def line(self, text: str, *, on_stderr: bool) -> None:
        """Prints a line above the bars, without delay even into a file."""
        if self._live is not None and (on_stderr or sys.stdout.isatty()):
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(text, err=on_stderr)
            (sys.stderr if on_stderr else sys.stdout).flush()

    def evaluated(self, path: Path, done: int, total: int) -> None:
        """The ``progress`` of `evaluation.evaluate`."""
        self.show(path.name, done, total)
