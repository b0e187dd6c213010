"""Quantised exports: the stage between rewrite and lower, and the proof of each file."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnx_ir as ir

from ssc_deploy import batches, runtimes
from ssc_deploy.errors import QuantizationError
from ssc_deploy.exporting.accurate import AccuracyCheck
from ssc_deploy.quantize import calibration_data, places
from ssc_deploy.quantize.grid import Grid, decibels
from ssc_deploy.quantize.plan import Io, Mode, Plan
from ssc_deploy.runtimes import saturation
from ssc_deploy.verification import integers, noise, verify_file
from ssc_deploy.verification.onnx_reference import OnnxReference
from ssc_deploy.verification.quantized import Noise, QuantizedReport
from ssc_deploy.verification.reference import Remembered
from ssc_deploy.verification.report import Count
from ssc_deploy.verification.tolerance import Error, Tolerance, error_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from ssc_deploy.examples import Examples
    from ssc_deploy.exporting.check import Check
    from ssc_deploy.exporting.stages import Canonical, Progress
    from ssc_deploy.metadata import FileQuantization, ModelMetadata
    from ssc_deploy.quantize.calibration_data import CalibrationData, HeldOut
    from ssc_deploy.quantize.plan import Quantization
    from ssc_deploy.source import Source
    from ssc_deploy.verification import Reference, VerifyReport

    Array = npt.NDArray[Any]

#: Inputs on which all integers are compared.
_INPUTS = 64

#: Inputs on which the noise of each value is measured.
_NOISY = 8

#: Decibels of the output of a file whose plan is not known. Another network, trained for the same classes, had 10.5.
LEAST = 20.0

#: The same where its accuracy is measured, and is high enough.
LEAST_IF_ACCURATE = 15.0

#: The same where the plan is proved, but no accuracy is measured: the noise has a tenth of the power of the signal.
_LEAST_OF_PLAN = 10.0

_SATURATES = (
    "note: 8-bit products saturate in ONNX Runtime on this processor (AVX2 without VNNI). The file was verified "
    "without the runtime's own kernels; on such processors it computes something else. `safe_for='avx2'` makes a file "
    "that is right on them, too"
)

_SATURATES_OTHERS = (
    "note: 8-bit products saturate in ONNX Runtime on this processor (AVX2 without VNNI); on others the file may be "
    "nearer to the network"
)

#: Steps of an output's grid by which a device may differ from the plan: ties that turn the other way on the way there.
_STEPS = 4

#: The same for an output without a grid, as a share of its largest value.
_FLOAT_SHARE = 1e-4


@dataclass(frozen=True)
class Prepared:
    """A network as it is quantised.

    Attributes:
        canonical: its canonical form, with kernels on their grids, or rounded.
        mode: of the export.
        plan: of the values; None where weights alone are rounded.
        exact: the same graph before its numbers were rounded.
        labelled: images of known classes on which the accuracy is measured; None if there are none.
    """

    canonical: Canonical
    mode: Mode
    plan: Plan | None
    exact: ir.Model
    labelled: HeldOut | None


def prepare(source: Source, canonical: Canonical, wanted: Quantization, say: Progress) -> Prepared:
    """Fixes the grids of a network's values.

    Args:
        source: of the network.
        canonical: its canonical form; it is left as it is.
        wanted: by the user.
        say: is told what was done.

    Raises:
        QuantizationError: the data do not fit, or the network cannot be quantised so.
    """
    from ssc_deploy.quantize import planning, weights

    mode = Mode(wanted.mode)
    if mode in weights.COMPACT:
        labelled = None if wanted.accuracy is None else labelled_images(source, wanted.accuracy)
        rounded = weights.rounded(canonical.model, mode)
        say("quantize", f"{mode} · kernels of {weights.LEAST} numbers or more are rounded, all is computed in float32")
        return Prepared(dataclasses.replace(canonical, model=rounded), mode, None, canonical.model, labelled)
    data, labelled = images_of(source, wanted)
    found = planning.quantize(canonical.model, data, wanted)
    say("quantize", str(found.report))
    for note in found.report.notes:
        say("quantize", f"note: {note}")
    return Prepared(dataclasses.replace(canonical, model=found.model), mode, found.plan, found.exact, labelled)


def images_of(
    source: Source, wanted: Quantization, most: int = calibration_data.HELD_OUT
) -> tuple[CalibrationData, HeldOut | None]:
    """Opens the images that the grids follow from, and others of known classes, if there are any.

    Args:
        source: of the network.
        wanted: by the user, of a mode that needs images.
        most: images of known classes at most.

    Raises:
        QuantizationError: the data do not fit.
        DataError: they cannot be read.
    """
    assert wanted.calibration is not None  # `Quantization` asks for it
    labelled = None if wanted.accuracy is None else labelled_images(source, wanted.accuracy, most)
    data = calibration_data.open_data(
        wanted.calibration,
        source.signature,
        preprocessing=source.preprocessing,
        labels=source.labels,
        images=wanted.images,
        held_out=0 if wanted.accuracy is not None else most,
        resize=source.preprocessing is not None and source.preprocessing.scales,
    )
    return data, labelled or data.held_out


def labelled_images(source: Source, where: str | Path, most: int = calibration_data.HELD_OUT) -> HeldOut:
    """Images on which a network's accuracy is measured; see `calibration_data.labelled`."""
    return calibration_data.labelled(
        where, source.signature, preprocessing=source.preprocessing, labels=source.labels, most=most
    )


