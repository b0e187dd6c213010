"""`export`: from a checkpoint to verified files. It writes all of them or none."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy import extras
from ssc_deploy.errors import LoweringError, OutputError, QuantizationError, SscDeployError, VerificationError
from ssc_deploy.exporting import any_size, describing, stages
from ssc_deploy.exporting.check import Check
from ssc_deploy.exporting.excluding import TooMuchLostError
from ssc_deploy.exporting.formats import Format, formats_of
from ssc_deploy.exporting.results import ExportedFile, ExportResult, FailedFormat
from ssc_deploy.garbage import collected_rarely
from ssc_deploy.lower.options import LoweringOptions
from ssc_deploy.lower.target import Target
from ssc_deploy.verification.quantized import QuantizedReport
from ssc_deploy.verification.report import VerifyReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ssc_deploy.emit.onnx_simplify import SimplifyReport
    from ssc_deploy.exporting.any_size import OtherSizes
    from ssc_deploy.exporting.excluding import Excluded
    from ssc_deploy.exporting.quantizing import Prepared, QuantizedCheck
    from ssc_deploy.exporting.stages import Built, Canonical, Progress
    from ssc_deploy.lower import Lowered
    from ssc_deploy.lower.recipe import Recipe
    from ssc_deploy.metadata import Preprocessing
    from ssc_deploy.quantize.plan import Quantization
    from ssc_deploy.source import Source
    from ssc_deploy.source.inputs import InputShape
    from ssc_deploy.source.opening import Checkpoints
    from ssc_deploy.storage.files import Files
    from ssc_deploy.verification import Error, Tolerance

#: The default folder of outputs: ``export/<stem>/``.
DEFAULT_OUTPUT = Path("export")


@collected_rarely()
def export(
    ckpt: Checkpoints | None,
    example_inputs: object = None,
    *,
    to: str | Sequence[str] = Format.ONNX,
    output: str | Path | None = None,
    model: str | object | None = None,
    arch: str | None = None,
    args: Mapping[str, str] | None = None,
    input_shape: InputShape | None = None,
    outputs: Sequence[str] = (),
    weights: str | None = None,
    seed: int | None = None,
    labels: Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
    resize: str | None = None,
    shift: str = "auto",
    shuffle: str = "auto",
    dense: str = "auto",
    batch: int | None = 1,
    dynamic: Sequence[str] = (),
    layout: str = "auto",
    runtime: str | None = None,
    opset: int | None = None,
    recipe: str | Path | None = None,
    quantize: Quantization | None = None,
    overwrite: bool = False,
    keep_going: bool = False,
    atol: float | None = None,
    rtol: float | None = None,
    check: bool = False,
    progress: Progress | None = None,
) -> ExportResult:
    """Exports a trained network to files that are verified against it. A file that fails is not written.

    It also writes ``<stem>.golden.npz``: a few images with the network's outputs, by which `profile` finds wrong
    answers on any device. It holds 16 images, or fewer if they are large (four of 3x224x224).

    Args:
        ckpt: a checkpoint, or an ``.onnx`` file of another exporter; a network in memory (a module, or a program of
            ``torch.export``), or a state dict. None for weights as initialised (seeded).
        example_inputs: a tensor or an array for each input of the network, in place of ``input_shape``.
        to: ``"onnx"``, ``"tflite"``, or several.
        output: folder; default ``export/<checkpoint's stem>/``. Files are ``<stem>.onnx`` and ``<stem>.tflite``.
        model: the user's own network, ``path/to/net.py:Name`` or ``package.module:Name``, or ``path/to/net.pt2`` of
            ``torch.export.save``. Its code is run. Or a module, a class or a function that makes one.
        arch: architecture of `ssc_deploy.nets`, if the checkpoint does not say it.
        args: arguments of the network, as text.
        input_shape: (1, C, H, W) of an image, needed with ``model``; of several inputs a list of shapes. Inputs of
            whole numbers are given as ``"1,77:int64"``. A first size of more than 1 is one whole, such as a clip.
        outputs: names of the outputs that are wanted, where the network returns several; empty for all.
        weights: which of a checkpoint's weights are meant: ``"raw"``, ``"ema"`` (averaged), or the name of a set in it;
            None to take the averaged of one raw and one averaged set.
        seed: random seed while ``model`` is built, as in its training. None is seed 0, and refuses a trained network
            that depends on random numbers beyond its weights.
        labels: class names in the order of the outputs, which the files then hold; in place of those of the source.
        preprocessing: how an image becomes the input, likewise.
        resize: what is done with images of another size, for the files to say: ``none`` (they are refused) or
            ``shorter-side-bilinear-center-crop``; in place of what the preprocessing says.
        shift: lowering of every shift (``depthwise``, ``slice``, ``gather``; ``flat`` for ONNX), or ``auto`` for the
            fastest measured.
        shuffle: lowering of every shuffle (``transpose``, ``planes``, ``gather``), or ``auto``.
        dense: lowering of the dense 1x1 convolutions of a ``.tflite`` file: ``plain``, or ``tile-8``, ``tile-16``,
            ``tile-32``, which pad their outputs to a multiple of the runtime's tile; ``auto`` is ``plain``.
        batch: images at a time; None for any number.
        dynamic: ``"height"``, ``"width"`` or both, which the files then leave open; other images than those of
            ``input_shape`` may be as large or small as PyTorch takes them. Empty for fixed sizes.
        layout: how a ``.tflite`` file holds feature maps: ``nhwc``, ``channel-major``, or ``auto`` for the
            fastest on ``runtime``.
        runtime: the runtime that a ``.tflite`` file should be fast on: ``litert`` (2.3 and later) or ``tflite-2.14``;
            None for all.
        opset: opset of the ONNX file; default 17, which the runtimes of phones load.
        recipe: TOML file of `tune`. It says how everything is carried out, in place of ``shift``, ``shuffle``,
            ``dense``, ``layout`` and ``runtime``.
        quantize: how the files are quantised, ``Quantization("int8", calibration=...)``; None for float32. Files are
            then ``<stem>_int8.onnx`` and so on.
        overwrite: whether existing files may be replaced.
        keep_going: whether the formats that are right are written where another one fails; `ExportResult.failed` then
            says why. By default all are written or none.
        atol: with ``rtol``, replaces the tolerance that follows from the network.
        rtol: see ``atol``.
        check: check the graph after every rule of the rewrite. The final graph is always checked.
        progress: is called with each stage's name and one line about it.

    Raises:
        SscDeployError: one of its classes; `ssc_deploy.errors` lists them.
        VerificationError: a file computes something else than the network; no file was written.
    """
    extras.require("export")

    from ssc_deploy.lower import recipe_file
    from ssc_deploy.source import open_source

    say = progress or (lambda _stage, _line: None)
    formats = formats_of([to] if isinstance(to, str) else to)
    options = LoweringOptions(
        shift=shift,
        shuffle=shuffle,
        dense=dense,
        batch=batch,
        layout=layout,
        runtime=runtime,
        recipe=None if recipe is None else recipe_file.read(Path(recipe)),
        any_size=bool(dynamic),
    )
    _check(formats, options)
    open_sizes = any_size.check(dynamic)
    if quantize is not None:
        if open_sizes:
            raise QuantizationError("`quantize` is for images of one size so far; leave it or `dynamic` out")
        quantize.check_files()
    source = open_source(
        ckpt,
        model=model,
        arch=arch,
        args=args,
        input_shape=input_shape,
        example_inputs=example_inputs,
        outputs=outputs,
        batch=batch,
        weights=weights,
        seed=seed,
        labels=labels,
        preprocessing=preprocessing,
        resize=resize,
    )
    paths = _free_paths(source, formats, output, quantize, overwrite=overwrite)
    say("checkpoint", describing.source(source))
    at_others = any_size.others(source, open_sizes, atol, rtol) if open_sizes else None
    canonical = stages.canonicalise(source, progress=say, check=check)
    canonical_at_other = None if at_others is None else at_others.canonical()
    checked = Check(source, canonical.model, atol, rtol)
    writing = _Writing(
        checked, formats, paths, opset, say, at_others=at_others, overwrite=overwrite, keep_going=keep_going
    )
    excluded: Excluded | None = None
    if quantize is None:
        done = writing.write(canonical, options, at_other=canonical_at_other)
    else:
        from ssc_deploy.exporting import quantizing

        prepared = quantizing.prepare(source, canonical, quantize, say)
        options = dataclasses.replace(options, quantized=prepared.plan is not None)
        proof = quantizing.QuantizedCheck(checked, prepared, quantize.max_drop)
        done, excluded = writing.write_quantized(prepared, proof, options)
    return ExportResult(
        source.name,
        source.sha256,
        canonical.captured_nodes,
        canonical.report,
        done.files,
        done.golden,
        done.inputs,
        done.failed,
        excluded,
    )


@dataclass(frozen=True)
class _Written:
    """What was written; see `ExportResult`."""

    files: tuple[ExportedFile, ...]
    golden: Path
    inputs: int
    failed: tuple[FailedFormat, ...]


class _Writing:
    """Lowers, builds, verifies and writes the files of one export, all or none.

    Args:
        checked: see `Check`.
        formats: that are wanted.
        paths: of their files.
        opset: of an ``.onnx`` file.
        say: is told what is done.
        at_others: proves files whose images may have any size; None if they have one.
        overwrite: see `export`.
        keep_going: likewise.
    """

    def __init__(
        self,
        checked: Check,
        formats: Sequence[Format],
        paths: Mapping[Format, Path],
        opset: int | None,
        say: Progress,
        *,
        at_others: OtherSizes | None,
        overwrite: bool,
        keep_going: bool,
    ) -> None:
        self._checked, self._formats, self._paths, self._opset, self._say = checked, formats, paths, opset, say
        self._at_others, self._overwrite, self._keep_going = at_others, overwrite, keep_going

    def write(
        self,
        canonical: Canonical,
        options: LoweringOptions,
        prepared: Prepared | None = None,
        proof: QuantizedCheck | None = None,
        *,
        at_other: Canonical | None = None,
        may_exclude: bool = False,
    ) -> _Written:
        """Writes the files.

        Args:
            canonical: form of the network.
            options: of the lowering.
            prepared: how it is quantised; None for float32.
            proof: of quantised files.
            at_other: the canonical form at another size, where that may be any.
            may_exclude: raise `TooMuchLostError` where a file loses too much accuracy, also if other formats are kept.
        """
        from ssc_deploy.storage import files

        say = self._say
        formats_left = _Formats(self._formats, keep_going=self._keep_going)
        # All are lowered before the first is written: if one cannot be lowered, none is written.
        lowered, lowered_at_other = {}, {}
        for form in self._formats:
            with formats_left.trying(form):
                if at_other is not None:
                    lowered_at_other[form] = stages.lower(at_other, form, options)
                lowered[form] = stages.lower(canonical, form, options)
        # All or none: files of two different exports must not stand in one folder.
        with files.together(overwrite=self._overwrite) as written:
            exported = []
            for form, graph in lowered.items():
                with formats_left.trying(form):
                    other = lowered_at_other.get(form)
                    built = stages.build(canonical.source, form, graph, self._opset, quantized=prepared, other=other)
                    file = _emit(
                        written,
                        self._paths[form],
                        proof or self._checked,
                        form,
                        graph,
                        built=built,
                        recipe=options.recipe,
                        at_others=self._at_others,
                        say=say,
                        may_exclude=may_exclude,
                    )
                    exported.append(file)
                if form in formats_left.failed:
                    written.discard(self._paths[form])
            formats_left.check()
            beside = self._paths[self._formats[0]]
            golden_path, count = _golden(written, beside, self._checked, proof, exported, overwrite=self._overwrite)
            say("golden", f"{golden_path}   {count} inputs with the network's outputs, for profile")
        failed = (FailedFormat(form, str(error), error.exit_code) for form, error in formats_left.failed.items())
        return _Written(tuple(exported), golden_path, count, tuple(failed))

    def write_quantized(
        self, prepared: Prepared, proof: QuantizedCheck, options: LoweringOptions
    ) -> tuple[_Written, Excluded | None]:
        """Writes quantised files; blocks stay in float32 where too much accuracy would be lost otherwise."""
        from ssc_deploy.exporting import excluding

        drop = proof.max_drop
        search = None
        if prepared.plan is not None and prepared.labelled is not None and drop is not None:
            search = excluding.Excluding(prepared, drop, self._say)
        while True:
            try:
                done = self.write(prepared.canonical, options, prepared, proof, may_exclude=search is not None)
                break
            except excluding.TooMuchLostError as lost:
                assert search is not None  # it is raised only then
                prepared = search.more(lost)
                proof = proof.of(prepared)
        if search is None or not search.blocks:
            return done, None
        whole = search.whole
        costs = []
        for file in done.files:
            graph = stages.lower(whole.canonical, file.format, options)
            built = stages.build(whole.canonical.source, file.format, graph, self._opset, quantized=whole)
            costs.append(excluding.time_cost(file.path, built.data, self._checked.inputs))
            self._say("quantize", f"{file.path.name} takes {costs[-1]}")
        return done, excluding.Excluded(search.blocks, tuple(costs))


class _Formats:
    """Which of the formats failed.

    Args:
        formats: that were asked for.
        keep_going: whether one that fails leaves the others.
    """

    def __init__(self, formats: Sequence[Format], *, keep_going: bool) -> None:
        self._formats, self._keep_going = formats, keep_going
        self.failed: dict[Format, SscDeployError] = {}

    @contextlib.contextmanager
    def trying(self, form: Format) -> Iterator[None]:
        """What is done for one format: its failure is noted where the others are to be kept."""
        try:
            yield
        except (OutputError, TooMuchLostError):
            raise  # of the folder, which is that of all formats; of the plan, likewise
        except SscDeployError as error:
            if not self._keep_going or len(self._formats) == 1:
                others = [one.value for one in self._formats if one is not form]
                if not others:
                    raise
                kept = f"nothing was written; to keep {' and '.join(others)} if right, give `keep_going=True`"
                raise type(error)(f"{str(error).rstrip('.')}; {kept}") from error
            self.failed[form] = error

    def check(self) -> None:
        """Raises the first failure where no format is left."""
        if len(self.failed) == len(self._formats):
            raise next(iter(self.failed.values()))


def _check(formats: Sequence[Format], options: LoweringOptions) -> None:
    """Refuses early what can be known before the work."""
    if Format.TFLITE not in formats and options.for_litert_only:
        raise LoweringError(
            "layout, dense and runtime are of TFLite files, and none is exported; add tflite to the formats"
        )
    if set(formats) == {Format.C} and options != options.of(Target.NATIVE):
        raise LoweringError(
            "the C engine has one way to carry out each movement; leave `shift`, `shuffle` and `recipe` out, or add "
            "the format that they are for"
        )
    if options.recipe is not None:
        for form in formats:
            options.recipe.check_target(form.target)


def _free_paths(
    source: Source,
    formats: Sequence[Format],
    output: str | Path | None,
    quantize: Quantization | None,
    *,
    overwrite: bool,
) -> dict[Format, Path]:
    """Where each file goes. Existing files are refused before the work; writing checks again."""
    folder = DEFAULT_OUTPUT / source.stem if output is None else Path(output)
    # The quantised files of a network stand beside its float32 files.
    stem = source.stem if quantize is None else f"{source.stem}_{quantize.mode.replace('-', '_')}"
    paths = {form: folder / form.name_of(stem) for form in formats}
    taken = [path for path in paths.values() if path.exists()]
    if taken and not overwrite:
        raise OutputError(
            f"{taken[0]} exists; choose another folder with `output`, or replace it with `overwrite=True`."
        )
    return paths


def _emit(
    written: Files,
    path: Path,
    checked: Check | QuantizedCheck,
    form: Format,
    lowered: Lowered,
    *,
    built: Built,
    recipe: Recipe | None,
    at_others: OtherSizes | None,
    say: Progress,
    may_exclude: bool,
) -> ExportedFile:
    """Verifies one file at a temporary place.

    Raises:
        VerificationError: it computes something else than the network.
    """
    say("lower", f"{form.target.value}: {lowered.report}")
    if form is Format.TFLITE:
        say("layout", f"{lowered.report.layout}: {lowered.report.layout_reason}")
    data, operators = built.data, built.operators
    say("emit", f"{path}   {describing.size(data)} · {describing.operators(built)} · {built.takes}")
    if recipe is not None and recipe.measured is not None:
        say("recipe", recipe.measured.of_file(hashlib.sha256(data).hexdigest()))
    temporary = written.add(path, data) if built.folder is None else written.add_folder(path, built.folder)
    verification = checked(temporary)
    if may_exclude and isinstance(verification, QuantizedReport) and verification.loses_too_much:
        assert verification.accuracy is not None  # it was measured, since too much is lost
        raise TooMuchLostError(str(verification), verification.accuracy)
    if not verification.ok:
        raise VerificationError(f"{path.name} was not written: {verification}")
    say("verify", str(verification))
    if form is Format.C:
        from ssc_deploy.exporting import compiled

        say("compile", compiled.check(temporary))
    if at_others is not None:
        at_others.check(temporary, path.name)
        say("sizes", str(at_others))
    # What stands in pairs around integers looks superfluous to it.
    plain = isinstance(verification, VerifyReport) and form is Format.ONNX
    simplification = _simplification(data, say) if plain else None
    return ExportedFile(path, form, len(data), operators, lowered.report, verification, simplification)


def _golden(
    written: Files,
    beside: Path,
    checked: Check,
    proof: QuantizedCheck | None,
    exported: Sequence[ExportedFile],
    *,
    overwrite: bool,
) -> tuple[Path, int]:
    """Adds the golden set to what is written; returns its path and the number of its inputs."""
    from ssc_deploy import golden

    if proof is None:
        reports = [file.verification for file in exported if isinstance(file.verification, VerifyReport)]
        outputs = [*checked.reference.outputs(checked.inputs)]
        tolerances: Sequence[Tolerance | None] = [output.tolerance for output in reports[0].outputs]
        errors = _errors(reports)
    else:
        outputs, tolerances, errors = proof.golden([file.verification for file in exported])
    chosen = golden.chosen(
        checked.source.sha256,
        checked.inputs[: len(outputs[0])],
        outputs,
        tolerances=tolerances,
        errors=errors,
        pictures=checked.pictures,
    )
    path = golden.path_beside(beside)
    if overwrite or not golden.already_written(path, chosen):
        written.add(path, chosen.to_bytes())
    return path, len(chosen.inputs)


def _errors(reports: Sequence[VerifyReport]) -> list[list[Error]]:
    """Of each output, one for each file."""
    every = zip(*(report.outputs for report in reports), strict=True)
    return [[output.error for output in files if output.error is not None] for files in every]


def _simplification(data: bytes, say: Progress) -> SimplifyReport:
    """What onnxsim can still simplify: nothing, or a line about it."""
    from ssc_deploy.emit.onnx_simplify import simplifies

    found = simplifies(data)
    if found.warning:
        say("onnxsim", f"warning: {found.warning}")
    elif not found.is_simple:
        say("onnxsim", f"warning: leaves other operators: {found.left}")
    return found
