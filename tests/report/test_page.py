"""The page: one file that needs nothing else, and in which nothing that a file or a device says is markup."""

from __future__ import annotations

import base64
import dataclasses
import json
from html.parser import HTMLParser

import pytest
from profiling.conftest import files, profiled  # noqa: F401  # fixtures

from ssc_deploy.profiling import Profile
from ssc_deploy.profiling.job import Failure
from ssc_deploy.report import page

# They need a real profile.
pytestmark = pytest.mark.slow

HOSTILE = "<script>alert(1)</script>\"'&.onnx"
VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Collects tags and text, and holds that every tag that is opened is closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def written(profiled):  # noqa: F811
    return page.render(profiled)


def test_it_loads_nothing_and_runs_nothing(written):
    reader = read(written)
    assert not {tag for tag, _ in reader.tags} & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    links = [value for _, attributes in reader.tags for name, value in attributes.items() if name in {"href", "src"}]
    assert [link.partition(":")[0] for link in links] == ["data"]
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)
    assert "url(" not in written
    assert "@import" not in written
    policy = next(a["content"] for tag, a in reader.tags if tag == "meta" and a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")


def test_the_raw_data_are_the_profile(written, profiled):  # noqa: F811
    (link,) = [attributes for tag, attributes in read(written).tags if tag == "a"]
    assert link["download"] == "profile.json"
    data = json.loads(base64.b64decode(link["href"].partition(",")[2]))
    assert Profile.from_dict(data) == profiled


def test_the_decision_stands_before_everything_else(written, profiled):  # noqa: F811
    text = read(written).text
    first = profiled.decision[0]
    assert text.index(first) < text.index("Latency") < text.index("Where the time goes") < text.index("Environment")
    for part in ("How it was measured", "Raw data", "Compared, turn by turn", "Roofline", "peak memory"):
        assert part in text or part in written


def test_there_is_a_bar_for_every_block_and_a_line_for_every_model(written, profiled):  # noqa: F811
    text = read(written).text
    for model in profiled.models:
        assert model.title in text
        for block in model.costs.blocks if model.threads == 1 else ():
            assert block.name[:35] in text


def test_light_and_dark_have_the_same_colours(written):
    light, _, dark = written.partition("@media (prefers-color-scheme: dark)")
    names = {name.split(":")[0].strip() for name in light.split("--")[1:]}
    dark_names = {name.split(":")[0].strip() for name in dark.partition("}\n}")[0].split("--")[1:]}
    assert {name for name in names if name.isalpha()} == {name for name in dark_names if name.isalpha()}


def test_hostile_names_stay_text(profiled):  # noqa: F811
    block = HOSTILE.replace(".", "")
    operators = tuple(
        dataclasses.replace(one, name=HOSTILE, operator=HOSTILE, block=block)
        for one in profiled.models[0].costs.operators
    )
    blocks = (dataclasses.replace(profiled.models[0].costs.total, name=block),)
    costs = dataclasses.replace(profiled.models[0].costs, operators=operators, blocks=blocks)
    environment = dataclasses.replace(
        profiled.environment,
        device=HOSTILE,
        processor=HOSTILE,
        system=HOSTILE,
        runner=HOSTILE,
        runtimes={HOSTILE: HOSTILE},
    )
    before = dataclasses.replace(profiled.before, governor={HOSTILE: HOSTILE})
    model = dataclasses.replace(profiled.models[0], model=HOSTILE, runtime=HOSTILE, costs=costs)
    failed = dataclasses.replace(
        profiled.models[1],
        model=HOSTILE,
        latency=None,
        turns=(),
        fresh=None,
        costs=None,
        costs_note=HOSTILE,
        failure=Failure(HOSTILE, HOSTILE),
    )
    hostile = dataclasses.replace(
        profiled,
        device=HOSTILE,
        environment=environment,
        before=before,
        models=(model, failed),
        comparisons=(),
        notes=(HOSTILE,),
        untimed=HOSTILE,
    )
    plain, read_back = read(page.render(profiled)), read(page.render(hostile))
    assert {tag for tag, _ in read_back.tags} <= {tag for tag, _ in plain.tags}
    assert HOSTILE in read_back.text


def test_a_wrong_answer_shows_and_has_no_figures(profiled):  # noqa: F811
    failed = dataclasses.replace(
        profiled.models[0], latency=None, turns=(), fresh=None, costs=None, failure=Failure("wrong answer", "it is off")
    )
    text = page.render(dataclasses.replace(profiled, models=(failed,), comparisons=()))
    reader = read(text)
    assert "wrong answer" in reader.text
    assert "it is off" in reader.text
    assert " ms" not in reader.text.partition("Environment")[0]
    assert 'class="decision bad"' in text
