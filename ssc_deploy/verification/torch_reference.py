"""A PyTorch module as the reference.

The caller's module is never changed. A deep copy runs in eval mode. If the module cannot be copied, it runs itself, and
its state is restored afterwards.

In float64, constants that a ``forward`` makes are float64 by PyTorch's default dtype. If a ``forward`` uses float32
explicitly (``x.float()``, ``dtype=torch.float32``, a tensor that is a plain attribute), it fails, or its output is
float32. Then the arguments of every operator are widened, which takes several times as long.
"""

from __future__ import annotations

import collections
import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from ssc_deploy.capture.user_line import reason
from ssc_deploy.errors import USER_ERRORS, NetworkError, SscDeployError
from ssc_deploy.source import returned
from ssc_deploy.verification.copies import Copies
from ssc_deploy.verification.orders import Order
from ssc_deploy.verification.reference import INPUT, OUTPUT, Float32, Float64
from ssc_deploy.verification.sums_in_turn import SumsInTurn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import numpy.typing as npt

    from ssc_deploy.examples import Examples
    from ssc_deploy.verification.reference import Reference

#: Values of examples that go through the network at once: enough to use the processor well, and few enough that
#: float64 activations need less memory than the capture of the network.
_VALUES_AT_ONCE = 16 * 3 * 32 * 32


