"""Tables in Markdown pages that are made from kept results: ``<!-- NAME -->``, the table, ``<!-- end -->``."""

from __future__ import annotations

_END = "<!-- end -->"


def inserted(text: str, name: str, table: str) -> str:
    """The text with a table in the place that has its name; as it is where there is no such place."""
    marker = f"<!-- {name} -->"
    before, found, rest = text.partition(marker)
    return f"{before}{marker}\n{table}\n{_END}{rest.partition(_END)[2]}" if found else text
