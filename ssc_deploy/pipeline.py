"""The way of the data, end to end: source -> capture -> rewrite -> lower -> emit -> verify.

Each stage is a folder of the same name; this module only calls them in order.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy import extras, output_of_graph, runtimes
from ssc_deploy.checking import Check
from ssc_deploy.errors import CaptureError, LoweringError, OutputError, VerificationError, shown
from ssc_deploy.metadata import ModelMetadata, Weights
from ssc_deploy.results import ExportedFile, ExportResult, Format, formats_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import onnx_ir as ir

    from ssc_deploy.capture import Capture
    from ssc_deploy.emit.onnx_simplify import SimplifyReport
    from ssc_deploy.lower import Lowered
    from ssc_deploy.recipe import Recipe
    from ssc_deploy.rewrite import RewriteReport
    from ssc_deploy.source import Source
    from ssc_deploy.verification import VerifyReport

    Progress = Callable[[str, str], None]

#: Where outputs go unless told otherwise: ``export/<stem>/``.
DEFAULT_OUTPUT = Path("export")

_PACKAGES = ("ssc-deploy", "torch", "onnx", "onnx-ir", "onnxscript", "ai-edge-litert")


@dataclass(frozen=True)
class Canonical:
    """A source in canonical form.

    Attributes:
        source: what the user pointed at.
        captured_nodes: nodes of the graph as captured.
        model: canonical ONNX.
        report: what the rewrite recognised.
    """

    source: Source
    captured_nodes: int
    model: ir.Model
    report: RewriteReport


def export(
    ckpt: str | Path | None,
    *,
    to: str | Sequence[str] = Format.ONNX,
    output: str | Path | None = None,
    model: str | None = None,
    arch: str | None = None,
    args: Mapping[str, str] | None = None,
    input_shape: tuple[int, ...] | None = None,
    weights: str | None = None,
    seed: int | None = None,
    shift: str = "auto",
    shuffle: str = "auto",
    dense: str = "auto",
    batch: int | None = 1,
    layout: str = "auto",
    runtime: str | None = None,
    opset: int | None = None,
    recipe: str | Path | None = None,
    overwrite: bool = False,
    atol: float | None = None,
    rtol: float | None = None,
    check: bool = False,
    progress: Progress | None = None,
) -> ExportResult:
    """Exports a trained network to files that are proved equal to it; nothing is written that was not.

    Beside the files comes ``<stem>.golden.npz``, a few pictures with the network's outputs: with it `profile` knows a
    wrong answer on any device. It holds 16 pictures, or fewer where they are large (four of 3x224x224).

    Args:
        ckpt: a checkpoint, or an ``.onnx`` file of another exporter; None for weights as initialised (seeded).
        to: ``"onnx"``, ``"tflite"``, or several.
        output: folder; default ``export/<checkpoint's stem>/``. Files are ``<stem>.onnx`` and ``<stem>.tflite``.
        model: the user's own network, ``path/to/net.py:Name`` or ``package.module:Name``. Its code is run.
        arch: architecture of `ssc_deploy.nets`, where the checkpoint does not tell it.
        args: of the network, as text.
        input_shape: (1, C, H, W); needed with ``model``.
        weights: which of a checkpoint's weights are meant: ``"raw"``, ``"ema"`` (averaged), or the name of a set in it;
            None to take the averaged of one raw and one averaged set.
        seed: of all random numbers while ``model`` is built, as in its training; None for 0, and to refuse a trained
            network that depends on them beyond its weights.
        shift: lowering of every shift (``depthwise``, ``slice``, ``gather``; ``flat`` for ONNX), or ``auto`` for the
            fastest measured.
        shuffle: lowering of every shuffle (``transpose``, ``gather``), or ``auto``.
        dense: lowering of the dense 1x1 convolutions of a ``.tflite`` file: ``plain``, or ``tile-8``, ``tile-16``,
            ``tile-32``, which pad their outputs to a multiple of the runtime's tile; ``auto`` is ``plain``.
        batch: pictures at a time; None for any number.
        layout: how a ``.tflite`` file holds the pictures inside: ``nhwc``, ``channel-major``, or ``auto`` for the
            fastest on ``runtime``.
        runtime: what a ``.tflite`` file is to be fast on: ``litert`` (2.3 and later) or ``tflite-2.14``; None for all.
        opset: of the ONNX file; default 17, which phones' runtimes load.
        recipe: TOML file of `tune`, which says how everything is carried out: instead of ``shift`` and the like.
        overwrite: whether files that stand there may be replaced.
        atol: with ``rtol``, replaces the tolerance that follows from the network.
        rtol: see ``atol``.
        check: check the graph after every rule of the rewrite; its end is always checked.
        progress: is called with each stage's name and one line about it.

    Raises:
        SscDeployError: one of its classes; `ssc_deploy.errors` lists them.
        VerificationError: a file computes something else than the network; no file was written.
    """
    extras.require("export")

    from ssc_deploy import golden, recipe_file
    from ssc_deploy.emit import files
    from ssc_deploy.source import open_source

    say = progress or (lambda _stage, _line: None)
    formats = formats_of([to] if isinstance(to, str) else to)
    if Format.TFLITE not in formats and (layout, dense, runtime) != ("auto", "auto", None):
        raise LoweringError(
            "layout, dense and runtime are of TFLite files, and none is exported; add tflite to the formats"
        )
    followed = None if recipe is None else recipe_file.read(Path(recipe))
    if followed is not None:
        for f in formats:
            followed.check_target(f.target)  # said before the work
    source = open_source(
        _path(ckpt), model=model, arch=arch, args=args, input_shape=input_shape, weights=weights, seed=seed
    )
    folder = DEFAULT_OUTPUT / source.stem if output is None else Path(output)
    paths = {f: folder / f"{source.stem}.{f.value}" for f in formats}
    taken = [path for path in paths.values() if path.exists()]
    if taken and not overwrite:
        # Said before the work rather than after it; writing looks again.
        raise OutputError(f"{taken[0]} exists; choose another folder with --output, or replace it with --overwrite.")
    say("checkpoint", describe(source))
    canonical = canonicalise(source, progress=say, check=check)
    checked = Check(source, canonical.model, atol, rtol)
    lowered = {
        f: lower(
            canonical,
            f,
            shift=shift,
            shuffle=shuffle,
            dense=dense,
            batch=batch,
            layout=layout,
            runtime=runtime,
            recipe=followed,
        )
        for f in formats
    }
    exported = []
    # All or none: a folder with one format of today and another of yesterday would be worse than neither.
    with files.together(overwrite=overwrite) as written:
        for f in formats:
            say("lower", f"{f.target.value}: {lowered[f].report}")
            data, operators = build(source, f, lowered[f], opset)
            say("emit", f"{paths[f]}   {_size(data)} · {operators} operators")
            if followed is not None and followed.measured is not None:
                say("recipe", followed.measured.of_file(hashlib.sha256(data).hexdigest()))
            verification = checked(written.add(paths[f], data))
            if not verification.ok:
                raise VerificationError(f"{paths[f].name} was not written: {verification}")
            say("verify", str(verification))
            simplification = _simplification(data, say) if f is Format.ONNX else None
            exported.append(
                ExportedFile(paths[f], f, len(data), operators, lowered[f].report, verification, simplification)
            )
        chosen = golden.chosen(
            source.sha256,
            checked.inputs,
            checked.reference.outputs(checked.inputs),
            tolerance=exported[0].verification.tolerance,
            errors=[error for file in exported if (error := file.verification.error) is not None],
            pictures=checked.pictures,
        )
        beside = golden.path_beside(paths[formats[0]])
        if overwrite or not golden.stands(beside, chosen):
            written.add(beside, chosen.to_bytes())
        say("golden", f"{beside}   {len(chosen.inputs)} inputs with the network's outputs, for profile")
    return ExportResult(
        source.name,
        source.sha256,
        canonical.captured_nodes,
        canonical.report,
        tuple(exported),
        beside,
        len(chosen.inputs),
    )


def verify(
    ckpt: str | Path,
    against: str | Path,
    *,
    model: str | None = None,
    arch: str | None = None,
    args: Mapping[str, str] | None = None,
    input_shape: tuple[int, ...] | None = None,
    weights: str | None = None,
    seed: int | None = None,
    atol: float | None = None,
    rtol: float | None = None,
) -> VerifyReport:
    """Compares an exported file, as its runtime runs it, with the network it was made from.

    Args:
        ckpt: as for `export`, and ``model``, ``arch``, ``args``, ``input_shape``, ``weights`` and ``seed`` with it.
        against: the ``.onnx`` or ``.tflite`` file.
        model: see `export`.
        arch: see `export`.
        args: see `export`.
        input_shape: see `export`.
        weights: see `export`.
        seed: see `export`.
        atol: see `export`.
        rtol: see `export`.

    Returns:
        the report; a file that is wrong is a report that is not ``ok``, with the first block that diverges.

    Raises:
        SscDeployError: the checkpoint or the file cannot be read.
    """
    extras.require("export")

    from ssc_deploy.source import open_source

    source = open_source(
        _path(ckpt), model=model, arch=arch, args=args, input_shape=input_shape, weights=weights, seed=seed
    )
    file = Path(against)
    _warn_of_others(file, source)  # reads the file: one that is none is refused before the work
    try:
        graph = canonicalise(source).model
    except CaptureError as error:
        # What cannot be exported here may well have been exported elsewhere.
        warnings.warn(f"the movements are not checked: {error}", stacklevel=2)
        graph = None
    report = Check(source, graph, atol, rtol)(file)
    taken = _weights(source)
    return dataclasses.replace(report, weights=str(taken) if taken is not None and taken.entry else None)


def canonicalise(source: Source, *, progress: Progress | None = None, check: bool = False) -> Canonical:
    """Captures a source and rewrites it into canonical form.

    Args:
        source: what the user pointed at.
        progress: is called with each stage's name and one line about it.
        check: check the graph after every rule.
    """
    from ssc_deploy.rewrite import rewrite

    say = progress or (lambda _stage, _line: None)
    captured = captured_from(source)
    nodes = len(captured.model.graph)
    say("capture", describe_capture(captured))
    report = rewrite(captured.model, check=check)
    say("rewrite", str(report))
    output_of_graph.note(captured.model, source.input_shape[1:])
    return Canonical(source, nodes, captured.model, report)


def captured_from(source: Source) -> Capture:
    """ONNX as written: the module exported, or the other exporter's file read."""
    from ssc_deploy import capture

    if source.module is not None:
        return capture.capture(source.module, source.input_shape)
    assert source.onnx_path is not None  # a source has one or the other
    return capture.read_onnx(source.onnx_path, source.input_shape)


