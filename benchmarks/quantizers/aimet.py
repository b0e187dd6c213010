"""AIMET (aimet-onnx): its simulation, written as QDQ. Its cross-layer equalisation and AdaRound are variants."""

from __future__ import annotations

import sys

import aimet_onnx
import numpy as np
import onnx
from aimet_onnx.common.defs import QuantScheme
from aimet_onnx.cross_layer_equalization import equalize_model
from aimet_onnx.quantsim import QuantizationSimModel

_SCHEMES = {"min-max": QuantScheme.min_max, "sqnr": QuantScheme.post_training_tf_enhanced}

#: By AIMET's documentation 10,000 are the default; on a CPU these take minutes.
_ROUNDING_STEPS = 500


def main(given: str, images: str, written: str, variant: str) -> None:
    """Quantises a file."""
    scheme, *helpers = variant.split("+")
    model = onnx.load(given)
    name = model.graph.input[0].name
    if model.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    inputs = [{name: image[None]} for image in np.load(images)]
    if "equalised" in helpers:
        equalize_model(model)
    providers = ["CPUExecutionProvider"]
    made = QuantizationSimModel(model, quant_scheme=_SCHEMES[scheme], dummy_input=inputs[0], providers=providers)
    if "adaround" in helpers:
        aimet_onnx.apply_adaround(made, inputs, num_iterations=_ROUNDING_STEPS)
    made.compute_encodings(inputs)
    onnx.save(made.to_onnx_qdq(), written)


if __name__ == "__main__":
    main(*sys.argv[1:])