def is_quantized(path: Path, about: ModelMetadata | None) -> bool:
    """Whether a file computes with integers that stand for real numbers, or says that its weights are rounded.

    Raises:
        RuntimeLoadError: it cannot be read.
    """
    if about is not None and about.quantization is not None:
        return True
    # Another program may have quantised a file of ours, and have kept what it says of itself.
    if path.suffix.lower() != ".onnx":
        return any(spec.steps is not None for spec in runtimes.runtime_for(path).tensors(path).values())
    return any(
        "Quantize" in node.op_type or node.op_type.startswith("QLinear")
        for node in onnx.load(path, load_external_data=False).graph.node
    )


def prepared_as_described(canonical: Canonical, described: FileQuantization) -> Prepared | None:
    """The network as a file says that it was quantised; None where what it says does not fit the network.

    The file says all but the kernels and biases, and these follow from the network. What the file says of channels
    cannot change what the network computes (`equalisation.apply`), or by little (`rounding.MOST_STEPS`).
    """
    from ssc_deploy.quantize import digits, equalisation, rounding, weights

    mode = Mode(described.mode)
    if mode in weights.COMPACT:
        rounded = weights.rounded(canonical.model, mode)
        return Prepared(dataclasses.replace(canonical, model=rounded), mode, None, canonical.model, None)
    graph = canonical.model.graph
    known = {value.name for value in (*graph.inputs, *(value for node in graph for value in node.outputs))}
    if not described.grids or not known.issuperset(one.name for one in described.grids):
        return None
    with contextlib.suppress(QuantizationError):
        grids = {one.name: Grid(one.scale, one.zero_point) for one in described.grids}
        kernels = places.kernels(canonical.model, described.exclude)
        factors, corrections = (
            {one.name: digits.read(one.digits, one.shift) for one in numbers}
            for numbers in (described.factors, described.corrections)
        )
        plan = Plan(grids, kernels, described.weight_bits, Io(described.io), described.exclude, factors, corrections)
        exact = canonical.model.clone()
        equalisation.apply(exact, factors)
        model = exact.clone()
        rounding.round_kernels(model, plan)
        return Prepared(dataclasses.replace(canonical, model=model), mode, plan, exact, None)
    return None


