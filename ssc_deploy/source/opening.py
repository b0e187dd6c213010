"""Makes a `Source` of what the user named: finds weights, builds the network, loads the weights, and runs it once.

The configuration of a network comes from the first of these places that has it: the user's arguments, the header of the
checkpoint, its card, the shapes of its tensors.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssc_deploy import card as cards
from ssc_deploy import extras
from ssc_deploy import labels as class_names
from ssc_deploy.errors import CardError, CheckpointError, LabelsError, NetworkError, PreprocessingError
from ssc_deploy.source import inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from ssc_deploy.card import Card
    from ssc_deploy.checkpoint import Checkpoint, Loaded
    from ssc_deploy.metadata import Preprocessing
    from ssc_deploy.signature import Signature, Tensor
    from ssc_deploy.source.inputs import InputShape

_NEEDS_SHAPE = "`model` needs `input_shape` as well, e.g. `input_shape=(1, 3, 32, 32)`."

_SUFFIXES = {".bin", ".ckpt", ".onnx", ".pkl", ".pt", ".pth", ".safetensors", ".tar"}


#: A checkpoint or an ``.onnx`` file, a state dict, or a network itself.
Checkpoints = str | Path | Mapping[str, Any] | object


@dataclass(frozen=True)
class Source:
    """What the pipeline starts from.

    Attributes:
        name: display name, e.g. ``"SSC-Net-1-9"``.
        stem: name of output files without suffix, e.g. ``"ssc_1_9"``.
        path: of the checkpoint or ``.onnx`` file; None for random weights.
        sha256: of that file, hexadecimal; empty for random weights.
        module: in eval mode, float32, with its weights; None if the source is an ``.onnx`` file.
        onnx_path: that file; None if the source is a module.
        signature: its inputs and outputs.
        classes: number of numbers in the one output that is [N, classes]; None if there is none, or several.
        card: of the checkpoint, None if it has none.
        labels: class names from the card, or else the checkpoint's header; empty if neither has them.
        preprocessing: from the card, or else the header; None if neither has it.
        weights: which of the checkpoint's weights were loaded; None for random weights and ``.onnx`` files.
        shape_is_chosen: whether the user gave the shape; golden images of another size are then scaled to it.
    """

    name: str
    stem: str
    path: Path | None
    sha256: str
    module: torch.nn.Module | None
    onnx_path: Path | None
    signature: Signature
    classes: int | None
    card: Card | None = None
    labels: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    weights: Loaded | None = None
    shape_is_chosen: bool = False

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of the first input: [1, C, H, W] of a network that takes an image."""
        return self.signature.inputs[0].shape


