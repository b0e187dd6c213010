"""Which kind an operator is of, and that its time is counted once."""

import numpy as np
import pytest
import torch

import ssc_deploy
from benchmarks import operators
from benchmarks.peers import net as nets
from benchmarks.peers.net import Net
from ssc_deploy.runtimes.litert import LiteRT


@pytest.mark.parametrize(
    ("groups", "kernel", "channels", "kind"),
    [
        (1, (1, 1), 81, operators.DENSE),
        (9, (1, 1), 81, operators.GROUPED),
        (1, (3, 3), 3, operators.SPATIAL),
        (81, (3, 3), 81, operators.DEPTHWISE),
    ],
)
def test_a_convolution_is_told_by_its_groups_and_its_kernel(groups, kernel, channels, kind):
    assert operators.convolution(groups, kernel, channels) == kind


def test_every_multiplication_of_the_network_is_of_one_kind():
    net = Net.parse("ssc-net-1-9")
    module = nets.random_network(net)
    kinds = operators.products_by_kind(module, net)
    assert sum(p.macs for found in kinds.values() for p in found) == sum(p.macs for p in nets.products(net, module))
    # A module's five grouped convolutions, three modules.
    assert len(kinds[operators.GROUPED]) == 15


def test_shares_add_up_and_the_longest_is_first():
    times = {operators.OTHER: [1.0, 1.0, 9.0], operators.MOVEMENT: [3.0, 3.0, 3.0]}
    rows = operators.table(times, {operators.OTHER: 2, operators.MOVEMENT: 5}, {}, rounds=1)
    assert [(row.kind, row.ms, row.share) for row in rows] == [
        (operators.MOVEMENT, 3.0, 0.75),
        (operators.OTHER, 1.0, 0.25),
    ]


@pytest.mark.slow
def test_a_file_is_cut_off_behind_each_operator_and_the_last_cut_is_the_file(tmp_path):
    net = Net.parse("ssc-net-1-9")
    checkpoint = tmp_path / "net.pt"
    torch.save(nets.random_network(net).state_dict(), checkpoint)
    path = ssc_deploy.export(checkpoint, to="tflite", output=tmp_path).files[0].path
    cuts, kinds = operators.tflite_cuts(path.read_bytes())
    assert kinds.count(operators.GROUPED) == 15
    assert kinds.count(operators.DEPTHWISE) == 6
    x = np.ascontiguousarray(nets.inputs(net)[:1].transpose(0, 2, 3, 1))
    whole = cuts[-1]
    whole.set_tensor(whole.get_input_details()[0]["index"], x)
    whole.invoke()
    (output,) = whole.get_output_details()
    assert np.array_equal(whole.get_tensor(output["index"]), LiteRT().load(path).run([x])[0])
