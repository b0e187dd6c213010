"""Anyone's own network: ``path/to/net.py:SSCNet`` or ``package.module:callable``. Runs the user's code, as asked."""

from __future__ import annotations

import ast
import contextlib
import difflib
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ssc_deploy.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

#: What a user's code may raise at us. Its exceptions may be of its own classes, so nothing narrower would do; a script
#: that ends with ``sys.exit`` is no reason to end without a word. An interrupt is meant, and passes.
USER_ERRORS = (Exception, SystemExit)


def build(spec: str, args: Mapping[str, str], seed: int = 0) -> tuple[str, nn.Module]:
    """Imports and calls what the user named.

    Args:
        spec: ``path/to/net.py:name`` or ``package.module:name``; the name may be dotted.
        args: keyword arguments; values are read as Python literals, or else as strings.
        seed: of PyTorch's random numbers while the module is made.

    Returns:
        the name after the colon, and the module.

    Raises:
        NetworkError: the file, module or name is missing, its code fails, or the result is no ``nn.Module``.
    """
    where, colon, name = spec.rpartition(":")
    if not (colon and where and name):
        raise NetworkError(f"--model {spec!r} needs the form path/to/net.py:Name or package.module:Name.")
    with _importable(Path(where).parent if where.endswith(".py") else Path()), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = _attribute(_file(Path(where)) if where.endswith(".py") else _module(where), name, where)
        if not callable(made):
            raise NetworkError(f"{name} in {where} is a {type(made).__name__}, not a class or function to call.")
        try:
            module = made(**{key: literal(text) for key, text in args.items()})
        except USER_ERRORS as error:
            raise NetworkError(
                f"{name}({', '.join(f'{key}={text}' for key, text in args.items())}) fails: "
                f"{type(error).__name__}: {error}; give its arguments with --arg NAME=VALUE."
            ) from error
    if not isinstance(module, nn.Module):
        raise NetworkError(f"{name} in {where} makes a {type(module).__name__}, not a torch.nn.Module.")
    return name, module


def literal(text: str) -> Any:
    """The Python literal that the text is, or the text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Lets the user's file import its neighbours, as a script started by Python may."""
    entry = str(folder.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the user's code may have removed it
            sys.path.remove(entry)


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise NetworkError(f"--model: there is no file {path}.")
    # A name of its own, so that a user's `onnx.py` or a second `net.py` shadows nothing.
    name = f"ssc_deploy_user_module.{path.stem}_{abs(hash(path.resolve())):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise NetworkError(f"--model: {path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look their module up there
    try:
        spec.loader.exec_module(module)
    except USER_ERRORS as error:
        del sys.modules[name]
        raise NetworkError(f"{path} fails while it is imported: {type(error).__name__}: {error}") from error
    return module


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except USER_ERRORS as error:
        raise NetworkError(f"--model: cannot import {name}: {type(error).__name__}: {error}") from error


def _attribute(module: ModuleType, name: str, where: str) -> Any:
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            public = [known for known in vars(value) if not known.startswith("_")]
            near = difflib.get_close_matches(part, public, 1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise NetworkError(f"{where} has no {name!r}{hint}")
        value = getattr(value, part)
    return value
