"""The contender's side of the pipe: ``python -m benchmarks.peers.worker NAME``, in the contender's environment.

Each line on standard input is a request as JSON, and is answered by one line on standard output:

    {"do": "convert", "job": {...}}                          {"file": "...", "seconds": 1.5}
    {"do": "load", "as": "v", "file": "...", "net": {...}}   {"notes": {...}}
    {"do": "compute", "as": "v", "inputs": "x.npy", "outputs": "y.npy"}   {}
    {"do": "run", "as": "v", "warmup": 1, "times": 5}        {"cpu": [s, ...], "wall": [s, ...]}
    {"do": "versions", "packages": [...]}                    {"versions": {...}}

What fails is answered by ``{"error": "..."}``. Libraries print as they like: their standard output goes to standard
error, where the host keeps it.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers import contender
from benchmarks.peers.net import Net

if TYPE_CHECKING:
    from benchmarks.peers.contender import Loaded, Module


class Worker:
    """Answers the requests to one contender."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._loaded: dict[str, tuple[Loaded, Net]] = {}
        self._prepared: dict[str, Any] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carries one request out; nothing that a library raises ends the process."""
        try:
            return getattr(self, f"_{request['do']}")(request)
        except Exception as error:
            traceback.print_exc()
            text = " ".join(str(error).split())
            return {"error": f"{type(error).__name__}: {text[:300]}"}

    def _convert(self, request: dict[str, Any]) -> dict[str, Any]:
        fields = request["job"]
        job = contender.Job(
            Net(**fields["net"]),
            Path(fields["weights"]),
            fields["options"],
            Path(fields["folder"]),
            Path(fields["source"]) if fields["source"] else None,
        )
        start = time.process_time()
        file = self._module.convert(job)
        return {"file": str(file), "seconds": time.process_time() - start}

    def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        net = Net(**request["net"])
        loaded = self._module.load(Path(request["file"]), net)
        self._loaded[request["as"]] = loaded, net
        return {"notes": dict(loaded.notes)}

    def _compute(self, request: dict[str, Any]) -> dict[str, Any]:
        loaded, net = self._loaded[request["as"]]
        x = np.load(request["inputs"])
        batches = [np.ascontiguousarray(batch) for batch in x.reshape(-1, *net.input_shape)]
        # Copied: a runtime may hand out its own memory, which the next run fills anew.
        y = [np.array(loaded.run(loaded.prepare(batch)), copy=True).reshape(net.batch, -1) for batch in batches]
        np.save(request["outputs"], np.concatenate(y))
        self._prepared[request["as"]] = loaded.prepare(batches[0])
        return {}

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        loaded, _ = self._loaded[request["as"]]
        run, prepared = loaded.run, self._prepared[request["as"]]
        for _ in range(request["warmup"]):
            run(prepared)
        cpu, wall = [], []
        for _ in range(request["times"]):
            wall_start, cpu_start = time.perf_counter(), time.process_time()
            run(prepared)
            cpu.append(time.process_time() - cpu_start)
            wall.append(time.perf_counter() - wall_start)
        return {"cpu": cpu, "wall": wall}

    @staticmethod
    def _versions(request: dict[str, Any]) -> dict[str, Any]:
        return {"versions": {name: importlib.metadata.version(name) for name in request["packages"]}}


def main() -> None:
    """Serves until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(contender.module(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(worker.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
