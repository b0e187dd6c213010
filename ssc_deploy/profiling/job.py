"""A job for a device, and its result: two JSON files, which are the whole contract with every target.

A job is a folder:

    job.json      a `Job`
    runner.pyz    `ssc_deploy/profiling/runner/` as one file, which `runner_archive` builds
    model0.onnx, model1.tflite ...   the files that `Job.models` names
    golden0.npz, golden1.npz ...     their golden inputs and outputs

``python runner.pyz FOLDER`` (or another program that knows the contract) does what job.json says and writes

    result.json   a `Result`, put there in one step when all is done
    outputs0.npz, outputs1.npz ...   if the job asks for them; `Result.files` names them

A golden file holds, without pickled objects, ``input.0``, ``input.1`` ...: arrays [R, *shape of the model's input] in
the file's own layout and dtype, one inference for each r; and ``output.0`` ...: float64 [R, *shape of the output], what
the network computes for them. An outputs file holds ``output.0`` ... as the device computed them.

Times are whole nanoseconds of the device's monotonic clock. Sizes are bytes.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from ssc_deploy.profiling.runner.contract import JOB_VERSION, RESULT_VERSION, FailureKind
from ssc_deploy.storage import records
from ssc_deploy.storage.records import (
    NOT_EMPTY,
    Above,
    AtLeast,
    AtMost,
    Count,
    Matching,
    NotNegative,
    OneOf,
    Positive,
    Sha256,
    Size,
)
from ssc_deploy.verification.tolerance import Tolerance  # noqa: TC001 - decoding looks at the types of fields

if TYPE_CHECKING:
    from pathlib import Path

#: Of a file in the job's folder: no path.
FileName = Annotated[str, Matching(r"(?!\.{1,2}$)[A-Za-z0-9._-]+", "name of a file in the job's folder"), Size(0, 200)]

#: It shows that a result belongs to its job.
Nonce = Annotated[str, Size(1, 200)]

#: Numbers of runs, cores, processes.
Few = Annotated[int, AtLeast(0), AtMost(1_000_000_000)]

Seconds = Annotated[float, AtLeast(0), AtMost(1_000_000)]

#: Seconds since 1970, in the year 2500. Later times are refused.
_LAST = 16_725_225_600

#: A speed of a device.
Rate = Annotated[float, Above(0)]


class Origin(enum.StrEnum):
    """Where golden outputs come from."""

    EXPORT = "export"  #: the network in float64, with the tolerance that the export proved
    HOST = "host"  #: the file itself, run on the host: this finds a device that differs, not a wrong file


@dataclass(frozen=True)
class Golden:
    """Inputs with known outputs; a model that does not reproduce them is not timed.

    Attributes:
        file: in the job's folder.
        sha256: of it, hexadecimal.
        bounds: one for each output of the model.
        origin: a value of `Origin`.
    """

    file: FileName
    sha256: Sha256
    bounds: Annotated[tuple[Tolerance, ...], NOT_EMPTY]
    origin: Annotated[str, OneOf(tuple(Origin))] = Origin.EXPORT.value

    COMPLETE: ClassVar[bool] = True


@dataclass(frozen=True)
class ModelFile:
    """A model to measure.

    Attributes:
        name: for people, e.g. ``"ssc_6_9.tflite"``.
        file: in the job's folder; its suffix, ``.onnx`` or ``.tflite``, says which runtime runs it.
        sha256: of it, hexadecimal.
        size: of it.
        golden: its golden set.
    """

    name: str
    file: FileName
    sha256: Sha256
    size: Count
    golden: Golden


@dataclass(frozen=True)
class Protocol:
    """How latency is measured.

    Each model is warmed up until both warm-up bounds are reached. Then the models take turns, A B, B A ..., ``repeats``
    turns each; a turn begins with ``rewarm_runs`` that are not kept, which bring the model's weights back into the
    caches, and lasts until it has its share of both ``runs`` and ``seconds``.

    Attributes:
        warmup_runs: the least number of warm-up runs.
        warmup_seconds: the least time of the warm-up.
        runs: the least number of kept runs of each model.
        seconds: the least time that the kept runs of each model take together.
        repeats: number of turns of each model.
        rewarm_runs: runs at the start of each turn that are not kept.
        operator_runs: runs with the runtime's operator profiler, after the others; with 0 there are none, and no
            `Peak`.
        fresh_processes: number of new processes that load the model and run it once, of which the medians are given; 0
            for none.
    """

    warmup_runs: Few = 10
    warmup_seconds: Seconds = 0.5
    runs: Annotated[Few, AtLeast(1)] = 200
    seconds: Seconds = 5.0
    repeats: Annotated[int, AtLeast(1), AtMost(1_000_000)] = 20
    rewarm_runs: Few = 2
    operator_runs: Few = 50
    fresh_processes: Few = 3

    COMPLETE: ClassVar[bool] = True


#: A quick run: it shows that everything works, and the order of magnitude.
QUICK = Protocol(
    warmup_runs=3, warmup_seconds=0.05, runs=25, seconds=0.25, repeats=5, operator_runs=5, fresh_processes=1
)


@dataclass(frozen=True)
class Job:
    """What a device should do.

    Attributes:
        nonce: any text of at most 200 characters; the result repeats it, so that an old result is not used by mistake.
        models: the models, which take turns.
        threads: numbers of threads; all models are measured at one, then at the next.
        protocol: None if nothing is to be timed: the golden sets are replayed, and no more.
        pin: numbers of the cores to run on; None if the system chooses.
        keep_outputs: whether to write an outputs file for each model.
        schema_version: `JOB_VERSION`.
    """

    nonce: Nonce
    models: Annotated[tuple[ModelFile, ...], NOT_EMPTY]
    threads: Annotated[tuple[Annotated[int, AtLeast(1), AtMost(1024)], ...], NOT_EMPTY] = (1,)
    protocol: Protocol | None = field(default_factory=Protocol)
    pin: Annotated[tuple[Few, ...], NOT_EMPTY] | None = None
    keep_outputs: bool = False
    schema_version: Annotated[int, OneOf((JOB_VERSION,))] = JOB_VERSION

    COMPLETE: ClassVar[bool] = True

    def to_dict(self) -> dict[str, Any]:
        """As job.json has it."""
        encoded: dict[str, Any] = records.encode(self)
        return encoded

    @classmethod
    def from_dict(cls, value: Any) -> Job:
        """Reads `to_dict`'s output.

        Raises:
            ValueError: not such an object, or of another schema version.
        """
        return records.decode_version(cls, value, JOB_VERSION)

    @property
    def files(self) -> dict[str, str]:
        """SHA-256 of each file that the job's folder holds besides job.json and the runner, by name."""
        named = [(model.file, model.sha256) for model in self.models]
        return dict([*named, *((model.golden.file, model.golden.sha256) for model in self.models)])

    @property
    def least_seconds(self) -> float:
        """The least time of the job without loading. A target waits for a multiple of it."""
        if self.protocol is None:
            return 0.0
        return len(self.models) * len(self.threads) * (self.protocol.warmup_seconds + self.protocol.seconds)


