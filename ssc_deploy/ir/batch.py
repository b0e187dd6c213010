"""Sets the batch of a graph that was captured with another one.

Images of a batch never mix in such a network, so along every edge the batch stays on one axis, with a factor:

    shape[axis] = factor * N            e.g. [N * 64, 9, 9] after Reshape(-1, 9, 9) of [N, 8, 8, 81]

Starting from the inputs ([N, C, H, W]: axis 0, factor 1) that is followed through each operator. Where it can be,
shapes are set from it and the constants of Reshape lose the captured batch; where it cannot, the graph is refused.
"""

from __future__ import annotations

import onnx_ir as ir

from ssc_deploy.errors import LoweringError
from ssc_deploy.ir import graph as g
from ssc_deploy.ir import known, roles
from ssc_deploy.ir.batch_rules import RULES, Carried, MixedError, static_shape
from ssc_deploy.ir.builder import Place

#: Name of the dynamic dimension in the file.
SYMBOL = "batch"


def set_batch(model: ir.Model, batch: int | None) -> None:
    """Sets the batch of every input to ``batch`` (None: dynamic), and of all that follows from it.

    Raises:
        LoweringError: an operator would mix the images of a batch, or is not known not to; names it and its block.
    """
    first = g.shape_of(model.graph.inputs[0])
    if first and batch == first[0]:
        return
    captured = {(g.shape_of(value) or (0,))[0] for value in model.graph.inputs}
    if len(captured) != 1 or 0 in captured:
        raise LoweringError("the batch can be set only where all inputs have one and the same, and it is known")
    old = captured.pop()
    carried = {value: Carried(0, 1) for value in model.graph.inputs}
    for node in model.graph:
        if not any(value in carried for value in node.inputs):
            continue
        rule = RULES.get(node.op_type) if node.domain == "" else None
        try:
            if rule is None:
                raise MixedError("it is not known to treat each image by itself")
            place = rule(node, carried)
            if any(static_shape(output)[place.axis] != place.factor * old for output in node.outputs):
                raise MixedError("its output does not hold the batch where it should")
        except MixedError as reason:
            raise LoweringError(
                f"the batch cannot be {'dynamic' if batch is None else batch}: {roles.where(node)} "
                f"stands in the way, {reason}; export with batch {old}"
            ) from None
        if node.op_type == "Reshape":
            _free_reshape(node, carried[known.data(node)], place)
        carried.update(dict.fromkeys(node.outputs, place))
    for value, place in carried.items():
        shape: list[int | str | None] = list(static_shape(value))
        shape[place.axis] = place.factor * batch if batch is not None else SYMBOL if place.factor == 1 else None
        value.shape = ir.Shape(shape)


def _free_reshape(node: ir.Node, before: Carried, after: Carried) -> None:
    """Replaces the captured batch in the constant of a Reshape by 0 (copy) or -1 (whatever is left)."""
    target = list(static_shape(node.outputs[0]))
    target[after.axis] = 0 if before == after else -1
    node.replace_input_with(1, Place(node).integers("shape", *target))
    node.attributes.pop("allowzero", None)  # 0 has to mean "copy"
