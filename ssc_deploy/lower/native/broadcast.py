"""Views of values in a larger shape, where an axis of one number stands for many."""

from __future__ import annotations

from ssc_deploy.lower.native.held import View


def broadcast(view: View, shape: tuple[int, ...]) -> View:
    """The view in a shape that it can be broadcast to, by strides of zero."""
    more = len(shape) - len(view.shape)
    strides = [
        0 if have == 1 and want != 1 else stride
        for have, want, stride in zip(view.shape, shape[more:], view.strides, strict=True)
    ]
    return View(view.storage, view.offset, shape, (*(0,) * more, *strides))