def lower(
    canonical: Canonical,
    form: Format,
    *,
    shift: str = "auto",
    shuffle: str = "auto",
    dense: str = "auto",
    batch: int | None,
    layout: str = "auto",
    runtime: str | None = None,
    recipe: Recipe | None = None,
) -> Lowered:
    """The graph for the runtime of a format; layout, dense and runtime are of TFLite files only."""
    from ssc_deploy import lower as lowering

    chosen = functools.partial(
        lowering.lower, canonical.model, form.target, shift=shift, shuffle=shuffle, batch=batch, recipe=recipe
    )
    if form is not Format.TFLITE or (recipe is not None and (layout, dense, runtime) == ("auto", "auto", None)):
        return chosen()
    return chosen(layout=layout, dense=dense, runtime=runtime)


def build(source: Source, form: Format, lowered: Lowered, opset: int | None = None) -> tuple[bytes, int]:
    """The file's bytes, and the number of its operators."""
    return _build(form, lowered, _metadata(source, lowered, form), opset)


def describe(source: Source) -> str:
    """One line about a source: ``ssc_1_9.pt   SSC-Net-1-9 · 191,391 parameters · 10 classes · 3x32x32``."""
    facts = [source.name]
    if source.module is not None:
        facts.append(f"{sum(p.numel() for p in source.module.parameters()):,} parameters")
    if source.classes is not None:
        facts.append(f"{source.classes} classes")
    facts.append("x".join(str(d) for d in source.input_shape[1:]))
    if source.weights is not None and str(source.weights):
        facts.append(str(source.weights))
    return f"{source.path.name if source.path else 'random weights':<20}  {' · '.join(facts)}"


