"""Measures models on the device where it runs; one protocol for every target, in one file that is copied there.

    python runner.py FOLDER     does what FOLDER/job.json says, and writes FOLDER/result.json
    python runner.py --probe    prints the environment of the device as JSON

`ssc_deploy/profiling/job.py` says what both files hold. Needs Python 3.8, numpy, and the runtime of each model:
onnxruntime for .onnx; ai_edge_litert or tflite_runtime for .tflite. Imports nothing of ssc_deploy.

Standard output gets a line whenever a part is done, so that whoever waits knows that it goes on. Exit codes: 0 the
result is there (what is wrong with single models stands in it); 2 the job cannot be done; 3 the result cannot be
written. The reason is the last line of standard error.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import hashlib
import itertools
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable

try:
    import numpy as np
except ImportError:
    sys.stderr.write("numpy is not installed here; install it with: python3 -m pip install numpy\n")
    sys.exit(2)

SCHEMA_VERSION = 1

#: Whoever starts this file on another device knows better what works there.
INSTALL = os.environ.get("SSC_DEPLOY_INSTALL", "python3 -m pip install")

LITERT_PACKAGES = (("ai-edge-litert", "ai_edge_litert"), ("tflite-runtime", "tflite_runtime"))

Clock = Callable[[], int]


class JobError(Exception):
    """The job as a whole cannot be done; its text is a sentence for the user."""


class ModelError(Exception):
    """One model cannot be measured.

    Args:
        kind: a value of ``FailureKind``.
        message: a sentence for the user.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def to_dict(self) -> dict[str, str]:
        """A ``Failure``."""
        return {"kind": self.kind, "message": str(self)}


# ---- the runtimes


class OnnxModel:
    """An .onnx file in ONNX Runtime.

    Args:
        path: the file.
        threads: of one inference.
        profile: where ONNX Runtime is to write its operator profile, the beginning of a path; empty for none.
    """

    package = "onnxruntime"

    def __init__(self, path: Path, threads: int, profile: str = "") -> None:
        onnxruntime = _imported("onnxruntime", "onnxruntime")
        if hasattr(
            onnxruntime, "disable_telemetry_events"
        ):  # official builds from 1.29 on send them unless told not to
            onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        if profile:
            options.enable_profiling, options.profile_file_prefix = True, profile
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._names = [value.name for value in self._session.get_inputs()]

    def feed(self, inputs: list[Any]) -> Callable[[], Any]:
        """What runs the model once on these inputs."""
        return functools.partial(self._session.run, None, dict(zip(self._names, inputs)))

    def outputs(self, inputs: list[Any]) -> list[Any]:
        """Runs the model once."""
        result: list[Any] = self._session.run(None, dict(zip(self._names, inputs)))
        return result

    def end_profile(self) -> Path:
        """Stops profiling, and says where the profile is."""
        return Path(self._session.end_profiling())


class LiteRTModel:
    """A .tflite file in LiteRT, or in its predecessor; see `OnnxModel`."""

    def __init__(self, path: Path, threads: int) -> None:
        self._interpreter = _litert_interpreter()(model_path=str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._inputs = self._interpreter.get_input_details()
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]

    def feed(self, inputs: list[Any]) -> Callable[[], Any]:
        """What runs the model once on these inputs."""
        self._set(inputs)
        invoke: Callable[[], Any] = self._interpreter.invoke
        return invoke

    def outputs(self, inputs: list[Any]) -> list[Any]:
        """Runs the model once."""
        self._set(inputs)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]

    def _set(self, inputs: list[Any]) -> None:
        shapes = [tuple(detail["shape"]) for detail in self._inputs]
        if shapes != [array.shape for array in inputs]:
            for detail, array in zip(self._inputs, inputs):
                self._interpreter.resize_tensor_input(detail["index"], array.shape)
            self._interpreter.allocate_tensors()
            self._inputs = self._interpreter.get_input_details()
        for detail, array in zip(self._inputs, inputs):
            self._interpreter.set_tensor(detail["index"], array)


def load(path: Path, threads: int) -> Any:
    """The model in the runtime that its suffix asks for.

    Raises:
        ModelError: the runtime is missing or refuses it.
    """
    if path.suffix.lower() not in (".onnx", ".tflite"):
        raise ModelError("refused", f"no runtime is known for files that end in {path.suffix!r}")
    try:
        return OnnxModel(path, threads) if path.suffix.lower() == ".onnx" else LiteRTModel(path, threads)
    except ModelError:
        raise
    except Exception as error:
        # The runtimes raise classes of their own, which share no base but this.
        raise ModelError("refused", f"the runtime refuses it: {_first_line(error)}") from error


def _imported(module: str, package: str) -> Any:
    try:
        return __import__(module, fromlist=["_"])
    except (ImportError, OSError) as error:  # OSError: a library of another architecture
        top = module.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == top
        reason = "is not installed" if missing else f"cannot be imported ({_first_line(error)})"
        raise ModelError("no runtime", f"{package} {reason}; install it with: {INSTALL} {package}") from error


