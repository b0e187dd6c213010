"""From what the user pointed at to a `Source`: weights found, network built, both fitted and tried once.

Of the places that may tell a network's configuration the nearest to the user wins: arguments given by hand, then the
checkpoint's own header, then its card, then the shapes of its tensors.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy import card as cards
from ssc_deploy import extras
from ssc_deploy import labels as class_names
from ssc_deploy.capture.user_line import reason
from ssc_deploy.errors import USER_ERRORS, CardError, CheckpointError, LabelsError, NetworkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from ssc_deploy.card import Card
    from ssc_deploy.checkpoint import Checkpoint, Loaded
    from ssc_deploy.metadata import Preprocessing

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
        weights: which of the checkpoint's weights were loaded; None for random weights and ``.onnx`` files.
        shape_is_chosen: whether the user gave the shape; golden pictures of another size are then scaled to it.
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
    weights: Loaded | None = None
    shape_is_chosen: bool = False


def open_source(
    ckpt: str | Path | None,
    *,
    model: str | None = None,
    arch: str | None = None,
    args: Mapping[str, str] | None = None,
    input_shape: tuple[int, ...] | None = None,
    weights: str | None = None,
    seed: int | None = None,
) -> Source:
    """Opens a checkpoint, an ``.onnx`` file, or a network with random weights.

    Args:
        ckpt: checkpoint or ``.onnx`` file; None for weights as initialised (seeded).
        model: the user's own network, ``path/to/net.py:Name`` or ``package.module:Name``. Its code is run.
        arch: name of an architecture of `nets`, or of one of its networks (`nets.NAMED`); not needed where the
            checkpoint tells it.
        args: of the network, as text.
        input_shape: (1, C, H, W); needed with ``model``.
        weights: which of a checkpoint's weights are meant: ``"raw"``, ``"ema"``, or the name of a set in it; None to
            take the averaged of one raw and one averaged set.
        seed: of all random numbers while the user's network is built, as in its training; None for 0, and to refuse a
            network that depends on them beyond its weights.

    Raises:
        MissingPackageError: PyTorch or a package that reads ONNX is not installed.
        CheckpointError: the file is unreadable, unsafe, or does not fit the network, or which of its weights are meant
            has to be said.
        NetworkError: the network cannot be built, or does not take such a picture.
        CardError: the card beside the checkpoint is malformed, or does not fit the network.
    """
    extras.require("export")
    ckpt = None if ckpt is None else Path(ckpt)
    if model and arch:
        raise NetworkError("`model` and `arch` exclude each other: the first brings a network, the second names one.")
    shape = None if input_shape is None else _checked(input_shape)
    if ckpt is not None and ckpt.suffix.lower() == ".onnx":
        if model or arch or args or shape or weights or seed is not None:
            raise NetworkError(
                f"{ckpt} brings its own network, shapes and weights: leave out `model`, `arch`, `args`, "
                "`input_shape`, `weights` and `seed`."
            )
        return _open_onnx(ckpt)
    if seed is not None and seed < 0:
        raise NetworkError(f"`seed` takes a number of at least 0, not {seed}.")
    if ckpt is None and weights is not None:
        raise NetworkError("`weights` chooses among the weights of a checkpoint; name it with `ckpt`.")

    from ssc_deploy import checkpoint
    from ssc_deploy.checkpoint import container

    if ckpt is not None:
        container.kind(ckpt)  # what is no checkpoint is said before torch is imported, which takes seconds

    from ssc_deploy.source import known_network

    read = None if ckpt is None else checkpoint.read(ckpt)
    card = None if read is None else cards.find(read.path, read.sha256)
    if model:
        from ssc_deploy.source import user_module

        if shape is None:
            raise NetworkError("`model` needs `input_shape` as well, e.g. `input_shape=(1, 3, 32, 32)`.")
        title, module = user_module.build(model, args or {}, seed or 0)
    else:
        known = known_network.build(read, card, arch, args or {}, weights=weights, seed=seed or 0)
        module, title, shape = known, known.title, shape or known.input_shape
    loaded = None if read is None else _load(module, read, shape, weights)
    output = _try(module, shape)
    if read is not None and model:
        from ssc_deploy.source import drawn, user_module

        def again(other: int) -> torch.nn.Module:
            # What the user's code says, and what is left over, was said the first time.
            with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):
                built = user_module.rebuild(model, args or {}, other)
                _load(built, read, shape, weights)
                _try(built, shape)
            return built

        drawn.check(module, again, shape, title, seed=seed)
    source = Source(
        name=card.name if card else title,
        stem=title.lower().replace(" ", "-") if read is None else stem(read.path),
        path=ckpt,
        sha256=read.sha256 if read else "",
        module=module,
        onnx_path=None,
        input_shape=shape,
        classes=output[0] if len(output) == 1 else None,
        card=card,
        labels=(card.labels if card else ()) or (read.header.labels if read else ()),
        preprocessing=(card.preprocessing if card else None) or (read.header.preprocessing if read else None),
        weights=loaded,
        shape_is_chosen=input_shape is not None,
    )
    return _described_rightly(source, output)


def stem(path: Path) -> str:
    """The file's name without the suffixes of checkpoints: ``ssc_1_9.pth.tar`` gives ``ssc_1_9``."""
    while path.suffix.lower() in _SUFFIXES:
        path = path.with_suffix("")
    return path.name


