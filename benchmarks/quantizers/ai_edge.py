"""ai-edge-quantizer: its recipe of static int8."""

from __future__ import annotations

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe

VARIANTS = {"int8": recipe.static_wi8_ai8, "int16x8": recipe.static_wi8_ai16}


def main(given: str, images: str, written: str, variant: str) -> None:
    """Quantises a file, whose images are [N, H, W, 3]."""
    signatures = Interpreter(given).get_signature_list()
    (key,) = signatures
    (name,) = signatures[key]["inputs"]
    inputs = [{name: np.ascontiguousarray(image[None].transpose(0, 2, 3, 1))} for image in np.load(images)]
    made = quantizer.Quantizer(given, VARIANTS[variant]())
    made.quantize(made.calibrate({key: inputs}, num_threads=1)).export_model(written)


if __name__ == "__main__":
    main(*sys.argv[1:])
