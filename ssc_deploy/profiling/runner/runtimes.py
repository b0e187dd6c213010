"""The runtimes: .onnx files in ONNX Runtime, .tflite files in LiteRT or in its predecessor."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Protocol, Sequence

from .contract import FailureKind
from .errors import ModelError, first_line

if TYPE_CHECKING:
    from .formats import Array

#: The program that starts the runner on another device knows which command works there.
INSTALL = os.environ.get("SSC_DEPLOY_INSTALL", "python3 -m pip install")

ONNX_PACKAGE = "onnxruntime"

#: Of .tflite files: packages with their modules, the first that is there is used.
LITERT_PACKAGES = (("ai-edge-litert", "ai_edge_litert"), ("tflite-runtime", "tflite_runtime"))


class Model(Protocol):
    """A model that is loaded."""

    def feed(self, inputs: Sequence[Array]) -> Callable[[], Any]:
        """What runs the model once on these inputs."""

    def outputs(self, inputs: Sequence[Array]) -> Sequence[Array]:
        """Runs the model once."""


class OnnxModel:
    """An .onnx file in ONNX Runtime; see `Model`.

    Args:
        path: the file.
        threads: of one inference.
        profile: where ONNX Runtime is to write its operator profile, the beginning of a path; empty for none.
    """

    def __init__(self, path: Path, threads: int, profile: str = "") -> None:
        onnxruntime = _onnxruntime()
        # Official builds from 1.29 on send telemetry events unless told not to.
        if hasattr(onnxruntime, "disable_telemetry_events"):
            onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        if profile:
            options.enable_profiling, options.profile_file_prefix = True, profile
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._names = [value.name for value in self._session.get_inputs()]

    def feed(self, inputs: Sequence[Array]) -> Callable[[], Any]:
        """See `Model.feed`."""
        return functools.partial(self._session.run, None, dict(zip(self._names, inputs)))

    def outputs(self, inputs: Sequence[Array]) -> Sequence[Array]:
        """See `Model.outputs`."""
        result: Sequence[Array] = self.feed(inputs)()
        return result

    def end_profile(self) -> Path:
        """Stops profiling, and says where the profile is."""
        return Path(self._session.end_profiling())


class LiteRTModel:
    """A .tflite file in LiteRT, or in its predecessor; see `Model`.

    Args:
        path: the file.
        threads: of one inference.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._interpreter = litert_interpreter(path, threads)
        self._inputs = self._interpreter.get_input_details()
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]

    def feed(self, inputs: Sequence[Array]) -> Callable[[], Any]:
        """See `Model.feed`."""
        self._set(inputs)
        invoke: Callable[[], Any] = self._interpreter.invoke
        return invoke

    def outputs(self, inputs: Sequence[Array]) -> Sequence[Array]:
        """See `Model.outputs`."""
        self.feed(inputs)()
        return [self._interpreter.get_tensor(index) for index in self._outputs]

    def _set(self, inputs: Sequence[Array]) -> None:
        shapes = [tuple(detail["shape"]) for detail in self._inputs]
        if shapes != [array.shape for array in inputs]:
            for detail, array in zip(self._inputs, inputs):
                self._interpreter.resize_tensor_input(detail["index"], array.shape)
            self._interpreter.allocate_tensors()
            self._inputs = self._interpreter.get_input_details()
        for detail, array in zip(self._inputs, inputs):
            self._interpreter.set_tensor(detail["index"], array)


def load(path: Path, threads: int) -> Model:
    """The model in the runtime that its suffix asks for.

    Raises:
        ModelError: the runtime is missing or refuses it.
    """
    if path.suffix.lower() not in (".onnx", ".tflite"):
        raise ModelError(FailureKind.REFUSED, f"no runtime is known for files that end in {path.suffix!r}")
    try:
        return OnnxModel(path, threads) if is_onnx(path) else LiteRTModel(path, threads)
    except ModelError:
        raise
    except Exception as error:
        # The runtimes raise classes of their own, which share no base but this.
        raise ModelError(FailureKind.REFUSED, f"the runtime refuses it: {first_line(error)}") from error


def is_onnx(path: Path) -> bool:
    """Whether a file is for ONNX Runtime, by its suffix."""
    return path.suffix.lower() == ".onnx"


def import_for(path: Path) -> None:
    """Imports the runtime that `load` will use.

    Raises:
        ModelError: it is missing.
    """
    _onnxruntime() if is_onnx(path) else _litert()


def litert_interpreter(path: Path, threads: int) -> Any:
    """LiteRT's interpreter of a .tflite file, its tensors allocated.

    Raises:
        ModelError: the runtime is missing. What it raises for a file that it refuses is passed on.
    """
    interpreter = _litert().Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter


def imported(module: str, package: str) -> Any:
    """A module of a runtime.

    Raises:
        ModelError: it cannot be imported; the message says how to install its package.
    """
    try:
        return __import__(module, fromlist=["_"])
    except (ImportError, OSError) as error:  # OSError: a library of another architecture
        top = module.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == top
        reason = "is not installed" if missing else f"cannot be imported ({first_line(error)})"
        message = f"{package} {reason}; install it with: {INSTALL} {package}"
        raise ModelError(FailureKind.NO_RUNTIME, message) from error


def _onnxruntime() -> Any:
    return imported(ONNX_PACKAGE, ONNX_PACKAGE)


def _litert() -> Any:
    """The module of the interpreter."""
    (package, module), (older_package, older_module) = LITERT_PACKAGES
    try:
        return imported(module + ".interpreter", package)
    except ModelError as error:
        try:
            return imported(older_module + ".interpreter", older_package)
        except ModelError:
            raise error from None
