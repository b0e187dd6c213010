"""From what the user pointed at to a `Source`: weights found, network built, both fitted and tried once.

Of the places that may tell a network's configuration the nearest to the user wins: arguments given by hand, then the
checkpoint's own header, then its card, then the shapes of its tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy import card as cards
from ssc_deploy.errors import CardError, CheckpointError, NetworkError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from _typeshed import DataclassInstance

    from ssc_deploy.card import Card
    from ssc_deploy.checkpoint import Checkpoint
    from ssc_deploy.metadata import Preprocessing
    from ssc_deploy.nets import Network

Shape = tuple[int, int, int, int]

_SUFFIXES = {".bin", ".ckpt", ".onnx", ".pkl", ".pt", ".pth", ".safetensors", ".tar"}


@dataclass(frozen=True)
class Source:
    """What the pipeline starts from.

    Attributes:
        name: display name, e.g. ``"SSC-Net-1-9"``.
        stem: what output files are called, without suffix, e.g. ``"ssc_1_9"``.
        path: of the checkpoint or ``.onnx`` file; None for random weights.
        sha256: of that file, hexadecimal; empty for random weights.
        module: in eval mode, float32, with its weights; None where the source is an ``.onnx`` file.
        onnx_path: that file; None where the source is a module.
        input_shape: [1, C, H, W].
        classes: number of outputs, None where the output is not [N, classes].
        card: of the checkpoint, None where it has none.
        labels: class names from the card, or else the checkpoint's header; empty where neither tells.
        preprocessing: likewise; None where neither tells.
        entry: where in the checkpoint the weights lay, e.g. ``"ema.module"``; empty for the whole file.
    """

    name: str
    stem: str
    path: Path | None
    sha256: str
    module: torch.nn.Module | None
    onnx_path: Path | None
    input_shape: Shape
    classes: int | None
    card: Card | None = None
    labels: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    entry: str = ""


def open_source(
    ckpt: Path | None,
    *,
    model: str | None = None,
    arch: str | None = None,
    args: Mapping[str, str] | None = None,
    input_shape: tuple[int, ...] | None = None,
) -> Source:
    """Opens a checkpoint, an ``.onnx`` file, or a network with random weights.

    Args:
        ckpt: checkpoint or ``.onnx`` file; None for weights as initialised (seeded).
        model: the user's own network, ``path/to/net.py:Name`` or ``package.module:Name``. Its code is run.
        arch: name of an architecture of `nets`, or of one of its networks (`nets.NAMED`); not needed where the
            checkpoint tells it.
        args: of the network, as text.
        input_shape: (1, C, H, W); needed with ``model``.

    Raises:
        CheckpointError: the file is unreadable, unsafe, or does not fit the network.
        NetworkError: the network cannot be built, or does not take such a picture.
        CardError: the card beside the checkpoint is malformed, or does not fit the network.
    """
    if model and arch:
        raise NetworkError("--model and --arch exclude each other: the first brings a network, the second names one.")
    shape = None if input_shape is None else _checked(input_shape)
    if ckpt is not None and ckpt.suffix == ".onnx":
        if model or arch or args or shape:
            raise NetworkError(
                f"{ckpt} brings its own network and shapes: --model, --arch, --arg and --input-shape go."
            )
        return _open_onnx(ckpt)

    from ssc_deploy import checkpoint

    read = None if ckpt is None else checkpoint.read(ckpt)
    card = None if read is None else cards.find(read.path, read.sha256)
    if model:
        from ssc_deploy.source import user_module

        if shape is None:
            raise NetworkError("--model needs --input-shape as well, e.g. --input-shape 1,3,32,32.")
        title, module = user_module.build(model, args or {})
    else:
        known = _known_network(read, card, arch, args or {})
        module, title, shape = known, known.title, shape or known.input_shape
    if read is not None:
        checkpoint.load_into(module, read.tensors, read.path)
    classes = _try(module, shape)
    labels = (card.labels if card else ()) or (read.header.labels if read else ())
    if labels and classes and len(labels) != classes:
        raise CardError(f"{card.path if card else ckpt} lists {len(labels)} labels, the network has {classes} outputs.")
    return Source(
        name=card.name if card else title,
        stem=title.lower().replace(" ", "-") if read is None else stem(read.path),
        path=ckpt,
        sha256=read.sha256 if read else "",
        module=module,
        onnx_path=None,
        input_shape=shape,
        classes=classes,
        card=card,
        labels=labels,
        preprocessing=(card.preprocessing if card else None) or (read.header.preprocessing if read else None),
        entry=read.entry if read else "",
    )


def stem(path: Path) -> str:
    """The file's name without the suffixes of checkpoints: ``ssc_1_9.pth.tar`` gives ``ssc_1_9``."""
    while path.suffix.lower() in _SUFFIXES:
        path = path.with_suffix("")
    return path.name


