"""The engine's functions of one number against float64: at most 0.501 ULP of a float32 away, as they promise."""

from __future__ import annotations

import ctypes
import math
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from ssc_deploy.native import compiling

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Float64 = npt.NDArray[np.float64]

pytestmark = pytest.mark.needs("gcc")

#: Each function as PyTorch or numpy compute it in float64, and the part of the floats that it is for.
FUNCTIONS: dict[str, tuple[Callable[[Float64], Float64], float, float]] = {
    "exp": (np.exp, -math.inf, math.inf),
    "log": (np.log, -math.inf, math.inf),
    "sigmoid": (lambda x: torch.sigmoid(torch.from_numpy(x)).numpy(), -math.inf, math.inf),
    "tanh": (np.tanh, -math.inf, math.inf),
    "log1p": (np.log1p, 0, math.inf),
    "expm1": (np.expm1, -math.inf, math.inf),
    "erf": (lambda x: torch.erf(torch.from_numpy(x)).numpy(), -math.inf, math.inf),
    "sqrt": (np.sqrt, -math.inf, math.inf),
    "floor": (np.floor, -math.inf, math.inf),
}
EXPONENTS = [-2.5, -2.0, -0.3, 0.0, 0.5, 1.0, 1.7, 3.0, 70.0]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    built = tmp_path_factory.mktemp("functions") / "functions.so"
    source = Path(__file__).with_name("functions.c")
    include = f"-I{compiling.SOURCES}"
    # Its names are those of the C library, which the compiler would take for its own.
    command = ["gcc", *compiling.FLAGS, "-fno-builtin", "-O2", "-fPIC", "-shared", include, source, "-o", built]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(built))


def floats() -> Float64:
    """Floats of every exponent and sign, those around whole numbers, and the odd ones."""
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 2**32, 200_000, dtype=np.uint32).view(np.float32)
    usual = (generator.standard_normal(100_000) * 4).astype(np.float32)
    odd = np.array(
        [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.02, 4, -4, 88.7, -103.9, 2**-149, -(2**-149)], np.float32
    )
    whole = np.arange(-40, 40, dtype=np.float32)
    near = np.concatenate([np.nextafter(whole, np.float32(np.inf)), np.nextafter(whole, np.float32(-np.inf))])
    with np.errstate(invalid="ignore"):  # signalling NaN
        return np.concatenate([bits, usual, odd, whole, near]).astype(np.float64)


def computed(function: Any, x: Float64, *more: ctypes.c_double) -> Float64:
    y = np.empty_like(x)
    function(*(ctypes.c_void_p(a.ctypes.data) for a in (x, y)), ctypes.c_size_t(len(x)), *more)
    return y


def errors(found: Float64, exact: Float64) -> float:
    """Largest distance of the rounded result from the exact one, in ULP of its float32."""
    with np.errstate(all="ignore"):
        rounded, near = found.astype(np.float32), exact.astype(np.float32)
    odd = ~np.isfinite(near) | ~np.isfinite(rounded)
    np.testing.assert_array_equal(rounded[odd], near[odd])
    ulp = np.maximum(np.spacing(np.abs(near[~odd])), np.float32(2**-149)).astype(np.float64)
    return float((np.abs(rounded[~odd].astype(np.float64) - exact[~odd]) / ulp).max())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_within_the_ulp_that_it_promises(library: ctypes.CDLL, name: str) -> None:
    exactly, low, high = FUNCTIONS[name]
    x = floats()
    x = x[np.isnan(x) | ((x >= low) & (x <= high))]
    with np.errstate(all="ignore"):
        exact = exactly(x)
    assert errors(computed(getattr(library, name), x), exact) <= 0.501


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_a_power_is_within_the_ulp_that_it_promises(library: ctypes.CDLL, exponent: float) -> None:
    x = floats()
    with np.errstate(all="ignore"):
        exact = np.power(x, exponent)
    assert errors(computed(library.power, x, ctypes.c_double(exponent)), exact) <= 0.501