def describe_capture(captured: Capture) -> str:
    """One line about a graph as captured: ``234 nodes · 9 modules recognised as data movement before it``."""
    from ssc_deploy.rewrite.report import counted

    modules = counted(len(captured.probed), "module")
    probed = f" · {modules} recognised as data movement before it" if captured.probed else ""
    return counted(len(captured.model.graph), "node") + probed


def _size(data: bytes) -> str:
    return f"{len(data) / 1e6:.1f} MB" if len(data) >= 1e5 else f"{len(data) / 1e3:.1f} kB"


def _simplification(data: bytes, say: Progress) -> SimplifyReport:
    """What onnxsim finds left to simplify: nothing, or a line about it."""
    from ssc_deploy.emit.onnx_simplify import simplifies

    found = simplifies(data)
    if found.warning:
        say("onnxsim", f"warning: {found.warning}")
    elif not found.is_simple:
        say("onnxsim", f"warning: leaves other operators: {found.left}")
    return found


def _build(form: Format, lowered: Lowered, metadata: ModelMetadata, opset: int | None) -> tuple[bytes, int]:
    """The file's bytes, and the number of its operators."""
    if form is Format.ONNX:
        from ssc_deploy.emit import onnx

        data = onnx.build(lowered.model, metadata, opset=opset or onnx.DEFAULT_OPSET)
        return data, len(lowered.model.graph)
    from ssc_deploy.emit import tflite
    from ssc_deploy.runtimes.litert import LiteRT

    data = tflite.build(lowered.model, metadata)
    return data, sum(name != "DELEGATE" for name in LiteRT().load(data).operators)


