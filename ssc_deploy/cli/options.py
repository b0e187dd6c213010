"""Options that several commands share, and how their values are written."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., object]")

# Names that the library knows, repeated here because asking it would import onnx and numpy for a help text;
# tests/cli/test_help.py holds them against the library's own.
FORMATS = ("onnx", "tflite")
SHIFTS = ("auto", "depthwise", "slice", "gather")
SHUFFLES = ("auto", "transpose", "gather")
STAGES = ("file", "checkpoint", "capture", "rewrite", "lower")
TARGETS = ("onnxruntime", "litert")

PATH = click.Path(path_type=Path)


class Shape(click.ParamType[tuple[int, ...]]):
    """``1,3,32,32`` as a tuple of numbers."""

    name = "shape"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Reads the text; which shapes are possible is the library's to say."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(number) for number in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not of the form 1,3,32,32", param, ctx)


class Numbers(click.ParamType[tuple[float, ...]]):
    """``0.49,0.48,0.45`` as a tuple of numbers."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Reads the text."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(number) for number in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not of the form 0.49,0.48,0.45", param, ctx)


class Batch(click.ParamType[int | str]):
    """A number of pictures, or ``dynamic``."""

    name = "batch"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Reads the text; click takes a None for an option that was not given, so ``dynamic`` stays a word."""
        if isinstance(value, int):
            return value
        if value == "dynamic":
            return "dynamic"
        try:
            return int(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor the word dynamic", param, ctx)


class Argument(click.ParamType[tuple[str, str]]):
    """``NAME=VALUE`` as a pair of texts."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Splits the text at its first equals sign."""
        if isinstance(value, tuple):
            return value[0], value[1]
        name, equals, text = str(value).partition("=")
        if not name or not equals:
            self.fail(f"{value!r} is not of the form NAME=VALUE", param, ctx)
        return name, text


def network(command: Command) -> Command:
    """Adds the options that say which network it is: ``model``, ``arch``, ``args`` and ``input_shape``."""
    added = (
        click.option(
            "--model", metavar="FILE.py:NAME", help="Your own network (or package.module:NAME). Its code is run."
        ),
        click.option("--arch", metavar="NAME", help="A known architecture, where the checkpoint does not tell it."),
        click.option(
            "--arg",
            "args",
            type=Argument(),
            multiple=True,
            callback=lambda _context, _parameter, pairs: dict(pairs),
            help="Argument of the network, e.g. G=9. Repeatable.",
        ),
        click.option("--input-shape", type=Shape(), metavar="1,C,H,W", help="Of one picture; needed with --model."),
    )
    for option in reversed(added):
        command = option(command)
    return command


def tolerance(command: Command) -> Command:
    """Adds ``--atol`` and ``--rtol``."""
    atol = click.option(
        "--atol", type=click.FloatRange(min=0), help="Absolute tolerance, instead of the one the network sets."
    )
    rtol = click.option("--rtol", type=click.FloatRange(min=0), help="Relative tolerance, likewise.")
    return atol(rtol(command))


def output_format(command: Command) -> Command:
    """Adds ``--format`` as ``form``: ``text`` or ``json``."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        help="json: the result, and nothing else, on standard output.",
    )(command)


def verbosity(command: Command) -> Command:
    """Adds ``-v``, which starts logging before the command runs."""

    def start(_ctx: click.Context, _param: click.Parameter, count: int) -> None:
        logging.basicConfig(format=" %(name)s: %(message)s", level=logging.WARNING, force=True)
        levels = {0: logging.WARNING, 1: logging.INFO}
        logging.getLogger("ssc_deploy").setLevel(levels.get(count, logging.DEBUG))

    return click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=start,
        help="Log what is done; -vv also checks the graph after every rule.",
    )(command)
