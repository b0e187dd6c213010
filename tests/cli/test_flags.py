"""The library names parameters, the command line its flags."""

from __future__ import annotations

import ast
import inspect
import re
import shlex

import click
import pytest
from cli.tester import ssc
from messages import PACKAGE, shown, templates, trees
from test_docs import parse

import ssc_deploy
from ssc_deploy import cli
from ssc_deploy.android import building
from ssc_deploy.cli import flags
from ssc_deploy.errors import parameter

OPTIONS = flags.by_parameter(cli.main)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("give the shape with `input_shape`", "give the shape with --input-shape"),
        ("e.g. `input_shape=(1, 3, 32, 32)`.", "e.g. --input-shape 1,3,32,32."),
        ("`input_shape=(1, C, H, W)`", "--input-shape 1,C,H,W"),
        ("`model='a b.py:Net', input_shape=(1, 3, 8, 8)`", "--model 'a b.py:Net' --input-shape 1,3,8,8"),
        ("`to=('onnx', 'tflite'), overwrite=True`", "--to onnx --to tflite --overwrite"),
        ("`args={'NAME': 'VALUE', 'G': 9}`", "--arg NAME=VALUE --arg G=9"),
        ("`threads=(1, 2, 4)` or `seed=N`", "--threads 1,2,4 or --seed N"),
        ("`resize=False` and `cache=False`", "--no-resize and --no-cache"),
        ("give `preprocessing=Preprocessing(mean=..., std=...)` of 3", "give --mean and --std of 3"),
        ("`preprocessing=Preprocessing(mean=(0.5,), std=(0.25,))`", "--mean 0.5 --std 0.25"),
        ("find one with `ssc_deploy.tune()`", "find one with ssc-deploy tune"),
        ("`ssc_deploy.verify(ckpt='CKPT', against='FILE')`", "ssc-deploy verify --ckpt CKPT --against FILE"),
    ],
)
def test_parameters_are_shown_as_flags_with_their_values(message, expected):
    assert flags.spelled(message, cli.main) == expected


@pytest.mark.parametrize(
    "message",
    [
        "no quotes, so model and weights stay",
        "run `git lfs pull`",
        "`file,label`",
        "`no_parameter` and `no_parameter=3`",
        "`other.tune()`, `tune()`, `weights(1)` and `weights()`",
        "`weights=open('x')`",
        "`weights=1 + x`",
        "`**weights`",
        "`to=\0`",
        "one ` alone",
        "`" + "(" * 250 + "`",
        "`" + "weights" * 100 + "`",
        r"`'\d'`",
    ],
)
def test_what_is_quoted_and_names_no_parameter_stays(message, recwarn):
    assert flags.spelled(message, cli.main) == message
    assert not recwarn.list


@pytest.mark.parametrize("value", ["ema", "a b", "it's", "`weights`", "\\`", "\n", "`" * 20])
def test_a_value_out_of_a_file_is_shown_for_a_shell(value):
    written = parameter("weights", value)
    assert shlex.split(flags.spelled(written, cli.main)) == ["--weights", value]


def test_an_error_of_the_library_reaches_the_user_with_flags(tmp_path):
    (tmp_path / "net.py").write_text("from torch import nn\n\nNet = nn.Identity\n")
    model = f"{tmp_path / 'net.py'}:Net"
    outcome = ssc("export", "--model", model, "-o", tmp_path)
    assert outcome.err == "error: --model needs --input-shape as well, e.g. --input-shape 1,3,32,32.\n"
    with pytest.raises(ssc_deploy.SscDeployError, match=r"`input_shape=\(1, 3, 32, 32\)`"):
        ssc_deploy.export(None, model=model, output=tmp_path)


def commands(command: click.Command) -> list[click.Command]:
    return list(flags._all(command))


def test_a_parameter_is_the_same_flag_in_each_command():
    for command in commands(cli.main):
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.opts[-1] == OPTIONS[option.name].opts[-1]


#: Text for readers of C, no message.
PAGE = PACKAGE / "emit" / "c" / "readme.py"


@pytest.fixture(scope="module")
def library_messages() -> list[str]:
    return [text for text in templates(PACKAGE / "cli", PAGE) if " " in text or "`" in text]


@pytest.fixture(scope="module")
def quoted(library_messages) -> list[str]:
    """What a message quotes that reads as a parameter, parameters with values, or a call."""
    quotes = [text for message in library_messages for text in flags.QUOTED.findall(message)]
    found = {text.replace("…", "X") for text in quotes if text[0] != "…"}
    for tree in trees().values():
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "parameter":
                found.add(f"{ast.literal_eval(call.args[0])}=X")
    return sorted(text for text in found if flags.parameters(text) is not None)


def test_no_message_of_the_library_names_a_flag(library_messages):
    whole = re.compile(r"ssc-deploy [^;,)]*")
    known = {name for option in OPTIONS.values() for name in option.opts}
    for message in library_messages:
        for flag in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", whole.sub("", message)):
            assert flag not in known, message


def test_whole_commands_in_messages_have_options_that_exist(library_messages):
    found = [
        text for message in library_messages for text in re.findall(r"ssc-deploy [a-z][^;,)]* --?[a-z][^;,)]*", message)
    ]
    assert found
    for text in found:
        parse(cli.main, "ssc-deploy", shlex.split(text)[1:])


#: Functions of the library that a command calls.
CALLED = [
    *(public for name in ssc_deploy.__all__ if inspect.isfunction(public := getattr(ssc_deploy, name))),
    building.build,
    ssc_deploy.Quantization,
]
PARAMETERS = {name for function in CALLED for name in inspect.signature(function).parameters}


def names_in(text: str) -> list[str]:
    expression = flags.parameters(text)
    return [expression.id] if isinstance(expression, ast.Name) else [one.arg for one in expression.keywords]


#: Only a Python caller can give these, and so meet a message about them.
PYTHON_ONLY = {"example_inputs"}


def test_what_messages_quote_are_parameters_of_the_library_and_have_flags(quoted):
    assert [text for text in quoted if not set(names_in(text)) <= PARAMETERS] == []
    for_all = [text for text in quoted if not PYTHON_ONLY.issuperset(names_in(text)) or not names_in(text)]
    assert [text for text in for_all if not shown(f"`{text}`").startswith(("--", "ssc-deploy "))] == []


def test_messages_quote_most_parameters_of_an_export(quoted):
    named = {name for text in quoted for name in names_in(text)}
    assert len(named & set(inspect.signature(ssc_deploy.export).parameters)) > 12
