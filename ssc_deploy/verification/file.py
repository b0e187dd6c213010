"""Verifies one file, with the help of the other modules of this folder."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy.batches import channels_last
from ssc_deploy.batches import run as run_in_batches
from ssc_deploy.errors import NetworkError, RuntimeLoadError, VerificationError
from ssc_deploy.examples import Examples
from ssc_deploy.verification import divergence, sanity, scales, whole_numbers
from ssc_deploy.verification import movement as moving
from ssc_deploy.verification.intermediate import Inside
from ssc_deploy.verification.orders import EitherOrder
from ssc_deploy.verification.reference import Remembered
from ssc_deploy.verification.report import Count, OutputReport, VerifyReport
from ssc_deploy.verification.tolerance import Error, Own, Tolerance, error_of, own_error, within

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from ssc_deploy.runtimes import Runner, TensorSpec
    from ssc_deploy.verification.movement import MovementSite
    from ssc_deploy.verification.reference import Float32, Float64, Reference
    from ssc_deploy.verification.scales import Probes

#: Inputs for which the values inside a file are compared. A weight has an effect only if its factor is not zero, so one
#: image does not test all weights, or tests some only in a later block. Of 60 random weights of the trained network, 1
#: % larger, one image finds 57 and two to sixteen find 58. More images take more time: before `scales` was added, an
#: export of SSC-Net-6-9 in both formats took 1.77 times the CPU time of torch.onnx.export with eight, 2.10 times with
#: sixteen.
_PICTURES = 8


def verify_file(
    path: Path,
    reference: Reference,
    inputs: Examples | Float32,
    *,
    pictures: bool = False,
    classes: Sequence[int] | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    movements: Sequence[MovementSite] = (),
    complete: bool = True,
    batches: Sequence[int] = (1, 3),
    probes: Probes | None = None,
) -> VerifyReport:
    """Runs the file on ``inputs`` and compares it with the reference in float64.

    It is right when each output is within its tolerance at every batch size, every block that it names is within that
    block's tolerance, and every movement is exact.

    Args:
        path: an ``.onnx`` or ``.tflite`` file.
        reference: the network it was made from.
        inputs: at least one example, whatever the file's layout; of one image, float32 [N, C, H, W] will do.
        pictures: whether the inputs are real images, so that the best class of each means something.
        classes: the true class of each input.
        atol: with ``rtol`` replaces the tolerance that follows from the network:
            ``|file - float64| <= atol + rtol * |float64|`` of the output; blocks then only show where an error begins.
            If only one of the two is given, the other is 0.
        rtol: see ``atol``.
        movements: shifts and shuffles in the file that must be bit-exact.
        complete: whether the file must have all of them. A file of another program may have fewer.
        batches: batch sizes for a file of dynamic batch: the first for all inputs, the others for one batch. A file of
            a fixed batch runs at that batch.
        probes: inputs of other scales, for which it must agree as well; see `scales`. With ``atol`` and ``rtol`` its
            output must only be finite there.

    Returns:
        the report. If the file computes other values or shapes, the report has failures.

    Raises:
        VerificationError: there are no inputs, or not as many classes as inputs.
        RuntimeLoadError: the runtime is missing, or refuses the file.
        NetworkError: the reference cannot run on the inputs, or, where no bounds are given, is random, keeps state or
            mixes the images of a batch.
    """
    examples = Examples.of(inputs)
    if not len(examples) or not batches:
        raise VerificationError("there is nothing to verify on; give at least one input and one batch size")
    if classes is not None and len(classes) != len(examples):
        raise VerificationError(
            f"{len(classes)} true classes are given for {len(examples)} inputs; give one for each input"
        )

    def verdict(network: Reference) -> VerifyReport:
        return _verdict(
            path,
            network,
            examples,
            pictures=pictures,
            classes=classes,
            atol=atol,
            rtol=rtol,
            movements=movements,
            complete=complete,
            batches=batches,
            probes=probes,
        )

    report = verdict(reference)
    if report.ok or report.error is None or report.tolerance is None:
        return report
    either = reference
    for order, other in reference.other_orders(examples).items():
        either = Remembered(EitherOrder(either, other, order))
        again = verdict(either)
        if again.ok:
            return again
        # Long sums in turn may have too large errors to be useful.
        report = again if again.tolerance is not None else report
    return report


def _verdict(
    path: Path,
    reference: Reference,
    inputs: Examples,
    *,
    pictures: bool,
    classes: Sequence[int] | None,
    atol: float | None,
    rtol: float | None,
    movements: Sequence[MovementSite],
    complete: bool,
    batches: Sequence[int],
    probes: Probes | None,
) -> VerifyReport:
    """The result by one reference; see `verify_file`."""
    file = Inside(path)
    runtime, runner = file.runtime, file.runner
    fixed = runner.inputs[0].shape[0] if runner.inputs and runner.inputs[0].shape else None
    sizes = (1,) if not inputs.rows else (fixed,) if fixed else tuple(batches)
    report = VerifyReport(path.name, runtime.title, runtime.version, len(inputs), sizes, atol=atol, rtol=rtol)
    report = dataclasses.replace(report, reference=reference.title, float32_reference=reference.float32_title)
    misfit = _misfit(runner, runtime.image_layout, inputs, reference.names)
    if misfit:
        return dataclasses.replace(report, failures=(misfit,))

    follows = atol is None and rtol is None
    if follows:
        sanity.check(reference, inputs)
    exact = reference.outputs(inputs)
    float32 = reference.float32_outputs(inputs)
    for narrow, wide in zip(float32, exact, strict=True):
        if narrow.shape != wide.shape:
            raise NetworkError(
                f"{reference.float32_title} returns {list(narrow.shape)} for what {reference.title} computes as "
                f"{list(wide.shape)} in float64; they do not agree on what the network is, so no file can be compared"
            )
    certain = whole_numbers.sure(reference, inputs, runner.outputs, exact, float32)
    exact, float32 = (tuple(map(whole_numbers.kept, values, certain)) for values in (exact, float32))
    unit = [spec.name in file.between_zero_and_one for spec in runner.outputs]
    owns = [own_error(narrow, wide, unit=one) for narrow, wide, one in zip(float32, exact, unit, strict=True)]
    named = list(zip(reference.names, owns, strict=True))
    report = dataclasses.replace(report, outputs=tuple(OutputReport(name, own.error) for name, own in named))
    for name, own in named:
        objection = own.objection(_called(name, reference))
        if objection and (follows or not own.finite):
            return dataclasses.replace(report, failures=(f"the network itself {objection}",))
    judge = _Judge(runner, runtime.image_layout, reference.names, exact, certain, owns if follows else None, atol, rtol)
    runs = [judge.run(size, inputs if i == 0 else inputs[:size]) for i, size in enumerate(sizes)]
    failures = [run.failure for run in runs if run.failure]
    ran = all(run.errors for run in runs)
    moved = moving.check(file, movements, inputs[:1], sizes[0], complete=complete) if movements and ran else None
    if moved and moved.first_failure:
        failures.append(
            f"{moved.checked - moved.exact} of {moved.checked} movements are not exact: {moved.first_failure}"
        )
    # If the file is wrong on the usual scale, other scales need not run.
    other = None
    if probes is not None and not failures:
        other = scales.check(runner, runtime.image_layout, reference, probes, sizes[0], values=follows, unit=unit)
        failures += other.failures
    values = runs[0].values
    wrong = next((run for run in runs if run.failure and run.values is not None), None)
    compared = None
    if wrong:
        compared = divergence.compare(file, reference, _most_telling(inputs, judge, wrong), wrong.batch)
    elif values is not None and follows:
        compared = divergence.compare(file, reference, inputs[:_PICTURES], sizes[0])
    found = compared.first if compared else None
    if found:
        failures.append(str(found))
    elif wrong:
        failures.append(
            "every block that the file names is right when its values are looked at, so the fault is in none of them: "
            "it lies in what the runtime fuses, or in the bound"
        )
    # The list of classes, where the network returns one and nothing else of its form.
    lists = [i for i, output in enumerate(exact) if output.ndim == 2] if inputs.rows and values is not None else []
    (given, best) = (values[lists[0]], exact[lists[0]].argmax(1)) if values and len(lists) == 1 else (None, None)
    return dataclasses.replace(
        report,
        outputs=judge.reports(runs, owns),
        top1=_agreement(given, best) if pictures and best is not None else None,
        accuracy=_agreement(given, classes) if classes is not None else None,
        movements=moved,
        scales=other.agree if other else None,
        blocks=compared.counts if compared else None,
        first_divergence=found,
        failures=tuple(failures),
    )


def _called(name: str, reference: Reference) -> str:
    """An output, for a message."""
    return "output" if len(reference.names) == 1 else f"output {name}"


@dataclass(frozen=True)
class _Run:
    """The file at one batch size: its outputs where it ran, their errors where shapes allow it, what is wrong."""

    batch: int
    values: Sequence[Float32] | None = None
    errors: Sequence[Error] = ()
    failure: str | None = None


@dataclass(frozen=True)
class _Judge:
    """Runs the file and says whether what comes out is right.

    Attributes:
        runner: of the file.
        layout: of its images.
        names: of the network's outputs.
        exact: what the network computes, an array for each output.
        certain: where it is sure of that; see `whole_numbers.sure`.
        owns: what float32 costs each output, which bounds the file's error; None where ``atol`` and ``rtol`` do.
        atol: see `verify_file`.
        rtol: see `verify_file`.
    """

    runner: Runner
    layout: str
    names: tuple[str, ...]
    exact: Sequence[Float64]
    certain: Sequence[whole_numbers.Sure | None]
    owns: Sequence[Own] | None
    atol: float | None
    rtol: float | None

    def bound(self, output: int) -> Tolerance | None:
        """Of the output's error, where it follows from the network."""
        return self.owns[output].tolerance if self.owns is not None else None

    def run(self, batch: int, inputs: Examples) -> _Run:
        """Runs the first inputs, those that ``exact`` belongs to."""
        at = f"at batch size {batch} " if inputs.rows else ""
        count = len(self.exact)
        try:
            values = run_in_batches(self.runner, inputs, layout=self.layout, batch=batch, outputs=count)[:count]
        except RuntimeLoadError as refusal:
            return _Run(batch, failure=f"at batch size {batch}: {refusal}")
        errors, values = [], list(values)
        for i, (name, value, whole) in enumerate(zip(self.names, values, self.exact, strict=True)):
            exact = whole[: len(inputs)]
            if value.shape != exact.shape:
                which = "" if count == 1 else f" as {name}"
                shapes = f"{list(value.shape[1:])}{which} for an image, the network {list(exact.shape[1:])}"
                return _Run(batch, failure=f"the file returns {shapes}; they have not the same classes")
            values[i] = whole_numbers.settled(value, exact, self.certain[i])
            errors.append(error_of(values[i], exact))
        for i, (value, error) in enumerate(zip(values, errors, strict=True)):
            wrong = self._wrong(i, value, error)
            if wrong:
                which = "" if count == 1 else f"in output {self.names[i]}, "
                return _Run(batch, values, errors, f"{at}{which}{wrong}")
        return _Run(batch, values, errors)

    def reports(self, runs: Sequence[_Run], owns: Sequence[Own]) -> tuple[OutputReport, ...]:
        """One for each output, with its worst error of all runs."""
        found = []
        for i, (name, own) in enumerate(zip(self.names, owns, strict=True)):
            bound = self.bound(i)
            errors = [run.errors[i] for run in runs if run.errors]
            worst = max(errors, key=lambda e: (bound.use(e) if bound else e.max, e.rms), default=None)
            found.append(OutputReport(name, own.error, worst, bound))
        return tuple(found)

    def off(self, output: int, error: Error) -> float:
        """How far an output is off, beside what is allowed where that is known."""
        bound = self.bound(output)
        return error.max if bound is None else bound.use(error)

    def _wrong(self, output: int, values: Float32, error: Error) -> str | None:
        if not np.isfinite(values).all():
            return "the file computes NaN or Inf"
        bound = self.bound(output)
        if bound is None:
            atol, rtol = self.atol or 0.0, self.rtol or 0.0
            if within(values, self.exact[output][: len(values)], atol, rtol):
                return None
            return f"the error of {error.max:.2e} exceeds atol {atol:g} + rtol {rtol:g} * |float64|"
        if bound.allows(error):
            return None
        return f"the error is {bound.compared(error)}"


