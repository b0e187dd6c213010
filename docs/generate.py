"""Writes the table of ``operators.md``, which follows from the code: ``uv run python docs/generate.py``."""

from __future__ import annotations

from pathlib import Path

from ssc_deploy.inspection.operators import operators

PAGE = Path(__file__).with_name("operators.md")

_BEGIN, _END = "<!-- docs/generate.py: operators -->\n", "<!-- end -->\n"


def inserted(text: str) -> str:
    """The text with the table of operators between its markers."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table()}{_END}{after}"


def table() -> str:
    """A row for each operator of the ONNX standard."""
    found = operators()
    rows = ["| operator | in a `.tflite` file | in an `.onnx` file |", "|---|---|---|"]
    rows += [f"| {one.name} | {_cell(one.tflite or 'no')} | {_cell(found.onnx(one))} |" for one in found.operators]
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    """Text in which nothing is a mark of the table."""
    return text.replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    PAGE.write_text(inserted(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
