"""The sources of a package, compiled as its README says: with threads the outputs have the bytes of one thread."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import onnx
import onnx_ir as ir
import pytest

from ssc_deploy.emit.c import files
from ssc_deploy.lower import native
from ssc_deploy.metadata import ModelMetadata

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "ssc_engine.h"
#include "ssc_threads.h"

static float weights[NET_WEIGHTS], input[NET_INPUT], one[NET_OUTPUT], several[NET_OUTPUT], arena[NET_ARENA];

int main(void)
{
    for (int i = 0; i < NET_WEIGHTS; i++)
        weights[i] = (float)(i % 13) / 13 - 0.5F;
    for (int i = 0; i < NET_INPUT; i++)
        input[i] = (float)(i % 17) / 17;
    net_run(weights, input, one, arena);
    ssc_threads *pool = ssc_threads_start(3);
    const ssc_machine machine = {ssc_kernels_best(), ssc_threads_lent(pool)};
    net_run_on(&machine, weights, input, several, arena);
    ssc_threads_stop(pool);
    printf("%d\\n", memcmp(one, several, sizeof one) == 0 && one[0] != one[1]);
    return 0;
}
"""

NETWORK = """
<ir_version: 10, opset_import: ["" : 18]>
net (float[1, 24, 20, 20] x) => (float[1, 60, 20, 20] y)
<float[60, 24, 1, 1] w = {VALUES}>
{ c = Conv <kernel_shape = [1, 1]> (x, w)  y = Relu (c) }
"""


@pytest.mark.slow
@pytest.mark.needs("gcc")
def test_a_package_runs_on_threads_that_the_caller_lends(tmp_path: Path) -> None:
    text = NETWORK.replace("VALUES", ", ".join(f"{i % 7 - 3}.0" for i in range(60 * 24)))
    model = onnx.shape_inference.infer_shapes(onnx.parser.parse_model(text))
    plan = native.plan(ir.from_proto(model))
    metadata = ModelMetadata("Net", "net.pt", "0" * 64, "NCHW", (1, 24, 20, 20))
    for name, data in files.build(plan, metadata, "net").items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "main.c").write_text(MAIN, encoding="utf-8")
    sources = [path for path in tmp_path.glob("*.c") if path.name != "example.c"]
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-ffp-contract=off"]
    program = tmp_path / "main"
    subprocess.run(["gcc", *flags, *map(str, sources), "-lpthread", "-o", str(program)], check=True)
    assert subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout == "1\n"
    assert set(re.findall(r"^    (\w+\.c)$", (tmp_path / "CMakeLists.txt").read_text(encoding="utf-8"), re.M)) == {
        path.name for path in sources
    } - {"main.c", "ssc_threads.c"}
