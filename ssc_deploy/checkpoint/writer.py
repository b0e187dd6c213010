"""Writes checkpoints of our own form: the tensors and a `Header`, as safetensors or readable with ``weights_only``."""

from __future__ import annotations

import json
import os
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from ssc_deploy.checkpoint.header import FORMAT, Header
from ssc_deploy.errors import OutputError
from ssc_deploy.nets.config import to_dict
from ssc_deploy.nets.registry import Network

if TYPE_CHECKING:
    from ssc_deploy.metadata import Preprocessing


def save(
    module: nn.Module,
    path: Path,
    *,
    labels: tuple[str, ...] = (),
    preprocessing: Preprocessing | None = None,
    overwrite: bool = False,
) -> None:
    """Writes the module's state dict, with architecture and configuration where it is one of ours.

    The file appears whole or not at all. Its bytes depend on nothing but the arguments and torch's version.

    Args:
        module: any module; a `nets.Network` is rebuilt from the file alone.
        path: ends in ``.safetensors`` for that format; any other ending gives PyTorch's.
        labels: class names in the order of the outputs.
        preprocessing: how an image becomes the input.
        overwrite: whether a file that is there may be replaced.

    Raises:
        OutputError: the file exists, or the folder cannot be written.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists: choose another name, or allow it to be overwritten.")
    arch, config = (module.arch, to_dict(module.config)) if isinstance(module, Network) else (None, {})
    header = Header(arch, config, labels, preprocessing).to_dict()
    state = module.state_dict()
    tensors = OrderedDict((name, tensor.detach().cpu().contiguous()) for name, tensor in state.items())
    tensors._metadata = getattr(state, "_metadata", {})  # type: ignore[attr-defined]  # modules may ask it on loading
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".checkpoint-") as folder:
            # Under its final name: torch.save writes the file's stem into the archive.
            temporary = Path(folder, path.name)
            if path.suffix.lower() == ".safetensors":
                from safetensors.torch import save_file

                save_file(tensors, temporary, metadata={FORMAT: json.dumps(header)})
            else:
                torch.save({**header, "state_dict": tensors}, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        raise OutputError(f"{path} cannot be written: {error}.") from error
