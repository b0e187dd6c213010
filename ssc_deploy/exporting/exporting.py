"""`export`: from a checkpoint to verified files. It writes all of them or none."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy import extras
from ssc_deploy.errors import LoweringError, OutputError, QuantizationError
from ssc_deploy.exporting import any_size, describing, stages
from ssc_deploy.exporting.check import Check
from ssc_deploy.exporting.formats import Format, formats_of
from ssc_deploy.exporting.results import ExportResult
from ssc_deploy.exporting.writing import Writing
from ssc_deploy.garbage import collected_rarely
from ssc_deploy.lower.options import LoweringOptions
from ssc_deploy.lower.target import FLOAT32_ALONE, Target
from ssc_deploy.quantize.plan import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssc_deploy.exporting.excluding import Excluded
    from ssc_deploy.exporting.stages import Progress
    from ssc_deploy.metadata import Preprocessing
    from ssc_deploy.quantize.plan import Quantization
    from ssc_deploy.source import Source
    from ssc_deploy.source.inputs import InputShape
    from ssc_deploy.source.opening import Checkpoints

#: The default folder of outputs: ``export/<stem>/``.
DEFAULT_OUTPUT = Path("export")


@collected_rarely()
def export(
    ckpt: Checkpoints | None,
    example_inputs: object = None,
    *,
    to: str | Sequence[str] = Format.ONNX,
    output: str | Path | None = None,
    model: str | object | None = None,
    arch: str | None = None,
    args: Mapping[str, str] | None = None,
    input_shape: InputShape | None = None,
    outputs: Sequence[str] = (),
    weights: str | None = None,
    seed: int | None = None,
    labels: Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
    resize: str | None = None,
    shift: str = "auto",
    shuffle: str = "auto",
    dense: str = "auto",
    batch: int | None = 1,
    dynamic: Sequence[str] = (),
    layout: str = "auto",
    runtime: str | None = None,
    opset: int | None = None,
    recipe: str | Path | None = None,
    quantize: Quantization | None = None,
    overwrite: bool = False,
    keep_going: bool = False,
    atol: float | None = None,
    rtol: float | None = None,
    check: bool = False,
    progress: Progress | None = None,
) -> ExportResult:
    """Exports a trained network to files that are verified against it. A file that fails is not written.

    It also writes ``<stem>.golden.npz``: a few images with the network's outputs, by which `profile` finds wrong
    answers on any device. It holds 16 images, or fewer if they are large (four of 3x224x224).

    Args:
        ckpt: a checkpoint, or an ``.onnx`` file of another exporter; a network in memory (a module, or a program of
            ``torch.export``), or a state dict. None for weights as initialised (seeded).
        example_inputs: a tensor or an array for each input of the network, in place of ``input_shape``.
        to: ``"onnx"``, ``"tflite"``, or several.
        output: folder; default ``export/<checkpoint's stem>/``. Files are ``<stem>.onnx`` and ``<stem>.tflite``.
        model: the user's own network, ``path/to/net.py:Name`` or ``package.module:Name``, or ``path/to/net.pt2`` of
            ``torch.export.save``. Its code is run. Or a module, a class or a function that makes one.
        arch: architecture of `ssc_deploy.nets`, if the checkpoint does not say it.
        args: arguments of the network, as text.
        input_shape: (1, C, H, W) of an image, needed with ``model``; of several inputs a list of shapes. Inputs of
            whole numbers are given as ``"1,77:int64"``. A first size of more than 1 is one whole, such as a clip.
        outputs: names of the outputs that are wanted, where the network returns several; empty for all.
        weights: which of a checkpoint's weights are meant: ``"raw"``, ``"ema"`` (averaged), or the name of a set in it;
            None to take the averaged of one raw and one averaged set.
        seed: random seed while ``model`` is built, as in its training. None is seed 0, and refuses a trained network
            that depends on random numbers beyond its weights.
        labels: class names in the order of the outputs, which the files then hold; in place of those of the source.
        preprocessing: how an image becomes the input, likewise.
        resize: what is done with images of another size, for the files to say: ``none`` (they are refused) or
            ``shorter-side-bilinear-center-crop``; in place of what the preprocessing says.
        shift: lowering of every shift (``depthwise``, ``slice``, ``gather``; ``flat`` for ONNX), or ``auto`` for the
            fastest measured.
        shuffle: lowering of every shuffle (``transpose``, ``planes``, ``gather``), or ``auto``.
        dense: lowering of the dense 1x1 convolutions of a ``.tflite`` file: ``plain``, or ``tile-8``, ``tile-16``,
            ``tile-32``, which pad their outputs to a multiple of the runtime's tile; ``auto`` is ``plain``.
        batch: images at a time; None for any number.
        dynamic: ``"height"``, ``"width"`` or both, which the files then leave open; other images than those of
            ``input_shape`` may be as large or small as PyTorch takes them. Empty for fixed sizes.
        layout: how a ``.tflite`` file holds feature maps: ``nhwc``, ``channel-major``, or ``auto`` for the
            fastest on ``runtime``.
        runtime: the runtime that a ``.tflite`` file should be fast on: ``litert`` (2.3 and later) or ``tflite-2.14``;
            None for all.
        opset: opset of the ONNX file; default 17, which the runtimes of phones load.
        recipe: TOML file of `tune`. It says how everything is carried out, in place of ``shift``, ``shuffle``,
            ``dense``, ``layout`` and ``runtime``.
        quantize: how the files are quantised, ``Quantization("int8", calibration=...)``; None for float32. Files are
            then ``<stem>_int8.onnx`` and so on.
        overwrite: whether existing files may be replaced.
        keep_going: whether the formats that are right are written where another one fails; `ExportResult.failed` then
            says why. By default all are written or none.
        atol: with ``rtol``, replaces the tolerance that follows from the network.
        rtol: see ``atol``.
        check: check the graph after every rule of the rewrite. The final graph is always checked.
        progress: is called with each stage's name and one line about it.

    Raises:
        SscDeployError: one of its classes; `ssc_deploy.errors` lists them.
        VerificationError: a file computes something else than the network; no file was written.
    """
    extras.require("export")

    from ssc_deploy.lower import recipe_file
    from ssc_deploy.source import open_source

    say = progress or (lambda _stage, _line: None)
    formats = formats_of([to] if isinstance(to, str) else to)
    options = LoweringOptions(
        shift=shift,
        shuffle=shuffle,
        dense=dense,
        batch=batch,
        layout=layout,
        runtime=runtime,
        recipe=None if recipe is None else recipe_file.read(Path(recipe)),
        any_size=bool(dynamic),
    )
    _check(formats, options, quantize, keep_going=keep_going)
    open_sizes = any_size.check(dynamic)
    if quantize is not None:
        if open_sizes:
            raise QuantizationError("`quantize` is for images of one size so far; leave it or `dynamic` out")
        quantize.check_files()
    source = open_source(
        ckpt,
        model=model,
        arch=arch,
        args=args,
        input_shape=input_shape,
        example_inputs=example_inputs,
        outputs=outputs,
        batch=batch,
        weights=weights,
        seed=seed,
        labels=labels,
        preprocessing=preprocessing,
        resize=resize,
    )
    paths = _free_paths(source, formats, output, quantize, overwrite=overwrite)
    say("checkpoint", describing.source(source))
    at_others = any_size.others(source, open_sizes, atol, rtol) if open_sizes else None
    if Format.ONNX in formats and quantize is None:
        from ssc_deploy.emit import onnxsim_process

        onnxsim_process.start()  # meanwhile: it is asked at the end
    canonical = stages.canonicalise(source, progress=say, check=check)
    canonical_at_other = None if at_others is None else at_others.canonical()
    checked = Check(source, canonical.model, atol, rtol)
    writing = Writing(
        checked, formats, paths, opset, say, at_others=at_others, overwrite=overwrite, keep_going=keep_going
    )
    excluded: Excluded | None = None
    if quantize is None:
        done = writing.write(canonical, options, at_other=canonical_at_other)
    else:
        from ssc_deploy.exporting import quantizing

        prepared = quantizing.prepare(source, canonical, quantize, say)
        options = dataclasses.replace(options, quantized=prepared.plan is not None)
        proof = quantizing.QuantizedCheck(checked, prepared, quantize.max_drop)
        done, excluded = writing.write_quantized(prepared, proof, options)
    return ExportResult(
        source.name,
        source.sha256,
        canonical.captured_nodes,
        canonical.report,
        done.files,
        done.golden,
        done.inputs,
        done.failed,
        excluded,
    )


def _check(
    formats: Sequence[Format], options: LoweringOptions, quantize: Quantization | None, *, keep_going: bool
) -> None:
    """Refuses early what can be known before the work."""
    if quantize is not None and Format.C in formats and not (keep_going and len(formats) > 1):
        raise LoweringError(FLOAT32_ALONE)
    if Format.TFLITE not in formats and options.for_litert_only:
        raise LoweringError(
            "layout, dense and runtime are of TFLite files, and none is exported; add tflite to the formats"
        )
    if set(formats) == {Format.C} and options != options.of(Target.NATIVE):
        raise LoweringError(
            "the C engine has one way to carry out each movement; leave `shift`, `shuffle` and `recipe` out, or add "
            "the format that they are for"
        )
    if options.recipe is not None:
        for form in formats:
            options.recipe.check_target(form.target)
        options.recipe.check_numbers(quantized=quantize is not None and quantize.mode == Mode.INT8)


def _free_paths(
    source: Source,
    formats: Sequence[Format],
    output: str | Path | None,
    quantize: Quantization | None,
    *,
    overwrite: bool,
) -> dict[Format, Path]:
    """Where each file goes. Existing files are refused before the work; writing checks again."""
    folder = DEFAULT_OUTPUT / source.stem if output is None else Path(output)
    # The quantised files of a network stand beside its float32 files.
    stem = source.stem if quantize is None else f"{source.stem}_{quantize.mode.replace('-', '_')}"
    paths = {form: folder / form.name_of(stem) for form in formats}
    taken = [path for path in paths.values() if path.exists()]
    if taken and not overwrite:
        raise OutputError(
            f"{taken[0]} exists; choose another folder with `output`, or replace it with `overwrite=True`."
        )
    return paths
