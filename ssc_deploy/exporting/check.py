"""What the files of a source are verified with: the reference, the inputs, the movements."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import onnx_ir as ir

    from ssc_deploy.examples import Examples
    from ssc_deploy.source import Source
    from ssc_deploy.verification import MovementSite, Reference, VerifyReport


class Check:
    """Verifies any number of files of one source on the same inputs.

    Args:
        source: what the files were made from. The inputs are the golden images of its card, or else noise. If the user
            chose a shape, the images are scaled to it.
        model: its canonical graph, if the movements are to be checked bit for bit as well.
        atol: see `verification.verify_file`.
        rtol: likewise.
    """

    def __init__(self, source: Source, model: ir.Model | None, atol: float | None, rtol: float | None) -> None:
        from ssc_deploy.examples import Examples
        from ssc_deploy.golden import Named
        from ssc_deploy.verification import inputs
        from ssc_deploy.verification.reference import Remembered

        image = source.signature.image
        pictures = source.card.golden_pictures() if source.card and source.preprocessing and image else ()
        self.source = source
        self.reference: Reference = Remembered(reference_of(source))
        self.classes = [picture.label for picture in pictures] or None
        self.pictures = tuple(Named(picture.path.stem, picture.label) for picture in pictures)
        self.inputs: Examples
        if pictures and source.preprocessing and image:
            paths, resize = [p.path for p in pictures], source.shape_is_chosen or source.preprocessing.scales
            pixels = inputs.golden(paths, source.preprocessing, image, resize=resize)
            self.inputs = pixels if source.signature.rows else Examples((pixels.arrays[0][:, None],), rows=False)
        else:
            self.inputs = inputs.noise(source.signature)
        self.probes = inputs.probes(source.signature, source.preprocessing)
        self.movements = () if model is None else movement_sites(model)
        self.atol, self.rtol = atol, rtol

    def __call__(self, path: Path) -> VerifyReport:
        """The verdict on one file."""
        from ssc_deploy.verification import verify_file

        return verify_file(
            path,
            self.reference,
            self.inputs,
            pictures=self.classes is not None,
            classes=self.classes,
            atol=self.atol,
            rtol=self.rtol,
            movements=self.movements,
            complete=is_ours(path),
            probes=self.probes,
        )


def is_ours(path: Path) -> bool:
    """Whether a file says that this program exported it, so that it has all tensors that this program writes.

    Raises:
        RuntimeLoadError: the file cannot be read.
    """
    from ssc_deploy import runtimes

    return runtimes.runtime_for(path).metadata(path) is not None


def reference_of(source: Source) -> Reference:
    """The network itself in float64, with which files are compared."""
    if source.module is not None:
        from ssc_deploy.verification.torch_reference import TorchReference

        names = (tensor.name for tensor in source.signature.inputs)
        return TorchReference(source.module, source.signature.names, tuple(names))
    from ssc_deploy.verification.onnx_reference import OnnxReference

    assert source.onnx_path is not None  # a source has one or the other
    return OnnxReference(source.onnx_path)


def movement_sites(model: ir.Model) -> tuple[MovementSite, ...]:
    """Where a canonical graph moves data. The tensors have the same names in every file that is made of it."""
    from ssc_deploy.ir import canonical
    from ssc_deploy.ir import graph as g
    from ssc_deploy.rewrite import rearrange
    from ssc_deploy.verification import MovementSite

    rearranged = rearrange.rearrangements(model)
    sites = []
    for node in model.graph:
        moved = node.outputs[0]
        source, rearrangement = rearranged.get(moved, (None, None))
        movement = rearrangement or canonical.movement_of(node)
        data = source or (canonical.image_of(node) if movement is not None else None)
        if movement is not None and data is not None and data.name and moved.name:
            relu = data.producer()
            linear = relu.inputs[0] if relu is not None and relu.op_type == "Relu" else None
            shape = g.shape_of(moved)
            size = None if shape is None else (shape[2], shape[3])
            sites.append(MovementSite(data.name, moved.name, movement, None if linear is None else linear.name, size))
    return tuple(sites)
