"""The operators of an .onnx file, by ONNX Runtime's profiler."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

from .runtimes import OnnxModel

if TYPE_CHECKING:
    from .formats import Array


def profiled(
    path: Path, threads: int, inputs: Sequence[Array], warm: int, runs: int
) -> list[tuple[str, str, list[int]]]:
    """Name, type and microseconds of each node of the graph that ONNX Runtime runs.

    Args:
        path: of the model.
        threads: of one inference.
        inputs: of one inference.
        warm: runs that are not kept.
        runs: that are kept.

    Raises:
        ModelError: the runtime is missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        model = OnnxModel(path, threads, profile=str(Path(folder) / "operators"))
        call = model.feed(inputs)
        for _ in range(warm + runs):
            call()
        events = json.loads(model.end_profile().read_text(encoding="utf-8"))
    durations: dict[tuple[str, str], list[int]] = {}
    for event in events:
        name = event.get("name", "")
        if event.get("cat") == "Node" and name.endswith("_kernel_time"):
            key = (name[: -len("_kernel_time")], event.get("args", {}).get("op_name", ""))
            durations.setdefault(key, []).append(int(event["dur"]))
    return [(name, operator, microseconds[warm:]) for (name, operator), microseconds in durations.items()]