def _litert_interpreter() -> Any:
    (package, module), (older_package, older_module) = LITERT_PACKAGES
    try:
        return _imported(module + ".interpreter", package).Interpreter
    except ModelError as error:
        try:
            return _imported(older_module + ".interpreter", older_package).Interpreter
        except ModelError:
            raise error from None


# ---- golden sets


def golden_arrays(path: Path, kind: str) -> list[Any]:
    """The arrays ``kind.0``, ``kind.1`` ... of a golden file; nothing in it is unpickled."""
    with np.load(str(path), allow_pickle=False) as file:
        count = sum(name.startswith(kind + ".") for name in file.files)
        return [file[f"{kind}.{index}"] for index in range(count)]


def replay(model: Any, inputs: list[Any]) -> list[Any]:
    """The model's outputs for all golden inferences, each array [R, ...].

    Raises:
        ModelError: the runtime fails.
    """
    results = []
    for index in range(len(inputs[0])):
        try:
            outputs = model.outputs([np.ascontiguousarray(array[index]) for array in inputs])
        except Exception as error:
            raise ModelError("failed", f"the runtime fails while it runs the file: {_first_line(error)}") from error
        results.append([np.array(output) for output in outputs])
    return [np.stack(list(parts)) for parts in zip(*results)]


def golden_errors(outputs: list[Any], references: list[Any]) -> list[dict[str, float | None]]:
    """A ``GoldenError`` for each output.

    Raises:
        ModelError: the device computes other outputs, or outputs of other shapes.
    """
    shapes, expected = [list(a.shape[1:]) for a in outputs], [list(a.shape[1:]) for a in references]
    if shapes != expected:
        raise ModelError("wrong answer", f"it computes outputs of {shapes}, and {expected} was expected")
    errors: list[dict[str, float | None]] = []
    for output, reference in zip(outputs, references):
        difference = np.abs(output.astype(np.float64) - reference)
        largest = float(difference.max()) if difference.size else math.inf
        if not math.isfinite(largest):  # NaN or Inf in it, or nothing to compare
            errors.append({"max": None, "rms": None})
            continue
        scale = largest or 1.0  # the square of a large difference may not be finite
        errors.append({"max": largest, "rms": scale * float(np.sqrt(np.mean((difference / scale) ** 2)))})
    return errors


def check_bounds(errors: list[dict[str, float | None]], bounds: list[dict[str, float]]) -> None:
    """Compares with what the job allows.

    Raises:
        ModelError: an output is outside; the message has the figures.
    """
    if len(errors) != len(bounds) or not errors:
        raise ModelError("wrong answer", f"it has {len(errors)} outputs, and there are bounds for {len(bounds)}")
    for index, (error, bound) in enumerate(zip(errors, bounds)):
        largest, rms = error["max"], error["rms"]
        if largest is None or rms is None:
            raise ModelError("wrong answer", f"output {index} holds NaN or Inf")
        if largest > bound["max"] or rms > bound["rms"]:
            raise ModelError(
                "wrong answer",
                "output {} is off by max {:.2e} (allowed {:.2e}), rms {:.2e} (allowed {:.2e})".format(
                    index, largest, bound["max"], rms, bound["rms"]
                ),
            )


def check_slices(outputs: list[Any], references: list[Any], bounds: list[dict[str, Any]]) -> None:
    """Compares the slices along those axes for which the job has bounds of their own: channels of other ranges.

    Args:
        outputs: finite, each [R, ...], of the shapes of the references.
        references: what the network computes.
        bounds: as many, each perhaps with ``axes``.

    Raises:
        ModelError: a slice is outside, or the bounds are not of such outputs; the message has the figures.
    """
    for index, (output, reference, bound) in enumerate(zip(outputs, references, bounds)):
        for along in bound.get("axes", []):
            axis, most = along["axis"], np.asarray(along["max"], np.float64)
            kept = axis + 1  # the first axis of the stacked outputs is that of the inferences
            if output.shape[kept : kept + 1] != most.shape:
                raise ModelError(
                    "wrong answer", f"there are {most.size} bounds along axis {axis} of output {index}, and not as many"
                )
            difference = np.abs(output.astype(np.float64) - reference)
            largest = difference.max(axis=tuple(other for other in range(difference.ndim) if other != kept))
            outside = np.flatnonzero(largest > most)
            if outside.size:
                place = int(outside[0])
                off = f"max {largest[place]:.2e} (allowed {most[place]:.2e})"
                raise ModelError("wrong answer", f"output {index} is off by {off} at index {place} of axis {axis}")


# ---- latency


def warm_up(call: Callable[[], Any], runs: int, seconds: float, clock: Clock = time.perf_counter_ns) -> None:
    """Runs until both bounds are reached, and keeps nothing.

    Raises:
        ModelError: as `timed`.
    """
    timed(call, runs, int(1e9 * seconds), clock)


