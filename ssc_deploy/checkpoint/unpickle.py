"""Reads what `torch.save` wrote with `weights_only=True`, and explains a refusal without running anything.

Real checkpoints hold, beside tensors, the arguments of a training script and NumPy numbers. The few types that occur so
are not unpickled but replaced by `Inert`, which keeps nothing and does nothing: whatever a file claims about such an
object, none of that type's own code runs. Every other global makes `torch.load` refuse the file.
"""

from __future__ import annotations

import pickle
import pickletools
import struct
import warnings
import zipfile
from collections import OrderedDict
from typing import IO, TYPE_CHECKING, Any

import torch

from ssc_deploy.errors import CheckpointError, UnsafeCheckpointError, shown

if TYPE_CHECKING:
    from pathlib import Path


class Inert:
    """Stands for an object that is of no interest here; ignores whatever it is given."""

    def __new__(cls, *_: object) -> Inert:
        """Ignores what the object would be made of."""
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        """Ignores the object's attributes."""


class InertDict:
    """Stands for a dict of a class of its own: what is made is a plain one, and nothing of that class."""

    def __new__(cls, *_: object) -> OrderedDict[object, object]:  # type: ignore[misc]  # no instance, on purpose
        """Makes the dict that `torch.load` fills; of all dicts only this one may have attributes there."""
        return OrderedDict()


def _plain_dict(*_: object) -> dict[object, object]:
    """Stands for ``defaultdict(factory)``; the factory is dropped."""
    return {}


#: Globals of harmless metadata, by what stands for them.
_STAND_INS: dict[str, Any] = {
    "collections.defaultdict": _plain_dict,
    **dict.fromkeys(
        (
            "addict.addict.Dict",
            "easydict.EasyDict",
            "lightning.fabric.utilities.data.AttributeDict",
            "lightning_fabric.utilities.data.AttributeDict",
            "pytorch_lightning.utilities.parsing.AttributeDict",
            "yacs.config.CfgNode",
        ),
        InertDict,
    ),
    **dict.fromkeys(
        (
            "__builtin__.float",
            "__builtin__.int",
            "__builtin__.list",
            "argparse.Namespace",
            "builtins.dict",
            "builtins.float",
            "builtins.int",
            "builtins.list",
            "datetime.date",
            "datetime.datetime",
            "datetime.timedelta",
            "mmengine.logging.history_buffer.HistoryBuffer",
            "numpy._core.multiarray._reconstruct",
            "numpy._core.multiarray.scalar",
            "numpy.core.multiarray._reconstruct",
            "numpy.core.multiarray.scalar",
            "numpy.dtype",
            "numpy.ndarray",
            "pathlib.Path",
            "pathlib.PosixPath",
            "pathlib.PurePosixPath",
            "pathlib.WindowsPath",
            "pathlib._local.Path",  # so named by CPython 3.13
            "pathlib._local.PosixPath",
            "pathlib._local.PurePosixPath",
            "pathlib._local.WindowsPath",
            "types.SimpleNamespace",
        ),
        Inert,
    ),
}

#: What `torch.load` was seen, or is documented, to raise on damaged files.
_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
)

#: Modules whose globals are tensors and containers to `torch.load`, or code that it refuses by itself.
_OF_TORCH = ("torch.", "collections.", "_codecs.", "torch")


def load(path: Path) -> object:
    """What the file holds, tensors on the CPU and metadata partly replaced by `Inert`.

    Raises:
        UnsafeCheckpointError: unpickling would run code, or make objects of classes that are not known to be harmless.
        CheckpointError: truncated or damaged.
    """
    stand_ins: list[Any] = [(stand_in, name) for name, stand_in in _STAND_INS.items()]
    try:
        with torch.serialization.safe_globals(stand_ins), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols and sparse tensors, both of which are refused here
            loaded: object = torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGED as error:
        found = globals_in(path)
        if isinstance(error, pickle.UnpicklingError) and "persistent_load of storage" in str(error):
            found = found or ["torch.nn.modules.module.Module"]
        raise _explained(path, found, error) from error
    return loaded


def globals_in(path: Path) -> list[str]:
    """Names of the classes and functions that the file's pickles would call, but for torch's own and harmless ones.

    Reads the pickle as text, so it works where `torch.serialization.get_unsafe_globals_in_checkpoint` does not: in
    files of before torch 1.6, bare pickles and later pickle protocols. It explains; `torch.load` is what refuses.
    """
    names: list[str] = []
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                entry = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
                with archive.open(entry) as file:
                    _scan(file, names)
        else:
            with path.open("rb") as file:
                while file.peek(1):
                    _scan(file, names)
    except (*_DAMAGED, StopIteration, zipfile.BadZipFile):
        pass  # the pickle ends, or what follows it is raw storage: the names that were found so far are the answer
    return list(dict.fromkeys(names))


def _scan(file: IO[bytes], names: list[str]) -> None:
    texts: list[str] = []
    memo: dict[object, str | None] = {}
    pushed: str | None = None  # the text that the opcode before put on the stack
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name == "MEMOIZE":
            memo[len(memo)] = pushed
        elif "PUT" in opcode.name:
            memo[argument] = pushed
        pushed = None
        if "GET" in opcode.name:
            pushed = memo.get(argument)
        elif isinstance(argument, str) and opcode.name not in ("GLOBAL", "INST"):
            pushed = argument
        if pushed is not None:
            texts.append(pushed)
        name = None
        if opcode.name in ("GLOBAL", "INST"):
            name = str(argument).replace(" ", ".")
        elif opcode.name == "STACK_GLOBAL" and len(texts) >= 2:
            name = ".".join(texts[-2:])
        if name and name not in _STAND_INS and (not name.startswith(_OF_TORCH) or name.startswith("torch.nn.modules.")):
            names.append(name)


def _explained(path: Path, names: list[str], error: BaseException) -> CheckpointError:
    if any(name.startswith("torch.nn.modules.") for name in names):
        classes = [name for name in names if not name.startswith("torch.nn.modules.")] or names
        return UnsafeCheckpointError(
            f"{path} holds a whole pickled module ({shown(classes[0])}), and loading one runs code; "
            "save its weights alone, where the module is at hand: torch.save(model.state_dict(), path)."
        )
    if names:
        return UnsafeCheckpointError(
            f"{path} is refused, since reading it would call {_listed(names)}, and code in a checkpoint is never run; "
            "if you trust where it comes from, load it there and save torch.save(model.state_dict(), path)."
        )
    if isinstance(error, pickle.UnpicklingError) and ("GLOBAL" in str(error) or "Unsupported operand" in str(error)):
        return UnsafeCheckpointError(
            f"{path} holds more than tensors, or was pickled by another protocol than torch.save's own; "
            "save its weights alone: torch.save(model.state_dict(), path)."
        )
    reason = str(error).strip().split("\n", 1)[0][:120] or type(error).__name__
    return CheckpointError(
        f"{path} is truncated or damaged ({reason}): the download or the saving broke off; fetch it again."
    )


def _listed(names: list[str]) -> str:
    return ", ".join(map(shown, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
