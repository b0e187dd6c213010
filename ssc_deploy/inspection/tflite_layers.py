"""Layers of a TFLite file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy.inspection.report import Layer
from ssc_deploy.ir import movement as mv
from ssc_deploy.runtimes.tflite_schema import DTYPES, name_of, operator_name

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Operators that write what they read, elsewhere.
_COPIES = frozenset(
    [
        "CONCATENATION",
        "DEPTH_TO_SPACE",
        "GATHER",
        "GATHER_ND",
        "MIRROR_PAD",
        "PAD",
        "PADV2",
        "SCATTER_ND",
        "SLICE",
        "SPACE_TO_DEPTH",
        "SPLIT",
        "SPLIT_V",
        "STRIDED_SLICE",
        "TILE",
        "TRANSPOSE",
    ]
)

#: Operators that only see what they read in another shape.
_VIEWS = frozenset(["EXPAND_DIMS", "RESHAPE", "SQUEEZE"])

#: Operators whose second input is a kernel.
_WEIGHTED = frozenset(["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"])

#: Bytes of a value.
_SIZES = {name: np.dtype(name).itemsize for name in DTYPES.values() if name in np.sctypeDict}


def layers_of(model: Any, movements: Mapping[str, str] | None = None) -> tuple[Layer, ...]:
    """The operators of a ``ModelT`` as layers.

    Args:
        model: see `runtimes.tflite_schema.unpack`.
        movements: of the file's metadata.
    """
    subgraph = model.subgraphs[0]
    sources, unpacking = _unpacked(model)
    counted: set[int] = set()
    layers = []
    for place, operator in enumerate(subgraph.operators):
        if place in unpacking:
            continue
        indices = [sources.get(i, i) for i in operator.inputs if i >= 0]
        inputs = [subgraph.tensors[i] for i in indices]
        outputs = [subgraph.tensors[i] for i in operator.outputs]
        constants = [(i, subgraph.tensors[i]) for i in indices if _content(model, subgraph.tensors[i])]
        name = operator_name(model.operatorCodes[operator.opcodeIndex])
        shift = name == "DEPTHWISE_CONV_2D" and any(_one_hot(model, tensor) for _, tensor in constants)
        moves = shift or name in _COPIES
        own = [] if moves else [(i, t) for i, t in constants if _is_weight(t) and i not in counted]
        counted.update(i for i, _ in own)
        block = name_of(outputs[0]).partition("/")[0] if outputs else ""
        layers.append(
            Layer(
                block=block,
                name=name_of(outputs[0]) if outputs else "",
                operator=name,
                detail=_detail(name, inputs, operator.builtinOptions),
                role="shift" if shift else (movements or {}).get(block),
                shape=_shape(outputs[0]) if outputs else None,
                parameters=sum(math.prod(_shape(tensor)) for _, tensor in own),
                macs=0 if moves else _macs(name, inputs, outputs),
                moved_bytes=sum(_bytes(tensor) for tensor in outputs) if moves else 0,
                traffic_bytes=_traffic(name, inputs, outputs, moves),
            )
        )
    return tuple(layers)


def _unpacked(model: Any) -> tuple[dict[int, int], set[int]]:
    """Constants that a DEQUANTIZE makes float32 of, by the tensor that it writes, and the places of these operators."""
    subgraph = model.subgraphs[0]
    sources, places = {}, set()
    for place, operator in enumerate(subgraph.operators):
        name = operator_name(model.operatorCodes[operator.opcodeIndex])
        if name == "DEQUANTIZE" and _content(model, subgraph.tensors[operator.inputs[0]]):
            sources[int(operator.outputs[0])] = int(operator.inputs[0])
            places.add(place)
    return sources, places


def _content(model: Any, tensor: Any) -> bytes:
    content: bytes = model.buffers[tensor.buffer].content
    return content


def _is_weight(tensor: Any) -> bool:
    """Whether a constant holds real numbers, and not axes or sizes: floats, or integers with a scale."""
    scales = None if tensor.quantization is None else tensor.quantization.scale
    return DTYPES.get(tensor.type, "").startswith("float") or (scales is not None and len(scales) > 0)


def _traffic(name: str, inputs: list[Any], outputs: list[Any], moves: bool) -> int:
    """A movement reads what it writes, however large its input is."""
    if name in _VIEWS:
        return 0
    written = sum(_bytes(tensor) for tensor in outputs)
    return 2 * written if moves else written + sum(_bytes(tensor) for tensor in inputs)


def _bytes(tensor: Any) -> int:
    return math.prod(_shape(tensor)) * _SIZES.get(DTYPES.get(tensor.type, ""), 0)


def _shape(tensor: Any) -> tuple[int, ...]:
    return () if tensor.shape is None else tuple(int(size) for size in tensor.shape)


def _one_hot(model: Any, tensor: Any) -> bool:
    """Whether a depthwise kernel [1, kh, kw, C] takes one pixel for each channel as it is."""
    content, shape = _content(model, tensor), _shape(tensor)
    dtype = DTYPES.get(tensor.type, "")
    if dtype not in {"float32", "float16", "int8"} or len(shape) != 4 or len(content) != _bytes(tensor):
        return False
    kernel = np.frombuffer(content, dtype).reshape(shape).astype(np.float32)
    if dtype == "int8":
        if not _is_weight(tensor):
            return False
        # Others write 1 as 127 steps of 1 / 127.
        kernel = kernel * np.asarray(tensor.quantization.scale, np.float32)
        kernel = np.where(np.isclose(kernel, 1, atol=1e-6), np.float32(1), kernel)
    return mv.is_one_hot(np.moveaxis(kernel, -1, 0))


def _detail(name: str, inputs: list[Any], options: Any) -> str:
    """Kernel, groups and stride, where there are any, and the type of a kernel that is not float32."""
    if name not in _WEIGHTED or len(inputs) < 2:
        return ""
    dtype = DTYPES.get(inputs[1].type, "")
    short = [] if dtype == "float32" else [dtype]
    if name not in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
        return " ".join(short)
    data, weight = _shape(inputs[0]), _shape(inputs[1])
    if len(data) != 4 or len(weight) != 4:
        return ""
    groups = data[3] // weight[3] if name == "CONV_2D" and weight[3] else 1
    stride = max(options.strideH, options.strideW) if options else 1
    return " ".join(
        [f"{weight[1]}x{weight[2]}"] + [f"g{groups}"] * (groups > 1) + [f"/{stride}"] * (stride > 1) + short
    )


def _macs(name: str, inputs: list[Any], outputs: list[Any]) -> int | None:
    """Output elements times what each is a sum of."""
    shapes, out = [_shape(tensor) for tensor in inputs], math.prod(_shape(outputs[0])) if outputs else 0
    match name:
        case "CONV_2D" | "FULLY_CONNECTED":
            return out * math.prod(shapes[1][1:])
        case "DEPTHWISE_CONV_2D":
            return out * math.prod(shapes[1][1:3])
        case "BATCH_MATMUL":
            return out * math.prod(shapes[0]) // max(1, math.prod(shapes[0][:-1]))
        case "TRANSPOSE_CONV":
            return None
        case _:
            return 0
