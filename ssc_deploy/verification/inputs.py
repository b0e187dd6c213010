"""The inputs for verification: real images if there are some, else seeded noise; and a few of other scales."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy import pictures
from ssc_deploy.errors import PictureError
from ssc_deploy.examples import Examples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from ssc_deploy.metadata import Preprocessing
    from ssc_deploy.signature import Signature
    from ssc_deploy.verification.scales import Probes


#: For x above about 88, e^x is too large for float32. 1e4 is more than any input that is not normalised.
_FACTORS = (50, 10_000)


def golden(
    paths: Sequence[Path], preprocessing: Preprocessing, image: tuple[int, int, int], *, resize: bool = False
) -> Examples:
    """The images of a card, as the network takes them.

    Args:
        paths: image files, at least one.
        preprocessing: of the card.
        image: (C, H, W) of an input.
        resize: scale images of another size, as `pictures.read` does; otherwise such an image is an error.

    Returns:
        one array [len(paths), C, H, W].

    Raises:
        PictureError: no image is given, or one cannot be read or has another size.
    """
    if not paths:
        raise PictureError(
            "there are no golden images to verify on; put some there, or leave the folder out of the card"
        )
    size = (image[1], image[2])
    advice = "scale it to that, or leave it out of the card's golden images"
    read = [pictures.read(path, preprocessing.colour, size, resize=resize, advice=advice) for path in paths]
    return Examples.of(pictures.preprocess(read, preprocessing, "NCHW"))


def noise(signature: Signature, count: int = 16, *, seed: int = 0) -> Examples:
    """Independent standard normal values, as normalised images have mean 0 and variance 1.

    Of whole numbers all that the network takes are equally probable.

    Args:
        signature: of the network.
        count: examples.
        seed: the same seed gives the same examples, on any machine.
    """
    random = np.random.default_rng(seed)
    arrays = []
    for tensor in signature.inputs:
        shape = (count, *(tensor.shape[1:] if signature.rows else tensor.shape))
        if np.dtype(tensor.dtype).kind == "f":
            arrays.append(random.standard_normal(shape, np.float32).astype(tensor.dtype, copy=False))
        else:
            arrays.append(
                random.integers(0, 1 if tensor.most is None else tensor.most, shape, endpoint=True).astype(tensor.dtype)
            )
    return Examples(tuple(arrays), signature.rows)


def another(example: Examples) -> Examples:
    """Other values of the same shapes: noise; whole numbers are those of the example in reverse."""
    random = np.random.default_rng(1)
    return Examples(
        tuple(
            random.standard_normal(array.shape, np.float32).astype(array.dtype, copy=False)
            if array.dtype.kind == "f"
            else np.flip(array)
            for array in example.arrays
        ),
        example.rows,
    )


def probes(signature: Signature, preprocessing: Preprocessing | None = None) -> Probes:
    """Inputs of other scales than `noise`: larger noise, constants, and a ramp from one constant to the other.

    The constants are a black and a white image: what the preprocessing makes of 0 and 255, or these numbers themselves
    where none is declared. Whole numbers have no other scale, and stay as they are in noise.

    Args:
        signature: of the network.
        preprocessing: of the source, where it takes an image.
    """
    from ssc_deploy.verification.scales import Probes

    image = signature.image is not None
    black, white = ("a black image", "a white image") if image else ("zeros", "a constant of 255")
    usual = noise(signature, 1, seed=2)
    found = {
        **{
            f"noise of {factor} times the usual scale": usual.floats(functools.partial(np.multiply, np.float32(factor)))
            for factor in _FACTORS
        },
        black: usual.floats(lambda array: _between(array, 0.0, preprocessing if image else None)),
        white: usual.floats(lambda array: _between(array, 1.0, preprocessing if image else None)),
        f"a ramp from {'black' if image else '0'} to {'white' if image else '255'}": usual.floats(
            lambda array: _between(array, _ramp(array.shape), preprocessing if image else None)
        ),
    }
    if all(array.dtype.kind != "f" for array in usual.arrays):
        return Probes((), usual[:0])
    names = tuple(found)
    x = Examples(
        tuple(np.concatenate(parts) for parts in zip(*(one.arrays for one in found.values()), strict=True)),
        signature.rows,
    )
    return Probes(names, x, smooth=frozenset(names[len(_FACTORS) :]))


def _between(
    array: npt.NDArray[Any], share: float | npt.NDArray[np.float64], preprocessing: Preprocessing | None
) -> npt.NDArray[Any]:
    """Numbers of the array's shape from black (share 0) to white (share 1), as the network takes them."""
    low, high = np.zeros(()), np.full((), 255.0)
    if preprocessing is not None and preprocessing.channels == array.shape[1]:
        mean, std = (np.reshape(numbers, (1, -1, 1, 1)) for numbers in (preprocessing.mean, preprocessing.std))
        low, high = (low / 255 - mean) / std, (high / 255 - mean) / std
    return np.broadcast_to(low + share * (high - low), array.shape).astype(array.dtype)


def _ramp(shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """From 0 to 1 along the last two axes together, so that no row and no column of an image is constant."""
    rows = shape[-2] if len(shape) > 2 else 1
    return np.add.outer(np.linspace(0, 0.5, rows), np.linspace(0, 0.5, shape[-1])).reshape(
        (rows, shape[-1]) if len(shape) > 1 else shape
    )
