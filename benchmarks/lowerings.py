"""How long the stages of an SSC-Net take with each lowering: the figures behind ``ssc_deploy/lower/defaults.py``.

    python -m benchmarks.lowerings [--target onnxruntime|litert] [--modules 3] [--rounds 60]
                                    [--offsets periodic|runs|mixed] [--linear] [--dynamic] [--shuffles]
                                    [81x32 162x16 ...]

Each stage (by default 81 channels at 32x32, 162 at 16x16, 324 at 8x8; G = M / 9) is a chain of SSC modules with random
weights, so that the runtime's own fusions and layouts around a shift are in the figure. One thread; all variants take
turns in every round; printed is the median over the rounds of each variant's CPU time, and its ratio to the first
variant's in the same round.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx_ir as ir

from ssc_deploy import lower
from ssc_deploy.emit import tflite
from ssc_deploy.errors import LoweringError
from ssc_deploy.ir import movement as mv
from ssc_deploy.ir import roles
from ssc_deploy.metadata import ModelMetadata

STAGES = ("81x32", "162x16", "324x8")


def offsets_of(channels: int, spread: str) -> tuple[tuple[int, int], ...]:
    """SSC-Net's offsets; ``runs`` of channels that move together; or ``mixed`` up."""
    p = np.arange(channels) % 9
    p = {"periodic": p, "runs": np.sort(p), "mixed": np.random.default_rng(0).permutation(p)}[spread]
    return tuple((int(i) // 3 - 1, int(i) % 3 - 1) for i in p)


def stage(channels: int, size: int, modules: int, spread: str, *, linear: bool = False) -> ir.Model:
    """SSC modules one after another, in canonical form; ``linear``: without the ReLU before each shift."""
    groups = channels // 9
    rng = np.random.default_rng(0)
    value = ir.val("input", dtype=ir.DataType.FLOAT, shape=(1, channels, size, size))
    inputs, nodes, initializers = [value], [], []

    def add(op_type: str, *constants: np.ndarray, data: list[ir.Value], role: roles.Role | None = None, **attributes):
        name = f"{op_type}_{len(nodes)}"
        values = [ir.val(f"{name}.{i}", const_value=ir.tensor(c, name=f"{name}.{i}")) for i, c in enumerate(constants)]
        initializers.extend(values)
        output = ir.val(name, dtype=ir.DataType.FLOAT, shape=(1, channels, size, size))
        nodes.append(ir.node(op_type, [*data, *values], attributes=attributes, outputs=[output], name=name))
        if role:
            roles.set_role(nodes[-1], role)
        return output

    def pointwise(data: ir.Value, group: int, relu: bool = True) -> ir.Value:
        fan_in = channels // group
        weight = rng.standard_normal((channels, fan_in, 1, 1), np.float32) / np.float32(fan_in) ** 0.5
        bias = rng.standard_normal(channels, np.float32)
        output = add("Conv", weight, bias, data=[data], group=group, kernel_shape=(1, 1))
        return add("Relu", data=[output]) if relu else output

    kernel = mv.shift(offsets_of(channels, spread)).kernel()
    order = np.arange(channels).reshape(groups, 9).T.reshape(-1)

    def shift(data: ir.Value) -> ir.Value:
        role, pads = roles.Role.SHIFT, (1, 1, 1, 1)
        return add("Conv", kernel, data=[data], group=channels, kernel_shape=(3, 3), pads=pads, role=role)

    for _ in range(modules):
        shortcut = value
        value = pointwise(pointwise(value, 1), groups, relu=not linear)
        value = pointwise(shift(value), groups)
        value = add("Gather", order, data=[value], axis=1, role=roles.Role.SHUFFLE)
        value = pointwise(shift(pointwise(value, 9, relu=not linear)), groups)
        value = add("Relu", data=[add("Add", data=[pointwise(value, 9, relu=False), shortcut])])
    graph = ir.Graph(inputs, [value], nodes=nodes, initializers=initializers, opset_imports={"": 17}, name="main")
    return ir.Model(graph, ir_version=8)


def runner(model: ir.Model, target: lower.Target, size: int, channels: int):
    """A function that runs the model once, on one thread."""
    rng = np.random.default_rng(0)
    if target is lower.Target.ONNXRUNTIME:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString(), options)
        x = rng.standard_normal((1, channels, size, size), np.float32)
        return lambda: session.run(None, {"input": x})
    from ai_edge_litert.interpreter import Interpreter

    metadata = ModelMetadata("stage", "none", "", "NHWC", (1, channels, size, size))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stage.tflite"
        path.write_bytes(tflite.build(model, metadata))
        interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"], rng.standard_normal((1, size, size, channels), np.float32)
    )
    return interpreter.invoke


def main() -> None:
    """Prints a line for each stage and variant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", default="onnxruntime", choices=[t.value for t in lower.Target])
    parser.add_argument("--modules", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--offsets", default="periodic", choices=["periodic", "runs", "mixed"])
    parser.add_argument("--shuffles", action="store_true", help="each shift with each shuffle, not with auto alone")
    parser.add_argument("--linear", action="store_true", help="no ReLU before a shift")
    parser.add_argument("--dynamic", action="store_true", help="leave the batch dynamic")
    parser.add_argument("stages", nargs="*", default=STAGES, help="channels x height and width")
    options = parser.parse_args()
    target, batch = lower.Target(options.target), None if options.dynamic else 1
    for channels, size in (map(int, text.split("x")) for text in options.stages):
        model = stage(channels, size, options.modules, options.offsets, linear=options.linear)
        variants = {}
        shuffles = ("auto", *lower.SHUFFLES.names) if options.shuffles else ("auto",)
        for shift, shuffle in itertools.product(("auto", *lower.SHIFTS.names), shuffles):
            try:
                lowered = lower.lower(
                    model, target, lower.LoweringOptions(shift=shift, shuffle=shuffle, batch=batch)
                ).model
            except LoweringError:
                continue  # not for this target
            variants[f"shift={shift}, shuffle={shuffle}"] = runner(lowered, target, size, channels)
        times: dict[str, list[float]] = {name: [] for name in variants}
        for _ in range(options.rounds):
            for name, run in variants.items():
                run()
                start = time.process_time()
                run()
                times[name].append(time.process_time() - start)
        first = next(iter(times.values()))
        for name, samples in times.items():
            ratio = statistics.median(t / f for t, f in zip(samples, first, strict=True))
            print(
                f"{channels:4} x {size:2}x{size:<2}  {name:34} {1e3 * statistics.median(samples):7.2f} ms  {ratio:5.2f}"
            )


if __name__ == "__main__":
    main()
