"""What is printed, and how."""

from __future__ import annotations

import io
import json
import sys
import warnings

import pytest

from ssc_deploy.cli import screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_running_stage_is_shown_below_those_that_have_ended(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    with screen.Stages(on_stderr=False) as stages:
        stages("checkpoint", f"[bold]{'x' * 200}")
        before = len(terminal.getvalue())
        stages("capture", "3 nodes")
    shown = terminal.getvalue()
    assert f" checkpoint  [bold]{'x' * 200}\n" in shown
    assert "0:00:00" in shown[:before]
    assert " capture     3 nodes\n" in shown
    assert "\x1b[?25h" in shown.rpartition("3 nodes")[2], "the cursor is given back"


def test_elsewhere_stages_are_plain_lines(capsys):
    with screen.Stages(on_stderr=False) as stages:
        stages("verify", "OK")
    with screen.Stages(on_stderr=True) as stages:
        stages("checkpoint", "net.pt")
    assert capsys.readouterr() == (" verify      OK\n", " checkpoint  net.pt\n")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_has_null_for_what_json_has_no_number_for(capsys, number):
    screen.print_json({"errors": [1.5, {"max": number}], "sizes": (1, None), "name": "größer"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"errors": [1.5, {"max": None}], "sizes": [1, None], "name": "größer"}
    assert "größer" in out


def test_columns_are_aligned_and_end_without_spaces():
    rows = [("stem", "432", ""), ("body.0.conv1", "1,296", "group pointwise")]
    assert screen.table(("block", "weights", "role"), rows, right=frozenset([1])) == (
        "block         weights  role\nstem              432\nbody.0.conv1    1,296  group pointwise"
    )


def test_warnings_are_one_line_while_the_context_lasts(capsys):
    before = warnings.showwarning
    with screen.clean_warnings(str.upper):
        warnings.warn("the card is not used", stacklevel=1)
    assert capsys.readouterr().err == "warning: THE CARD IS NOT USED\n"
    assert warnings.showwarning is before
