"""Where the time of our files goes, by kind of operator, against the matrix products that each kind amounts to.

    python -m benchmarks.operators [--net ssc-net-6-9] [--rounds 20] [--layout nhwc|channel-major] [--json FILE]

ONNX Runtime reports the time of each kernel itself. LiteRT's Python package does not, and XNNPACK is one operator to
it: so the file is cut off behind each operator in turn, all cuts are run in every round, and an operator takes what
its cut takes longer than the one before. The products (`benchmarks.peers.net.products`) run as sgemm in the same
rounds. One thread, batch 1.
"""

from __future__ import annotations

import argparse
import collections
import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import ssc_deploy
from benchmarks import measuring
from benchmarks.peers import net as nets
from benchmarks.peers.contenders import sgemm
from benchmarks.peers.net import Net

if TYPE_CHECKING:
    from collections.abc import Callable

DENSE, GROUPED, SPATIAL, DEPTHWISE = "dense 1x1", "grouped 1x1", "k x k", "depthwise and shift by it"
MOVEMENT, OTHER = "other movement of data", "other"

_MOVING = {
    *("Concat", "Gather", "Pad", "ReorderInput", "ReorderOutput", "Reshape", "Slice", "Split", "Transpose"),
    *("CONCATENATION", "GATHER", "PAD", "RESHAPE", "SLICE", "SPLIT", "STRIDED_SLICE", "TRANSPOSE"),
}


@dataclass(frozen=True)
class Kind:
    """One kind of operator in one file.

    Attributes:
        kind: e.g. ``"grouped 1x1"``.
        operators: how many.
        ms: CPU time (ONNX Runtime: time by its own clock) in one inference: the median over the rounds.
        share: of the whole.
        macs: multiplications with addition; 0 where it moves data.
        sgemm_ms: the same as bare matrix products, layer by layer; None where there are none.
    """

    kind: str
    operators: int
    ms: float
    share: float
    macs: int
    sgemm_ms: float | None


def convolution(groups: int, kernel: tuple[int, ...], channels: int) -> str:
    """The kind of a convolution.

    Args:
        groups: of it.
        kernel: height and width.
        channels: of its input.
    """
    if groups > 1 and groups == channels:
        return DEPTHWISE
    if max(kernel) > 1:
        return SPATIAL
    return DENSE if groups == 1 else GROUPED


def products_by_kind(module: torch.nn.Module, net: Net) -> dict[str, list[nets.Product]]:
    """The network's matrix products by the kind of their layer; the last linear layer is among the dense ones."""
    found = collections.defaultdict(list)
    layers = dict(module.named_modules())
    for product in nets.products(net, module):
        layer = layers[product.layer]
        shape = (layer.groups, layer.kernel_size, layer.in_channels) if hasattr(layer, "groups") else (1, (1, 1), 0)
        found[convolution(*shape)].append(product)
    return found


def onnx_kinds(path: Path, folder: Path) -> dict[str, str]:
    """The kind of each node of a file as ONNX Runtime runs it, by the node's name."""
    import onnx
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 3  # it warns that such a file is for this machine only, as is meant here
    ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    graph = onnx.load(options.optimized_model_filepath).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    kinds = {}
    for node in graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        weight = shapes.get(node.input[1], ()) if len(node.input) > 1 else ()
        if node.op_type in {"Conv", "FusedConv"} and len(weight) == 4:
            groups = attributes.get("group", 1)
            # Blocked weights are padded to whole blocks: the kernel's inner length tells nothing, the groups do.
            depthwise = groups > 1 and groups * weight[1] in {groups, weight[0]} and weight[1] == 1
            kinds[node.name] = DEPTHWISE if depthwise else convolution(groups, weight[2:], 0)
        elif node.op_type in {"MatMul", "Gemm", "FusedGemm", "FusedMatMul"}:
            kinds[node.name] = GROUPED if len(weight) == 3 else DENSE
        else:
            kinds[node.name] = MOVEMENT if node.op_type in _MOVING else OTHER
    return kinds


