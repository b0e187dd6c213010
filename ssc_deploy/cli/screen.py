"""What a user sees: finished stages, errors and warnings in one line, JSON."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import sys
import textwrap
import warnings
from typing import TYPE_CHECKING, Any, Self, TextIO

import click

from ssc_deploy.cli import flags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from rich.progress import Progress

#: The stage that runs after each stage. What follows ``verify`` depends on the formats.
_NEXT = {
    "checkpoint": "capture",
    "capture": "rewrite",
    "rewrite": "lower",
    "quantize": "lower",
    "lower": "emit",
    "layout": "emit",
    "emit": "verify",
    "verify": "",
    "sizes": "",
    "onnxsim": "",
    "golden": "",
}
_FIRST = "checkpoint"
_WIDTH = max(map(len, _NEXT))

#: Long lists are broken at this width.
_COLUMNS = 80

#: The key in click's context of the stream that the JSON goes to.
_RESULT = f"{__name__}.result"

_STDOUT, _STDERR = 1, 2


class Stages:
    """Prints a line for each finished stage. On a terminal, the running stage is shown below them, with its time.

    It is used as a context manager, and is the ``progress`` of `ssc_deploy.export`.

    Args:
        on_stderr: whether the lines go to standard error, because they are not the command's result.
    """

    def __init__(self, *, on_stderr: bool) -> None:
        self._on_stderr = on_stderr
        self._live: Progress | None = None

    def __enter__(self) -> Self:
        stream = sys.stderr if self._on_stderr else sys.stdout
        # Log lines would appear in the middle of the running stage's line.
        if stream.isatty() and not logging.getLogger("ssc_deploy").isEnabledFor(logging.INFO):
            from rich.console import Console
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = (SpinnerColumn("line"), TextColumn(f"{{task.description:<{_WIDTH - 1}}}"), TimeElapsedColumn())
            self._live = Progress(*columns, console=Console(file=stream), transient=True)
            self._live.start()
            self._show(_FIRST)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, stage: str, line: str) -> None:
        """Prints that a stage has ended, and its result, with flags in place of the library's parameters."""
        context = click.get_current_context(silent=True)
        text = stage_line(stage, line if context is None else flags.spelled(line, context.find_root().command))
        if self._live is None:
            click.echo(text, err=self._on_stderr)
            return
        self._live.print(text, markup=False, highlight=False, soft_wrap=True)
        self._show(_NEXT.get(stage, ""))

    def _show(self, stage: str) -> None:
        assert self._live is not None  # only called on a terminal
        for task in self._live.task_ids:
            self._live.remove_task(task)
        if stage:
            self._live.add_task(stage, total=None)


def stage_line(stage: str, line: str) -> str:
    """A line about a stage, aligned with those of the other stages."""
    return f" {stage:<{_WIDTH}}  {line}"


def indented(text: str) -> list[str]:
    """Text that belongs to the stage above it, in lines of at most `_COLUMNS` characters."""
    indent = " " * (_WIDTH + 3)
    return textwrap.wrap(
        text,
        _COLUMNS,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def print_json(value: dict[str, Any]) -> None:
    """Prints the result of a command as JSON. Numbers that are not finite become null, since JSON cannot hold them."""
    text = json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    context = click.get_current_context(silent=True)
    click.echo(text, file=context.meta.get(_RESULT) if context else None)


@contextlib.contextmanager
def result_only() -> Iterator[None]:
    """Keeps standard output for `print_json`: everything else that is written there goes to standard error.

    The user's network runs in this process. It may print from Python, from native code, or from programs that it
    starts, until the process ends. So if standard output is that of the process, file descriptor 1 is not restored.
    """
    with contextlib.ExitStack() as stack:
        result: TextIO = sys.stdout
        process_own = sys.__stdout__  # None if the process was started without one
        if process_own is not None and result is process_own:
            with contextlib.suppress(OSError, ValueError):  # a closed one
                process_own.flush()
                copy = os.dup(process_own.fileno())
                own = os.fdopen(copy, "w", encoding=process_own.encoding, errors=process_own.errors)
                result = stack.enter_context(own)
                os.dup2(_STDERR, _STDOUT)
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        click.get_current_context().meta[_RESULT] = result
        yield


def error(sentence: str) -> None:
    """Prints why a command fails."""
    click.echo(f"{click.style('error:', fg='red')} {sentence}", err=True)


@contextlib.contextmanager
def clean_warnings(spell: Callable[[str], str]) -> Iterator[None]:
    """Prints each warning as one line, without the place in our code.

    Args:
        spell: replaces the parameters in a message by flags of the command line.
    """

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        click.echo(f"{click.style('warning:', fg='yellow')} {spell(str(message))}", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def table(header: tuple[str, ...], rows: list[tuple[str, ...]], *, right: frozenset[int] = frozenset()) -> str:
    """Rows in aligned columns, two spaces apart.

    Args:
        header: of the columns.
        rows: as many cells as the header has.
        right: columns to be aligned on the right: numbers.
    """
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    cells = (
        [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    )
    return "\n".join("  ".join(line).rstrip() for line in cells)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
