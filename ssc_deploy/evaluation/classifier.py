"""Checkpoints and exported files as the same thing: pixels in, logits out, through one preprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy import pictures
from ssc_deploy.errors import NetworkError, PictureError
from ssc_deploy.native import package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import torch

    from ssc_deploy.metadata import Preprocessing

    Float32 = npt.NDArray[np.float32]

#: Suffixes of files that a runtime runs.
EXPORTED = (".onnx", ".tflite")


@dataclass(frozen=True)
class Classifier:
    """A network, ready to be scored.

    Attributes:
        path: of its file.
        size: (H, W) of its images.
        labels: class names in the order of its outputs; empty if it does not tell.
        logits: uint8 [N, H, W, 3], red first -> float32 [N, classes].
        scales: whether it says that images of another size are scaled.
    """

    path: Path
    size: tuple[int, int]
    labels: tuple[str, ...]
    logits: Callable[[pictures.Pixels], Float32]
    scales: bool


def open_classifier(
    path: Path, *, preprocessing: Preprocessing | None = None, threads: int = 1, **network: Any
) -> Classifier:
    """Opens a checkpoint, or an ``.onnx`` or ``.tflite`` file.

    Args:
        path: of the file.
        preprocessing: how an image becomes the input, instead of what the file says.
        threads: of the runtime; PyTorch has those of the process.
        network: which network a checkpoint is of (see `source.open_source`).

    Raises:
        CheckpointError: the checkpoint cannot be read or does not fit.
        NetworkError: the network cannot be built, gives no classes, or does not tell its preprocessing.
        RuntimeLoadError: the exported file cannot be loaded, or does not tell its preprocessing.
    """
    if path.suffix.lower() in EXPORTED or package.is_package(path):
        from ssc_deploy.predict import load_model

        model = load_model(path, threads, preprocessing=preprocessing)
        return Classifier(path, model.input_shape[1:], model.labels, model.logits, model.preprocessing.scales)
    from ssc_deploy.source import open_source

    source = open_source(path, **network)
    preprocessing = preprocessing or source.preprocessing
    if preprocessing is None:
        raise NetworkError(
            f"{path} does not say how an image becomes its input; give "
            "`preprocessing=Preprocessing(mean=..., std=...)`."
        )
    if source.classes is None or source.module is None or source.signature.image is None:
        raise NetworkError(f"{path}: its network gives no outputs [N, classes], and cannot be scored.")
    size = source.signature.image[1:]
    module = source.module

    def logits(pixels: pictures.Pixels) -> Float32:
        return torch_logits(module, pixels, preprocessing)

    return Classifier(path, size, source.labels, logits, preprocessing.scales)


def torch_logits(module: torch.nn.Module, pixels: pictures.Pixels, preprocessing: Preprocessing) -> Float32:
    """Logits [N, classes] of a module in eval mode, for uint8 [N, H, W, 3]; on the module's own device.

    Raises:
        PictureError: the preprocessing is for another number of channels than the network takes.
    """
    import torch

    from ssc_deploy.source import returned

    size = (pixels.shape[1], pixels.shape[2])
    read = [pictures.read(picture, preprocessing.colour, size) for picture in pixels]
    x = torch.from_numpy(pictures.preprocess(read, preprocessing, "NCHW"))
    device = next((parameter.device for parameter in module.parameters()), x.device)
    try:
        with torch.no_grad():
            tensors = returned.tensors(module(x.to(device)), type(module).__name__).values()
    except RuntimeError as error:
        reason = str(error).split("\n", 1)[0]
        raise PictureError(f"the network does not take images {list(x.shape)}: {reason}.") from error
    lists = [tensor for tensor in tensors if tensor.ndim == 2]
    out: Float32 = lists[0].float().cpu().numpy()
    return out
