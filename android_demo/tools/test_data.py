"""What the app's tests read: bundles of the networks that ship, and what Python computes of the same samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ssc_deploy
from android_demo.tools import core_fixtures
from ssc_deploy import schemas, zoo
from ssc_deploy.android import project

#: The network whose bundle the app's tests find in it.
CARRIED = "ssc-net-1-9"


@dataclass(frozen=True)
class Data:
    """Folders that tests read, and one that they write.

    Attributes:
        bundles: a folder ``NAME.bundle`` for each network with a checkpoint, with both formats and its blocks' values.
        integers: the same for files that take and give integers, without their blocks' values.
        carried: the one of them that the app has in its assets.
        fixtures: samples with Python's results.
        schemas: of the files that Python and Java exchange.
        samples: such files, valid and invalid.
        screenshots: pictures of the app's screens.
    """

    bundles: Path
    integers: Path
    carried: Path
    fixtures: Path
    schemas: Path
    samples: Path
    screenshots: Path

    def properties(self) -> list[str]:
        """As options of a Java machine."""
        return [f"-Dssc.{name}={path}" for name, path in vars(self).items()]


def made(folder: Path, screenshots: Path) -> Data:
    """Exports each network that has a checkpoint, and makes its bundle; has the samples' results computed.

    Args:
        folder: where all is written; what is there of another run is taken as it is.
        screenshots: where the tests are to put pictures.

    Raises:
        AndroidError: this is no checkout.
        SscDeployError: a network cannot be exported.
    """
    checkout = project.checkout()
    data = Data(
        bundles=folder / "bundles",
        integers=folder / "integers",
        carried=folder / "bundles" / f"{CARRIED}.bundle",
        fixtures=folder / "fixtures",
        schemas=Path(schemas.__file__).parent,
        samples=checkout / "tests" / "schemas",
        screenshots=screenshots,
    )
    for entry in zoo.models(checkout / zoo.FOLDER):
        target = data.bundles / f"{entry.name}.bundle"
        if entry.checkpoint is not None and not target.exists():
            export = folder / "exports" / entry.name
            ssc_deploy.export(entry.checkpoint, to=["onnx", "tflite"], output=export, overwrite=True)
            ssc_deploy.bundle(export, target, ckpt=entry.checkpoint, debug=True)
        whole = data.integers / f"{entry.name}.bundle"
        if entry.checkpoint is not None and not whole.exists():
            export = folder / "exports" / f"{entry.name}-int8"
            pictures = entry.checkpoint.parent / "golden"
            int8 = ssc_deploy.Quantization("int8", calibration=pictures, io="int8")
            ssc_deploy.export(entry.checkpoint, to=["onnx", "tflite"], output=export, quantize=int8, overwrite=True)
            ssc_deploy.bundle(export, whole)
    core_fixtures.write(data.fixtures)
    return data