def _misfit(runner: Runner, layout: str, inputs: Examples, outputs: tuple[str, ...]) -> str | None:
    """Why the file cannot take such inputs, or returns other outputs, as a sentence."""
    wanted = [array[:1] if inputs.rows else array[0] for array in inputs.arrays]
    if len(wanted) == 1 and wanted[0].ndim == 4 and inputs.rows and wanted[0].dtype == np.float32:
        sentence = _image_misfit(runner, layout, wanted[0].shape[1:])
    else:
        sentence = _inputs_misfit(runner, layout, wanted, rows=inputs.rows)
    if sentence is None and len(runner.outputs) != len(outputs):
        names = ", ".join(spec.name for spec in runner.outputs)
        sentence = (
            f"the file returns {names or 'nothing'}, the network {', '.join(outputs)}; if the file is to have some of "
            "them alone, name these with `outputs`"
        )
    return sentence


def _image_misfit(runner: Runner, layout: str, image: tuple[int, ...]) -> str | None:
    if len(runner.inputs) != 1 or runner.inputs[0].dtype != "float32" or len(runner.inputs[0].shape) != 4:
        takes = ", ".join(f"{spec.dtype} {list(spec.shape)}" for spec in runner.inputs)
        return f"the file takes {takes or 'nothing'}, the network one float32 image"
    _, *sizes = runner.inputs[0].shape
    channels_first = [sizes[2], *sizes[:2]] if layout == "NHWC" else sizes
    if all(size in {None, given} for size, given in zip(channels_first, image, strict=True)):
        return None
    return f"the file takes images of {channels_first} (channels, height, width), the network {list(image)}"


