"""What can be chosen follows from the graph and its runtime."""

from __future__ import annotations

import pytest
from graphs import Chain

from benchmarks.lowerings import stage
from ssc_deploy import lower
from ssc_deploy.errors import RecipeError
from ssc_deploy.ir import roles
from ssc_deploy.lower import Target
from ssc_deploy.tuning import space as spaces

SSC = stage(36, 6, 1, "periodic")
for node in SSC.graph:
    if node.op_type == "Conv" and roles.role(node) is None and node.attributes["group"].as_int() > 1:
        roles.set_role(node, roles.Role.GROUP_POINTWISE)


def options(space: spaces.Space) -> dict[str, set[str]]:
    return {axis.name: set(axis.options) for axis in space.axes}


def test_every_lowering_that_takes_all_sites_of_a_group_is_an_option() -> None:
    assert options(spaces.build_space(SSC, Target.ONNXRUNTIME, "Net")) == {
        "shift 36x6x6": {"depthwise", "slice", "gather", "flat"},
        "shuffle 36x6x6": {"transpose", "planes", "gather"},
    }


def test_litert_has_a_layout_to_choose_and_no_flat_planes() -> None:
    space = spaces.build_space(SSC, Target.LITERT, "Net")
    assert options(space) == {
        "layout": {"nhwc", "channel-major"},
        "shift 36x6x6": {"depthwise", "slice", "gather"},
        "shuffle 36x6x6": {"transpose", "planes", "gather"},
        "dense 36x6x6": {"plain", "tile-8", "tile-16", "tile-32"},
    }
    assert "layout" not in options(spaces.build_space(SSC, Target.LITERT, "Net", batch=None))


def test_a_channel_major_stretch_leaves_its_groups_nothing_to_choose() -> None:
    space = spaces.build_space(SSC, Target.LITERT, "Net")
    layout, *groups = space.axes
    planar = layout.changed(space.default, "channel-major")
    assert [space.alternatives(axis, planar) for axis in groups] == [(), (), ()]
    assert space.alternatives(layout, planar) == ("nhwc",)
    recipe = space.recipe(planar)
    assert (recipe.layout, dict(recipe.groups)) == ("channel-major", {})
    followed = lower.lower(SSC, Target.LITERT, lower.LoweringOptions(recipe=recipe))
    asked = lower.lower(SSC, Target.LITERT, lower.LoweringOptions(layout="channel-major"))
    assert followed.report == asked.report


def test_a_network_that_moves_nothing_has_nothing_to_tune() -> None:
    with pytest.raises(RecipeError, match="Net has nothing that could be carried out in more than one way"):
        spaces.build_space(Chain(1, 4, 5, 4).then("Relu").build(), Target.ONNXRUNTIME, "Net")
