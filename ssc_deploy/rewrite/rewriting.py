"""From ONNX as written to canonical ONNX (`canonical`): one rule a file, in the order of `rules`.

Not among them, because it gains nothing that can be measured: one convolution and a Split for two dense 1x1 ones of the
same input and stride (a shortcut and the first of its block). Time of SSC-Net-1-9 and 6-9 with it, relative to without:
ONNX Runtime 1.01 and 0.97, LiteRT 1.00 and 1.00, each in either direction from run to run; the Split copies what the
second reading of the input had cost, and the ReLU of the one half is no longer fused.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from ssc_deploy.capture.fold_constants import FoldConstants
from ssc_deploy.capture.supported import Supported
from ssc_deploy.ir import canonical, roles
from ssc_deploy.rewrite import frames, left_alone, rearrange
from ssc_deploy.rewrite.absorb_permutations import AbsorbPermutations
from ssc_deploy.rewrite.activate_before_movement import ActivateBeforeMovement
from ssc_deploy.rewrite.compose_permutations import ComposePermutations
from ssc_deploy.rewrite.constant_sampling import ConstantSampling
from ssc_deploy.rewrite.drop_dead_channels import DropDeadChannels
from ssc_deploy.rewrite.drop_empty import DropEmpty
from ssc_deploy.rewrite.find_groups import FindGroups
from ssc_deploy.rewrite.fold_affine import FoldAffine
from ssc_deploy.rewrite.frames import ShiftFrames
from ssc_deploy.rewrite.hoist_activations import HoistActivations
from ssc_deploy.rewrite.merge_linear import MergeLinear
from ssc_deploy.rewrite.naming import Name
from ssc_deploy.rewrite.pool import CanonicalPool
from ssc_deploy.rewrite.rearrange import Rearrange
from ssc_deploy.rewrite.recognise_activations import RecogniseActivations
from ssc_deploy.rewrite.recognise_movement import RecogniseMovement
from ssc_deploy.rewrite.recognise_pointwise import RecognisePointwise
from ssc_deploy.rewrite.report import Refusal, RewriteReport
from ssc_deploy.rewrite.split_merged_shift import SplitMergedShift
from ssc_deploy.rewrite.stable_logarithms import StableLogarithms
from ssc_deploy.rewrite.stride_before_pointwise import StrideBeforePointwise
from ssc_deploy.rewrite.tidy import Tidy

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.rewrite.left_alone import LeftAlone

_log = logging.getLogger(__package__)


def rules() -> list[ir.passes.InPlacePass]:
    """The rules, in the order in which they run; each file opens with its equation."""
    return [
        FoldConstants(),
        Tidy(),
        DropEmpty(),
        Supported(),
        CanonicalPool(),
        ConstantSampling(),
        StableLogarithms(),
        RecogniseActivations(),
        # Movement first: a shift is dozens of nodes until it is recognised, and every rule behind walks them all.
        RecogniseMovement(),
        Tidy(),
        FoldAffine(),
        HoistActivations(),
        RecognisePointwise(),
        # A product over groups ends in a view, behind which there may stand an activation and the next product.
        HoistActivations(),
        RecognisePointwise(),
        FoldAffine(),
        SplitMergedShift(),
        FindGroups(),
        ShiftFrames(),
        Rearrange(),
        # Shifts and shuffles that were apart may be neighbours now.
        RecogniseMovement(),
        ActivateBeforeMovement(),
        ComposePermutations(),
        AbsorbPermutations(),
        StrideBeforePointwise(),
        DropDeadChannels(),
        MergeLinear(),
        Tidy(),
        Name(),
    ]


def rewrite(model: ir.Model, *, check: bool = False) -> RewriteReport:
    """Brings ``model`` into the canonical form, in place.

    Args:
        model: ONNX as captured, with static shapes.
        check: check the graph after every rule (the end is always checked).

    Returns:
        what was recognised and what was left alone.

    Raises:
        CaptureError: the graph cannot be exported; see `supported.check`.
        RewriteError: a rule broke the graph; a defect of ours, never of the input.
    """
    reasons: dict[ir.Value, Refusal] = {}
    products: tuple[Refusal, ...] = ()
    for rule in rules():
        modified = rule(model).modified
        outcome = "changed" if modified else "no change"
        level = logging.INFO if modified else logging.DEBUG
        _log.log(level, "%s: %s, %d nodes", type(rule).__name__, outcome, len(model.graph))
        if check:
            canonical.check_graph(model)
        # A rule that runs again has seen what its first run left alone: only its last word counts.
        if isinstance(rule, RecogniseMovement):
            reasons = rule.reasons
        elif isinstance(rule, RecognisePointwise):
            products = tuple(rule.refusals)
    canonical.check(model)
    return report(model, left_alone.find(model.graph, reasons), products)


def report(model: ir.Model, left: LeftAlone, products: tuple[Refusal, ...]) -> RewriteReport:
    """Counts what a canonical graph consists of, beside the movements and products that were left alone."""
    counts = Counter(roles.role(node) for node in model.graph)
    return RewriteReport(
        shifts=counts[roles.Role.SHIFT] + counts[roles.Role.STRIDED_SHIFT] + frames.shifts(model.graph),
        shuffles=counts[roles.Role.SHUFFLE],
        group_pointwise=counts[roles.Role.GROUP_POINTWISE],
        nodes=len(model.graph),
        refusals=left.movements + products,
        bytes_moved=left.bytes_moved,
        bytes_left=left.bytes,
        rearrangements=rearrange.count(model.graph),
    )