def _open_onnx(path: Path) -> Source:
    from ssc_deploy.source import onnx_file

    found = onnx_file.inspect(path)
    card = cards.find(path, found.sha256)
    return Source(
        name=card.name if card else found.name,
        stem=stem(path),
        path=path,
        sha256=found.sha256,
        module=None,
        onnx_path=path,
        input_shape=found.input_shape,
        classes=found.classes,
        card=card,
        labels=card.labels if card else (),
        preprocessing=card.preprocessing if card else None,
    )


def _known_network(read: Checkpoint | None, card: Card | None, arch: str | None, args: Mapping[str, object]) -> Network:
    from ssc_deploy import nets

    if arch is not None:
        arch, args = nets.resolve(arch, args)
    if read is None:
        if arch is None:
            raise NetworkError(f"name a checkpoint, or a network with --arch; the known are {', '.join(nets.names())}.")
        network = nets.create(arch, nets.configure(arch, args))
        nets.randomise(network)
        return network
    inferred = _inferred(read)
    told, config = read.header.arch, read.header.config
    if told is None and card is not None and card.arch is not None:
        told, config = card.arch, card.config
    if told is None and inferred is not None:
        told = inferred[0]
    chosen = arch or told
    if chosen is None:
        some, known = ", ".join(list(read.tensors)[:3]), ", ".join(nets.names())
        raise CheckpointError(
            f"{read.path}: its tensors ({some}, ...) are of none of the known architectures ({known}): "
            "bring the network itself with --model path/to/net.py:Name --input-shape 1,3,32,32."
        )
    base = inferred[1] if inferred is not None and inferred[0] == chosen else None
    if chosen == told and config:
        described = nets.configure(chosen, config)
        # Only then is building it no more than what the file holds: a header may claim any size.
        for name, value in vars(base).items() if base is not None else ():
            if type(value) is int and vars(described)[name] != value:
                raise CheckpointError(
                    f"{read.path} is described with {name}={vars(described)[name]}, its tensors are of {name}={value}."
                )
        if base is None:
            raise CheckpointError(f"{read.path} is described as {chosen}, its tensors are of another network.")
        base = described
    return nets.create(chosen, nets.configure(chosen, args, base))


def _inferred(read: Checkpoint) -> tuple[str, DataclassInstance] | None:
    from ssc_deploy import nets
    from ssc_deploy.checkpoint.fit import spellings

    for spelled in spellings(read.tensors):
        found = nets.infer({name: tuple(tensor.shape) for name, tensor in spelled.items()})
        if found is not None:
            return found
    return None


def _checked(shape: tuple[int, ...]) -> Shape:
    if len(shape) != 4 or min(shape) < 1 or shape[0] != 1:
        text = ",".join(map(str, shape))
        raise NetworkError(f"--input-shape takes 1,C,H,W, all at least 1 and the first 1 (see --batch), not {text}.")
    return shape[0], shape[1], shape[2], shape[3]


def _try(module: torch.nn.Module, shape: Shape) -> int | None:
    """Makes the module ready for inference and runs it once, on an empty picture; returns the number of classes."""
    import torch

    from ssc_deploy.source.user_module import USER_ERRORS

    try:
        module.float().eval()
        with torch.no_grad():
            output = module(torch.zeros(shape))
        module.requires_grad_(False)  # after the run: a lazy module has its parameters only now
    except USER_ERRORS as error:
        size, kind = "x".join(map(str, shape)), type(error).__name__
        raise NetworkError(f"{type(module).__name__} fails on a picture of {size}: {kind}: {error}") from error
    if not isinstance(output, torch.Tensor):
        raise NetworkError(
            f"{type(module).__name__} returns a {type(output).__name__}; one tensor of outputs is needed."
        )
    return int(output.shape[1]) if output.dim() == 2 else None
