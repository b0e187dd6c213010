"""The folder that keeps downloads from one run to the next, and its locks."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The environment variable that names another folder.
CACHE_VARIABLE = "SSC_DEPLOY_CACHE"


def cache_folder() -> Path:
    """``$SSC_DEPLOY_CACHE``, or ``ssc-deploy`` in the user's cache directory."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ssc-deploy"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock that ends with this process, so that only one process at a time makes what the file is for."""
    import fcntl  # not on Windows, where neither qemu-user nor our Android tools run

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
