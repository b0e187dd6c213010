"""Options that several commands share, and how their values are written."""

from __future__ import annotations

import contextlib
import functools
import logging
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

import click

from ssc_deploy.cli import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ssc_deploy.metadata import Preprocessing

Command = TypeVar("Command", bound="Callable[..., object]")

# Names of the library, repeated here so that a help text imports neither onnx nor numpy. tests/cli/test_help.py
# compares them with the library's own.
FORMATS = ("onnx", "tflite", "c")
SHIFTS = ("auto", "depthwise", "slice", "gather", "flat")
SHUFFLES = ("auto", "transpose", "planes", "gather")
DENSE = ("auto", "plain", "tile-8", "tile-16", "tile-32")
LAYOUTS = ("auto", "nhwc", "channel-major")
RUNTIMES = ("litert", "tflite-2.14")
STAGES = ("file", "checkpoint", "capture", "rewrite", "lower")
TARGETS = ("onnxruntime", "native", "litert")
MODES = ("int8", "int8-weights", "float16")
RESIZES = ("none", "shorter-side-bilinear-center-crop")
METHODS = ("auto", "minmax", "percentile", "entropy", "mse")

PATH = click.Path(path_type=Path)


def shape(text: str) -> tuple[int, ...] | str:
    """``1,3,32,32`` as a tuple of numbers, ``1,77:int64`` as it is; what is possible is the library's to say."""
    sizes, colon, _ = text.partition(":")
    try:
        numbers = tuple(int(number) for number in sizes.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not of the form 1,3,32,32 or 1,77:int64") from error
    return text if colon else numbers


def _shapes(
    _context: click.Context, _parameter: click.Parameter, given: tuple[tuple[int, ...] | str, ...]
) -> tuple[int, ...] | str | list[tuple[int, ...] | str] | None:
    """One shape as it is, several as a list, as the library takes them."""
    return list(given) if len(given) > 1 else given[0] if given else None


def listed(text: str) -> tuple[str, ...]:
    """``a,b`` as a tuple of names."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def outputs(command: Command) -> Command:
    """Adds ``--outputs`` as a tuple of names."""
    return click.option(
        "--outputs",
        type=listed,
        default="",
        metavar="NAME,...",
        help="Of a network that returns several: the outputs that you want.  [default: all]",
    )(command)


def numbers(text: str) -> tuple[float, ...]:
    """``0.49,0.48,0.45`` as a tuple of numbers."""
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not of the form 0.49,0.48,0.45") from error


def preprocessing(
    mean: tuple[float, ...] | None, std: tuple[float, ...] | None, colour: str | None = None
) -> Preprocessing | None:
    """What ``--mean`` and ``--std`` say; None where neither is given. One number of each is for grey images."""
    from ssc_deploy.metadata import Preprocessing

    if mean is None and std is None:
        if colour is not None:
            raise click.UsageError("--colour says the order of the channels of --mean and --std; give them as well")
        return None
    if mean is None or std is None:
        raise click.UsageError("--mean and --std go together")
    return Preprocessing(mean, std, colour or ("L" if len(mean) == 1 else "RGB"))


def batch(text: str) -> int | str:
    """A number of images, or the word ``dynamic``. It is not None, which click uses for an option that is not given."""
    if text == "dynamic":
        return text
    try:
        return int(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is neither a number nor the word dynamic") from error


#: What says how files are quantised beside the mode, by the names of `quantize.plan.Quantization`.
_QUANTIZATION = {
    "calibration": click.option(
        "--calibration", type=PATH, metavar="DATA", help="Images that fix the ranges of int8 values."
    ),
    "images": click.option("--images", type=int, metavar="N", help="Of these, how many are looked at.  [default: 512]"),
    "method": click.option(
        "--method", type=click.Choice(METHODS), help="How ranges follow from images.  [default: auto]"
    ),
    "improve": click.option(
        "--improve",
        metavar="NAME,...",
        type=listed,
        help="cross-layer-equalization, bias-correction, both, or none.  [default: auto]",
    ),
    "accuracy": click.option(
        "--accuracy",
        type=PATH,
        metavar="DATA",
        help="Images of known classes to measure the accuracy on.  [default: those of --calibration left over]",
    ),
    "exclude": click.option("--exclude", metavar="BLOCK,...", type=listed, help="Blocks that stay in float32."),
    "max_drop": click.option(
        "--max-drop",
        type=float,
        metavar="POINTS",
        help="Points of top-1 accuracy that may be lost; noisy blocks stay in float32 for it.  [default: 1.0]",
    ),
    "io": click.option(
        "--io", type=click.Choice(["float", "int8"]), help="Type of inputs and outputs.  [default: float]"
    ),
    "safe_for": click.option(
        "--safe-for", type=click.Choice(["avx2"]), help="Be right on processors whose 8-bit products saturate."
    ),
}


def accuracy(command: Command) -> Command:
    """Adds ``--accuracy`` and ``--max-drop`` for files that exist."""
    images = click.option(
        "--accuracy", type=PATH, metavar="DATA", help="Of an int8 file: images of known classes to measure accuracy on."
    )
    drop = click.option(
        "--max-drop",
        type=float,
        metavar="POINTS",
        default=1.0,
        show_default=True,
        help="Points of top-1 accuracy that may be lost.",
    )
    return images(drop(command))


def quantization(*names: str) -> Callable[[Command], Command]:
    """Adds ``--quantize`` and options that go with it; the command gets a `Quantization` or None as ``quantize``.

    Args:
        names: of the options, as `Quantization` has them; all if none are given.
    """
    added = names or tuple(_QUANTIZATION)

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_quantization(*arguments: Any, quantize: str | None, **given: Any) -> object:
            chosen = {name: given.pop(name) for name in added}
            return command(*arguments, quantize=_quantization(quantize, chosen), **given)

        decorated: Any = with_quantization
        for name in reversed(added):
            decorated = _QUANTIZATION[name](decorated)
        mode = click.option("--quantize", type=_Mode(MODES), help="Hold values or weights in fewer bits.")
        return cast("Command", mode(decorated))

    return decorate


class _Mode(click.Choice[str]):
    """One of `MODES`; a mode that is refused for a reason gets as far as the library, which says the reason."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value not in MODES:
            from ssc_deploy.quantize.plan import REFUSED

            if value in REFUSED:
                return value
        return super().convert(value, param, ctx)


def _quantization(mode: str | None, chosen: dict[str, Any]) -> object:
    given = {name: value for name, value in chosen.items() if value is not None}
    if mode is None:
        if given:
            flag = "--" + next(iter(given)).replace("_", "-")
            raise click.UsageError(f"{flag} says how files are quantised; give --quantize MODE as well")
        return None
    from ssc_deploy.quantize.plan import Quantization

    return Quantization(mode, **given)


def argument(text: str) -> tuple[str, str]:
    """``NAME=VALUE`` as a pair of texts, split at the first equals sign."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def labels(file: IO[str] | None) -> tuple[str, ...] | None:
    """The class names in a text file that the user named."""
    from ssc_deploy.labels import parse

    if file is None:
        return None
    try:
        return parse(file.read(), file.name)
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{file.name} is not a text in UTF-8") from error


def network(command: Command) -> Command:
    """Adds the options that choose the network: ``model``, and those of `architecture`."""
    model = click.option(
        "--model", metavar="FILE.py:NAME", help="Your own network (or package.module:NAME). Its code is run."
    )
    return model(architecture(command))


def architecture(command: Command) -> Command:
    """Adds the other options that choose the network: architecture, arguments, shape, weights, seed."""
    added = (
        click.option("--arch", metavar="NAME", help="Network or architecture, if the checkpoint does not say it."),
        click.option(
            "--arg",
            "args",
            type=argument,
            metavar="NAME=VALUE",
            multiple=True,
            callback=lambda _context, _parameter, pairs: dict(pairs),
            help="Argument of the network, e.g. G=9. Repeatable.",
        ),
        click.option(
            "--input-shape",
            type=shape,
            metavar="1,C,H,W",
            multiple=True,
            callback=_shapes,
            help="Of one image; needed with --model. Once for each input; whole numbers as 1,77:int64.",
        ),
        click.option("--weights", metavar="raw|ema|KEY", help="Which weights to take, if a checkpoint has several."),
        click.option(
            "--seed", type=click.IntRange(min=0), help="Random seed of the training, if --model draws random parts."
        ),
    )
    for option in reversed(added):
        command = option(command)
    return command


def tolerance(command: Command) -> Command:
    """Adds ``--atol`` and ``--rtol``."""
    atol = click.option(
        "--atol",
        type=click.FloatRange(min=0),
        help="Absolute tolerance, instead of the one that follows from the network.",
    )
    rtol = click.option(
        "--rtol",
        type=click.FloatRange(min=0),
        help="Relative tolerance, instead of the one that follows from the network.",
    )
    return atol(rtol(command))


def output_format(command: Command) -> Command:
    """Adds ``--format`` as ``form``, ``text`` or ``json``. With ``json`` only the result goes to standard output."""

    @functools.wraps(command)
    def quiet(*args: Any, form: str, **options: Any) -> object:
        with screen.result_only() if form == "json" else contextlib.nullcontext():
            return command(*args, form=form, **options)

    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        help="json: only the result, on standard output.",
    )(cast("Command", quiet))


def verbosity(command: Command) -> Command:
    """Adds ``-v``, which starts logging before the command runs."""

    def start(context: click.Context, _parameter: click.Parameter, count: int) -> None:
        if count:
            # The root context lasts until a command's error is printed, which is after the command's own context.
            context.find_root().with_resource(_logging(logging.INFO if count == 1 else logging.DEBUG))

    return click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=start,
        help="Log what is done; -vv also checks the graph after every rule.",
    )(command)


def everything() -> bool:
    """Whether ``-vv`` was given. Then the graph is checked after every rule, which takes longer."""
    return logging.getLogger("ssc_deploy").isEnabledFor(logging.DEBUG)


@contextlib.contextmanager
def _logging(level: int) -> Iterator[None]:
    """Writes what the package logs to standard error."""
    logger, handler = logging.getLogger("ssc_deploy"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter(" %(name)s: %(message)s"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
