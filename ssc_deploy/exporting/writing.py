"""Lowers, builds, verifies and writes the files of one export, all of them or none."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.errors import OutputError, SscDeployError, VerificationError
from ssc_deploy.exporting import describing, stages
from ssc_deploy.exporting.excluding import TooMuchLostError
from ssc_deploy.exporting.formats import Format
from ssc_deploy.exporting.results import ExportedFile, FailedFormat
from ssc_deploy.verification.quantized import QuantizedReport
from ssc_deploy.verification.report import VerifyReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ssc_deploy.emit.onnx_simplify import SimplifyReport
    from ssc_deploy.exporting.any_size import OtherSizes
    from ssc_deploy.exporting.check import Check
    from ssc_deploy.exporting.excluding import Excluded
    from ssc_deploy.exporting.quantizing import Prepared, QuantizedCheck
    from ssc_deploy.exporting.stages import Built, Canonical, Progress
    from ssc_deploy.lower import Lowered
    from ssc_deploy.lower.options import LoweringOptions
    from ssc_deploy.lower.recipe import Recipe
    from ssc_deploy.storage.files import Files
    from ssc_deploy.verification import Error, Tolerance


@dataclass(frozen=True)
class Written:
    """What was written; see `ExportResult`."""

    files: tuple[ExportedFile, ...]
    golden: Path
    inputs: int
    failed: tuple[FailedFormat, ...]


class Writing:
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
    ) -> Written:
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
        return Written(tuple(exported), golden_path, count, tuple(failed))

    def write_quantized(
        self, prepared: Prepared, proof: QuantizedCheck, options: LoweringOptions
    ) -> tuple[Written, Excluded | None]:
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