def onnx_times(path: Path, x: np.ndarray, rounds: int, folder: Path) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Milliseconds of each kind in each round, and how many nodes there are of it."""
    import onnxruntime as ort

    kinds = onnx_kinds(path, folder)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling, options.profile_file_prefix = True, str(folder / "profile")
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    warm_up = 3
    for _ in range(warm_up + rounds):
        session.run(None, {session.get_inputs()[0].name: x})
    events = json.loads(Path(session.end_profiling()).read_text())
    times: dict[str, list[float]] = collections.defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            times[event["name"].removesuffix("_kernel_time")].append(event["dur"] / 1e3)
    totals: dict[str, list[float]] = {}
    for name, series in times.items():
        kind = totals.setdefault(kinds[name], [0.0] * rounds)
        totals[kinds[name]] = [a + b for a, b in zip(kind, series[warm_up:], strict=True)]
    return totals, collections.Counter(kinds[name] for name in times)


def tflite_kind(flatbuffer: Any, operator: Any) -> str:
    """The kind of an operator of a file."""
    from ssc_deploy.runtimes.tflite_schema import schema

    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    name = names[flatbuffer.operatorCodes[operator.opcodeIndex].builtinCode]
    tensors = flatbuffer.subgraphs[0].tensors
    if name == "CONV_2D":
        channels, weight = tensors[operator.inputs[0]].shape[3], tensors[operator.inputs[1]].shape
        return convolution(channels // weight[3], tuple(weight[1:3]), 0)
    if name == "BATCH_MATMUL":
        return GROUPED
    fixed = {"DEPTHWISE_CONV_2D": DEPTHWISE, "FULLY_CONNECTED": DENSE}
    return fixed.get(name, MOVEMENT if name in _MOVING else OTHER)


def tflite_cuts(data: bytes) -> tuple[list[Any], list[str]]:
    """Interpreters of the file cut off behind each operator, and the operators' kinds."""
    from ai_edge_litert.interpreter import Interpreter

    from ssc_deploy.runtimes.tflite_schema import pack, unpack

    kinds, cuts = [], []
    for i in range(len(unpack(data).subgraphs[0].operators)):
        flatbuffer = unpack(data)
        graph = flatbuffer.subgraphs[0]
        kinds.append(tflite_kind(flatbuffer, graph.operators[i]))
        made = [output for operator in graph.operators[: i + 1] for output in operator.outputs]
        used = {int(n) for operator in graph.operators[: i + 1] for n in operator.inputs}
        later = {int(n) for operator in graph.operators[i + 1 :] for n in operator.inputs}
        # What later operators read, a shortcut for one, stays alive as it does in the whole file.
        alive = [output for output in made if output in later or output not in used]
        graph.operators, graph.outputs = graph.operators[: i + 1], alive
        flatbuffer.signatureDefs = None
        interpreter = Interpreter(model_content=pack(flatbuffer), num_threads=1)
        interpreter.allocate_tensors()
        cuts.append(interpreter)
    return cuts, kinds


def tflite_times(path: Path, x: np.ndarray, rounds: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Milliseconds of each kind in each round, and how many operators there are of it."""
    cuts, kinds = tflite_cuts(path.read_bytes())
    for cut in cuts:
        cut.set_tensor(cut.get_input_details()[0]["index"], np.ascontiguousarray(x.transpose(0, 2, 3, 1)))
    totals: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        before, spent = 0.0, dict.fromkeys(kinds, 0.0)
        for cut, kind in zip(cuts, kinds, strict=True):
            now = timed(cut.invoke)
            spent[kind] += now - before
            before = now
        for kind, ms in spent.items():
            totals[kind].append(ms)
    return totals, collections.Counter(kinds)


def timed(run: Callable[[], object], times: int = 3) -> float:
    """Median CPU time of a run in milliseconds, after one that warms the caches."""
    run()
    found = []
    for _ in range(times):
        start = time.process_time()
        run()
        found.append(1e3 * (time.process_time() - start))
    return statistics.median(found)


def table(
    times: dict[str, list[float]], count: dict[str, int], products: dict[str, list[nets.Product]], rounds: int
) -> list[Kind]:
    """The kinds of a file, the longest first."""
    medians = {kind: statistics.median(series) for kind, series in times.items()}
    whole = sum(medians.values())
    rows = []
    for kind, ms in sorted(medians.items(), key=lambda item: -item[1]):
        own = products.get(kind, [])
        bare = statistics.median(timed(sgemm.bare(own)) for _ in range(rounds)) if own else None
        rows.append(Kind(kind, count[kind], ms, ms / whole, sum(p.macs for p in own), bare))
    return rows


def main() -> None:
    """Prints a table for each file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", default="ssc-net-6-9")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--layout", help="of the .tflite file; by default the exporter's own choice")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    net = Net.parse(options.net)
    module = nets.random_network(net)
    products = products_by_kind(module, net)
    x = nets.inputs(net)[:1]
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoint = folder / "net.pt"
        torch.save(module.state_dict(), checkpoint)
        asked = {"layout": options.layout} if options.layout else {}
        for form, extra in (("onnx", {}), ("tflite", asked)):
            arguments = {name: str(value) for name, value in net.args.items()}
            shape = (1, *net.input_shape[1:])
            result = ssc_deploy.export(
                checkpoint, to=form, arch=net.arch, args=arguments, input_shape=shape, output=folder / form, **extra
            )
            path = result.files[0].path
            times = onnx_times(path, x, options.rounds, folder) if form == "onnx" else None
            found[form] = table(*(times or tflite_times(path, x, options.rounds)), products, options.rounds)
    for form, rows in found.items():
        print(f"\n{options.net}, {form}: {sum(row.ms for row in rows):.2f} ms")
        for row in rows:
            bare = f"{row.sgemm_ms:8.2f} ms as sgemm, {row.ms / row.sgemm_ms:5.1f} times" if row.sgemm_ms else ""
            print(f"  {row.kind:28}{row.operators:5} {row.ms:8.2f} ms {row.share:6.0%}{bare}")
    files = {form: [asdict(row) for row in rows] for form, rows in found.items()}
    measuring.write(options.json, "operators", {"net": options.net, "files": files})


if __name__ == "__main__":
    main()