@dataclass(frozen=True)
class Failure:
    """Why a measurement has no figures.

    Attributes:
        kind: a value of `FailureKind`.
        message: a sentence.
    """

    kind: Annotated[str, OneOf(tuple(map(str, FailureKind)))]
    message: Annotated[str, NOT_EMPTY]


@dataclass(frozen=True)
class Fresh:
    """A process that only loads the model and runs it once; medians over several.

    Attributes:
        load_ns: time from the file to a runner that is ready.
        first_ns: time of the first inference.
        peak_bytes: largest resident memory; None if the system does not report it.
        baseline_bytes: the same before the model was loaded, with interpreter and runtime in it.
    """

    load_ns: Count
    first_ns: Count
    peak_bytes: Count | None = None
    baseline_bytes: Count | None = None


@dataclass(frozen=True)
class OperatorTime:
    """The time of one operator, from the runtime's own profiler.

    Attributes:
        name: from the runtime: a node of the ONNX graph after optimisation, or an operator of the flatbuffer.
        operator: its type, e.g. ``"Conv"``, ``"FusedConv"``, ``"Convolution (NHWC, F32) IGEMM"``.
        ns: in one inference; the median over the profiled ones.
    """

    name: str
    operator: str
    ns: Count


@dataclass(frozen=True)
class Turn:
    """One turn of a model.

    Attributes:
        start_ns: start of its first kept run, since the first turn of all models at this number of threads.
        samples_ns: time of each kept run, in order.
    """

    start_ns: Count
    samples_ns: Annotated[tuple[Positive, ...], NOT_EMPTY]


