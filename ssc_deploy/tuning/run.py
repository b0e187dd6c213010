"""`tune`: from a checkpoint and a device to a recipe."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssc_deploy import golden
from ssc_deploy.errors import OutputError, RecipeError, TargetError, VerificationError
from ssc_deploy.exporting import describing, quantizing, stages
from ssc_deploy.exporting.check import Check
from ssc_deploy.exporting.exporting import DEFAULT_OUTPUT
from ssc_deploy.exporting.formats import Format, formats_of
from ssc_deploy.exporting.quantizing import QuantizedCheck
from ssc_deploy.lower import LoweringOptions, recipe_file
from ssc_deploy.lower.recipe import Measured, Recipe
from ssc_deploy.profiling import targets
from ssc_deploy.quantize.plan import Mode, Quantization
from ssc_deploy.source import open_source
from ssc_deploy.storage import files
from ssc_deploy.storage.digests import sha256_of
from ssc_deploy.tuning import space as spaces
from ssc_deploy.tuning.bench import Bench
from ssc_deploy.tuning.cache import Cache
from ssc_deploy.tuning.search import Found, Search

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ssc_deploy.exporting.quantizing import Prepared
    from ssc_deploy.exporting.stages import Canonical
    from ssc_deploy.profiling.targets.protocol import Description, Target
    from ssc_deploy.source.inputs import InputShape
    from ssc_deploy.tuning.space import Choices, Space
    from ssc_deploy.verification import Tolerance, VerifyReport
    from ssc_deploy.verification.quantized import QuantizedReport

    Progress = Callable[[str, str], None]

#: Seconds of measuring.
BUDGET = 300.0

#: Beside the recipe: what was measured.
CACHE = ".tuning"


@dataclass(frozen=True)
class TuneResult:
    """What `tune` did.

    Attributes:
        path: the recipe's file.
        recipe: with all measurements.
        remembered: jobs that an earlier run had measured already.
    """

    path: Path
    recipe: Recipe
    remembered: int

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {**self.recipe.to_dict(), "path": str(self.path), "remembered": self.remembered}

    def __str__(self) -> str:
        measured = self.recipe.measured
        assert measured is not None  # tune measures
        if measured.ratio == 1:
            gain = "the default is kept: nothing is faster beyond noise"
        else:
            gain = f"{measured.ratio:.2f} of the default's time [{measured.low:.2f}, {measured.high:.2f}]"
        rest = "" if measured.complete else "; the budget was used up before all was tried; a larger one tries more"
        return f"{self.path}   {gain} · {measured.seconds:.0f} s measured{rest}"


def tune(
    ckpt: str | Path | None,
    *,
    to: str = Format.ONNX,
    output: str | Path | None = None,
    model: str | None = None,
    arch: str | None = None,
    args: Mapping[str, str] | None = None,
    input_shape: InputShape | None = None,
    weights: str | None = None,
    seed: int | None = None,
    device: str = "host",
    threads: int = 1,
    budget: float = BUDGET,
    batch: int | None = 1,
    start: str = "auto",
    quantize: Quantization | None = None,
    cache: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> TuneResult:
    """Searches for the fastest lowering of each group of sites by measuring on a device, and writes a recipe.

    The winner is faster than the default beyond noise: in the end both take turns, and the default stays unless the
    winner's ratio, with its interval, lies more than 2 % below 1. Every candidate has to reproduce the network's
    golden outputs on the device before it is timed, and the winner is verified as an export is.

    All measurements are kept in ``.tuning`` beside the recipe, by graph, device, versions and file; a run that was
    killed goes on from there.

    Args:
        ckpt: as for `ssc_deploy.export`, and ``model``, ``arch``, ``args``, ``input_shape``, ``weights`` and ``seed``
            with it.
        to: ``"onnx"`` or ``"tflite"``.
        output: the recipe; default ``export/<checkpoint's stem>.<to>.toml``, or ``<stem>_int8.<to>.toml``.
        model: see `ssc_deploy.export`.
        arch: see `ssc_deploy.export`.
        args: see `ssc_deploy.export`.
        input_shape: see `ssc_deploy.export`.
        weights: see `ssc_deploy.export`.
        seed: see `ssc_deploy.export`.
        device: see `ssc_deploy.profile`.
        threads: of one inference.
        budget: seconds of measuring; what an earlier run has measured counts.
        batch: images at a time; None for any number, measured one at a time.
        start: lowering of the shifts to start from, where they can take it; ``auto`` for the default.
        quantize: how the files are quantised, of the mode ``int8``; None for float32. The recipe is for these alone.
        cache: whether earlier measurements are used.
        overwrite: whether a recipe that is there may be replaced.
        progress: is called with each stage's name and one line about it.

    Raises:
        RecipeError: there is nothing to choose, or nothing to measure it with; or a mode that computes in float32.
        TargetError: the device is not ready, tells no times, or fails.
        VerificationError: the default or the winner computes something else than the network.
        SscDeployError: as `ssc_deploy.export`.
    """
    say = progress or (lambda _stage, _line: None)
    (form,) = formats_of([to])
    if form is Format.C:
        raise RecipeError(
            'the C engine has one way for each movement, so nothing is tuned; give `to="onnx"` or `to="tflite"`'
        )
    if not budget > 0 or threads < 1:
        raise RecipeError("tuning needs a `budget` above 0 seconds, and at least 1 of `threads`")
    if quantize is not None:
        if quantize.mode != Mode.INT8:
            raise RecipeError(
                f"{quantize.mode} files compute in float32, so the recipe of float32 is theirs; tune without `quantize`"
            )
        quantize.check_files()
    target, description = _ready(device)
    source = open_source(ckpt, model=model, arch=arch, args=args, input_shape=input_shape, weights=weights, seed=seed)
    mode = "" if quantize is None else Mode.INT8.value
    stem = f"{source.stem}_{mode}" if mode else source.stem
    path = DEFAULT_OUTPUT / f"{stem}.{form.value}.toml" if output is None else Path(output)
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists; choose another file with `output`, or replace it with `overwrite=True`.")
    say("checkpoint", describing.source(source))
    canonical = stages.canonicalise(source, progress=say)
    space = spaces.build_space(canonical.model, form.target, source.name, batch, quantize=mode)
    first = space.default if start == "auto" else space.started(start)
    with tempfile.TemporaryDirectory(prefix="ssc-deploy-") as name:
        candidates = Candidates(Path(name), canonical, space, form, batch)
        if quantize is not None:
            candidates.quantize(quantize, say)
        say("verify", str(candidates.verified(space.default)[1]))
        bench = Bench(
            target, description, Cache(path.parent / CACHE, read=cache), space.graph, candidates, threads=threads
        )
        found = Search(space, bench, budget, lambda line: say("tune", line)).run(first)
        file, _ = candidates.verified(found.choices)
        sha256 = sha256_of(file)
    recipe = _with_evidence(
        space.recipe(found.choices), found, bench.seconds, description, sha256=sha256, threads=threads, batch=batch
    )
    files.write_verified(path, recipe_file.dumps(recipe).encode(), lambda _: None, overwrite)
    result = TuneResult(path, recipe, bench.remembered)
    say("recipe", str(result))
    return result


class Candidates:
    """Files of choices, each with the golden set of the network beside it.

    Args:
        folder: for them.
        canonical: the network.
        space: its choices.
        form: of the files.
        batch: of the files.
    """

    def __init__(self, folder: Path, canonical: Canonical, space: Space, form: Format, batch: int | None) -> None:
        self._folder, self._canonical, self._space, self._form, self._batch = folder, canonical, space, form, batch
        self._check = Check(canonical.source, canonical.model, None, None)
        self._golden: bytes | None = None
        self._made = 0
        self._prepared: Prepared | None = None
        self._proof: QuantizedCheck | None = None

    def quantize(self, wanted: Quantization, say: Progress) -> None:
        """Makes int8 files from here on.

        Raises:
            QuantizationError: see `quantizing.prepare`.
        """
        self._prepared = quantizing.prepare(self._canonical.source, self._canonical, wanted, say)
        self._proof = QuantizedCheck(self._check, self._prepared, wanted.max_drop)

    def __call__(self, choices: Choices) -> Path:
        """The file of a choice: what an export by its recipe writes, byte by byte."""
        source = self._canonical.source
        prepared = self._prepared
        recipe = self._space.recipe(choices)
        options = LoweringOptions(batch=self._batch, recipe=recipe, quantized=prepared is not None)
        canonical = self._canonical if prepared is None else prepared.canonical
        lowered = stages.lower(canonical, self._form, options)
        data = stages.build(source, self._form, lowered, quantized=prepared).data
        path = self._folder / str(self._made) / f"{source.stem}.{self._form.value}"
        self._made += 1
        with files.as_output_error(path):
            path.parent.mkdir()
            path.write_bytes(data)
            if self._golden is not None:
                golden.path_beside(path).write_bytes(self._golden)
        return path

    def verified(self, choices: Choices) -> tuple[Path, VerifyReport | QuantizedReport]:
        """Verifies a choice as an export is; what it is held to is the golden set of all that come after it.

        Raises:
            VerificationError: its file computes something else than the network.
        """
        path = self(choices)
        report: VerifyReport | QuantizedReport
        inputs, sha256 = self._check.inputs, self._canonical.source.sha256
        tolerances: Sequence[Tolerance | None]
        if self._proof is None:
            report = plain = self._check(path)
            outputs = list(self._check.reference.outputs(inputs))
            tolerances = [output.tolerance for output in plain.outputs]
        else:
            report = quantized = self._proof(path)
            outputs, tolerances, _ = self._proof.golden([quantized])
        if not report.ok:
            raise VerificationError(f"the recipe was not written: {report}")
        inputs = inputs[: len(outputs[0])]
        chosen = golden.chosen(sha256, inputs, outputs, tolerances=tolerances, errors=[() for _ in tolerances])
        self._golden = chosen.to_bytes()
        return path, report


def _ready(device: str) -> tuple[Target, Description]:
    target = targets.parse(device)
    if target.untimed:
        raise TargetError(f"nothing can be tuned on {device}: {target.untimed}")
    description = target.describe()
    if not description.ready:
        raise TargetError(f"{device} is not ready: {description.detail}")
    return target, description


def _with_evidence(
    recipe: Recipe,
    found: Found,
    seconds: float,
    description: Description,
    *,
    sha256: str,
    threads: int,
    batch: int | None,
) -> Recipe:
    ratio = found.ratio
    value, low, high = (1.0, 1.0, 1.0) if ratio is None else (ratio.value, ratio.interval.low, ratio.interval.high)
    measured = Measured(
        device=description.spec,
        description=description.detail,
        threads=threads,
        batch=batch or 0,
        seconds=round(seconds, 1),
        complete=found.complete,
        ratio=round(value, 4),
        low=round(low, 4),
        high=round(high, 4),
        sha256=sha256,
    )
    runtimes = {} if description.environment is None else description.environment.runtimes
    versions = {"ssc-deploy": importlib.metadata.version("ssc-deploy"), **runtimes}
    return dataclasses.replace(recipe, measured=measured, trials=found.trials, versions=versions)