def _open_onnx(path: Path) -> Source:
    from ssc_deploy.source import onnx_file

    found = onnx_file.inspect(path)
    card = cards.find(path, found.sha256)
    source = Source(
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
    return _described_rightly(source, found.output)


def _checked(shape: tuple[int, ...]) -> Shape:
    if len(shape) != 4 or min(shape) < 1 or shape[0] != 1:
        raise NetworkError(
            f"`input_shape={tuple(shape)}` is not possible: give `input_shape=(1, C, H, W)`, all at least 1 and the "
            "first 1 (see `batch`)."
        )
    return shape[0], shape[1], shape[2], shape[3]


def _load(module: torch.nn.Module, read: Checkpoint, shape: Shape, weights: str | None) -> Loaded:
    from ssc_deploy import checkpoint

    if _lazy(module):
        _try(module, shape)  # gives its parameters their sizes
    return checkpoint.load_into(module, read.entries, read.path, weights)


def _lazy(module: torch.nn.Module) -> list[str]:
    """Names of its parameters and buffers that have no size yet."""
    from torch.nn.parameter import is_lazy

    return [name for name, tensor in (*module.named_parameters(), *module.named_buffers()) if is_lazy(tensor)]


def _described_rightly(source: Source, output: tuple[int, ...]) -> Source:
    """The source, unless its card or header describes a network of other outputs, or of other channels.

    Args:
        source: with labels and preprocessing, where there are any.
        output: shape of the output for one image; empty where it is not known.
    """
    channels, preprocessing = source.input_shape[1], source.preprocessing
    where, error = (source.path, CheckpointError) if source.card is None else (source.card.path, CardError)
    try:
        class_names.check(source.labels, class_names.outputs_of(output) if output else len(source.labels), str(where))
    except LabelsError as misfit:
        raise error(str(misfit)) from misfit
    if preprocessing is not None and preprocessing.channels != channels:
        raise error(
            f"{where} describes images of {preprocessing.colour}, with {preprocessing.channels} channels, and the "
            f"network takes {channels}; correct mean, std and colour there"
        )
    return source


def _try(module: torch.nn.Module, shape: Shape) -> tuple[int, ...]:
    """Makes the module ready for inference and runs it once, on an empty picture; returns its output's shape for it."""
    import torch

    try:
        # What these return is not used: networks override them, and return nothing.
        module.float()
        module.eval()
        with torch.no_grad():
            output = module(torch.zeros(shape))
    except USER_ERRORS as error:
        size = "x".join(map(str, shape))
        raise NetworkError(f"{type(module).__name__} fails on a picture of {size}: {reason(error)}") from error
    unused = _lazy(module)
    if unused:
        raise NetworkError(
            f"{type(module).__name__} has lazy tensors that its forward does not use ({', '.join(unused[:3])}), so "
            "that they have no size: remove those parts."
        )
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    if not isinstance(output, torch.Tensor):
        raise NetworkError(
            f"{type(module).__name__} returns a {type(output).__name__}; one tensor of outputs is needed."
        )
    if output.is_complex():
        raise NetworkError(
            f"{type(module).__name__} returns complex numbers, and files hold real ones: return their parts, for "
            "example with torch.view_as_real."
        )
    return tuple(output.shape[1:])
