"""What each block of a network costs when it alone is computed in integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.errors import QuantizationError
from ssc_deploy.exporting import quantizing, stages
from ssc_deploy.inspection import graph_layers
from ssc_deploy.inspection.report import Inspection, Stage, StageReport
from ssc_deploy.inspection.stages import parameters_of
from ssc_deploy.quantize import planning, sensitivity, weights
from ssc_deploy.quantize.plan import Mode

if TYPE_CHECKING:
    from ssc_deploy.quantize.calibration import Progress
    from ssc_deploy.quantize.plan import Quantization
    from ssc_deploy.source import Source

#: Images of known classes that are looked at for each block. The network runs on them once for each block.
LABELLED = 1_000


def inspect(source: Source, wanted: Quantization, progress: Progress | None = None) -> Inspection:
    """Quantises each block alone, all others in float32.

    Args:
        source: of the network.
        wanted: how it is quantised; of the modes that have grids for values.
        progress: is called with the blocks that are done, and how many there are.

    Raises:
        QuantizationError: the mode has no grids, the network has no blocks, or the data do not fit.
        SscDeployError: a stage fails.
    """
    if Mode(wanted.mode) in weights.COMPACT:
        raise QuantizationError(
            f"{wanted.mode} rounds weights alone, so that no block needs a look; inspect `quantize='int8'`"
        )
    canonical = stages.canonicalise(source)
    data, labelled = quantizing.images_of(source, wanted, LABELLED)
    found = planning.quantize(canonical.model, data, wanted)
    measured = sensitivity.sensitivity(found.exact, found.plan, data.inputs, labelled, progress)
    layers = graph_layers.layers_of(canonical.model)
    return Inspection(
        name=source.name,
        file=str(source.path) if source.path else None,
        stage=Stage.REWRITE,
        target=None,
        parameters=parameters_of(source, layers),
        layers=layers,
        stages=(StageReport(Stage.REWRITE, str(canonical.report)),),
        quantization=found.report,
        sensitivity=measured,
    )
