"""The user's own network: ``path/to/net.py:SSCNet`` or ``package.module:callable``. This runs the user's code."""

from __future__ import annotations

import ast
import contextlib
import copy
import difflib
import importlib
import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.export
import torch.fx
from torch import nn

from ssc_deploy.errors import USER_ERRORS, NetworkError
from ssc_deploy.source import program
from ssc_deploy.source.inputs import PROGRAM
from ssc_deploy.source.seeding import seeded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import ModuleType


_INIT = "__init__.py"


def build(spec: str, args: Mapping[str, str], seed: int = 0) -> tuple[str, nn.Module]:
    """Imports the name that the user gave, and calls it if it is not a module already.

    Args:
        spec: ``path/to/net.py:name`` or ``package.module:name``; the name may be dotted. Or a file of
            ``torch.export.save``, ``path/to/net.pt2``.
        args: keyword arguments; values are read as Python literals, or else as strings.
        seed: of all random numbers while the module is made.

    Returns:
        the name after the colon, and the module.

    Raises:
        NetworkError: the file, module or name is missing, its code fails, or the result is no ``nn.Module``.
    """
    if spec.endswith(PROGRAM):
        return Path(spec).stem, program.load(Path(spec))
    where, colon, name = spec.rpartition(":")
    if not (colon and where and name):
        raise NetworkError(f"`model={spec!r}` needs the form path/to/net.py:Name or package.module:Name.")
    with _importable(_folders(where)), seeded(seed):
        made = _attribute(_file(Path(where)) if where.endswith(".py") else _module(where), name, where)
        return name, module_of(_made(made, name, where, args), f"{name} in {where}")


def of_object(network: object, args: Mapping[str, str], seed: int = 0) -> tuple[str, nn.Module]:
    """A network that a Python program has in its hands, or makes of a class or a function.

    Args:
        network: a module, a program of ``torch.export``, or what is called to make one.
        args: see `build`.
        seed: see `build`.

    Returns:
        its name, and a module in the processor's memory; a copy, where it was a module.

    Raises:
        NetworkError: it is no such thing, its code fails, or it cannot be copied.
    """
    name = getattr(network, "__name__", None) or type(network).__name__
    with seeded(seed):
        made = _made(network, name, "`model`", args)
    module = module_of(made, name)
    try:
        # What follows changes its mode and its dtype.
        return (type(module).__name__ if made is network else name), copy.deepcopy(module).cpu()
    except USER_ERRORS as error:
        raise NetworkError(
            f"{name} cannot be copied ({type(error).__name__}: {error}); give the class, or a function that makes it."
        ) from error


def module_of(made: object, what: str) -> nn.Module:
    """The network itself, of what the user's code made.

    Raises:
        NetworkError: it is not a module, or one that cannot be captured.
    """
    module = _unwrapped(made)
    if isinstance(module, torch.export.ExportedProgram):
        return program.Program(module)
    if _is_exported(module):
        raise NetworkError(
            f"{what} gives the graph of a program of torch.export, which has lost its modes and its inputs: give the "
            "program itself, or the module that it was exported from."
        )
    if not isinstance(module, nn.Module):
        raise NetworkError(f"{what} gives an object of type {type(module).__name__}, not a torch.nn.Module.")
    scripted = next((path for path, part in module.named_modules() if isinstance(part, torch.jit.ScriptModule)), None)
    if scripted is not None:
        part = f"has a TorchScript module in it ({scripted})" if scripted else "is a TorchScript module"
        raise NetworkError(
            f"what {what} gives {part}, which torch.export cannot capture: leave torch.jit.script or "
            "torch.jit.trace away; or write the whole with torch.onnx.export(module, images, 'net.onnx', dynamo=False) "
            "and give that file as `ckpt='net.onnx'`, without `model`."
        )
    return module


def _made(named: Any, name: str, where: str, args: Mapping[str, str]) -> object:
    """What the user's class or function returns. A module is taken as it is, though it can be called as well."""
    if isinstance(named, nn.Module | torch.export.ExportedProgram):
        if args:
            raise NetworkError(f"{name} in {where} is a {type(named).__name__} already: leave `args` out.")
        return named
    if not callable(named):
        raise NetworkError(
            f"{name} in {where} is an object of type {type(named).__name__}, not a class or function to call."
        )
    try:
        return named(**{key: literal(text) for key, text in args.items()})
    except USER_ERRORS as error:
        raise NetworkError(
            f"{name}({', '.join(f'{key}={text}' for key, text in args.items())}) fails: "
            f"{type(error).__name__}: {error}; give its arguments with `args={{'NAME': 'VALUE'}}`."
        ) from error