class TorchReference:
    """A module in eval mode as the reference.

    Args:
        module: float32. Where examples lie side by side, it takes and returns tensors [N, ...] for any N.
        names: of the outputs that count, as `source.returned` calls them.
        inputs: names of its inputs in files.
        order: in which float32 adds.
    """

    title = float32_title = "PyTorch"

    def __init__(
        self,
        module: torch.nn.Module,
        names: tuple[str, ...] = (OUTPUT,),
        inputs: tuple[str, ...] = (INPUT,),
        *,
        order: Order = Order.USUAL,
    ) -> None:
        self._module = module
        self._copies = Copies(module, _prepare)
        self.names = names
        self._inputs = inputs
        self._order = order
        #: Whether float64 must be forced upon the forward; None until it has been tried.
        self._widen: bool | None = None

    def outputs(self, x: Examples) -> tuple[Float64, ...]:
        """Runs the module in float64; see `Reference.outputs`.

        Raises:
            NetworkError: the module fails on such an input, or returns something else than its outputs.
        """
        return self._outputs(x, torch.float64)

    def float32_outputs(self, x: Examples) -> tuple[Float32, ...]:
        """Runs the module in float32; see `Reference.float32_outputs`.

        Raises:
            NetworkError: the module fails on such an input, or returns something else than its outputs.
        """
        return self._outputs(x, torch.float32)

    def in_turn(self, inputs: Sequence[Examples]) -> list[tuple[Float64, ...]]:
        """Runs one copy of the module on one input after the other; see `Reference.in_turn`."""
        with self._running(inputs[0], torch.float64) as module:
            return [self._call(module, x, torch.float64) for x in inputs]

    def block_names(self, x: Examples) -> tuple[str, ...]:
        """Names of all calls of submodules; see `Reference.block_names`."""
        names: list[str] = []
        self._visit(x, torch.float32, None, lambda name, _: names.append(name))
        return tuple(name for name in names if name not in self.names)

    def float32_blocks(self, x: Examples, names: Collection[str]) -> dict[str, Float32]:
        """What each call of a submodule returns in float32; see `Reference.float32_blocks`."""
        blocks: dict[str, Float32] = {}
        self._visit(x, torch.float32, names, blocks.__setitem__)
        return blocks

    def visit_blocks(self, x: Examples, names: Collection[str], visit: Callable[[str, Float64], None]) -> None:
        """Passes on what each call of a submodule returns in float64; see `Reference.visit_blocks`."""
        self._visit(x, torch.float64, names, visit)

    def other_orders(self, x: Examples) -> dict[Order, Reference]:
        """See `Reference.other_orders`.

        Raises:
            NetworkError: the module fails on such an input.
        """
        sums: Any = SumsInTurn
        # Which kernels a convolution takes depends on how many images there are.
        x = x[: _at_once(x)]
        with self._running(x, torch.float32) as module:
            usual = self._call(module, x, torch.float32)
            with _kernels_of_pytorch():
                plain = self._call(module, x, torch.float32)
            with sums() as found:
                self._call(module, x, torch.float32)
        differs = any(not np.array_equal(one, other) for one, other in zip(usual, plain, strict=True))
        orders = [order for order, there in ((Order.KERNELS, differs), (Order.IN_TURN, found.found)) if there]
        return {order: TorchReference(self._module, self.names, self._inputs, order=order) for order in orders}

    def _outputs(self, x: Examples, dtype: torch.dtype) -> tuple[npt.NDArray[Any], ...]:
        at_once = _at_once(x)
        with self._running(x, dtype) as module:
            runs = [self._call(module, x[i : i + at_once], dtype) for i in range(0, len(x), at_once)]
        return tuple(np.concatenate(parts) for parts in zip(*runs, strict=True))

    def _call(self, module: torch.nn.Module, x: Examples, dtype: torch.dtype) -> tuple[npt.NDArray[Any], ...]:
        """Runs ``module``, which holds tensors of ``dtype``, once on ``x``; floats in the result are of that dtype."""
        network = type(module).__name__
        # Copies: a forward may change its arguments in place, and the file is given the same arrays as well.
        given = [_tensor(array, dtype) for array in x.together]
        try:
            output = module(*given)
        except SscDeployError:
            raise  # an error of the visitor of the blocks, not of the network
        except USER_ERRORS as error:
            precision = str(dtype).removeprefix("torch.")
            advice = "; use x.size(0) where a batch size is written into its forward" if x.rows and len(x) > 1 else ""
            raise NetworkError(
                f"{network} cannot run in {precision} on an input of {x.shapes}, "
                f"which verification needs: {reason(error)}{advice}"
            ) from error
        tensors = returned.tensors(output, network, self.names)
        for name, tensor in tensors.items():
            if x.rows and (tensor.ndim == 0 or len(tensor) != len(x)):
                which = "" if len(tensors) == 1 else f" as {name}"
                raise NetworkError(
                    f"{network} returns {list(tensor.shape)}{which} for {len(x)} image{'s' * (len(x) != 1)}; "
                    "its forward must return [N, ...] for N images, one as well: it must not have a batch size "
                    "written into it (use x.size(0)), nor drop the batch (use flatten(1) instead of squeeze())"
                )
        return tuple(x.result(_array(tensor, dtype)) for tensor in tensors.values())

    def _visit(
        self,
        x: Examples,
        dtype: torch.dtype,
        names: Collection[str] | None,
        visit: Callable[[str, npt.NDArray[Any]], None],
    ) -> None:
        """Passes on the blocks of these names, or all."""
        calls: collections.Counter[str] = collections.Counter()

        def end(path: str, output: object) -> None:
            name = f"{path}@{calls[path]}" if calls[path] else path
            calls[path] += 1
            if (names is None or name in names) and isinstance(output, torch.Tensor) and output.is_floating_point():
                visit(name, x.result(_array(output, dtype)))

        def end_of_network(output: object) -> None:
            for name, tensor in returned.tensors(output, type(self._module).__name__, self.names).items():
                if names is None or name in names:
                    visit(name, x.result(_array(tensor, dtype)))

        with self._running(x, dtype) as module, contextlib.ExitStack() as hooks:
            # A module that is used in two places is one module, with the first path, as in torch.export.
            for path, submodule in module.named_modules():
                if path in {*self._inputs, *self.names}:
                    continue  # a file uses these names for its input and output
                handle = submodule.register_forward_hook(
                    lambda _module, _inputs, output, path=path: end(path, output) if path else end_of_network(output)
                )
                hooks.callback(handle.remove)
            self._call(module, x, dtype)

    @contextlib.contextmanager
    def _running(self, x: Examples, dtype: torch.dtype) -> Iterator[torch.nn.Module]:
        """The module in eval mode and ``dtype``. Afterwards the caller's module is as before."""
        if dtype is torch.float64 and self._widen is None:
            with self._prepared(dtype) as module:
                self._widen = _insists_on_float32(module, x[:1])
        with self._prepared(dtype) as module, contextlib.ExitStack() as stack:
            if dtype is torch.float64:
                if self._widen:
                    widening: Any = _EverythingInFloat64
                    stack.enter_context(widening())
            elif self._order is Order.IN_TURN:
                sums: Any = SumsInTurn
                stack.enter_context(sums())
            elif self._order is Order.KERNELS:
                stack.enter_context(_kernels_of_pytorch())
            yield module

    @contextlib.contextmanager
    def _prepared(self, dtype: torch.dtype) -> Iterator[torch.nn.Module]:
        """The module in eval mode, its tensors and the default of new ones in ``dtype``, gradients off."""
        with contextlib.ExitStack() as stack:
            stack.callback(torch.set_default_dtype, torch.get_default_dtype())
            try:
                ours, before = self._copies.take(dtype)
            except USER_ERRORS:
                stack.enter_context(_borrowed(self._module))
                ours, before = self._module, None
                _prepare(ours, dtype)
            torch.set_default_dtype(dtype)
            stack.enter_context(torch.no_grad())
            yield ours
        if before is not None:
            self._copies.give_back(dtype, ours, before)


