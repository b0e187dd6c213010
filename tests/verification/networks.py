"""A small network with every kind of part that shift networks have, and the ONNX file that computes the same.

The file is written here, node by node, with BN folded and every value named after its block, so that these tests
judge verification alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from ssc_deploy.ir import movement as mv
from ssc_deploy.verification import MovementSite

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (3, 8, 8)
GROUPS, WIDTH = 2, 18


class Shift(nn.Module):
    """Shifts channel c by (c // 3 % 3 - 1, c % 3 - 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.movement = mv.shift(tuple((c // 3 % 3 - 1, c % 3 - 1) for c in range(channels)))

    def forward(self, x):
        return nn.functional.conv2d(x, torch.from_numpy(self.movement.kernel()).to(x), padding=1, groups=x.shape[1])


class Shuffle(nn.Module):
    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        order = np.arange(channels).reshape(groups, -1).T.ravel()
        self.movement = mv.permutation(tuple(int(c) for c in order))

    def forward(self, x):
        return x[:, list(self.movement.source)]


def conv_bn(cin: int, cout: int, kernel: int = 1, groups: int = 1, *, relu: bool = True) -> nn.Sequential:
    conv = nn.Conv2d(cin, cout, kernel, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(cout), *([nn.ReLU(inplace=True)] if relu else []))


class Unit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = conv_bn(WIDTH, WIDTH)
        self.shift = Shift(WIDTH)
        self.local = conv_bn(WIDTH, WIDTH, groups=GROUPS)
        self.shuffle = Shuffle(WIDTH, GROUPS)
        self.merge = conv_bn(WIDTH, WIDTH, groups=9, relu=False)
        self.act = nn.ReLU()

    def forward(self, x):
        y = self.local(self.shift(self.mix(x)))
        return self.act(self.merge(self.shuffle(y)) + x)


class Net(nn.Module):
    def __init__(self, units: int = 2, classes: int = 10) -> None:
        super().__init__()
        self.stem = conv_bn(3, WIDTH, 3)
        self.body = nn.Sequential(*(Unit() for _ in range(units)))
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, x):
        return self.head(self.body(self.stem(x)).mean((2, 3)))


def random_net(seed: int, units: int = 2) -> Net:
    """Random weights, and random BN statistics as training leaves them: not 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    net = Net(units).eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fan_in = module.weight[0].numel()
            module.weight.data = torch.randn(module.weight.shape, generator=generator) * (2 / fan_in) ** 0.5
        if isinstance(module, nn.BatchNorm2d):
            shape = module.weight.shape
            module.weight.data = torch.rand(shape, generator=generator) + 0.5
            module.bias.data = torch.randn(shape, generator=generator) * 0.3
            module.running_mean = torch.randn(shape, generator=generator) * 0.3
            module.running_var = torch.rand(shape, generator=generator) + 0.1
    return net


def pictures(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, *SIZE), np.float32)


class Writer:
    """Writes one `Net` as ONNX."""

    def __init__(self, *, batch: int | None = None) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []
        self.sites: list[MovementSite] = []
        self.batch = batch

    def constant(self, name: str, array: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def conv_bn(self, block: nn.Sequential, x: str, path: str) -> str:
        conv, bn = block[0], block[1]
        scale = (bn.weight / torch.sqrt(bn.running_var + bn.eps)).detach()
        weight = self.constant(f"{path}/weight", (conv.weight.detach() * scale[:, None, None, None]).numpy())
        bias = self.constant(f"{path}/bias", (bn.bias.detach() - bn.running_mean * scale).numpy())
        relu = len(block) == 3
        pads = [conv.padding[0]] * 4
        y = self.add("Conv", [x, weight, bias], f"{path}.1" if relu else path, group=conv.groups, pads=pads)
        return self.add("Relu", [y], path) if relu else y

    def shift(self, shift: Shift, x: str, path: str) -> str:
        kernel = self.constant(f"{path}/kernel", shift.movement.kernel())
        self.sites.append(MovementSite(x, path, shift.movement))
        return self.add("Conv", [x, kernel], path, group=shift.movement.out_channels, pads=[1] * 4)

    def shuffle(self, shuffle: Shuffle, x: str, path: str) -> str:
        indices = self.constant(f"{path}/indices", np.asarray(shuffle.movement.source))
        self.sites.append(MovementSite(x, path, shuffle.movement))
        return self.add("Gather", [x, indices], path, axis=1)

    def unit(self, unit: Unit, x: str, path: str, *, late_relu: bool) -> str:
        y = self.conv_bn(unit.mix, x, f"{path}.mix")
        y = self.conv_bn(unit.local, self.shift(unit.shift, y, f"{path}.shift"), f"{path}.local")
        y = self.conv_bn(unit.merge, self.shuffle(unit.shuffle, y, f"{path}.shuffle"), f"{path}.merge")
        if late_relu:  # relu(merge) + x instead of relu(merge + x)
            return self.add("Add", [self.add("Relu", [y], f"{path}/relu"), x], path)
        return self.add("Relu", [self.add("Add", [y, x], f"{path}/sum")], path)

    def model(self, net: Net, *, late_relu: int | None = None) -> onnx.ModelProto:
        x = self.conv_bn(net.stem, "input", "stem")
        for i, unit in enumerate(net.body):
            x = self.unit(unit, x, f"body.{i}", late_relu=i == late_relu)
        pooled = self.add("Flatten", [self.add("GlobalAveragePool", [x], "/pool")], "/flat")
        weight = self.constant("head/weight", net.head.weight.detach().numpy())
        bias = self.constant("head/bias", net.head.bias.detach().numpy())
        self.add("Gemm", [pooled, weight, bias], "output", transB=1)
        batch = self.batch or "batch"
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, *SIZE])],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, [batch, net.head.out_features])],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model, full_check=True)
        return model


def write(net: Net, path: Path, *, batch: int | None = None, late_relu: int | None = None) -> list[MovementSite]:
    """Writes the network to ``path``; returns its shifts and shuffles.

    In the unit ``late_relu`` the sum stands behind the ReLU instead of before it.
    """
    writer = Writer(batch=batch)
    onnx.save(writer.model(net, late_relu=late_relu), path)
    return writer.sites


def replace_constant(source: Path, name: str, array: np.ndarray, target: Path) -> None:
    """Copies a file with another constant in it."""
    model = onnx.load(source)
    constant = next(c for c in model.graph.initializer if c.name == name)
    constant.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), name))
    onnx.save(model, target)
