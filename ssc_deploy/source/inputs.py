"""What a user says of a network's inputs: shapes, and the dtype of those that are not float32.

(1, 3, 32, 32)  or  "1,3,32,32"          one input
[(1, 3, 32, 32), "1,77:int64"]           several, in the order in which the network takes them
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ssc_deploy.errors import NetworkError
from ssc_deploy.signature import Tensor

InputShape = str | Sequence[int] | Sequence["str | Sequence[int]"]

#: Of a file of ``torch.export.save``. Here, since `program` imports PyTorch.
PROGRAM = ".pt2"

#: The dtypes that both formats have.
DTYPES = ("float32", "int64", "int32", "uint8", "bool")

#: Axes of an input, at most: more has no operator of a runtime for phones.
_MOST_AXES = 6

_HOW = (
    'give `input_shape=(1, C, H, W)`; for whole numbers `input_shape="1,77:int64"`; for several inputs one after the '
    "other"
)


def parse(given: InputShape) -> tuple[Tensor, ...]:
    """The inputs, named ``input``, ``input_1`` ....

    Raises:
        NetworkError: they are malformed.
    """
    single = isinstance(given, str) or all(isinstance(size, int) for size in given)
    every = [given] if single else list(given)
    return tuple(_tensor(f"input_{i}" if i else "input", one) for i, one in enumerate(every))


def of(shape: InputShape | None, examples: object) -> tuple[Tensor, ...] | None:
    """The inputs by their shape, or by an example of each; None if neither is given.

    Args:
        shape: see `parse`.
        examples: a tensor or an array, or a sequence of them.

    Raises:
        NetworkError: both are given, or one is malformed.
    """
    if examples is None:
        return None if shape is None else parse(shape)
    if shape is not None:
        raise NetworkError("`input_shape` and the example inputs say the same: give one of them.")
    every = list(examples) if isinstance(examples, tuple | list) else [examples]
    return tuple(_like(f"input_{i}" if i else "input", one) for i, one in enumerate(every))


def _like(name: str, example: Any) -> Tensor:
    """The input of which an example is given; whole numbers up to its largest are drawn for verification."""
    shape, dtype = getattr(example, "shape", None), str(getattr(example, "dtype", "")).removeprefix("torch.")
    if shape is None or not dtype:
        raise NetworkError(f"an example input is a tensor or an array, not an object of type {type(example).__name__}.")
    # A float64 array is what numpy makes of numbers; the network is exported in float32.
    dtype = "float32" if dtype in {"float16", "bfloat16", "float64"} else dtype
    tensor = _tensor(name, f"{','.join(map(str, shape))}:{dtype}" if len(shape) else ())
    if dtype == "float32":
        return tensor
    return dataclasses.replace(tensor, most=max(int(example.max()), 0))


def _tensor(name: str, given: object) -> Tensor:
    dtype = "float32"
    if isinstance(given, str):
        text, colon, after = given.partition(":")
        dtype = after.strip() if colon else dtype
        try:
            sizes = [int(size) for size in text.split(",")]
        except ValueError as error:
            raise NetworkError(f"{given!r} is not a shape of an input: {_HOW}.") from error
    elif isinstance(given, Sequence) and all(isinstance(size, int) for size in given):
        sizes = list(given)
    else:
        raise NetworkError(f"{given!r} is not a shape of an input: {_HOW}.")
    if not 1 <= len(sizes) <= _MOST_AXES or min(sizes) < 1:
        raise NetworkError(
            f"`input_shape={tuple(sizes)}` is not possible: give 1 to {_MOST_AXES} sizes, all at least 1 and the first "
            "that of the batch, as in `input_shape=(1, C, H, W)`."
        )
    if dtype not in DTYPES:
        raise NetworkError(f"`input_shape` takes inputs of {', '.join(DTYPES)}, not of {dtype!r}.")
    return Tensor(name, tuple(sizes), dtype)