def open_source(
    ckpt: Checkpoints | None,
    *,
    model: str | object | None = None,
    arch: str | None = None,
    args: Mapping[str, str] | None = None,
    input_shape: InputShape | None = None,
    example_inputs: object = None,
    outputs: Sequence[str] = (),
    batch: int | None = 1,
    weights: str | None = None,
    seed: int | None = None,
    labels: Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
    resize: str | None = None,
) -> Source:
    """Opens a checkpoint, an ``.onnx`` file, or a network with random weights.

    Args:
        ckpt: checkpoint or ``.onnx`` file; a state dict in memory; or a network itself, as ``model``. None for weights
            as initialised (seeded).
        model: the user's own network, ``path/to/net.py:Name`` or ``package.module:Name``, or a file of
            ``torch.export.save``, ``path/to/net.pt2``; its code is run. Or a module, a program of ``torch.export``, a
            class or a function.
        arch: name of an architecture of `nets`, or of one of its networks (`nets.NAMED`); not needed if the
            checkpoint says it.
        args: of the network, as text.
        input_shape: (1, C, H, W) of an image; see `inputs.parse` for other and for several inputs. Needed with
            ``model``.
        example_inputs: in its place, a tensor or an array for each input.
        outputs: names of the outputs that are wanted (see `returned`); empty for all.
        batch: that the network is to be exported with. Where it does not run on one image alone, and does on so many,
            these are taken as one whole.
        weights: which of a checkpoint's weights are meant: ``"raw"``, ``"ema"``, or the name of a set in it; None to
            take the averaged of one raw and one averaged set.
        seed: of all random numbers while the user's network is built, as in its training; None for 0, and to refuse a
            network that depends on them beyond its weights.
        labels: class names in the order of the outputs, in place of those of the card or the checkpoint's header.
        preprocessing: how an image becomes the input, likewise.
        resize: a rule of `Preprocessing`, in place of that of the preprocessing.

    Raises:
        LabelsError: there is not one label for each output.
        PreprocessingError: it is of other images than the network takes, or there is none for ``resize``.
        MissingPackageError: PyTorch or a package that reads ONNX is not installed.
        CheckpointError: the file is unreadable, unsafe, or does not fit the network, or which of its weights are meant
            has to be said.
        NetworkError: the network cannot be built, or does not take such an image.
        CardError: the card beside the checkpoint is malformed, or does not fit the network.
    """
    extras.require("export")
    path, state, model = _told(ckpt, model)
    if model and arch:
        raise NetworkError("`model` and `arch` exclude each other: the first brings a network, the second names one.")
    given = inputs.of(input_shape, example_inputs)
    named = None if labels is None else class_names.checked(labels)
    if path is not None and path.suffix.lower() == ".onnx":
        if model or arch or args or given or weights or seed is not None:
            raise NetworkError(
                f"{path} brings its own network, shapes and weights: leave out `model`, `arch`, `args`, "
                "`input_shape`, `weights` and `seed`."
            )
        return _told_by_user(_open_onnx(path, outputs), named, preprocessing, resize)
    if seed is not None and seed < 0:
        raise NetworkError(f"`seed` takes a number of at least 0, not {seed}.")
    if path is None and state is None and weights is not None:
        raise NetworkError("`weights` chooses among the weights of a checkpoint; name it with `ckpt`.")
    if path is not None and path.suffix.lower() == inputs.PROGRAM:
        raise CheckpointError(
            f"{path} is a program of torch.export, and loading one runs what is in it: if you trust it, give it as "
            f"`model={str(path)!r}`, without `ckpt`."
        )

    from ssc_deploy import checkpoint
    from ssc_deploy.checkpoint import container

    if path is not None:
        container.kind(path)  # what is not a checkpoint is said before torch is imported, which takes seconds

    from ssc_deploy.source import known_network, trial

    read = checkpoint.of_state(state) if state is not None else None if path is None else checkpoint.read(path)
    card = None if read is None or path is None else cards.find(path, read.sha256)
    if model:
        title, module, given = _users(model, args or {}, given, seed or 0)
    else:
        known = known_network.build(read, card, arch, args or {}, weights=weights, seed=seed or 0)
        module, title, given = known, known.title, given or inputs.parse(known.input_shape)
    loaded = None if read is None else _load(module, read, given, weights)
    signature = trial.of_module(module, given, outputs, batch)
    if read is not None and isinstance(model, str):
        _check_drawn(module, read, signature, title, model=model, args=args or {}, weights=weights, seed=seed)
    source = Source(
        name=card.name if card else title,
        stem=title.lower().replace(" ", "-") if path is None else stem(path),
        path=path,
        sha256=read.sha256 if read else _digest(model, module),
        module=module,
        onnx_path=None,
        signature=signature,
        classes=_classes(signature),
        card=card,
        labels=(card.labels if card else ()) or (read.header.labels if read else ()),
        preprocessing=(card.preprocessing if card else None) or (read.header.preprocessing if read else None),
        weights=loaded,
        shape_is_chosen=input_shape is not None or example_inputs is not None,
    )
    return _told_by_user(_described_rightly(source), named, preprocessing, resize)


def _told_by_user(
    source: Source, labels: tuple[str, ...] | None, preprocessing: Preprocessing | None, resize: str | None
) -> Source:
    """The source with what the user says of it, in place of what its card or header does.

    Raises:
        LabelsError: there is not one label for each output.
        PreprocessingError: it is of other images than the network takes, or there is none that ``resize`` belongs to.
    """
    if labels is not None:
        count = _label_count(source)
        class_names.check(labels, len(labels) if count is None else count, "what is given")
        source = dataclasses.replace(source, labels=labels)
    image = source.signature.image
    if preprocessing is not None:
        if image is None or preprocessing.channels != image[0]:
            takes = f"takes images of {image[0]} channels" if image else "does not take one image"
            raise PreprocessingError(
                f"{source.name} {takes}, and the preprocessing is of {preprocessing.colour}, with "
                f"{preprocessing.channels}: give `preprocessing=Preprocessing(mean=..., std=...)` of as many numbers, "
                "or leave it out"
            )
        source = dataclasses.replace(source, preprocessing=preprocessing)
    if resize is not None:
        if source.preprocessing is None:
            raise PreprocessingError(
                f"{source.name} does not say how an image becomes its input, of which `resize` is a part: give "
                "`preprocessing=Preprocessing(mean=..., std=...)` as well"
            )
        source = dataclasses.replace(source, preprocessing=dataclasses.replace(source.preprocessing, resize=resize))
    return source


def _label_count(source: Source) -> int | None:
    """How many labels fit the network; None where that is not known."""
    outputs = source.signature.outputs
    if len(outputs) == 1 and outputs[0].shape:
        return class_names.outputs_of(outputs[0].shape[1:])
    return source.classes


