"""What javac is told, shown by one that only looks at that."""

from __future__ import annotations

import pytest

from ssc_deploy.android import aar, fetching, jdk, project
from ssc_deploy.android.compiling import Compiler
from ssc_deploy.errors import AndroidError

JAVAC = """#!/bin/sh
[ "$1" = -version ] && echo javac {version} && exit
case "$*" in *-Werror*) echo "warning: one that this JDK knows"; exit 1;; esac
"""


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Compiles a class by a javac of a version, which warns of something."""

    def compiled(version):
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "javac").write_text(JAVAC.format(version=version))
        (tmp_path / "bin" / "javac").chmod(0o755)
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        (tmp_path / "sources").mkdir()
        (tmp_path / "sources" / "A.java").write_text("class A { }")
        parts = fetching.Parts(project.find(), tmp_path)
        one = aar.Aar(tmp_path / "a.aar", tmp_path / "a.jar")
        compiler = Compiler(jdk.find(), parts, aar.Aars(one, (one, one)), tmp_path / "out")
        return compiler.compile("a", [tmp_path / "sources"], [])

    return compiled


def test_a_warning_of_the_jdk_that_ci_has_is_an_error(compiled):
    with pytest.raises(AndroidError, match="a does not compile: warning: one that this JDK knows"):
        compiled("17.0.1")


@pytest.mark.parametrize("version", ["21.0.2", "25"])
def test_what_newer_jdks_warn_of_besides_does_not_keep_anybody_from_building(compiled, version):
    assert compiled(version).is_dir()