def timed(call: Callable[[], Any], runs: int, nanoseconds: int, clock: Clock = time.perf_counter_ns) -> list[int]:
    """What each run takes, in nanoseconds, until both bounds are reached.

    Raises:
        ModelError: the clock stands still or goes back.
    """
    samples: list[int] = []
    total = 0
    while len(samples) < runs or total < nanoseconds:
        start = clock()
        call()
        sample = clock() - start
        if sample <= 0:
            raise ModelError(
                "clock", f"the monotonic clock moved by {sample} ns during an inference; nothing can be timed"
            )
        samples.append(sample)
        total += sample
    return samples


def rotated(models: list[int], repeat: int) -> list[int]:
    """Who is first in this round: each in its turn, since being first costs time by itself (0.5 to 1 %)."""
    first = repeat % len(models) if models else 0
    return models[first:] + models[:first]


def measure_in_turns(
    calls: dict[int, Callable[[], Any]],
    protocol: dict[str, Any],
    failures: dict[int, ModelError],
    progress: Callable[[str], None],
    clock: Clock = time.perf_counter_ns,
) -> dict[int, list[dict[str, Any]]]:
    """The turns of each model, A B, B A ...; a model that fails is out from there on, and stands in ``failures``."""
    repeats = protocol["repeats"]
    runs = -(-protocol["runs"] // repeats)
    nanoseconds = int(1e9 * protocol["seconds"] / repeats) + 1
    turns: dict[int, list[dict[str, Any]]] = {model: [] for model in calls}

    def guarded(model: int, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except ModelError as error:
            failures[model] = error
        except Exception as error:
            failures[model] = ModelError("failed", f"the runtime fails: {_first_line(error)}")
        turns.pop(model, None)
        return None

    gc.collect()
    gc.disable()  # a collection in the middle of a run would be counted as the model's
    try:
        for model, call in calls.items():
            work = functools.partial(warm_up, call, protocol["warmup_runs"], protocol["warmup_seconds"], clock)
            guarded(model, work)
        begin = clock()
        for repeat in range(repeats):
            for model in rotated(list(turns), repeat):
                work = functools.partial(warm_up, calls[model], protocol["rewarm_runs"], 0.0, clock)
                guarded(model, work)
                if model not in turns:
                    continue
                start = clock()
                samples = guarded(model, functools.partial(timed, calls[model], runs, nanoseconds, clock))
                if samples is not None:
                    turns[model].append({"start_ns": start - begin, "samples_ns": samples})
            progress(f"turn {repeat + 1}/{repeats}")
    finally:
        gc.enable()
    return turns


class ClockWatch:
    """Notices what the monotonic clock does not show: that the wall clock was set, or that the device slept."""

    def __init__(self) -> None:
        self._start = self._read()

    @staticmethod
    def _read() -> dict[str, int]:
        read = {"wall": time.time_ns(), "monotonic": time.monotonic_ns()}
        if hasattr(time, "CLOCK_BOOTTIME"):
            read["boot"] = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return read

    def notes(self) -> list[str]:
        """Sentences about what happened since the start."""
        return self.compare(self._start, self._read())

    @staticmethod
    def compare(before: dict[str, int], after: dict[str, int]) -> list[str]:
        """The same for two given readings, in nanoseconds."""
        passed = {name: (after[name] - before[name]) / 1e9 for name in before}
        slept = passed.get("boot", passed["monotonic"]) - passed["monotonic"]
        jumped = passed["wall"] - passed["monotonic"] - slept
        notes = []
        if slept > 0.1:
            notes.append(f"the device slept for {slept:.1f} s during the run; measure again with it kept awake")
        # Time services slew a clock by at most 0.05 %.
        if abs(jumped) > 0.1 + 1e-3 * passed["monotonic"]:
            notes.append(
                f"the wall clock jumped by {jumped:+.1f} s during the run; latencies are of the monotonic clock, "
                "which does not jump"
            )
        return notes


# ---- operators


def operators(path: Path, threads: int, inputs: list[Any], runs: int) -> list[dict[str, Any]]:
    """An ``OperatorTime`` for each operator, by the runtime's own profiler.

    Raises:
        ModelError: the runtime has none that can be reached.
    """
    if path.suffix.lower() == ".onnx":
        return onnx_operators(path, threads, inputs, runs)
    return litert_operators(path, threads, inputs, runs)


def onnx_operators(path: Path, threads: int, inputs: list[Any], runs: int) -> list[dict[str, Any]]:
    """What ONNX Runtime's profiler says of each node of the graph that it runs."""
    with tempfile.TemporaryDirectory() as folder:
        model = OnnxModel(path, threads, profile=str(Path(folder) / "operators"))
        call = model.feed(inputs)
        for _ in range(WARM + runs):
            call()
        events = json.loads(model.end_profile().read_text(encoding="utf-8"))
    durations: dict[tuple[str, str], list[int]] = {}
    for event in events:
        name = event.get("name", "")
        if event.get("cat") == "Node" and name.endswith("_kernel_time"):
            key = (name[: -len("_kernel_time")], event.get("args", {}).get("op_name", ""))
            durations.setdefault(key, []).append(int(event["dur"]))
    return [
        {"name": name, "operator": operator, "ns": round(1000 * _middle_mean(microseconds[WARM:]))}
        for (name, operator), microseconds in durations.items()
    ]


#: Runs before those that are profiled.
WARM = 3


def _middle_mean(values: list[int]) -> float:
    """Mean of the middle half: as steady as a median, and finer where the values are few whole microseconds."""
    ordered = sorted(values)
    cut = len(ordered) // 4
    middle = ordered[cut : len(ordered) - cut]
    return sum(middle) / len(middle) if middle else 0.0


def litert_operators(path: Path, threads: int, inputs: list[Any], runs: int) -> list[dict[str, Any]]:
    """What LiteRT's profiler says of each operator, those that XNNPACK runs among them.

    Each is named after the tensor that the operator of the file writes; XNNPACK may run several for one.
    """
    interpreter = _litert_interpreter()(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    profiled = ProfiledLiteRT(path, threads, inputs)
    taken = [profiled.run() for _ in range(WARM + runs)][WARM:]
    if any([event[:3] for event in events] != [event[:3] for event in taken[0]] for events in taken):
        raise ModelError("failed", "LiteRT's profiler names other operators from run to run")
    names = _operator_names(interpreter, taken[0])
    found = []
    for index, (_, tag, _, _) in enumerate(taken[0]):
        microseconds = [events[index][3] for events in taken]
        found.append({"name": names[index], "operator": tag, "ns": round(1000 * _middle_mean(microseconds))})
    return found


#: TFLite's profiler: an operator of the interpreter, and one that a delegate ran and timed itself.
_INVOKED, _DELEGATED = 2, 8


class _MemoryUsage(ctypes.Structure):
    _fields_ = [("total", ctypes.c_size_t), ("in_use", ctypes.c_size_t), ("private", ctypes.c_size_t)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory_before", _MemoryUsage),
        ("memory_after", _MemoryUsage),
        ("index", ctypes.c_int64),
        ("subgraph", ctypes.c_int64),
        ("source", ctypes.c_int),
    ]


class _TensorType(ctypes.Structure):
    _fields_ = [
        ("element", ctypes.c_int),
        ("rank_and_flags", ctypes.c_uint32),
        ("dimensions", ctypes.c_int32 * 8),
        ("strides", ctypes.c_uint32 * 8),
    ]


class ProfiledLiteRT:
    """A .tflite file in LiteRT's compiled-model API, whose profiler Python's own interface does not offer.

    Its C library is called instead. It trusts what it is given, so this belongs into a process of its own.
    """

    def __init__(self, path: Path, threads: int, inputs: list[Any]) -> None:
        package = _imported("ai_edge_litert", "ai-edge-litert")
        library = Path(package.__path__[0]) / "libLiteRt.so"
        if not library.is_file():
            raise ModelError("failed", "this LiteRT comes without the library that has the profiler")
        self._library = ctypes.CDLL(str(library))
        environment = self._made("CreateEnvironment", 0, None)
        model = self._made("CreateModelFromFile", environment, str(path).encode())
        options = self._made("CreateOptions")
        self._call("SetOptionsHardwareAccelerators", options, 1)  # the CPU
        self._keep = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)
        self._texts = [
            (b"runtime_options_string", ctypes.create_string_buffer(b"enable_profiling = true\n")),
            (b"xnnpack", ctypes.create_string_buffer(b"num_threads = %d\n" % threads)),
        ]
        for name, text in self._texts:
            self._call("AddOpaqueOptions", options, self._made("CreateOpaqueOptions", name, text, self._keep))
        self._model = self._made("CreateCompiledModel", environment, model, options)
        self._profiler = self._made("CompiledModelGetProfiler", self._model)
        if not self._profiler:
            raise ModelError("failed", "this LiteRT does not give its profiler")
        subgraph = self._made("GetModelSubgraph", model, ctypes.c_size_t(0))
        self._inputs = [self._buffer(environment, subgraph, "Input", index) for index in range(len(inputs))]
        count = ctypes.c_size_t()
        self._call("GetNumSubgraphOutputs", subgraph, ctypes.byref(count))
        self._outputs = [self._buffer(environment, subgraph, "Output", index) for index in range(count.value)]
        for buffer, array in zip(self._inputs, inputs):
            address = ctypes.c_void_p()
            self._call("LockTensorBuffer", buffer, ctypes.byref(address), 1)  # to write
            ctypes.memmove(address, array.ctypes.data, array.nbytes)
            self._call("UnlockTensorBuffer", buffer)

    def run(self) -> list[tuple[int, str, int, int]]:
        """Type, tag, index and microseconds of each event of one inference that is an operator's."""
        library_inputs = (ctypes.c_void_p * len(self._inputs))(*self._inputs)
        library_outputs = (ctypes.c_void_p * len(self._outputs))(*self._outputs)
        sizes = [ctypes.c_size_t(len(buffers)) for buffers in (self._inputs, self._outputs)]
        self._call("StartProfiler", self._profiler)
        self._call(
            "RunCompiledModel", self._model, ctypes.c_size_t(0), sizes[0], library_inputs, sizes[1], library_outputs
        )
        self._call("StopProfiler", self._profiler)
        count = ctypes.c_int()
        self._call("GetNumProfilerEvents", self._profiler, ctypes.byref(count))
        events = (_Event * max(1, count.value))()
        self._call("GetProfilerEvents", self._profiler, count, events)
        kept = [
            (event.type, event.tag.decode("utf-8", "replace"), event.index, event.elapsed_us)
            for event in events[: count.value]
            if event.type in (_INVOKED, _DELEGATED)
        ]
        self._call("ResetProfiler", self._profiler)
        return kept

    def _buffer(self, environment: Any, subgraph: Any, kind: str, index: int) -> Any:
        tensor = self._made("GetSubgraph" + kind, subgraph, ctypes.c_size_t(index))
        described = _TensorType()
        self._call("GetRankedTensorType", tensor, ctypes.byref(described))
        needed = self._made(
            "GetCompiledModel" + kind + "BufferRequirements", self._model, ctypes.c_size_t(0), ctypes.c_size_t(index)
        )
        return self._made("CreateManagedTensorBufferFromRequirements", environment, ctypes.byref(described), needed)

    def _made(self, name: str, *arguments: Any) -> Any:
        handle = ctypes.c_void_p()
        self._call(name, *arguments, ctypes.byref(handle))
        return handle

    def _call(self, name: str, *arguments: Any) -> None:
        function = getattr(self._library, "LiteRt" + name)
        function.restype = ctypes.c_int
        status = function(*arguments)
        if status:
            raise ModelError("failed", f"LiteRT's profiler fails in {name} with status {status}")


#: How XNNPACK calls what it runs for an operator of a file; one that is not here is looked for under its own name.
_XNNPACK = {
    "CONV_2D": ("Convolution", "Fully Connected", "Batch Matrix"),
    "DEPTHWISE_CONV_2D": ("Convolution",),
    "FULLY_CONNECTED": ("Fully Connected", "Batch Matrix"),
    "BATCH_MATMUL": ("Batch Matrix", "Fully Connected"),
    "RESHAPE": ("Static Reshape", "Copy"),
    "PAD": ("Constant Pad",),
    "SLICE": ("Static Slice", "Slice"),
    "STRIDED_SLICE": ("Static Slice", "Slice"),
    "AVERAGE_POOL_2D": ("Average Pooling", "Global Average"),
    "MAX_POOL_2D": ("Max Pooling",),
    "MEAN": ("Mean", "Global Average", "Static Mean", "Reduce"),
    "MUL": ("Multiply",),
    "SUB": ("Subtract",),
    "RELU": ("Clamp",),
    "RELU6": ("Clamp",),
    "CONCATENATION": ("Concatenate", "Concat", "Copy"),
}

#: What XNNPACK adds of its own accord; it belongs to the operator before it unless that is next which it is called for.
_ADDED = ("Clamp", "Static Reshape", "Copy", "Convert")


def _operator_names(interpreter: Any, events: list[tuple[int, str, int, int]]) -> list[str]:
    """Of each event the name of the tensor that its operator of the file writes."""
    details = interpreter._get_ops_details()
    tensors = {detail["index"]: detail["name"] for detail in interpreter.get_tensor_details()}
    steps = [detail for detail in details if detail["op_name"] != "DELEGATE"]
    name_of = {
        detail["index"]: tensors.get(int(detail["outputs"][0]), "") for detail in steps if len(detail["outputs"])
    }
    partitions = [_partition(detail, steps) for detail in details if detail["op_name"] == "DELEGATE"]
    names, waiting, last = [], [], -1
    for place, (kind, tag, index, _) in enumerate(events):
        if kind == _INVOKED:
            names.append(name_of.get(index, ""))
            continue
        if place == 0 or events[place - 1][0] == _INVOKED or index == 0:
            waiting, last = partitions.pop(0) if partitions else [], -1
        match = next((i for i, step in enumerate(waiting) if _runs(tag, step["op_name"])), None)
        added = any(tag.startswith(name) for name in _ADDED)
        if match is not None and not (added and match > 0 and last >= 0):
            last = waiting[match]["index"]
            waiting = waiting[match + 1 :]
        names.append(name_of.get(last, ""))
    return names


def _partition(delegate: dict[str, Any], steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The operators of the file that one delegate runs: all between its outputs and its inputs, in order."""
    makers = {int(output): step for step in steps for output in step["outputs"]}
    given = {int(index) for index in delegate["inputs"]}
    wanted = [int(index) for index in delegate["outputs"]]
    inside: dict[int, dict[str, Any]] = {}
    while wanted:
        step = makers.get(wanted.pop())
        if step is not None and step["index"] not in inside:
            inside[step["index"]] = step
            wanted += [int(index) for index in step["inputs"] if int(index) not in given]
    return [inside[index] for index in sorted(inside)]


def _runs(tag: str, operator: str) -> bool:
    """Whether XNNPACK may run this for that operator of a file."""
    names = _XNNPACK.get(operator, (operator.replace("_", " ").title(),))
    return any(tag.startswith(name) for name in names)


# ---- what needs a process of its own


def fresh(path: Path, threads: int, inputs: list[Any]) -> dict[str, Any]:
    """A ``Fresh`` of this process, which must not have done anything else."""
    # Imported before the clock starts: what is told is the model's share.
    _imported("onnxruntime", "onnxruntime") if path.suffix.lower() == ".onnx" else _litert_interpreter()
    baseline = peak_bytes()
    start = time.perf_counter_ns()
    model = load(path, threads)
    loaded = time.perf_counter_ns()
    model.feed(inputs)()
    done = time.perf_counter_ns()
    return {
        "load_ns": loaded - start,
        "first_ns": done - loaded,
        "peak_bytes": peak_bytes(),
        "baseline_bytes": baseline,
    }


def peak_bytes() -> int | None:
    """Resident memory of this process at most."""
    # Not getrusage: what it tells outlives exec, so that a child starts with its parent's peak.
    for line in _text("/proc/self/status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def peak(threads: int) -> dict[str, Any]:
    """A ``Peak`` of this process, whose BLAS was told the number of threads before numpy was imported.

    Both are the best of many short pieces, so that what else runs on the device does not lower them.
    """
    size = 384
    a, b = np.full((size, size), 0.5, np.float32), np.full((size, size), 0.25, np.float32)
    c = np.empty((size, size), np.float32)
    product = _best_seconds(functools.partial(np.matmul, a, b, out=c))
    # A page is there only once it was written; those of zeros would all be the same.
    source, copy = np.ones(1 << 24, np.float32), np.ones(1 << 24, np.float32)
    piece = (1 << 21) * threads  # 8 MB a thread
    starts = itertools.cycle(range(0, len(source) - piece + 1, piece) if piece <= len(source) else [0])

    def copy_piece() -> None:
        here = slice(next(starts), None)
        own, *rest = zip(np.array_split(copy[here][:piece], threads), np.array_split(source[here][:piece], threads))
        others = [threading.Thread(target=np.copyto, args=part) for part in rest]
        for other in others:
            other.start()
        np.copyto(*own)
        for other in others:
            other.join()

    moved = _best_seconds(copy_piece)
    return {
        "threads": threads,
        "gmac_per_s": size**3 / product / 1e9,
        "gbyte_per_s": 2 * 4 * min(piece, len(source)) / moved / 1e9,
    }


def _best_seconds(call: Callable[[], Any]) -> float:
    """The shortest run within half a second, of at least twenty."""
    call()
    return min(timed(call, 20, 500_000_000)) / 1e9


def _child(arguments: list[str], environment: dict[str, str] | None = None) -> Any:
    """What this file prints as JSON in a process of its own.

    Raises:
        ModelError: the process dies; the message says of what.
    """
    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=600, check=False)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode == 0 and lines:
        answer = json.loads(lines[-1])
        if "kind" in answer:
            raise ModelError(answer["kind"], answer["message"])
        return answer
    if done.returncode < 0:
        raise ModelError("failed", f"its process was ended by signal {-done.returncode}{_hint(done.returncode)}")
    errors = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it says nothing"]
    raise ModelError("failed", f"its process failed: {errors[-1][:300]}")


def _hint(returncode: int) -> str:
    return " (the system kills so when memory runs out)" if returncode == -9 else ""


def _single_threaded(threads: int) -> dict[str, str]:
    """The environment of a process whose BLAS uses that many threads, and the kernels that fit this processor best."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    kept.update((name, str(threads)) for name in names)
    return kept


# ---- the device

#: Of /proc/cpuinfo on ARM: "CPU part" of implementer 0x41.
_ARM_PARTS = {
    "0xc07": "Cortex-A7", "0xc0f": "Cortex-A15", "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57", "0xd08": "Cortex-A72", "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1", "0xd0d": "Cortex-A77", "0xd41": "Cortex-A78", "0xd44": "Cortex-X1", "0xd46": "Cortex-A510",
    "0xd47": "Cortex-A710", "0xd48": "Cortex-X2", "0xd4d": "Cortex-A715", "0xd4e": "Cortex-X3", "0xd40": "Neoverse-V1",
    "0xd49": "Neoverse-N2", "0xd80": "Cortex-A520", "0xd81": "Cortex-A720", "0xd82": "Cortex-X4",
}  # fmt: skip


def environment() -> dict[str, Any]:
    """An ``Environment``."""
    return {
        "device": _device(),
        "processor": _processor(),
        "machine": platform.machine(),
        "cores": len(_affinity()) or os.cpu_count() or 1,
        "memory_bytes": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "runner": f"Python {platform.python_version()}, numpy {np.__version__}",
        "runtimes": _installed(),
    }


def snapshot() -> dict[str, Any]:
    """A ``Snapshot``."""
    governors, frequencies, temperatures = {}, {}, {}
    for folder in sorted(Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq")):
        core = folder.parent.name[len("cpu") :]
        governor, frequency = _text(folder / "scaling_governor"), _number(_text(folder / "scaling_cur_freq"))
        if governor:
            governors[core] = governor
        if frequency is not None:
            frequencies[core] = frequency
    for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*")):
        millidegrees = _number(_text(zone / "temp"))
        if millidegrees is not None:
            kind = _text(zone / "type") or zone.name
            temperatures[kind if kind not in temperatures else zone.name] = millidegrees / 1000
    return {
        "unix_time": time.time(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "governor": governors,
        "frequency_khz": frequencies,
        "temperature_c": temperatures,
    }


def _device() -> str:
    return _text("/proc/device-tree/model") or _text("/sys/class/dmi/id/product_name")


def _processor() -> str:
    fields: dict[str, list[str]] = {}
    for line in _text("/proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), []).append(value.strip())
    parts = [_ARM_PARTS.get(part, "ARM part " + part) for part in fields.get("CPU part", [])]
    kinds = [f"{parts.count(part)} x {part}" for part in sorted(set(parts))]
    return (fields.get("model name") or [" + ".join(kinds) or platform.processor()])[0]


def _memory() -> int | None:
    for line in _text("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def _installed() -> dict[str, str]:
    packages = ["onnxruntime", *(package for package, _ in LITERT_PACKAGES)]
    versions = [(package, _version(package)) for package in packages]
    return {package: version for package, version in versions if version is not None}


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _affinity() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _text(path: Any) -> str:
    """A small file of the system without its end; empty where it is not there or not to be read."""
    try:
        return Path(path).read_bytes().decode("utf-8", "replace").strip("\0\n ")
    except OSError:
        return ""


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


# ---- the job


def do(folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Does the job of a folder, and returns its ``Result``.

    Raises:
        JobError: it cannot be done.
    """
    job = read_job(folder)
    _pin(job["pin"])
    watch, before = ClockWatch(), snapshot()
    notes: list[str] = []
    measurements: list[dict[str, Any]] = []
    files: dict[str, str] = {}
    peaks = []
    for threads in job["threads"]:
        measurements += _measure(folder, job, threads, files, say)
        if job["protocol"] is not None and job["protocol"]["operator_runs"]:  # it is the roof over the operators
            say(f"peak of {_threads(threads)}")
            try:
                peaks.append(_child(["--peak", str(threads)], _single_threaded(threads)))
            except (ModelError, OSError, subprocess.TimeoutExpired) as error:
                notes.append(f"the peak of {_threads(threads)} could not be measured: {_first_line(error)}")
    return {
        "schema_version": SCHEMA_VERSION,
        "nonce": job["nonce"],
        "environment": environment(),
        "before": before,
        "after": snapshot(),
        "measurements": measurements,
        "peaks": peaks,
        "notes": notes + watch.notes(),
        "files": files,
    }


def read_job(folder: Path) -> dict[str, Any]:
    """The job, with all files that it names there and whole.

    Raises:
        JobError: it is not.
    """
    try:
        job: dict[str, Any] = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        version = job["schema_version"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise JobError("{} cannot be read: {}".format(folder / "job.json", _first_line(error))) from error
    if version != SCHEMA_VERSION:
        raise JobError(f"the job is of schema version {version}, this runner of {SCHEMA_VERSION}")
    for entry in [part for model in job["models"] for part in (model, model["golden"])]:
        name = entry["file"]
        if Path(name).name != name:
            raise JobError(f"the job names {name!r}, which is not a file of its folder")
        try:
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            raise JobError(f"{name} cannot be read: {error.strerror}") from error
        if digest != entry["sha256"]:
            raise JobError(f"{name} is damaged: it has not the SHA-256 that the job names; copy it again")
    return job


def _measure(
    folder: Path, job: dict[str, Any], threads: int, files: dict[str, str], say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """A ``Measurement`` of each model at one number of threads."""
    protocol = job["protocol"]
    found: list[dict[str, Any]] = [{"model": i, "threads": threads} for i in range(len(job["models"]))]
    failures: dict[int, ModelError] = {}
    calls: dict[int, Callable[[], Any]] = {}
    for i, entry in enumerate(job["models"]):
        path, golden = folder / entry["file"], folder / entry["golden"]["file"]
        try:
            if protocol is not None and protocol["fresh_processes"]:
                say("{}: load, {}".format(entry["name"], _threads(threads)))
                found[i]["fresh"] = _fresh(folder, i, threads, protocol["fresh_processes"])
            model, inputs = load(path, threads), golden_arrays(golden, "input")
            say("{}: golden set, {}".format(entry["name"], _threads(threads)))
            outputs = replay(model, inputs)
            if job["keep_outputs"]:
                files.update(_keep(folder, f"outputs{i}.npz", outputs))
            references, bounds = golden_arrays(golden, "output"), entry["golden"]["bounds"]
            found[i]["golden"] = golden_errors(outputs, references)
            check_bounds(found[i]["golden"], bounds)
            check_slices(outputs, references, bounds)
            calls[i] = model.feed([np.ascontiguousarray(array[0]) for array in inputs])
        except ModelError as error:
            failures[i] = error
    if protocol is not None:
        turns = measure_in_turns(calls, protocol, failures, lambda line: say(f"{line}, {_threads(threads)}"))
        for i, taken in turns.items():
            found[i]["turns"] = taken
            say("{}: operators, {}".format(job["models"][i]["name"], _threads(threads)))
            found[i].update(_operators(folder, i, threads, protocol["operator_runs"]))
    for i, failure in failures.items():
        found[i].pop("fresh", None)  # no latency is told of a model that is wrong, not even this one
        found[i]["failure"] = failure.to_dict()
    return found


def _fresh(folder: Path, index: int, threads: int, processes: int) -> dict[str, Any]:
    """Medians over several processes."""
    try:
        taken = [_child(["--fresh", str(folder), str(index), str(threads)]) for _ in range(processes)]
    except subprocess.TimeoutExpired as error:
        raise ModelError("failed", "it was not loaded and run once within 600 s") from error
    medians: dict[str, Any] = {}
    for name in taken[0]:
        values = sorted(one[name] for one in taken if one[name] is not None)
        medians[name] = values[len(values) // 2] if values else None
    return medians


def _operators(folder: Path, index: int, threads: int, runs: int) -> dict[str, Any]:
    if not runs:
        return {}
    try:
        answer: dict[str, Any] = _child(["--operators", str(folder), str(index), str(threads), str(runs)])
    except (ModelError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        # The latency is there already; that the profiler fails must not lose it.
        return {"operators_note": f"there are no figures for operators: {_first_line(error)}"}
    return answer


def _keep(folder: Path, name: str, outputs: list[Any]) -> dict[str, str]:
    path = folder / name
    try:
        with path.open("wb") as file:
            np.savez(file, **{f"output.{i}": output for i, output in enumerate(outputs)})
    except OSError as error:
        raise ResultError(f"{path} cannot be written: {error.strerror}") from error
    return {name: hashlib.sha256(path.read_bytes()).hexdigest()}


class ResultError(Exception):
    """The result cannot be written; its text is a sentence."""


def _pin(cores: list[int] | None) -> None:
    if cores is None:
        return
    try:
        os.sched_setaffinity(0, cores)
    except (AttributeError, OSError, ValueError) as error:
        there = ", ".join(map(str, _affinity())) or "none that can be chosen"
        raise JobError(
            "the process cannot be pinned to the cores {}: {}; the cores here are {}".format(
                ", ".join(map(str, cores)), _first_line(error), there
            )
        ) from error


def write_result(folder: Path, result: dict[str, Any]) -> None:
    """Puts result.json there in one step.

    Raises:
        ResultError: it cannot be written.
    """
    temporary = folder / "result.json.part"
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(result, file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / "result.json")
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise ResultError("{} cannot be written: {}".format(folder / "result.json", error.strerror)) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip().rstrip(".")[:300]


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count != 1)}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """The command line; returns the exit code."""
    if arguments == ["--probe"]:
        _say(json.dumps(environment()))
        return 0
    if len(arguments) == 2 and arguments[0] == "--peak":
        _say(json.dumps(peak(int(arguments[1]))))
        return 0
    if len(arguments) >= 4 and arguments[0] in ("--fresh", "--operators"):
        folder, index, threads = Path(arguments[1]), int(arguments[2]), int(arguments[3])
        entry = json.loads((folder / "job.json").read_text(encoding="utf-8"))["models"][index]
        inputs = [np.ascontiguousarray(a[0]) for a in golden_arrays(folder / entry["golden"]["file"], "input")]
        try:
            if arguments[0] == "--fresh":
                _say(json.dumps(fresh(folder / entry["file"], threads, inputs)))
            else:
                found = operators(folder / entry["file"], threads, inputs, int(arguments[4]))
                _say(json.dumps({"operators": found}))
        except ModelError as error:
            _say(json.dumps(error.to_dict()))
        return 0
    if len(arguments) != 1:
        sys.stderr.write("usage: runner.py FOLDER | --probe\n")
        return 2
    try:
        write_result(Path(arguments[0]), do(Path(arguments[0]), _say))
    except JobError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except ResultError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