def _told(
    ckpt: Checkpoints | None, model: str | object | None
) -> tuple[Path | None, Mapping[str, Any] | None, str | object | None]:
    """The file, or the state dict in its place; and the network, which may stand in the place of both."""
    if ckpt is None:
        return None, None, model
    if isinstance(ckpt, str | Path):
        return Path(ckpt), None, model
    if isinstance(ckpt, Mapping):
        return None, ckpt, model
    if model is not None:
        raise NetworkError("`ckpt` is a network itself: leave `model` out, or give the state dict of the network.")
    return None, None, ckpt


def _users(
    model: str | object, args: Mapping[str, str], given: tuple[Tensor, ...] | None, seed: int
) -> tuple[str, torch.nn.Module, tuple[Tensor, ...]]:
    """A network of the user's: its title, the module and its inputs."""
    from ssc_deploy.source import program, user_module

    told = given is not None or (isinstance(model, str) and model.endswith(inputs.PROGRAM))
    if isinstance(model, str) and not told:
        raise NetworkError(_NEEDS_SHAPE)
    if isinstance(model, str):
        title, module = user_module.build(model, args, seed)
    else:
        title, module = user_module.of_object(model, args, seed)
    if isinstance(module, program.Program) and given is None:
        given = module.inputs or None
    if given is None:
        raise NetworkError(_NEEDS_SHAPE)
    return title, module, given


def _check_drawn(
    module: torch.nn.Module,
    read: Checkpoint,
    signature: Signature,
    title: str,
    *,
    model: str,
    args: Mapping[str, str],
    weights: str | None,
    seed: int | None,
) -> None:
    """Refuses a network of which more is drawn at random than the checkpoint holds; see `drawn`."""
    from ssc_deploy.source import drawn, trial, user_module

    def again(other: int) -> torch.nn.Module:
        # Output of the user's code and warnings were shown the first time.
        with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):
            built = user_module.rebuild(model, args, other)
            _load(built, read, signature.inputs, weights)
            trial.of_module(built, signature.inputs, signature.names, None)
        return built

    drawn.check(module, again, signature, title, seed=seed)


def stem(path: Path) -> str:
    """The file's name without the suffixes of checkpoints: ``ssc_1_9.pth.tar`` gives ``ssc_1_9``."""
    while path.suffix.lower() in _SUFFIXES:
        path = path.with_suffix("")
    return path.name


def _open_onnx(path: Path, outputs: Sequence[str]) -> Source:
    from ssc_deploy.source import onnx_file

    if outputs:
        raise NetworkError(f"{path} brings its own outputs: leave `outputs` out.")
    found = onnx_file.inspect(path)
    card = cards.find(path, found.sha256)
    source = Source(
        name=card.name if card else found.name,
        stem=stem(path),
        path=path,
        sha256=found.sha256,
        module=None,
        onnx_path=path,
        signature=found.signature,
        classes=_classes(found.signature),
        card=card,
        labels=card.labels if card else (),
        preprocessing=card.preprocessing if card else None,
    )
    return _described_rightly(source)


def _digest(model: object, module: torch.nn.Module) -> str:
    """Of the weights of a network that came with them: a module or a program; empty if they are random."""
    import torch

    from ssc_deploy import checkpoint
    from ssc_deploy.source import program

    if isinstance(model, torch.nn.Module) or isinstance(module, program.Program):
        return checkpoint.digest_of(module.state_dict())
    return ""


def _classes(signature: Signature) -> int | None:
    lists = [output.shape[1] for output in signature.outputs if len(output.shape) == 2 and output.shape[0] == 1]
    return lists[0] if len(lists) == 1 else None


def _load(module: torch.nn.Module, read: Checkpoint, given: Sequence[Tensor], weights: str | None) -> Loaded:
    from ssc_deploy import checkpoint
    from ssc_deploy.source import trial

    if trial.lazy(module):
        trial.of_module(module, given, (), None)  # gives its parameters their sizes
    return checkpoint.load_into(module, read.entries, read.path, weights)


def _described_rightly(source: Source) -> Source:
    """The source. It is refused if its card or header describes a network with other outputs or channels.

    Args:
        source: with labels and preprocessing, where there are any.
    """
    preprocessing, image = source.preprocessing, source.signature.image
    channels = image[0] if image else None
    count = _label_count(source)
    where, error = (source.path, CheckpointError) if source.card is None else (source.card.path, CardError)
    try:
        class_names.check(source.labels, len(source.labels) if count is None else count, str(where))
    except LabelsError as misfit:
        raise error(str(misfit)) from misfit
    if preprocessing is not None and channels is not None and preprocessing.channels != channels:
        raise error(
            f"{where} describes images of {preprocessing.colour}, with {preprocessing.channels} channels, and the "
            f"network takes {channels}; correct mean, std and colour there"
        )
    return source
