"""LiteRT's own profiler, which Python's interface to LiteRT does not offer; its C library is called instead."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Sequence

from .contract import FailureKind
from .errors import ModelError
from .runtimes import LITERT_PACKAGES, imported

if TYPE_CHECKING:
    from .formats import Array

#: TFLite's profiler: an operator of the interpreter, and one that a delegate ran and timed itself.
INVOKED, _DELEGATED = 2, 8


class Event(NamedTuple):
    """One operator in one inference.

    Attributes:
        type: `INVOKED`, or that of an operator that a delegate ran.
        tag: what the runtime calls it.
        place: of the operator, among those of the interpreter or of the delegate.
        microseconds: that it took.
    """

    type: int
    tag: str
    place: int
    microseconds: int


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
    """A .tflite file in LiteRT's compiled-model API, which has a profiler.

    The library trusts what it is given, so this belongs into a process of its own.

    Args:
        path: the file.
        threads: of one inference.
        inputs: of all inferences.

    Raises:
        ModelError: the runtime or its profiler is missing, or a call fails.
    """

    def __init__(self, path: Path, threads: int, inputs: Sequence[Array]) -> None:
        package, module = LITERT_PACKAGES[0]
        library = Path(imported(module, package).__path__[0]) / "libLiteRt.so"
        if not library.is_file():
            raise ModelError(FailureKind.FAILED, "this LiteRT comes without the library that has the profiler")
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
            raise ModelError(FailureKind.FAILED, "this LiteRT does not give its profiler")
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

    def run(self) -> list[Event]:
        """The events of one inference that are an operator's.

        Raises:
            ModelError: a call fails.
        """
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
            Event(event.type, event.tag.decode("utf-8", "replace"), event.index, event.elapsed_us)
            for event in events[: count.value]
            if event.type in (INVOKED, _DELEGATED)
        ]
        self._call("ResetProfiler", self._profiler)
        return kept

    def _buffer(self, environment: Any, subgraph: Any, kind: str, index: int) -> Any:
        """A buffer of the size that the compiled model needs for one of its inputs or outputs."""
        tensor = self._made("GetSubgraph" + kind, subgraph, ctypes.c_size_t(index))
        described = _TensorType()
        self._call("GetRankedTensorType", tensor, ctypes.byref(described))
        needed = self._made(
            "GetCompiledModel" + kind + "BufferRequirements", self._model, ctypes.c_size_t(0), ctypes.c_size_t(index)
        )
        return self._made("CreateManagedTensorBufferFromRequirements", environment, ctypes.byref(described), needed)

    def _made(self, name: str, *arguments: Any) -> Any:
        """The handle that a function of the library writes into its last argument."""
        handle = ctypes.c_void_p()
        self._call(name, *arguments, ctypes.byref(handle))
        return handle

    def _call(self, name: str, *arguments: Any) -> None:
        function = getattr(self._library, "LiteRt" + name)
        function.restype = ctypes.c_int
        status = function(*arguments)
        if status:
            raise ModelError(FailureKind.FAILED, f"LiteRT's profiler fails in {name} with status {status}")
