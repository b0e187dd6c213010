"""Which packages come with which extra, and what is said where one is missing."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from ssc_deploy import extras
from ssc_deploy.cli import main
from ssc_deploy.errors import MissingPackageError

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[><=\[]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("extra", extras.PACKAGES)
def test_the_table_is_the_one_that_pip_reads(extra: str) -> None:
    listed = {package.replace("_", "-") for package in extras.PACKAGES[extra]}
    assert listed == names(PROJECT["optional-dependencies"][extra])


def test_no_package_of_an_extra_is_installed_with_the_base() -> None:
    assert names(PROJECT["dependencies"]) == {"click", "numpy", "pillow", "rich"}


def test_a_package_that_is_there_is_not_asked_for() -> None:
    extras.require("export")
    assert extras.explained(ModuleNotFoundError("No module named 'other'", name="other")) is None


@pytest.mark.parametrize(
    "command",
    [
        ["export", "--arch", "ssc-net-1-9"],
        ["verify", "--ckpt", "net.pt", "--against", "net.onnx"],
        ["inspect", "--arch", "ssc-net-1-9"],
    ],
    ids=lambda command: command[0],
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(command, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxsim", None)
    result = CliRunner().invoke(main, command)
    assert result.exit_code == MissingPackageError.exit_code == 2
    assert result.stderr.strip() == (
        "error: this needs packages that are not installed (onnxsim); "
        "install them with: pip install 'ssc-deploy[export]'"
    )
