"""Verifies one file; every other module here answers one question of this one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy import batches as batching
from ssc_deploy import output_of_graph, runtimes
from ssc_deploy.errors import NetworkError, RuntimeLoadError, VerificationError
from ssc_deploy.verification import divergence, sanity, scales
from ssc_deploy.verification import movement as moving
from ssc_deploy.verification.orders import EitherOrder
from ssc_deploy.verification.reference import Remembered
from ssc_deploy.verification.report import Count, VerifyReport
from ssc_deploy.verification.tolerance import Error, Tolerance, error_of, own_error, within

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from ssc_deploy.runtimes import Runner
    from ssc_deploy.verification.movement import MovementSite
    from ssc_deploy.verification.reference import Float32, Float64, Reference
    from ssc_deploy.verification.scales import Probes

#: Inputs on which the values inside a file are looked at. A weight shows only where what it weighs is not zero, so one
#: picture leaves some unseen, or shows them first in a later block. Of 60 random weights of the trained network, 1 %
#: larger, one picture catches 57 and two to sixteen catch 58. More cost more: before `scales` was added, an export of
#: SSC-Net-6-9 in both formats took 1.77 times the CPU time of torch.onnx.export with eight, 2.10 times with sixteen.
_PICTURES = 8


def verify_file(
    path: Path,
    reference: Reference,
    inputs: Float32,
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

    It is right when its output is within the tolerance at every batch size, every block that it names is within that
    block's tolerance, and every movement is exact.

    Args:
        path: an ``.onnx`` or ``.tflite`` file with one picture input.
        reference: the network it was made from.
        inputs: float32 [N, C, H, W], N > 0, whatever the file's layout.
        pictures: whether the inputs are real pictures, so that the best class of each means something.
        classes: the true class of each input.
        atol: with ``rtol`` replaces the tolerance that follows from the network:
            ``|file - float64| <= atol + rtol * |float64|`` of the output; blocks then do not decide, they only say
            where an error arises. Where only one of the two is given the other is 0.
        rtol: see ``atol``.
        movements: shifts and shuffles in the file that must be bit-exact.
        complete: whether the file must have all of them; one of another origin may not.
        batches: batch sizes at which a file of dynamic batch runs: the first on all inputs, the others on one batch.
            A file of a fixed batch runs at that.
        probes: inputs of other scales, on which it must agree as well; see `scales`. With ``atol`` and ``rtol`` it only
            has to be finite there.

    Returns:
        the report. A file that computes something else, in values or in shapes, is a report with failures.

    Raises:
        VerificationError: there are no inputs, or not as many classes as inputs.
        RuntimeLoadError: the runtime is missing, or refuses the file.
        NetworkError: the reference cannot run on the inputs, or, where no bounds are given, is random, keeps state or
            mixes the pictures of a batch.
    """
    if not len(inputs) or not batches:
        raise VerificationError("there is nothing to verify on; give at least one input and one batch size")
    if classes is not None and len(classes) != len(inputs):
        raise VerificationError(f"{len(classes)} true classes are given for {len(inputs)} inputs; give one an input")

    def verdict(network: Reference) -> VerifyReport:
        return _verdict(
            path,
            network,
            inputs,
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
    in_turn = reference.adding_in_turn(inputs[:1])
    if in_turn is None:
        return report
    again = verdict(Remembered(EitherOrder(reference, in_turn)))
    # Long sums in turn may be too far off to say anything.
    return again if again.tolerance is not None else report


def _verdict(
    path: Path,
    reference: Reference,
    inputs: Float32,
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
    """The verdict by what one reference says; see `verify_file`."""
    runtime = runtimes.runtime_for(path)
    runner = runtime.load(path)
    fixed = runner.inputs[0].shape[0] if runner.inputs and runner.inputs[0].shape else None
    sizes = (fixed,) if fixed else tuple(batches)
    report = VerifyReport(path.name, runtime.title, runtime.version, len(inputs), sizes, atol=atol, rtol=rtol)
    report = dataclasses.replace(report, reference=reference.title, float32_reference=reference.float32_title)
    misfit = _input_misfit(runner, runtime.image_layout, inputs)
    if misfit:
        return dataclasses.replace(report, failures=(misfit,))

    follows = atol is None and rtol is None
    if follows:
        sanity.check(reference, inputs)
    exact = reference.outputs(inputs)
    float32 = reference.float32_outputs(inputs)
    if float32.shape != exact.shape:
        raise NetworkError(
            f"{reference.float32_title} returns {list(float32.shape)} for what {reference.title} computes as "
            f"{list(exact.shape)} in float64; they do not agree on what the network is, so no file can be compared"
        )
    unit = runner.outputs[0].name in output_of_graph.between_zero_and_one(path)
    own = own_error(float32, exact, unit=unit)
    report = dataclasses.replace(report, float32=own.error)
    objection = own.objection()
    if objection and (follows or not own.finite):
        return dataclasses.replace(report, failures=(f"the network itself {objection}",))
    judge = _Judge(runner, runtime.image_layout, exact, own.tolerance if follows else None, atol, rtol)
    runs = [judge.run(size, inputs if i == 0 else inputs[:size]) for i, size in enumerate(sizes)]
    failures = [run.failure for run in runs if run.failure]
    errors = [run.error for run in runs if run.error]
    moved = moving.check(path, movements, inputs[:1], sizes[0], complete=complete) if movements and errors else None
    if moved and moved.first_failure:
        failures.append(
            f"{moved.checked - moved.exact} of {moved.checked} movements are not exact: {moved.first_failure}"
        )
    # What is wrong on the usual scale needs no other.
    other = None
    if probes is not None and not failures:
        other = scales.check(runner, runtime.image_layout, reference, probes, sizes[0], values=follows, unit=unit)
        failures += other.failures
    values = runs[0].values
    wrong = next((run for run in runs if run.failure and run.values is not None), None)
    compared = None
    if wrong:
        telling = _most_telling(inputs, exact, wrong, judge.tolerance)
        compared = divergence.compare(path, reference, telling, wrong.batch)
    elif values is not None and follows:
        compared = divergence.compare(path, reference, inputs[:_PICTURES], sizes[0])
    found = compared.first if compared else None
    if found:
        failures.append(str(found))
    elif wrong:
        failures.append(
            "every block that the file names is right when its values are looked at, so the fault is in none of them: "
            "it lies in what the runtime fuses, or in the bound"
        )
    classifies = values is not None and values.ndim == 2
    return dataclasses.replace(
        report,
        error=max(errors, key=lambda e: (judge.tolerance.use(e) if judge.tolerance else e.max, e.rms), default=None),
        tolerance=judge.tolerance,
        top1=_agreement(values, exact.argmax(1)) if pictures and classifies else None,
        accuracy=_agreement(values, classes) if classes is not None and classifies else None,
        movements=moved,
        scales=other.agree if other else None,
        blocks=compared.counts if compared else None,
        first_divergence=found,
        failures=tuple(failures),
    )


@dataclass(frozen=True)
class _Run:
    """The file at one batch size: its values where it ran, their error where the shapes allow it, what is wrong."""

    batch: int
    values: Float32 | None = None
    error: Error | None = None
    failure: str | None = None


@dataclass(frozen=True)
class _Judge:
    """Runs the file and says whether what comes out is right."""

    runner: Runner
    layout: str
    exact: Float64
    tolerance: Tolerance | None
    atol: float | None
    rtol: float | None

    def run(self, batch: int, inputs: Float32) -> _Run:
        """Runs the first of the inputs that ``exact`` belongs to."""
        try:
            values = batching.run(self.runner, inputs, layout=self.layout, batch=batch)[0]
        except RuntimeLoadError as error:
            return _Run(batch, failure=f"at batch size {batch}: {error}")
        exact = self.exact[: len(inputs)]
        if values.shape != exact.shape:
            shapes = f"{list(values.shape[1:])} for a picture, the network {list(exact.shape[1:])}"
            return _Run(batch, failure=f"the file returns {shapes}; they have not the same classes")
        distance = error_of(values, exact)
        wrong = self._wrong(values, exact, distance)
        return _Run(batch, values, distance, f"at batch size {batch} {wrong}" if wrong else None)

    def _wrong(self, values: Float32, exact: Float64, error: Error) -> str | None:
        if not np.isfinite(values).all():
            return "the file computes NaN or Inf"
        bound = self.tolerance
        if bound is None:
            atol, rtol = self.atol or 0.0, self.rtol or 0.0
            if within(values, exact, atol, rtol):
                return None
            return f"the error of {error.max:.2e} exceeds atol {atol:g} + rtol {rtol:g} * |float64|"
        if bound.allows(error):
            return None
        return f"the error is {bound.compared(error)}"


def _input_misfit(runner: Runner, layout: str, inputs: Float32) -> str | None:
    """Why the file cannot take such inputs, as a sentence."""
    if len(runner.inputs) != 1 or runner.inputs[0].dtype != "float32" or len(runner.inputs[0].shape) != 4:
        takes = ", ".join(f"{spec.dtype} {list(spec.shape)}" for spec in runner.inputs)
        return f"the file takes {takes or 'nothing'}, the network one float32 picture"
    _, *sizes = runner.inputs[0].shape
    channels_first = [sizes[2], *sizes[:2]] if layout == "NHWC" else sizes
    if all(size in {None, given} for size, given in zip(channels_first, inputs.shape[1:], strict=True)):
        return None
    return (
        f"the file takes pictures of {channels_first} (channels, height, width), the network {list(inputs.shape[1:])}"
    )


def _most_telling(inputs: Float32, exact: Float64, run: _Run, bound: Tolerance | None) -> Float32:
    """The inputs that are worst beside what is allowed; those that stood in one batch stay together."""
    assert run.values is not None  # only runs that gave values are looked into
    errors = [error_of(run.values[i : i + 1], exact[i : i + 1]) for i in range(len(run.values))]
    off = np.array([error.max if bound is None else bound.use(error) for error in errors])
    worst = np.argsort(-off, kind="stable")
    if 1 < run.batch <= _PICTURES:
        start = int(worst[0]) // run.batch * run.batch
        return inputs[start : start + _PICTURES // run.batch * run.batch]
    return inputs[worst[:_PICTURES]]


def _agreement(values: Float32 | None, best: npt.NDArray[np.int64] | Sequence[int]) -> Count | None:
    if values is None:
        return None
    return Count(int((values.argmax(1) == np.asarray(best)).sum()), len(values))
