"""Pictures of measurements as SVG, that read in light and in dark pages and need no library."""

from __future__ import annotations

from html import escape

#: Colours by class, in light and in dark.
_STYLE = """
  .page { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #656d76 } .rule { stroke: #d0d7de }
  .ours { fill: #1f6feb } .peer { fill: #9aa4ae } .wrong { fill: #cf222e } .limit { stroke: #bc4c00 }
  .limit-text { fill: #bc4c00 } .whisker { stroke: #1f2328 }
  .line-ours { stroke: #1f6feb } .line-peer { stroke: #8c959f }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #e6edf3 } .faint { fill: #8d96a0 } .rule { stroke: #30363d }
    .ours { fill: #388bfd } .peer { fill: #6e7681 } .wrong { fill: #f85149 } .limit { stroke: #f0883e }
    .limit-text { fill: #f0883e } .whisker { stroke: #e6edf3 } .line-ours { stroke: #388bfd }
    .line-peer { stroke: #8b949e }
  }
  text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 12px }
  .title { font-size: 14px; font-weight: 600 } .end { text-anchor: end } .middle { text-anchor: middle }
  line, polyline { stroke-width: 1.2; fill: none } .limit { stroke-width: 1.6; stroke-dasharray: 5 3 }
  .line-ours, .line-peer { stroke-width: 2 }
"""


class Drawing:
    """Shapes on a page; lengths are pixels, y grows downwards.

    Args:
        width: of the page.
        title: what a reader who sees no picture is told.
    """

    def __init__(self, width: float, title: str) -> None:
        self._width, self._title = width, title
        self._shapes: list[str] = []

    def text(self, x: float, y: float, content: str, kind: str = "text") -> None:
        """Text with its baseline at ``y``."""
        self._shapes.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(content)}</text>')

    def bar(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """A filled rectangle."""
        shape = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" rx="1.5"'
        self._shapes.append(f'<rect class="{kind}" {shape}/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """A straight line."""
        self._shapes.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def curve(self, points: list[tuple[float, float]], kind: str) -> None:
        """A line through points, which are marked."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._shapes.append(f'<polyline class="line-{kind}" points="{path}"/>')
        self._shapes += [f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points]

    def whisker(self, low: float, high: float, y: float, size: float = 3) -> None:
        """An interval along x."""
        self.line(low, y, high, y, "whisker")
        for end in (low, high):
            self.line(end, y - size, end, y + size, "whisker")

    def render(self, height: float) -> str:
        """The file, ``height`` pixels high."""
        size = f'width="{self._width:.0f}" height="{height:.0f}" viewBox="0 0 {self._width:.0f} {height:.0f}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n<title>{escape(self._title)}</title>'
        page = f'<rect class="page" width="{self._width:.0f}" height="{height:.0f}"/>'
        return "\n".join([head, f"<style>{_STYLE}</style>", page, *self._shapes, "</svg>\n"])
