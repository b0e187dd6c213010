"""A profile: the measurements of each model at each number of threads, comparisons, and how they were measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ssc_deploy.errors import ProfileError
from ssc_deploy.profiling import statistics
from ssc_deploy.profiling.costs import Costs  # noqa: TC001  # reading JSON resolves annotations
from ssc_deploy.profiling.job import (
    QUICK,
    Environment,
    Failure,
    Fresh,
    GoldenError,
    Origin,
    Peak,
    Protocol,
    Snapshot,
    Turn,
    read_json,
)
from ssc_deploy.profiling.quantized import QuantizedBeside  # noqa: TC001  # likewise
from ssc_deploy.profiling.statistics import LatencyStats, Ratio  # noqa: TC001  # likewise
from ssc_deploy.storage import records
from ssc_deploy.verification.tolerance import Tolerance  # noqa: TC001  # likewise

#: Version of a saved profile.
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class ModelProfile:
    """One model at one number of threads.

    Attributes:
        model: the file's name.
        sha256: of the file, hexadecimal.
        size: of the file, bytes.
        runtime: for people, with its version on the device: ``"LiteRT 2.3.0"``.
        threads: number of threads of one inference.
        golden_origin: where the golden outputs come from: a value of `ssc_deploy.profiling.job.Origin`.
        golden: distance of each output from them.
        bounds: of these distances.
        latency: None if nothing was timed.
        turns: all samples; empty if nothing was timed.
        fresh: of a new process; None if nothing was timed.
        costs: of its operators, if the runtime's profiler reports them.
        costs_note: why ``costs`` is None; empty if it is not.
        failure: why there are no figures; None if all is well.
    """

    model: str
    sha256: str
    size: int
    runtime: str
    threads: int
    golden_origin: str
    golden: tuple[GoldenError, ...]
    bounds: tuple[Tolerance, ...]
    latency: LatencyStats | None
    turns: tuple[Turn, ...]
    fresh: Fresh | None
    costs: Costs | None
    costs_note: str
    failure: Failure | None

    @property
    def title(self) -> str:
        """``ssc_6_9.tflite, 2 threads``."""
        return f"{self.model}, {self.threads} thread{'s' * (self.threads != 1)}"

    @property
    def samples(self) -> list[tuple[int, ...]]:
        """Nanoseconds, turn by turn."""
        return [turn.samples_ns for turn in self.turns]


@dataclass(frozen=True)
class Comparison:
    """Two models of a profile that took turns.

    Attributes:
        first: index in `Profile.models`.
        second: index in `Profile.models`.
        ratio: time of the first / time of the second.
    """

    first: int
    second: int
    ratio: Ratio


@dataclass(frozen=True)
class Profile:
    """The result of `ssc_deploy.profile`.

    Attributes:
        device: as the user wrote it: ``"host"``, ``"ssh:pi@raspberry.local"``.
        environment: of the device.
        before: its state before the measurement.
        after: its state after the measurement.
        protocol: how it was measured; None if nothing was timed.
        untimed: why, as a sentence; None if it was.
        pin: cores that it ran on; None if the system chose.
        models: at each number of threads, in the order given.
        comparisons: of every two models at the same number of threads.
        peaks: highest speeds of the device.
        notes: sentences about possible disturbances of the run.
        quantized: the quantised files, each beside the float32 file of its network.
        schema_version: `SCHEMA_VERSION`.
    """

    device: str
    environment: Environment
    before: Snapshot
    after: Snapshot
    protocol: Protocol | None
    untimed: str | None
    pin: tuple[int, ...] | None
    models: tuple[ModelProfile, ...]
    comparisons: tuple[Comparison, ...]
    peaks: tuple[Peak, ...]
    notes: tuple[str, ...]
    quantized: tuple[QuantizedBeside, ...] = field(default=(), metadata=records.SPARSE)
    schema_version: int = SCHEMA_VERSION

    @property
    def ok(self) -> bool:
        """Whether every model reproduced its golden outputs and, if wanted, was timed."""
        return all(model.failure is None for model in self.models)

    @property
    def decision(self) -> tuple[str, ...]:
        """The most important results, in sentences."""
        return tuple(_decision(self))

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        encoded: dict[str, Any] = records.encode(self)
        return encoded

    @classmethod
    def from_dict(cls, value: Any) -> Profile:
        """Reads `to_dict`'s output.

        Raises:
            ValueError: not such an object, or of another schema version.
        """
        if not isinstance(value, dict) or value.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"it is not a profile of schema version {SCHEMA_VERSION}")
        found = records.decode(cls, value)
        for model in found.models:
            if model.latency and len(model.turns) < 2:
                raise ValueError(f"{model.model} has a latency without the times that it comes from")
        return found


def load_profile(path: str | Path) -> Profile:
    """Reads a profile that was saved as JSON.

    Raises:
        ProfileError: it cannot be read, or is not a profile.
    """
    path = Path(path)
    try:
        return Profile.from_dict(read_json(path))
    except OSError as error:
        raise ProfileError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ProfileError(
            f"{path} is not a profile ({error}); write one with: ssc-deploy profile MODEL --json FILE"
        ) from error


def compared(models: tuple[ModelProfile, ...]) -> tuple[Comparison, ...]:
    """Every two of the models that took turns."""
    found = []
    for j, second in enumerate(models):
        for i, first in enumerate(models[:j]):
            if first.threads == second.threads and first.turns and second.turns:
                found.append(Comparison(i, j, statistics.interleaved(first.samples, second.samples)))
    return tuple(found)


def quantized_rows(profile: Profile) -> list[tuple[str, ...]]:
    """A table of the quantised files against float32: `QUANTIZED_HEADER`, in words."""
    rows: list[tuple[str, ...]] = []
    for one in profile.quantized:
        ratio, size = one.latency, one.size
        rows.append(
            (
                profile.models[one.model].title,
                one.how,
                "" if size is None else f"{size:.3f}",
                "" if ratio is None else f"{ratio.value:.3f} [{ratio.interval.low:.3f}, {ratio.interval.high:.3f}]",
                "" if one.sqnr is None else f"{one.sqnr:.1f} dB",
                "" if one.same is None else f"{one.same}/{one.inputs}",
                "" if one.right is None else f"{one.right}/{one.inputs}, float32 {one.right_plain}/{one.inputs}",
            )
        )
    return rows


#: Of `quantized_rows`; the numbers are shares of the float32 file's.
QUANTIZED_HEADER = ("against float32", "how", "size", "time", "SQNR", "same class", "top-1")


def milliseconds(nanoseconds: float) -> str:
    """Three digits that matter: ``1.03 ms``, ``12.4 ms``, ``0.0512 ms``."""
    value = nanoseconds / 1e6
    if value >= 1000:
        return f"{value:,.0f} ms"
    text = f"{value:#.3g}".rstrip(".")
    return f"{text} ms"


def verdict_sentence(ratio: Ratio, first: str, second: str) -> str:
    """The verdict as a sentence."""
    figures = f"{ratio.value:.3f} [{ratio.interval.low:.3f}, {ratio.interval.high:.3f}] of its time"
    if ratio.verdict == statistics.Verdict.CANNOT_TELL:
        return f"cannot tell whether {first} is faster or slower than {second}: {figures}"
    return f"{first} is {ratio.verdict} than {second}: {figures}"


def _decision(profile: Profile) -> list[str]:
    sentences = [f"{model.title}: {model.failure.message}." for model in profile.models if model.failure]
    timed = [model for model in profile.models if model.latency]
    unproved = dict.fromkeys(m.model for m in timed if m.golden_origin == Origin.HOST and m.golden)
    sentences += [
        f"{name} has no golden set beside it: only that the device computes what this host does was checked, "
        "not that the file is right."
        for name in unproved
    ]
    if profile.untimed:
        right = sum(model.failure is None for model in profile.models)
        sentences.append(f"{right} of {len(profile.models)} give the right answers on {profile.device}.")
        sentences.append(profile.untimed)
    if not timed:
        return sentences
    fastest = min(timed, key=lambda model: model.latency.p50 if model.latency else 0.0)
    assert fastest.latency is not None  # it is one of the timed
    p50, interval = fastest.latency.p50, fastest.latency.p50_interval
    best = "" if len(timed) == 1 else "Shortest p50: "
    sentences.append(
        f"{best}{fastest.title} on {fastest.runtime}: p50 {milliseconds(p50)} "
        f"[{milliseconds(interval.low)}, {milliseconds(interval.high)}], p90 {milliseconds(fastest.latency.p90)}."
    )
    sentences += [
        f"{verdict_sentence(one.ratio, profile.models[one.first].title, profile.models[one.second].title)}."
        for one in profile.comparisons
    ]
    fewest = min(model.threads for model in timed)
    sentences += [_cost_sentence(model) for model in timed if model.costs is not None and model.threads == fewest]
    unsteady = [f"{m.title} ({', '.join(m.latency.unsteady)})" for m in timed if m.latency and m.latency.unsteady]
    if unsteady:
        sentences.append(f"Not steady, so measure again on a device that does nothing else: {'; '.join(unsteady)}.")
    if profile.protocol == QUICK:
        sentences.append("A quick run, too short to decide on.")
    return [sentence[0].upper() + sentence[1:] if sentence.startswith("cannot") else sentence for sentence in sentences]


#: How often p50 the operators may take together, whose profiler costs some time too; more is another process's.
_DISTURBED = 2.0


def _cost_sentence(model: ModelProfile) -> str:
    assert model.costs is not None  # the caller looked
    assert model.latency is not None
    doubt = ""
    if model.costs.total.ns > _DISTURBED * model.latency.p50:
        together = milliseconds(model.costs.total.ns)
        doubt = f"; but they took {together} together, far more than p50, so something else ran then: measure again"
    return f"{model.title}: {model.costs.sentence}{doubt}."
