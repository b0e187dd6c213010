"""What the classes of the app ask of Android is held against the oldest level, as D8 leaves it to a phone."""

from __future__ import annotations

import pytest
from programs import APP

from android_demo.tools.testing import newer_calls
from ssc_deploy.android import aar, fetching, jdk, project
from ssc_deploy.android.compiling import Compiler

pytestmark = [pytest.mark.android, pytest.mark.slow, pytest.mark.needs(*APP)]

SOURCE = """package org.sscdeploy.sample;
import java.util.List;
public record Sample(int size, List<String> names) {
    public Sample {
        names = List.copyOf(names);
    }
    public String text() {
        return switch (size) {
            case 1 -> "one";
            default -> %s;
        };
    }
}
"""


@pytest.fixture(scope="module")
def newer(tmp_path_factory):
    """What a class with an expression in it asks of Android that API 26 does not have."""
    parts, java = fetching.for_testing(project.find()), jdk.find()

    def newer(expression):
        folder = tmp_path_factory.mktemp("levels")
        (folder / "sources").mkdir()
        (folder / "sources" / "Sample.java").write_text(SOURCE % expression, encoding="utf-8")
        compiler = Compiler(java, parts, aar.unpack(parts, folder / "aars"), folder / "out")
        classes = compiler.compile("sample", [folder / "sources"], [])
        return newer_calls(java, parts, classes, [], level=26, folder=folder / "desugared")

    return newer


def test_records_and_calls_that_d8_replaces_are_for_every_level(newer):
    assert newer('String.join(", ", names)') == ""


def test_a_newer_call_that_d8_leaves_is_named(newer):
    assert "formatted" in newer('"a".formatted(size)')
