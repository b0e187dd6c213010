"""What the README and the pages of ``docs/`` say is true: examples run, and keys, messages and figures exist."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import runpy
import shlex
import sys
import typing
from pathlib import Path

import click
import messages
import pytest
from cli.tester import ZOO, ssc

import ssc_deploy
from ssc_deploy import card as cards
from ssc_deploy import cli
from ssc_deploy import metadata as file_metadata
from ssc_deploy.bundling.manifest import Manifest
from ssc_deploy.lower import recipe, recipe_file
from ssc_deploy.profiling import statistics
from ssc_deploy.profiling.job import Job, Protocol, Result
from ssc_deploy.profiling.results import Profile
from ssc_deploy.profiling.targets.app_contract import Status
from ssc_deploy.verification import file, orders, ranges, sanity, tolerance

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return [content for found, content in _FENCE.findall(text) if found == language]


def cells(text: str) -> list[list[str]]:
    """The rows of all tables."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("|")
    ]


# ---- examples


def own_network(text: str) -> tuple[str, list[str]]:
    """The example of an own network: ``net.py``, and the commands after it."""
    network = next(block for block in blocks(text, "python") if "def Net" in block)
    return network, next(block for block in blocks(text, "bash") if "net.py:Net" in block).splitlines()


def test_the_example_of_an_own_network_runs_word_for_word(tmp_path, monkeypatch):
    network, commands = own_network((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len([line for line in network.splitlines() if line]) == 6
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("net.py").write_text(network)
    for command in commands:
        program, *arguments = shlex.split(command, comments=True)
        if program == "python":
            exec(arguments[arguments.index("-c") + 1], {})  # noqa: S102 - of our own page
            monkeypatch.delitem(sys.modules, "net")
            continue
        assert program == "ssc-deploy"
        outcome = ssc(*arguments)
        assert outcome.code == 0, outcome.err
        assert "1 shift, 0 shuffles" in outcome.out
        assert "1 movement bit-exact" in outcome.out
    assert Path("export/net/net.tflite").is_file()


def test_the_page_about_an_own_network_has_the_same_example():
    network, commands = own_network((ROOT / "README.md").read_text(encoding="utf-8"))
    other, others = own_network(page("own-network.md"))
    assert other == network
    assert [shlex.split(command, comments=True) for command in others] == [
        shlex.split(command, comments=True) for command in commands
    ]


@pytest.mark.slow
def test_every_example_in_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "models").symlink_to(ROOT / "models")
    assert ssc("export", "--ckpt", ZOO / "ssc_1_9.pt", "--to", "onnx", "--to", "tflite").code == 0
    run = 0
    for path in PAGES:
        for block in blocks(path.read_text(encoding="utf-8"), "python"):
            if "def Net" in block:
                Path("net.py").write_text(block)
                import torch

                torch.save(runpy.run_path("net.py")["Net"]().state_dict(), "net.pth")
            exec(block, {"__name__": "example"})  # noqa: S102 - of our own pages
            run += 1
    assert run > 6
    assert "Candidate(index=3, label='cat'" in capsys.readouterr().out


def commands() -> list[tuple[str, str]]:
    """Each call of ``ssc-deploy`` on a page, in a block or in a line of text."""
    found = []
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        lines = [line for block in blocks(text, "bash") for line in block.splitlines()]
        lines += re.findall(r"`(ssc-deploy [^`]+)`", _FENCE.sub("", text))
        found += [(path.name, line) for line in lines if "ssc-deploy " in line and "--help" not in line]
    return list(dict.fromkeys(found))


def parse(command: click.Command, name: str, arguments: list[str], parent: click.Context | None = None) -> None:
    """Lets click read the arguments, and runs nothing."""
    with command.make_context(name, arguments, parent=parent) as context:
        if isinstance(command, click.Group):
            inner, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
            assert found is not None
            parse(found, inner, rest, context)


@pytest.mark.parametrize(
    ("where", "line"), [pytest.param(*found, id=f"{found[0]}: {found[1]}") for found in commands()]
)
def test_commands_on_the_pages_have_options_that_exist(where, line):
    arguments = shlex.split(line.partition("ssc-deploy ")[2], comments=True)
    if "&&" in arguments:
        arguments = arguments[: arguments.index("&&")]
    if all(argument.islower() and argument.isalpha() for argument in arguments):  # a command by its name alone
        with cli.main.make_context("ssc-deploy", ["--help"], resilient_parsing=True) as context:
            command = cli.main.get_command(context, arguments[0])
            assert all(name in command.commands for name in arguments[1:])
        return
    parse(cli.main, "ssc-deploy", arguments)


def test_every_command_is_on_the_page_of_commands():
    listed = {row[0].strip("`").split()[1] for row in cells(page("commands.md")) if row[0].startswith("`ssc-deploy ")}
    assert listed == set(cli.COMMANDS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_and_images_between_files_exist(path):
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) + re.findall(r'src="([^"]+)"', text)
    for target in targets:
        assert target.startswith("https://") or (path.parent / target).exists(), target


# ---- what follows from the code


def test_the_table_of_operators_is_what_the_code_takes():
    generate = runpy.run_path(str(DOCS / "generate.py"))
    assert generate["inserted"](page("operators.md")) == page("operators.md"), (
        "docs/operators.md is stale: run `uv run python docs/generate.py`"
    )


def test_the_api_page_has_every_public_name():
    assert sorted(re.findall(r"^::: ssc_deploy\.(\w+)$", page("api.md"), re.MULTILINE)) == ssc_deploy.__all__


def records(*kinds: type) -> set[type]:
    """The dataclasses, and those that their fields hold."""
    found: set[type] = set()
    waiting: list[typing.Any] = [*kinds]
    while waiting:
        kind = waiting.pop()
        waiting += typing.get_args(kind)
        if dataclasses.is_dataclass(kind) and kind not in found and "objection" not in vars(kind):
            found.add(kind)
            waiting += typing.get_type_hints(kind).values()
    return found


RECORDS = records(file_metadata.ModelMetadata, Manifest, Job, Result, Status, Profile, recipe.Measured, recipe.Trial)


@pytest.mark.parametrize("kind", sorted(RECORDS, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_every_key_of_a_format_is_explained(kind):
    assert f"::: {kind.__module__}.{kind.__name__}\n" in page("formats.md")
    _, _, attributes = inspect.cleandoc(kind.__doc__).partition("Attributes:\n")
    explained = set(re.findall(r"^    (\w+): \S", attributes, re.MULTILINE))
    assert {field.name for field in dataclasses.fields(kind)} <= explained


def test_every_key_of_a_card_and_of_a_recipe_is_in_its_table():
    keys = " ".join(" ".join(row) for row in cells(page("formats.md")))
    wanted = {field.name for kind in (cards.Card, cards.Training, cards.Accuracy) for field in dataclasses.fields(kind)}
    wanted |= {field.name for field in dataclasses.fields(recipe.Recipe)} - {"target", "groups"}
    for key in wanted - {"path"}:
        assert f"`{key}`" in keys or f"`[{key}]`" in keys


def test_the_card_and_the_recipe_on_the_page_are_read(tmp_path):
    example, found = blocks(page("formats.md"), "toml")
    (tmp_path / "golden").mkdir()
    (tmp_path / "model.toml").write_text(example)
    (tmp_path / "recipe.toml").write_text(found)
    assert cards.read(tmp_path / "model.toml").labels == ("cat", "dog")
    assert recipe_file.read(tmp_path / "recipe.toml").exceptions == {"body.7.ssc1.shift": "slice"}


def equations(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    return [line for line in lines if "<=" in line or line.startswith("e = ")]


def test_the_page_of_verification_has_the_equations_and_constants_of_the_code():
    text = page("verification.md")
    shown = "\n".join(blocks(text, "text"))
    found = [line for module in (tolerance, ranges, orders) for line in equations(module.__doc__)]
    assert len(found) == 4
    assert all(line in shown for line in found)
    values = {row[0].strip("`"): row[1].split(",")[0] for row in cells(text) if row[0].isupper()}
    assert {name: float(value) for name, value in values.items()} == {
        "MAX_FACTOR": ranges.MAX_FACTOR,
        "RMS_FACTOR": tolerance.RMS_FACTOR,
        "FLOOR": float(f"{ranges.FLOOR:.1e}"),
        "TINY": float(f"{ranges.TINY:.1e}"),
    }
    kernels, in_turn = orders.SHARES[orders.Order.KERNELS], orders.SHARES[orders.Order.IN_TURN]
    assert f"`SHARE` is {kernels:g} for the kernels, and {in_turn:g} for the long sums" in text
    assert all(f"({order.value})" in text for order in orders.SHARES)
    assert f"`RELATIVE` = {ranges.RELATIVE:g}".replace("0.0001", "1e-4") in text
    assert f"more than {tolerance.CAP:.0%}".replace("%", " %") in text
    assert f"on up to {file._PICTURES} inputs" in text
    assert f"{sanity._SAME:.0e}".replace("e-09", "e-9") in text


def test_the_page_of_profiling_has_the_figures_of_the_code():
    text, protocol = page("profiling.md"), Protocol()
    for sentence in (
        f"At least {protocol.warmup_runs} runs, and {protocol.warmup_seconds:g} seconds",
        f"{protocol.repeats} turns each, until each has at least {protocol.runs} runs and {protocol.seconds:g} seconds",
        f"The first {protocol.rewarm_runs} runs of a turn are not kept",
        f"in {protocol.fresh_processes} new processes",
        f"{protocol.operator_runs} runs with the runtime's own profiler",
        f"more than {100 * statistics.STEADY:g} % of p50, or if p90 is more than {statistics.TAIL:g} times p50",
        f"more than {100 * statistics.MARGIN:g} % away from 1",
        f"only beyond {100 * statistics.MARGIN_APART:g} %",
    ):
        assert sentence in " ".join(text.split())


def kept(name: str) -> typing.Any:
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8"))


def test_the_figures_of_the_readme_are_those_of_the_kept_results():
    latency, overhead = kept("latency"), kept("profile_overhead")
    exports = [kept("export_cost")["exports"][written] for written in ("one-hot", "stacked", "rolls")]

    def with_interval(value: float, ends: dict[str, float], digits: int = 2) -> str:
        return f"{value:.{digits}f} [{ends['low']:.{digits}f}, {ends['high']:.{digits}f}]"

    medians = [
        latency["onnx_to"]["plain, stacked"],
        latency["onnx_to"]["plain, joined"],
        latency["tflite_to_onnx"],
        latency["channel_major_to_nhwc"],
    ]
    loops = [overhead[f"ssc_1_9.{suffix}"]["to_bare_loop"] for suffix in ("onnx", "tflite")]
    tool = overhead["ssc_1_9.tflite"]["to_litert-benchmark"]
    _, _, figures = (ROOT / "README.md").read_text(encoding="utf-8").partition("| our file, or command |")
    rows = kept("peers-c-engine/ssc-net-6-9")["rows"]
    (engine,) = (row["times"]["to_best_peer"] for row in rows if row["contender"] == "ours_native")
    shown = [row[2] for row in cells(figures.partition("\n\n")[0])[1:]]
    assert shown == [
        *(with_interval(ratio["median"], ratio) for ratio in [*medians, engine]),
        *(f"{export[cost]['median']:.2f}" for cost in ("cpu_ratio", "memory_ratio") for export in exports),
        *(with_interval(ratio["value"], ratio["interval"], 3) for ratio in loops),
        with_interval(tool["median"], tool),
    ]


# ---- messages


@pytest.fixture(scope="module")
def templates() -> list[str]:
    """All texts of the code, as the command line shows them."""
    return [messages.shown(text) for text in messages.templates()]


def quoted() -> list[str]:
    return re.findall(r"^### `(.+)`$", page("troubleshooting.md"), re.MULTILINE)


@pytest.mark.parametrize("message", quoted())
def test_messages_on_the_page_of_troubleshooting_exist(message, templates):
    parts = [part.strip() for part in message.split("…") if len(part.strip()) > 2]
    assert sum(map(len, parts)) > 12, "too little to be found by"
    pattern = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
    assert any(pattern.search(text) for text in templates)


def test_the_glossary_has_twenty_terms_in_order():
    terms = re.findall(r"^(\S.*)\n:   ", page("glossary.md"), re.MULTILINE)
    assert len(terms) >= 20
    assert terms == sorted(terms, key=str.lower)


def test_the_site_loads_nothing_from_elsewhere():
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in settings
    assert not re.search(r"https?://", settings)
