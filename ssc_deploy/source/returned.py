"""The tensors that a module returns, and their names.

    a tensor                    output
    a tuple or a list           output, output_1 ...
    a dict                      its keys
    a dataclass, a named tuple  its fields
    one in the other            boxes_0, boxes_1 ... (a list under the key "boxes")

What is not a tensor in them (None, a number, a text) is left out.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from ssc_deploy.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The name of an output that has none of its own.
_OUTPUT = "output"

#: What a network may return beside tensors.
_LEFT_OUT = (type(None), bool, int, float, str, bytes, torch.Size, torch.dtype, torch.device)


def tensors(returned: object, network: str, kept: Sequence[str] = ()) -> dict[str, torch.Tensor]:
    """What a module returned, as tensors by name.

    Args:
        returned: by one call of the module.
        network: its name, for the message.
        kept: names of the outputs that are wanted, in that order; empty for all.

    Raises:
        NetworkError: it holds no tensor, something that has no name here, or not the outputs that are wanted.
    """
    found: dict[str, torch.Tensor] = {}
    for name, tensor in _walk(returned, "", network):
        free, count = name, 1
        while free in found:
            free, count = f"{name}_{count}", count + 1
        found[free] = tensor
    if not found:
        raise NetworkError(f"{network} returns no tensor; a network for a file returns at least one.")
    for name in kept:
        if name not in found:
            near = difflib.get_close_matches(name, found, 1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise NetworkError(f"{network} has no output {name!r}; it returns {', '.join(found)}{hint}")
    return {name: found[name] for name in kept} if kept else found


def _walk(value: object, name: str, network: str) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield name or _OUTPUT, value
    elif isinstance(value, _LEFT_OUT):
        return
    elif (parts := _parts(value)) is not None:
        for part, inner in parts:
            yield from _walk(inner, _joined(name, part), network)
    else:
        where = f" as {name}" if name else ""
        raise NetworkError(
            f"{network} returns an object of type {type(value).__name__}{where}; return tensors, alone or "
            "in a tuple, a list, a dict or a dataclass."
        )


def _parts(value: Any) -> list[tuple[str | int, object]] | None:
    """What a container holds, each with its key, field or position; None if it is not a container."""
    if isinstance(value, Mapping):
        return [(str(key), inner) for key, inner in value.items()]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return list(zip(value._fields, value, strict=True))
    if isinstance(value, tuple | list):
        return list(enumerate(value))
    return None


def _joined(name: str, part: str | int) -> str:
    if isinstance(part, int):
        # The first of a plain tuple has the name of an only output.
        return f"{name}_{part}" if name else (f"{_OUTPUT}_{part}" if part else _OUTPUT)
    # A slash ends the name of a block, in the names of the tensors inside it.
    plain = "".join("_" if character.isspace() or character == "/" else character for character in part)
    return f"{name}_{plain}" if name else plain or _OUTPUT