def _reference(model: ir.Model) -> Reference:
    """A canonical graph in float64."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rounded.onnx"
        ir.save(model, path)
        return Remembered(OnnxReference(path))


def against_network(
    path: Path,
    checked: Check,
    graph: ir.Model | None = None,
    labelled: HeldOut | None = None,
    max_drop: float | None = None,
) -> QuantizedReport:
    """Compares a quantised file, of this program or another, with the network, where its plan is not known.

    It is right if its output is the network's but for noise: `LEAST` decibels. Where accuracy is measured, and no more
    of it is lost than is allowed, `LEAST_IF_ACCURATE` are enough; the noise is that on these images then.

    Args:
        path: of the file.
        checked: what a float file of the source is verified with.
        graph: the network's canonical form; None if there is none.
        labelled: images of known classes; None to leave accuracy out.
        max_drop: points of top-1 accuracy that may be lost; None for any.
    """
    runtime = runtimes.runtime_for(path)
    # The ranges of a file are those of real images, which noise may exceed.
    inputs = checked.inputs[:_INPUTS] if labelled is None else labelled.some(_INPUTS)
    exact, names = checked.reference.outputs(inputs), checked.reference.names
    runner = runtime.load(path)
    report = QuantizedReport(
        path.name, runtime.title, runtime.version, len(inputs), least=LEAST, plan=False, max_drop=max_drop
    )
    if len(runner.outputs) != len(names) or len(runner.inputs) != len(inputs.arrays):
        return report

    def run(given: Examples) -> list[Array]:
        return batches.run(runner, given, layout=runtime.image_layout, outputs=len(names))

    known = labelled is not None or checked.classes is not None
    report = _with_noise(report, run(inputs), exact, names, pictures=known)
    if path.suffix.lower() == ".onnx" and saturation.saturates():
        report = dataclasses.replace(report, note=_SATURATES_OTHERS)
    if labelled is None or report.output is None:
        return report
    measured = AccuracyCheck(checked, graph, labelled, inputs)(run)
    return report if measured is None else dataclasses.replace(report, accuracy=measured, least=LEAST_IF_ACCURATE)


def _with_noise(
    report: QuantizedReport, given: Sequence[Array], exact: Sequence[Array], names: Sequence[str], *, pictures: bool
) -> QuantizedReport:
    """Adds the noise of the outputs, and how many best classes stay."""
    if any(q.shape != y.shape for q, y in zip(given, exact, strict=True)):
        return report
    ratios = [
        decibels(float(np.square(y).sum()), float(np.square(q.astype(np.float64) - y).sum()))
        for q, y in zip(given, exact, strict=True)
    ]
    worst = min(zip(ratios, names, strict=True))
    lists = [i for i, output in enumerate(exact) if output.ndim == 2]
    top1 = None
    if pictures and len(lists) == 1:
        at = lists[0]
        top1 = Count(int((given[at].argmax(1) == exact[at].argmax(1)).sum()), len(given[at]))
    return dataclasses.replace(report, output=Noise(worst[1], worst[0]), top1=top1)


class QuantizedCheck:
    """Proves any number of quantised files of one network.

    Args:
        checked: what a float file of the source is verified with.
        prepared: the network as it is quantised.
        max_drop: points of top-1 accuracy that may be lost; None for any.
    """

    def __init__(self, checked: Check, prepared: Prepared, max_drop: float | None = None) -> None:
        self._checked, self._prepared, self.max_drop = checked, prepared, max_drop
        self._inputs = checked.inputs[:_INPUTS]
        plan = prepared.plan
        self._expected: integers.Expected | None = None
        self._noise: dict[str, float] = {}
        if plan is not None:
            names = checked.reference.names
            self._expected = integers.Expected(prepared.canonical.model, plan, self._inputs, names)
            self._noise = noise.ratios(prepared.exact, prepared.canonical.model, plan, self._inputs[:_NOISY])
        labelled = prepared.labelled
        self._accuracy = None if labelled is None else AccuracyCheck(checked, prepared.exact, labelled, self._inputs)

    def of(self, prepared: Prepared) -> QuantizedCheck:
        """The same for the network quantised in another way."""
        other = QuantizedCheck(self._checked, prepared, self.max_drop)
        other._accuracy = self._accuracy
        return other

    def __call__(self, path: Path) -> QuantizedReport:
        """The verdict on one file.

        One with a plan is compared with that, one of rounded weights with the network that has these weights.
        """
        runtime = runtimes.runtime_for(path)
        report = QuantizedReport(path.name, runtime.title, runtime.version, len(self._inputs))
        report = dataclasses.replace(report, max_drop=self.max_drop)
        plan = self._prepared.plan
        if plan is None:
            compared = verify_file(path, self._rounded, self._checked.inputs, probes=self._checked.probes)
            report = dataclasses.replace(report, rounded=compared)
        else:
            model, exactly = self._prepared.canonical.model, self._saturates(path)
            found = integers.check(path, model, plan, self._inputs, as_written=exactly, expected=self._expected)
            report = dataclasses.replace(report, integers=found, note=_SATURATES if exactly else "")
        if not report.ok:
            return report
        return self._cost(path, report)

    def golden(
        self, reports: Sequence[VerifyReport | QuantizedReport]
    ) -> tuple[list[Array], list[Tolerance], list[list[Error]]]:
        """What a device is compared with: for each output its values, its bounds, and the errors of the files.

        Of files with a plan they are the plan's own outputs, give or take some steps, or twice what the files
        themselves are off by.
        """
        proofs = [report for report in reports if isinstance(report, QuantizedReport)]
        plan = self._prepared.plan
        if plan is None:
            compared = [report.rounded for report in proofs if report.rounded is not None]
            bounds = [one.tolerance for one in compared[0].outputs if one.tolerance is not None]
            every = [[one.outputs[at].error for one in compared] for at in range(len(bounds))]
            errors = [[error for error in files if error is not None] for files in every]
            return list(self._rounded.outputs(self._checked.inputs)), bounds, errors
        outputs = self.expected()
        tolerances, errors = [], []
        for at, name in enumerate(self._checked.reference.names):
            grid = plan.grids.get(name)
            step = grid.scale if grid else _FLOAT_SHARE * float(np.abs(outputs[at]).max())
            off = [report.errors[at] for report in proofs]
            largest = max([_STEPS * step, *(2 * error.max for error in off)])
            tolerances.append(Tolerance(largest, largest))
            errors.append(off)
        return outputs, tolerances, errors

    def expected(self) -> list[Array]:
        """What the plan gives in float64 for the inputs, one array [N, ...] for each output; nothing without a plan."""
        return [] if self._expected is None else self._expected.outputs()

    def _saturates(self, path: Path) -> bool:
        """Whether the runtime's kernels for integers are known to be wrong for this file on this processor."""
        plan = self._prepared.plan
        return plan is not None and path.suffix.lower() == ".onnx" and plan.weight_bits == 8 and saturation.saturates()

    @functools.cached_property
    def _rounded(self) -> Reference:
        """The network with rounded weights."""
        return _reference(self._prepared.canonical.model)

    def _cost(self, path: Path, report: QuantizedReport) -> QuantizedReport:
        """Adds what the rounding costs against the network."""
        exact = self._checked.reference.outputs(self._inputs)
        given = self._running(path)(self._inputs)
        names = self._checked.reference.names
        report = _with_noise(report, given, exact, names, pictures=self._checked.classes is not None)
        inner = {name: value for name, value in self._noise.items() if name not in names}
        least = min(inner, key=inner.__getitem__, default=None)
        expected = self.expected()
        errors = tuple(error_of(q, y) for q, y in zip(given, expected, strict=True)) if expected else ()
        return dataclasses.replace(
            report,
            worst=None if least is None else Noise(least, inner[least]),
            accuracy=None if self._accuracy is None else self._accuracy(self._running(path)),
            least=None if self._prepared.plan is None else _LEAST_OF_PLAN,
            errors=errors,
        )

    def _running(self, path: Path) -> Callable[[Examples], list[Array]]:
        """What runs the file, and returns its outputs as real numbers, [N, ...]."""
        count = len(self._checked.reference.names)
        runner = integers.loaded(path, as_written=self._saturates(path))
        layout = runtimes.runtime_for(path).image_layout

        def run(inputs: Examples) -> list[Array]:
            found = batches.run(runner, inputs, layout=layout, outputs=count)
            return [np.asarray(output, np.float64) for output in found]

        return run
