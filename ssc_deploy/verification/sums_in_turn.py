"""PyTorch's float32 with every long sum added one term after the other.

    s_1 = x_1,   s_k = fl(s_{k-1} + x_k)

PyTorch adds in many partial sums, so that the mean of 224 x 224 equal numbers is exact to the last bit. A runtime may
add in any order, and many add one term after the other. Then the error of s_n grows with n, and depends on the numbers.
Here it is computed with the numbers of the network. The rest of the network computes with it, so that a normalisation
which divides by a small deviation enlarges it as the runtime does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: PyTorch adds shorter sums, since their order matters little.
_SHORT = 256

_aten = torch.ops.aten


class SumsInTurn(TorchDispatchMode):  # type: ignore[no-untyped-call]  # __init_subclass__ of torch has no types
    """Inside this context, sums, means and what uses them (norms, softmax, normalisations) add in turn.

    Matrix products and convolutions do not change.

    Attributes:
        found: whether there was a long sum.
    """

    found = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        rule = _RULES.get(func)
        result = None
        if rule is not None and isinstance(args[0], Tensor) and args[0].dtype is torch.float32:
            result = rule(*args, **(kwargs or {}))
        if result is None:
            return func(*args, **(kwargs or {}))
        self.found = True
        return result


def _sum(x: Tensor, dims: Sequence[int], *, keepdim: bool = False) -> Tensor:
    """The sum in turn along axes."""
    kept = [axis for axis in range(x.dim()) if axis not in dims]
    rows = x.permute(*kept, *dims).reshape(*(x.shape[axis] for axis in kept), -1)
    total = torch.from_numpy(np.add.accumulate(rows.numpy(), axis=-1, dtype=np.float32)[..., -1].copy())
    return total.reshape([1 if axis in dims else size for axis, size in enumerate(x.shape)]) if keepdim else total


def _axes(x: Tensor, dim: Any) -> tuple[int, ...]:
    """Axes that are summed, as numbers from 0; none if the sum is short."""
    given = range(x.dim()) if dim is None or dim == [] else [dim] if isinstance(dim, int) else dim
    axes = tuple(axis % x.dim() for axis in given)
    return axes if math.prod(x.shape[axis] for axis in axes) > _SHORT else ()


def _total(x: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor | None:
    axes = _axes(x, dim)
    return _sum(x, axes, keepdim=keepdim) if axes and dtype in {None, torch.float32} else None


def _mean(x: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor | None:
    total, axes = _total(x, dim, keepdim, dtype=dtype), _axes(x, dim)
    return None if total is None else total / math.prod(x.shape[axis] for axis in axes)


def _moments(x: Tensor, axes: Sequence[int], correction: float = 0) -> tuple[Tensor, Tensor]:
    """Variance and mean along axes, which are kept."""
    count = math.prod(x.shape[axis] for axis in axes)
    mean = _sum(x, axes, keepdim=True) / count
    return _sum((x - mean).square(), axes, keepdim=True) / max(count - correction, 0), mean


def _var_mean(
    x: Tensor, dim: Any = None, *, correction: Any = None, keepdim: bool = False
) -> tuple[Tensor, Tensor] | None:
    axes = _axes(x, dim)
    if not axes:
        return None
    var, mean = _moments(x, axes, 1 if correction is None else correction)
    return (var, mean) if keepdim else (var.squeeze(axes), mean.squeeze(axes))


def _var(x: Tensor, dim: Any = None, **options: Any) -> Tensor | None:
    found = _var_mean(x, dim, **options)
    return None if found is None else found[0]


def _std(x: Tensor, dim: Any = None, **options: Any) -> Tensor | None:
    found = _var_mean(x, dim, **options)
    return None if found is None else found[0].sqrt()


def _normalised(x: Tensor, axes: Sequence[int], eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """``(x - mean) / sqrt(variance + eps)``, and the mean and the factor."""
    var, mean = _moments(x, axes)
    factor = (var + eps).rsqrt()
    return (x - mean) * factor, mean, factor


def _scaled(x: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Sequence[int]) -> Tensor:
    x = x if weight is None else x * weight.reshape(*shape)
    return x if bias is None else x + bias.reshape(*shape)


def _layer_norm(x: Tensor, shape: Sequence[int], weight: Any, bias: Any, eps: float) -> tuple[Tensor, ...] | None:
    axes = _axes(x, list(range(-len(shape), 0)))
    if not axes:
        return None
    result, mean, factor = _normalised(x, axes, eps)
    return _scaled(result, weight, bias, shape), mean, factor


def _group_norm(x: Tensor, weight: Any, bias: Any, *more: Any) -> tuple[Tensor, ...] | None:
    n, channels, _, groups, eps = more
    rows = x.reshape(n, groups, -1)
    if not _axes(rows, -1):
        return None
    result, mean, factor = _normalised(rows, [2], eps)
    one_each = (1, channels, *[1] * (x.dim() - 2))
    return _scaled(result.reshape(x.shape), weight, bias, one_each), mean.squeeze(-1), factor.squeeze(-1)


def _batch_norm(x: Tensor, weight: Any, bias: Any, *more: Any) -> tuple[Tensor, ...] | None:
    """With the statistics of the batch, as ``instance_norm`` calls it."""
    _, _, training, _, eps = more
    axes = _axes(x, [0, *range(2, x.dim())])
    if not (training and axes):
        return None
    result, mean, factor = _normalised(x, axes, eps)
    one_each = (1, -1, *[1] * (x.dim() - 2))
    return _scaled(result, weight, bias, one_each), mean.flatten(), factor.flatten()


def _softmax(x: Tensor, dim: int, _half: bool) -> Tensor | None:
    axes = _axes(x, dim)
    if not axes:
        return None
    powers = (x - x.amax(dim, keepdim=True)).exp()
    return powers / _sum(powers, axes, keepdim=True)


def _logsumexp(x: Tensor, dim: Any, keepdim: bool = False) -> Tensor | None:
    axes = _axes(x, dim)
    if not axes:
        return None
    most = x.amax(axes, keepdim=True)
    result = _sum((x - most).exp(), axes, keepdim=True).log() + most
    return result if keepdim else result.squeeze(axes)


def _log_softmax(x: Tensor, dim: int, _half: bool) -> Tensor | None:
    total = _logsumexp(x, dim, keepdim=True)
    return None if total is None else x - total


def _norm(x: Tensor, order: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor | None:
    if order not in {1, 2}:
        return None
    total = _total(x.abs() if order == 1 else x.square(), dim, keepdim, dtype=dtype)
    return None if total is None else total if order == 1 else total.sqrt()


def _avg_pool(
    x: Tensor, kernel: Sequence[int], stride: Sequence[int] = (), padding: Sequence[int] = (0,), *more: Any
) -> Tensor | None:
    """Windows that lie within the feature map."""
    height, width = (*kernel, *kernel)[:2]
    if height * width <= _SHORT or any(padding) or any(more):
        return None
    down, across = (*stride, *stride)[:2] if stride else (height, width)
    windows = x.unfold(-2, height, down).unfold(-2, width, across)
    return _mean(windows, [-2, -1])


def _adaptive_avg_pool(x: Tensor, size: Sequence[int]) -> Tensor | None:
    """Splits into parts of one size."""
    kernel = [pixels // parts for pixels, parts in zip(x.shape[-2:], size, strict=True)]
    even = all(pixels % parts == 0 for pixels, parts in zip(x.shape[-2:], size, strict=True))
    return _avg_pool(x, kernel) if even else None


#: A rule returns None if it finds no long sum.
_RULES: dict[Any, Callable[..., Any]] = {
    _aten.sum.default: _total,
    _aten.sum.dim_IntList: _total,
    _aten.mean.default: _mean,
    _aten.mean.dim: _mean,
    _aten.var.correction: _var,
    _aten.std.correction: _std,
    _aten.var_mean.correction: _var_mean,
    _aten.native_layer_norm.default: _layer_norm,
    _aten.native_group_norm.default: _group_norm,
    _aten.native_batch_norm.default: _batch_norm,
    _aten._softmax.default: _softmax,
    _aten._log_softmax.default: _log_softmax,
    _aten.logsumexp.default: _logsumexp,
    _aten.linalg_vector_norm.default: _norm,
    _aten.avg_pool2d.default: _avg_pool,
    _aten._adaptive_avg_pool2d.default: _adaptive_avg_pool,
}
