"""How large a bundle and its parts may be: what the demo app takes, in bytes except where said.

The app's limits are in ``BundleLimits.java`` of its core, and a test compares the two. Bundles that are made or checked
here must keep them, so that a bundle is never too large for the phone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy import golden, pictures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssc_deploy.bundling.manifest import Manifest

#: model.json.
MOST_JSON = 8_000_000

#: Files besides model.json.
MOST_FILES = 10_000

#: All files besides model.json together, unpacked.
MOST_UNPACKED = 500_000_000

#: A zip; more than all files take that are not compressed.
MOST_ARCHIVE = 520_000_000

#: Each of the three golden arrays.
MOST_ARRAY = 256_000_000

#: Of a debug bundle, the values of all blocks together, as .npy files; read by `golden.arrays`.
MOST_BLOCK_VALUES = golden.MOST_BYTES

#: Pixels of an image as the network takes it; read by `pictures.read`.
MOST_PIXELS = pictures.MAX_PIXELS


def excess(manifest: Manifest) -> str | None:
    """Why the app would refuse a bundle for its size, and what to do about it.

    Args:
        manifest: its model.json, which tells the sizes of its files.

    Returns:
        a part of a sentence; None if it is small enough.
    """
    rule, arrays = manifest.preprocessing, manifest.golden
    if rule.width * rule.height > MOST_PIXELS:
        size = f"{rule.width}x{rule.height}"
        return f"its network takes images of {size}, and the app takes those of up to {MOST_PIXELS:,} pixels"
    sizes: Mapping[str, int] = {name: entry.bytes for name, entry in manifest.files.items()}
    for name in (arrays.pixels, arrays.inputs, arrays.outputs):
        if sizes[name] > MOST_ARRAY:
            fitting = arrays.count * MOST_ARRAY // sizes[name]
            if fitting >= golden.PICTURES:
                reason = f"{fitting} golden images would fit, and it has {arrays.count}"
            else:  # a bundle never has fewer
                reason = f"{_entries(manifest, name)} for the {golden.PICTURES} images that a bundle has at least"
            return f"{name} has {sizes[name]:,} bytes, and the app takes up to {MOST_ARRAY:,}: {reason}"
    total, largest = sum(sizes.values()), max(sizes, key=lambda name: sizes[name])
    if total > MOST_UNPACKED:
        most = f"{MOST_UNPACKED:,}"
        return f"its files have {total:,} bytes together, and the app takes up to {most}; the largest is {largest}"
    return None


def _entries(manifest: Manifest, array: str) -> str:
    """What of its network makes a golden array too large."""
    if array == manifest.golden.outputs:
        return f"its network has too many classes ({len(manifest.labels):,})"
    return f"its network takes too large images ({manifest.preprocessing.width}x{manifest.preprocessing.height})"
