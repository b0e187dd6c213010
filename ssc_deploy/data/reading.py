"""`read`: reads the data at a path: a published folder, a tree of folders, or a zip file of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.data import batch_files, tree
from ssc_deploy.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.data.dataset import Choice, Dataset, Split


#: Folders that the published archives unpack to; the folder around one may be given, too.
_PUBLISHED = ("cifar-10-batches-py", "cifar-100-python")

_EXPECTED = (
    "give a folder of CIFAR-10, CIFAR-100 or ImageNet-32 as published, one of <class>/<image>, or a zip file of that"
)


def read(
    path: Path,
    split: Split,
    *,
    size: tuple[int, int] | None = None,
    resize: bool = False,
    choose: Choice | None = None,
) -> Dataset:
    """Reads a data set.

    Args:
        path: a folder or a zip file.
        split: which part of it, if it has both.
        size: (H, W) that the network takes; None for whatever size the images have.
        resize: bring images of another size to ``size`` instead of refusing them.
        choose: which images; None for all. Image files that are not chosen are not opened.

    Raises:
        DataError: there are no images with classes, or a file is wrong.
    """
    if path.is_dir():
        folder = next((path / name for name in _PUBLISHED if (path / name).is_dir()), path)
        publication = batch_files.find(folder)
        if publication is not None:
            data = batch_files.read(folder, publication, split)
            if choose is not None:
                data = data.part(choose(data.labels))
            return data if size is None else data.fitted(size, resize=resize)
        with tree.Folder(path) as files:
            return tree.read(files, split, size, resize=resize, choose=choose)
    if not path.is_file():
        raise DataError(f"{path}: there is no such file or folder; {_EXPECTED}.")
    if path.name.lower().endswith((".tar.gz", ".tgz", ".tar")):
        raise DataError(f"{path} is a tar archive: unpack it, and give the folder.")
    if path.suffix.lower() != ".zip":
        raise DataError(f"{path} is a single file; {_EXPECTED}.")
    with tree.Zip(path) as files:
        return tree.read(files, split, size, resize=resize, choose=choose)


def read_any(
    path: Path,
    split: Split,
    *,
    size: tuple[int, int] | None = None,
    resize: bool = False,
    choose: Choice | None = None,
) -> Dataset:
    """Reads images, with their classes where those are known.

    Args:
        path: what `read` takes; or a folder or a zip file of images without folders of classes.
        split: see `read`.
        size: see `read`.
        resize: see `read`.
        choose: see `read`.

    Raises:
        DataError: there are no images, or a file is wrong.
    """
    if path.is_dir() or (path.is_file() and path.suffix.lower() == ".zip"):
        with tree.Folder(path) if path.is_dir() else tree.Zip(path) as files:
            names = tree.unlabelled(files)
            if names:
                return tree.read_unlabelled(files, names, size, resize=resize, choose=choose)
    return read(path, split, size=size, resize=resize, choose=choose)
