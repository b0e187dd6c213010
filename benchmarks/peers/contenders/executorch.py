"""ExecuTorch with its XNNPACK backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.contender import CONCATENATED, DEPTHWISE, Contender, Kind, Loaded
from benchmarks.peers.net import network

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.contender import Job
    from benchmarks.peers.net import Net

CONTENDER = Contender(
    title="ExecuTorch XNNPACK",
    kind=Kind.PEER,
    environment="executorch",
    packages=("executorch", "torch"),
    variants=DEPTHWISE | CONCATENATED,
    large=True,
)


def convert(job: Job) -> Path:
    """Exports, hands to XNNPACK all that it takes, and writes the program."""
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    module = network(job.net, job.weights, job.options["shift"])
    program = torch.export.export(module, (torch.zeros(job.net.input_shape),))
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    path = job.folder / "model.pte"
    path.write_bytes(lowered.to_executorch().buffer)
    return path


def load(path: Path, net: Net) -> Loaded:
    """The program's ``forward``."""
    import torch
    from executorch.extension.pybindings import portable_lib
    from executorch.runtime import Runtime

    torch.set_num_threads(1)
    # XNNPACK runs on the runtime's own pool of threads, which has one for each core unless told.
    portable_lib._unsafe_reset_threadpool(1)
    program = Runtime.get().load_program(path)
    forward = program.load_method("forward")
    return Loaded(lambda x: forward.execute([x])[0], torch.from_numpy)