@dataclass(frozen=True)
class Measurement:
    """One model at one number of threads.

    Attributes:
        model: its place in `Job.models`.
        threads: number of threads.
        golden: distance of each output from the reference; empty if it could not be run. Values that are not
            finite are None only here.
        turns: the kept runs, turn by turn; empty if it was not timed.
        fresh: of a fresh process; None if it was not timed.
        operators: in the order of execution; empty if the runtime does not report them.
        operators_note: why ``operators`` is empty, or how it was taken.
        failure: why there are no figures; None if all is well.
    """

    model: Count
    threads: Positive
    golden: tuple[GoldenError, ...] = ()
    turns: tuple[Turn, ...] = ()
    fresh: Fresh | None = None
    operators: tuple[OperatorTime, ...] = ()
    operators_note: str = ""
    failure: Failure | None = None


@dataclass(frozen=True)
class GoldenError:
    """Distance of one output from its reference.

    Attributes:
        max: the largest absolute difference; None if it is not finite.
        rms: root of the mean squared difference; None if it is not finite.
    """

    max: NotNegative | None
    rms: NotNegative | None


@dataclass(frozen=True)
class Snapshot:
    """The state of the device. Values that the system does not report are None, or missing in the dictionary.

    Attributes:
        unix_time: seconds since 1970.
        load: average number of running processes over the last minute.
        governor: of each core that has one, by its number, e.g. ``{"0": "schedutil"}``.
        frequency_khz: of each core, by its number.
        temperature_c: of each thermal zone, by its type.
    """

    unix_time: Annotated[float, AtLeast(0), AtMost(_LAST)]
    load: float | None = None
    governor: dict[str, str] = field(default_factory=dict)
    frequency_khz: dict[str, Count] = field(default_factory=dict)
    temperature_c: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Environment:
    """The device and its software.

    Attributes:
        device: its name, such as the model of a board or phone; empty if it has none.
        processor: its name; empty if it has none.
        machine: instruction set, e.g. ``"aarch64"``.
        cores: number of cores that this process may use.
        memory_bytes: of the device; None if it is not known.
        system: e.g. ``"Linux 6.1"``.
        runner: the program that did the job, e.g. ``"Python 3.11.2, numpy 2.4.6"``.
        runtimes: versions of the installed runtimes, by the name of their package.
    """

    device: str
    processor: str
    machine: str
    cores: Count
    memory_bytes: Count | None
    system: str
    runner: str
    runtimes: dict[str, str]


@dataclass(frozen=True)
class Peak:
    """The highest speeds of the device, measured in the same run.

    Attributes:
        threads: number of threads.
        gmac_per_s: 1e9 multiply-accumulates for each second, of a float32 matrix product (sgemm).
        gbyte_per_s: 1e9 bytes read and written in each second, of a memory copy far larger than the caches.
    """

    threads: Positive
    gmac_per_s: Rate
    gbyte_per_s: Rate


@dataclass(frozen=True)
class Result:
    """The measurements of a device.

    Attributes:
        nonce: of the job.
        environment: the device.
        before: its state before the measurement.
        after: its state afterwards.
        measurements: one for each model and number of threads, in the order of `Job.threads`, then `Job.models`.
        peaks: one for each number of threads, if it could be measured.
        notes: sentences about possible disturbances of the run.
        files: SHA-256 of each other file of the result, by name.
        schema_version: `RESULT_VERSION`.
    """

    nonce: Nonce
    environment: Environment
    before: Snapshot
    after: Snapshot
    measurements: tuple[Measurement, ...]
    peaks: tuple[Peak, ...] = ()
    notes: tuple[str, ...] = ()
    files: dict[FileName, Sha256] = field(default_factory=dict)
    schema_version: Annotated[int, OneOf((RESULT_VERSION,))] = RESULT_VERSION

    def to_dict(self) -> dict[str, Any]:
        """As result.json has it."""
        encoded: dict[str, Any] = records.encode(self)
        return encoded

    @classmethod
    def from_dict(cls, value: Any) -> Result:
        """Reads `to_dict`'s output.

        Raises:
            ValueError: not such an object, or of another schema version.
        """
        return records.decode_version(cls, value, RESULT_VERSION)


def read_json(path: Path) -> Any:
    """Parsed JSON of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not JSON, or holds NaN or Infinity.
    """

    def refuse(constant: str) -> Any:
        raise ValueError(f"it holds {constant}, which JSON does not know")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