def _metadata(source: Source, lowered: Lowered, form: Format) -> ModelMetadata:
    from ssc_deploy import roles

    _, channels, height, width = source.input_shape
    return ModelMetadata(
        network=source.name,
        source=source.path.name if source.path else "",
        source_sha256=source.sha256,
        layout="NCHW" if form is Format.ONNX else "NHWC",
        input_shape=(lowered.report.batch or 0, channels, height, width),
        preprocessing=source.preprocessing,
        labels=source.labels,
        lowering=lowered.report.summary(),
        versions={name: importlib.metadata.version(name) for name in _PACKAGES},
        output=output_of_graph.noted(lowered.model),
        weights=_weights(source),
        movements=roles.movements(lowered.model),
    )


def _weights(source: Source) -> Weights | None:
    """Which of its checkpoint's weights a source has."""
    if source.weights is None:
        return None
    role = source.weights.role if source.weights.role in {"raw", "averaged"} else "unknown"
    return Weights(role, shown(source.weights.entry))


def _warn_of_others(file: Path, source: Source) -> None:
    """Warns where a file says that it holds other weights of the same checkpoint than it is compared with."""
    about, taken = runtimes.runtime_for(file).metadata(file), _weights(source)
    held = None if about is None or about.source_sha256 != source.sha256 else about.weights
    if held is not None and taken is not None and held.entry != taken.entry:
        warnings.warn(
            f"{file.name} says that it holds the {held}, and is compared with the {taken}; give --weights "
            f"{held.entry or '.'} to compare it with those",
            stacklevel=3,
        )


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)
