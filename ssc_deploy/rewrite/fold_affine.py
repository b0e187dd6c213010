"""Moves a scale and an offset per channel, mostly BatchNormalization, into the weights before them.

    BatchNormalization(y) = s * y + t     with  s = gamma / sqrt(var + epsilon),  t = beta - s * mean
    s * (W x + b) + t     = (s W) x + (s b + t)

for ``Conv`` and ``Gemm``, and for ``Mul``, ``Div``, ``Add`` and ``Sub`` with a constant per channel likewise. A channel
permutation in between is passed: ``s * y[perm] + t = (s' * y + t')[perm]`` with ``s'[perm] = s``. Computed in float64
and rounded once, so that folding costs less accuracy than running the two steps would. BatchNormalization that has no
weights to move into (after a shift, a sum, a concatenation) becomes a ``Mul`` and an ``Add``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from ssc_deploy.ir import canonical, known, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.ir.builder import Builder

if TYPE_CHECKING:
    import numpy.typing as npt

    Affine = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


class FoldAffine(ir.passes.InPlacePass):
    """Folds per-channel scales and offsets; see the module's docstring."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Runs the pass."""
        modified = False
        for node in list(model.graph):
            affine = _affine(node)
            if affine is None:
                continue
            data = next(value for value in node.inputs if value is not None and not g.is_constant(value))
            if _fold(node, data, affine):
                modified = True
            elif node.op_type == "BatchNormalization":
                _spell_out(node, data, affine)
                modified = True
        return ir.passes.PassResult(model, modified)


def _affine(node: ir.Node) -> Affine | None:
    """(scale, offset), float64 [C] each, where the node applies such a pair to the channels of its one input."""
    shape = g.shape_of(node.outputs[0])
    if shape is None or len(shape) < 2:
        return None
    if node.op_type == "BatchNormalization":
        parameters = [g.constant(value) for value in node.inputs[1:5]]
        # In training mode it normalises by the statistics of what it is given.
        if any(p is None for p in parameters) or g.integer(node, "training_mode", 0):
            return None
        gamma, beta, mean, var = (np.asarray(p, np.float64) for p in parameters)
        epsilon = node.attributes.get("epsilon")
        # The attribute is float32 in the file, and a double in PyTorch: 1e-5 is meant, not 9.99999974e-06.
        scale = gamma / np.sqrt(var + float(str(np.float32(1e-5 if epsilon is None else epsilon.as_float()))))
        return scale, beta - scale * mean
    if node.op_type not in {"Mul", "Div", "Add", "Sub"} or len(node.inputs) != 2:
        return None
    first, second = (g.constant(value) for value in node.inputs)
    operand = second if first is None else first
    if operand is None or (first is None) == (second is None) or (node.op_type == "Div" and first is not None):
        return None
    vector = _per_channel(operand, shape)
    if vector is None or g.shape_of(node.inputs[0 if first is None else 1]) != shape:
        return None
    one, zero = np.ones_like(vector), np.zeros_like(vector)
    match node.op_type:
        case "Mul":
            return vector, zero
        case "Div":
            return 1 / vector, zero
        case "Add":
            return one, vector
        case _:
            return (one, -vector) if first is None else (-one, vector)


def _per_channel(operand: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[np.float64] | None:
    """The operand as one number for each channel (axis 1 of ``shape``), or None if it varies along another axis."""
    if operand.ndim > len(shape) or not np.issubdtype(operand.dtype, np.floating):
        return None
    full = operand.reshape((1,) * (len(shape) - operand.ndim) + operand.shape).astype(np.float64)
    if any(size != 1 for axis, size in enumerate(full.shape) if axis != 1):
        return None
    return np.broadcast_to(full.reshape(-1), (shape[1],)).copy()


def _fold(node: ir.Node, data: ir.Value, affine: Affine) -> bool:
    """Moves the affine map into the weights that made ``data``, past a permutation if need be."""
    scale, offset = affine
    producer, through = data.producer(), None
    if producer is not None and roles.role(producer) is roles.Role.SHUFFLE and g.used_once(data):
        movement = canonical.movement_of(producer)
        before = producer.inputs[0]
        if movement is None or before is None or sorted(movement.source) != list(range(movement.in_channels)):
            return False
        inverse = np.argsort(movement.source)
        scale, offset = scale[inverse], offset[inverse]
        through, data, producer = producer, before, before.producer()
    if producer is None or not g.used_once(data) or canonical.shift_of(producer):
        return False
    weights = _scaled(producer, scale, offset)
    if weights is None:
        return False
    folded, builder = Builder(producer), Builder(node)
    dtype, shape = known.constant(producer.inputs[1]).dtype, known.shape(data)
    constants = [folded.constant(n, a.astype(dtype)) for n, a in zip(("weight", "bias"), weights, strict=True)]
    result = folded.again(producer, [producer.inputs[0], *constants], shape=shape)
    folded.insert()
    if through is not None:
        result = builder.again(through, [result, *through.inputs[1:]], shape=shape)
    builder.replace(result, *([through] if through else []), producer)
    return True


def _scaled(
    node: ir.Node, scale: npt.NDArray[np.float64], offset: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Weight and bias of ``scale * node(x) + offset``, float64; None if the node has no such form."""
    weight = g.constant(node.inputs[1]) if node.op_type in {"Conv", "Gemm"} else None
    if weight is None:
        return None
    given = node.inputs[2] if len(node.inputs) > 2 else None
    bias: Any = 0.0 if given is None else g.constant(given)
    if bias is None:
        return None
    if np.ndim(bias) > 1:
        # A Gemm may be given its offset as a matrix; a row of it is one number for each output, a column is not.
        if any(size != 1 for size in bias.shape[:-1]):
            return None
        bias = bias.reshape(-1)
    axis = 0
    if node.op_type == "Gemm":
        plain = all(node.attributes[k].as_float() == 1 for k in ("alpha", "beta") if k in node.attributes)
        if not plain or g.integer(node, "transA", 0):
            return None
        axis = 0 if g.integer(node, "transB", 0) else 1
    along = scale.reshape([-1 if i == axis else 1 for i in range(weight.ndim)])
    return weight.astype(np.float64) * along, np.broadcast_to(bias, scale.shape) * scale + offset


def _spell_out(node: ir.Node, data: ir.Value, affine: Affine) -> None:
    builder, rank = Builder(node), len(known.shape(data))
    dtype = np.float32 if data.dtype is None else data.dtype.numpy()
    value = data
    for op_type, vector, name in (("Mul", affine[0], "scale"), ("Add", affine[1], "offset")):
        operand = vector.astype(dtype).reshape(-1, *(1,) * (rank - 2))
        value = builder.op(op_type, [value, builder.constant(name, operand)])
    builder.replace(value)
