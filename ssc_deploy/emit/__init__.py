"""The last stage: a lowered graph becomes the bytes of a file. ``onnx`` and ``tflite`` each have one ``build``."""
