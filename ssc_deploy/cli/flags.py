"""Parameters that a message of the library names, written as flags of the command line.

The library names a parameter as a Python caller writes it, between back quotes. The command line shows its own words
in their place. They come from the commands' options themselves:

    `input_shape`                                       --input-shape
    `input_shape=(1, 3, 32, 32)`                        --input-shape 1,3,32,32
    `to=("onnx", "tflite")`                             --to onnx --to tflite
    `args={"NAME": "VALUE"}`                            --arg NAME=VALUE
    `resize=False`                                      --no-resize
    `preprocessing=Preprocessing(mean=..., std=...)`    --mean and --std
    `ssc_deploy.verify(ckpt="CKPT", against="FILE")`    ssc-deploy verify --ckpt CKPT --against FILE
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What stands between two back quotes. It is short: names out of files, which a message holds as well, may be long.
QUOTED = re.compile(r"`([^`\n]{1,300})`")

_PROGRAM = "ssc-deploy"
_MODULE = "ssc_deploy"


def spelled(message: str, commands: click.Command) -> str:
    """The message with flags in place of the library's parameters.

    What is quoted and is not a parameter of a command stays as it is.

    Args:
        message: of the library.
        commands: the command line, or one command.
    """
    if "`" not in message:
        return message
    options = by_parameter(commands)

    def flag(found: re.Match[str]) -> str:
        expression = parameters(found[1])
        written = None if expression is None else _written(expression, options)
        return found[0] if written is None else written

    return QUOTED.sub(flag, message)


def by_parameter(commands: click.Command) -> dict[str, click.Option]:
    """The options of all commands by the names of their parameters.

    One name is the same flag in each command. Where one command takes the flag several times, its option is given.
    """
    options = [
        parameter for command in _all(commands) for parameter in command.params if isinstance(parameter, click.Option)
    ]
    return {option.name: option for option in sorted(options, key=lambda option: option.multiple) if option.name}


def parameters(quoted: str) -> ast.Name | ast.Call | None:
    """What stands between back quotes, if it is a name, keywords with values, or a call of a public function.

    Returns:
        A name; or a call, which of keywords alone has no function (``_``). None for all else.
    """
    for text in (quoted, f"_({quoted})"):
        try:
            with warnings.catch_warnings(action="ignore"):
                expression = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError):  # ValueError: a null character
            continue
        if isinstance(expression, ast.Name):
            return expression
        if isinstance(expression, ast.Call) and not expression.args:
            named = all(keyword.arg is not None for keyword in expression.keywords)
            return expression if named and ast.unparse(expression.func).startswith(("_", f"{_MODULE}.")) else None
    return None


def _all(command: click.Command) -> Iterator[click.Command]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _all(inner)
    else:
        yield command


def _written(expression: ast.Name | ast.Call, options: Mapping[str, click.Option]) -> str | None:
    """A name or a call in the command line's words; None where something in it is not an option."""
    if isinstance(expression, ast.Name):
        return options[expression.id].opts[-1] if expression.id in options else None
    try:
        values = dict(_values(expression.keywords))
        if not all(name in options or f"no_{name}" in options for name in values):
            return None
        written = [text for name, value in values.items() for text in _flags(name, value, options)]
    except (ValueError, TypeError, AttributeError):  # no literals, or of another kind than the option's
        return None
    _, _, command = ast.unparse(expression.func).partition(f"{_MODULE}.")
    if command:
        return " ".join([_PROGRAM, command, *written])
    return (" and " if ... in values.values() else " ").join(written)


def _values(keywords: list[ast.keyword]) -> Iterator[tuple[str, Any]]:
    """Keywords with their values. Where a value is a record, its own keywords are given in its place."""
    for keyword in keywords:
        if isinstance(keyword.value, ast.Call) and not keyword.value.args:
            yield from _values(keyword.value.keywords)
        elif keyword.arg is not None:
            yield keyword.arg, _value(keyword.value)


def _value(expression: ast.expr) -> Any:
    """The value of a literal. A name, such as the C in ``(1, C, H, W)``, stands for itself."""
    if isinstance(expression, ast.Name):
        return expression.id
    if isinstance(expression, ast.Tuple):
        return tuple(map(_value, expression.elts))
    return ast.literal_eval(expression)


def _flags(name: str, value: Any, options: Mapping[str, click.Option]) -> list[str]:
    if value is False:
        return [options[f"no_{name}"].opts[-1]]
    option = options[name]
    flag = option.opts[-1]
    if value is ... or option.is_flag:
        return [flag]
    if isinstance(value, dict):
        value = tuple(f"{key}={inner}" for key, inner in value.items())
    # A tuple with a number in it is one shape, whatever number of shapes the flag takes.
    several = option.multiple and isinstance(value, tuple) and not any(isinstance(one, int) for one in value)
    values = value if several else (value,)
    return [f"{flag} {_text(one)}" for one in values]


def _text(value: Any) -> str:
    return ",".join(map(_text, value)) if isinstance(value, tuple) else shlex.quote(str(value))
