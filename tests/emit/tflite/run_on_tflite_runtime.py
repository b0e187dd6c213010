"""Runs in tflite-runtime's own environment: loads each FOLDER/*.npz (model, x), adds FOLDER/*.out.npy or *.error."""

import pathlib
import sys

import numpy as np
from tflite_runtime.interpreter import Interpreter


def run(model, x):
    interpreter = Interpreter(model_content=model, num_threads=1)
    (given,) = interpreter.get_input_details()
    if tuple(given["shape"]) != x.shape:
        interpreter.resize_tensor_input(given["index"], x.shape, strict=True)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], x)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


for path in sorted(pathlib.Path(sys.argv[1]).glob("*.npz")):
    with np.load(path) as file:
        outputs = run(file["model"].tobytes(), file["x"])
    np.savez(path.with_suffix(".out"), *outputs)