def _unwrapped(module: object) -> object:
    """The network itself, without the wrappers of `torch.compile` and parallel training."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = module.module
        if not isinstance(module, nn.Module) or not isinstance(inner, nn.Module):
            return module
        module = inner


def _is_exported(module: object) -> bool:
    """Whether `torch.export.ExportedProgram.module` made it: a graph without modes."""
    if not isinstance(module, torch.fx.GraphModule):
        return False
    try:
        module.eval()
    except NotImplementedError:
        return True
    return False


def rebuild(spec: str, args: Mapping[str, str], seed: int) -> nn.Module:
    """Imports and calls what the user named again, as if for the first time, and restores the first import.

    The user's own files are run again, so that what they draw or count while they are imported is as in a fresh
    process.

    Args:
        spec: see `build`, which has been called with it.
        args: see `build`.
        seed: see `build`.

    Raises:
        NetworkError: as `build`. It is not the user's mistake if code cannot be imported twice.
    """
    where = spec.rpartition(":")[0]
    folder = _folders(where)[0]
    before = dict(sys.modules)
    for name, module in before.items():
        if _is_within(folder, module) and not _is_within(Path(__file__).parents[1], module):
            del sys.modules[name]
    try:
        return build(spec, args, seed)[1]
    finally:
        sys.modules.update(before)


def _is_within(folder: Path, module: ModuleType) -> bool:
    """Whether a module is of a file in that folder, and is not installed there (``.venv/``)."""
    file = getattr(module, "__file__", None)
    # This runs for some thousand modules, of which few begin like this. Parsing each path would take a quarter of a
    # second.
    if not isinstance(file, str) or not os.path.normcase(os.path.normpath(file)).startswith(os.path.normcase(folder)):
        return False
    path = Path(os.path.normpath(file))
    if not path.is_relative_to(folder):
        return False
    return not {"site-packages", "dist-packages"} & set(path.parts)


def literal(text: str) -> Any:
    """The text as a Python literal, or else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


@contextlib.contextmanager
def _importable(folders: Sequence[Path]) -> Iterator[None]:
    """Lets the user's file import its neighbours, as a script started by Python may; and its package, by name."""
    entries = [str(folders[-1]), *([str(folders[0].parent)] if (folders[0] / _INIT).is_file() else [])]
    sys.path[:0] = entries
    try:
        yield
    finally:
        for entry in entries:
            with contextlib.suppress(ValueError):  # the user's code may have removed it
                sys.path.remove(entry)


def _folders(where: str) -> list[Path]:
    """The folder of the user's file, behind those of the packages that it is in; of a module the current folder."""
    if not where.endswith(".py"):
        return [Path().resolve()]
    folders = [Path(where).resolve().parent]
    while (folders[0] / _INIT).is_file() and (folders[0].parent / _INIT).is_file():
        folders.insert(0, folders[0].parent)
    return folders


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise NetworkError(f"`model`: there is no file {path}.")
    name = f"{_package_of(path)}.{path.stem.replace('.', '_')}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise NetworkError(f"`model`: {path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look their module up there
    try:
        spec.loader.exec_module(module)
    except USER_ERRORS as error:
        del sys.modules[name]
        raise NetworkError(f"{path} fails while it is imported: {type(error).__name__}: {error}") from error
    return module


def _package_of(path: Path) -> str:
    """The package that a file is in, under a name of its own: its relative imports work, and it shadows nothing.

    Packages above it count as far as each has an ``__init__.py``. The file's own folder always counts. An
    ``__init__.py`` that fails is left out: what the file needs of it, the file's own import says.
    """
    folders = _folders(str(path))
    name = f"ssc_deploy_user_module_{abs(hash(folders[0])):x}"
    for i, folder in enumerate(folders):
        name = f"{name}.{folder.name}" if i else name
        spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        init = folder / _INIT
        if init.is_file():
            spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=[str(folder)]) or spec
        package = importlib.util.module_from_spec(spec)
        sys.modules[name] = package
        if spec.loader is not None:
            with contextlib.suppress(*USER_ERRORS):
                spec.loader.exec_module(package)
    return name


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except USER_ERRORS as error:
        raise NetworkError(f"`model`: cannot import {name}: {type(error).__name__}: {error}") from error


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
