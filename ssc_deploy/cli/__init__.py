"""The command ``ssc-deploy``. Each file holds one command, which parses its options, calls the library, and prints.

Results go to standard output. Everything else (errors, warnings, logging, progress that is not the result) goes to
standard error. Exit codes: 0 for success; 1 if verification failed; 2 for usage or bad input; 70 for a defect of this
program, whose traceback ``-v`` shows; 130 if interrupted.

Heavy packages are imported only when a command needs them: ``ssc-deploy --help`` imports neither numpy nor torch.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import signal
import threading
from typing import TYPE_CHECKING, Any, NoReturn, cast

import click

from ssc_deploy.cli import flags, screen, unexpected
from ssc_deploy.errors import SscDeployError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_log = logging.getLogger(__name__)

INTERRUPTED = 130

#: The commands. Each is an object in a module, and both have the name of the command.
COMMANDS = (
    *("export", "verify", "inspect", "run", "bundle", "profile", "compare", "devices", "tune", "eval", "train"),
    *("models", "android"),
)

_EXAMPLES = """\b
ssc-deploy export --ckpt models/ssc-net-1-9/ssc_1_9.pt --to tflite
ssc-deploy run export/ssc_1_9/ssc_1_9.tflite cat.png
"""


class _ToldToEnd(BaseException):
    """A signal has told the process to end. It is no `SystemExit`, which the user's network may raise as well.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise _ToldToEnd(number)


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """Lets a command clean up (files, folders, processes, devices) when it is told to end, as it does after Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = {number: signal.getsignal(number) for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))}
    for number in told:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number, before in told.items():
            signal.signal(number, before)


class _Group(click.Group):
    """Imports a command when it is used, and turns the library's exceptions into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return cast("click.Command", getattr(importlib.import_module(f"{__name__}.{cmd_name}"), cmd_name))

    def invoke(self, ctx: click.Context) -> Any:
        with screen.clean_warnings(lambda message: flags.spelled(message, self)), _ended_in_order():
            try:
                return super().invoke(ctx)
            except SscDeployError as error:
                _log.debug("where it was raised:", exc_info=error)
                screen.error(flags.spelled(str(error), self))
                raise click.exceptions.Exit(error.exit_code) from error
            except _ToldToEnd as told:
                raise click.exceptions.Exit(told.exit_code) from told
            except KeyboardInterrupt as error:
                screen.error("interrupted; files that were not finished are removed")
                raise click.exceptions.Exit(INTERRUPTED) from error
            except (Exception, SystemExit) as error:
                if unexpected.is_meant(error):
                    raise
                _log.info("where it was raised:", exc_info=error)
                sentence, code = unexpected.explained(error, verbose=_log.isEnabledFor(logging.INFO))
                screen.error(sentence)
                raise click.exceptions.Exit(code) from error


@click.group(
    "ssc-deploy",
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="COMMAND ...",
    epilog=_EXAMPLES,
)
@click.version_option(package_name="ssc-deploy", message="%(prog)s %(version)s")
def main() -> None:
    """Trained shift-based networks, verified, on phones and ARM boards.

    Exit codes: 1 when verification fails, 2 for usage or bad input, 70 for a defect of ssc-deploy.
    """
