"""One line about each stage, as the command line prints it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssc_deploy.capture import Capture
    from ssc_deploy.exporting.stages import Built
    from ssc_deploy.source import Source


def source(opened: Source) -> str:
    """One line about a source: ``ssc_1_9.pt   SSC-Net-1-9 · 191,391 parameters · 10 classes · 3x32x32``."""
    facts = [opened.name]
    if opened.module is not None:
        facts.append(f"{sum(p.numel() for p in opened.module.parameters()):,} parameters")
    if opened.classes is not None:
        facts.append(f"{opened.classes} classes")
    image = opened.signature.image
    facts.append("x".join(map(str, image)) if image else " and ".join(map(str, opened.signature.inputs)))
    if len(opened.signature.outputs) > 1:
        facts.append(f"outputs {', '.join(opened.signature.names)}")
    if opened.weights is not None and str(opened.weights):
        facts.append(str(opened.weights))
    origin = opened.path.name if opened.path else "weights in memory" if opened.sha256 else "random weights"
    return f"{origin:<20}  {' · '.join(facts)}"


def capture(captured: Capture) -> str:
    """One line about a graph as captured: ``234 nodes · 9 modules recognised as data movement before it``."""
    from ssc_deploy.rewrite.report import counted

    modules = counted(len(captured.probed), "module")
    probed = f" · {modules} recognised as data movement before it" if captured.probed else ""
    return counted(len(captured.model.graph), "node") + probed


def size(data: bytes) -> str:
    """Of a file: ``0.8 MB``, ``12.3 kB``."""
    return f"{len(data) / 1e6:.1f} MB" if len(data) >= 1e5 else f"{len(data) / 1e3:.1f} kB"


def operators(built: Built) -> str:
    """How many, and of a ``.tflite`` file where: ``52 operators in 3 delegates, outside of them 2 GATHER, SIGN``."""
    from ssc_deploy.rewrite.report import counted

    text = counted(built.operators, "operator")
    if built.delegates is None:
        return text
    text += f" in {counted(built.delegates, 'delegate') if built.delegates else 'no delegate'}"
    if not built.delegates or not built.outside:
        return text
    outside = [f"{count} {name}" if count > 1 else name for name, count in Counter(built.outside).items()]
    return f"{text}, outside of {'it' if built.delegates == 1 else 'them'} {', '.join(outside)}"