def _at_once(x: Examples) -> int:
    """How many examples run together."""
    return max(1, _VALUES_AT_ONCE // max(1, x.size)) if x.rows else 1


@contextlib.contextmanager
def _kernels_of_pytorch() -> Iterator[None]:
    """Convolutions and products by PyTorch's own kernels, which add in another order than those of oneDNN."""
    backend: Any = torch.backends.mkldnn
    before = backend.enabled
    backend.enabled = False
    try:
        yield
    finally:
        backend.enabled = before


def _tensor(array: npt.NDArray[Any], dtype: torch.dtype) -> torch.Tensor:
    """A copy of an input, in ``dtype`` where it holds floating-point numbers."""
    return torch.tensor(array, dtype=dtype if array.dtype.kind == "f" else None)


def _array(tensor: torch.Tensor, dtype: torch.dtype) -> npt.NDArray[Any]:
    """A copy of a result, in ``dtype``: whole numbers as well, to be compared as others are.

    A copy since what follows may overwrite the tensor in place (ReLU(inplace=True)), and what is returned may be one
    that the module keeps, and writes over in its next run.
    """
    return tensor.detach().to(dtype, copy=True).numpy()


def _insists_on_float32(module: torch.nn.Module, x: Examples) -> bool:
    """Whether a module with float64 tensors in it fails on float64, or computes something in float32 all the same."""
    narrow: list[torch.dtype] = []

    def watch(_module: torch.nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.is_floating_point() and output.dtype is not torch.float64:
            narrow.append(output.dtype)

    with contextlib.ExitStack() as hooks:
        for submodule in module.modules():
            hooks.callback(submodule.register_forward_hook(watch).remove)
        try:
            module(*(_tensor(array, torch.float64) for array in x.together))
        except USER_ERRORS:
            return True
    return bool(narrow)


def _prepare(module: torch.nn.Module, dtype: torch.dtype) -> None:
    """Brings it into eval mode and ``dtype``. What these methods return is not used: networks override them."""
    try:
        module.eval()
        module.to(dtype)
    except USER_ERRORS as error:
        precision = str(dtype).removeprefix("torch.")
        raise NetworkError(
            f"{type(module).__name__} cannot be brought into {precision}, which verification needs: {reason(error)}"
        ) from error


@contextlib.contextmanager
def _borrowed(module: torch.nn.Module) -> Iterator[None]:
    """Restores the tensors, their values and the attributes of every submodule afterwards."""
    before = [(m, dict(vars(m)), dict(m._parameters), dict(m._buffers)) for m in module.modules()]
    tensors = [*module.parameters(), *module.buffers()]
    values = [(t, t.data, t.data.clone()) for t in tensors]
    try:
        yield
    finally:
        for tensor, data, value in values:
            tensor.data = data.copy_(value)
        for m, attributes, parameters, buffers in before:
            vars(m).clear()
            vars(m).update(attributes)
            m._parameters.clear()
            m._parameters.update(parameters)
            m._buffers.clear()
            m._buffers.update(buffers)


class _EverythingInFloat64(TorchDispatchMode):  # type: ignore[no-untyped-call]  # __init_subclass__ of torch has no types
    """Computes in float64 what would be computed in float32 or less."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        args, kwargs = pytree.tree_map(_widened, (args, kwargs or {}))
        return func(*args, **kwargs)


def _widened(argument: Any) -> Any:
    if isinstance(argument, torch.Tensor):
        narrow = argument.is_floating_point() and argument.dtype is not torch.float64
        return argument.to(torch.float64) if narrow else argument
    if isinstance(argument, torch.dtype) and argument.is_floating_point:
        return torch.float64
    return argument