def _inputs_misfit(runner: Runner, layout: str, wanted: Sequence[npt.NDArray[Any]], *, rows: bool) -> str | None:
    def fits(spec: TensorSpec, array: npt.NDArray[Any]) -> bool:
        shape = channels_last(array, layout).shape
        if spec.dtype != array.dtype.name or len(spec.shape) != len(shape):
            return False
        pairs = list(zip(spec.shape, shape, strict=True))[1 if rows else 0 :]
        return all(size in {None, given} for size, given in pairs)

    if len(runner.inputs) == len(wanted) and all(map(fits, runner.inputs, wanted)):
        return None
    takes = ", ".join(f"{spec.dtype} {list(spec.shape)}" for spec in runner.inputs)
    needs = ", ".join(f"{array.dtype.name} {list(array.shape)}" for array in wanted)
    return f"the file takes {takes or 'nothing'}, the network {needs}"


def _most_telling(inputs: Examples, judge: _Judge, run: _Run) -> Examples:
    """The inputs with the largest share of their tolerance. Inputs of one batch stay together."""
    assert run.values is not None  # only runs with values are inspected
    off = np.zeros(len(run.values[0]))
    for output, (values, exact) in enumerate(zip(run.values, judge.exact, strict=True)):
        errors = [error_of(values[i : i + 1], exact[i : i + 1]) for i in range(len(values))]
        off = np.maximum(off, [judge.off(output, error) for error in errors])
    worst = np.argsort(-off, kind="stable")
    if 1 < run.batch <= _PICTURES:
        start = int(worst[0]) // run.batch * run.batch
        return inputs[start : start + _PICTURES // run.batch * run.batch]
    return Examples(tuple(array[worst[:_PICTURES]] for array in inputs.arrays), inputs.rows)


def _agreement(values: Float32 | None, best: npt.NDArray[np.int64] | Sequence[int]) -> Count | None:
    if values is None:
        return None
    return Count(int((values.argmax(1) == np.asarray(best)).sum()), len(values))
