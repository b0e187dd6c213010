"""Help screens, start-up, and the names that they repeat."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cli.tester import ssc

from ssc_deploy import cli, lower
from ssc_deploy.cli import options
from ssc_deploy.exporting.formats import Format
from ssc_deploy.inspection import Stage
from ssc_deploy.metadata import COVER, NO_RESIZE
from ssc_deploy.quantize import ranges
from ssc_deploy.quantize.plan import Mode

HEAVY = {"numpy", "torch", "onnx", "onnx_ir", "onnxscript", "onnxruntime", "ai_edge_litert", "rich", "PIL"}


@pytest.mark.quick(4)
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([name, "--help"] for name in cli.COMMANDS)])
def test_help_imports_nothing_heavy(arguments):
    script = f"""
import sys
from ssc_deploy.cli import main
try:
    main({arguments!r})
finally:
    print("imported:", *sorted({HEAVY!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported:"


@pytest.mark.slow
def test_a_missing_checkpoint_is_said_before_torch_is_imported(tmp_path):
    script = f"""
import sys
from ssc_deploy.cli import main
try:
    main(["export", "--ckpt", {str(tmp_path / "nothing.pt")!r}])
finally:
    print("imported:", "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nothing.pt: there is no such file" in done.stderr
    assert done.stdout == "imported: False\n"


def test_the_list_of_commands_says_what_each_does():
    outcome = ssc("--help")
    assert outcome.code == 0
    for name in cli.COMMANDS:
        command = cli.main.get_command(None, name)
        assert f"  {name:<9}{command.get_short_help_str(80)}" in outcome.out


def subcommands():
    """Each command, and those of the commands that have several, by the words that call them."""
    for name in cli.COMMANDS:
        command = cli.main.get_command(None, name)
        yield (name,), command
        yield from (((name, inner), found) for inner, found in getattr(command, "commands", {}).items())


@pytest.mark.parametrize(("words", "command"), [pytest.param(*found, id=" ".join(found[0])) for found in subcommands()])
def test_help_fits_a_terminal_and_explains_every_option(words, command):
    outcome = ssc(*words, "--help")
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= 80
    for parameter in command.params:
        assert parameter.param_type_name == "argument" or parameter.help


def test_names_that_help_repeats_are_the_library_s():
    assert set(options.SHIFTS) == {"auto", *lower.SHIFTS.names}
    assert set(options.SHUFFLES) == {"auto", *lower.SHUFFLES.names}
    assert set(options.DENSE) == {"auto", *lower.DENSE.names}
    assert set(options.FORMATS) == {f.value for f in Format}
    assert set(options.LAYOUTS) == {"auto", *lower.Layout}
    assert set(options.RUNTIMES) == set(lower.Runtime)
    assert set(options.RESIZES) == {NO_RESIZE, COVER}
    assert set(options.MODES) == set(Mode)
    assert set(options.METHODS) == {"auto", *ranges.METHODS}
    assert set(options.STAGES) == {stage.value for stage in Stage}
    assert set(options.TARGETS) == {target.value for target in lower.Target}


def test_an_unknown_command_is_refused():
    outcome = ssc("convert")
    assert (outcome.code, outcome.out) == (2, "")
    assert "No such command 'convert'" in outcome.err
