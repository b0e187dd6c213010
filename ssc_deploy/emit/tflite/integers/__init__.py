"""Makes the operators of a float32 file compute in integers, as a plan says.

`operators` writes the file for float32 numbers. Then `rewrite` goes over TFLite's own operators: `rules` says of each
how it works on integers, `grids` which tensors are on which grid. What has no form for integers stays in float32,
between DEQUANTIZE and QUANTIZE, and so computes what the plan says, too.
"""

from ssc_deploy.emit.tflite.integers.rewriting import rewrite

__all__ = ["rewrite"]
