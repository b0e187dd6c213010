"""The C sources of one network: its plan as a constant table, and functions that run it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from ssc_deploy.native import compiling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.metadata import ModelMetadata
    from ssc_deploy.native.plan import Plan, Tensor

#: Columns of a table in the sources.
_COLUMNS = 110


def identifier(stem: str) -> str:
    """A name in C for a file's stem."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", stem)
    return name if name and not name[0].isdigit() else f"net_{name}"


def comment(text: str) -> str:
    """A text that may stand in a comment: in one line, of ASCII, and without its end."""
    plain = " ".join(text.encode("ascii", "replace").decode().split())
    return plain.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/")


def parameters(plan: Plan) -> list[tuple[str, Tensor, bool]]:
    """The arguments of the run function: name, tensor, and whether it is an output."""
    listed: list[tuple[str, Tensor, bool]] = []
    for tensors, plain, output in ((plan.inputs, "input", False), (plan.outputs, "output", True)):
        for i, tensor in enumerate(tensors):
            listed.append((plain if len(tensors) == 1 else f"{plain}{i}", tensor, output))
    return listed


def header(plan: Plan, metadata: ModelMetadata, name: str, stem: str) -> str:
    """The header of the network."""
    guard = f"{name.upper()}_H"
    sizes = "\n".join(
        f"#define {name.upper()}_{one.upper()} {math.prod(tensor.shape)} /* {comment(tensor.name)}: "
        f"{' x '.join(map(str, tensor.shape))} */"
        for one, tensor, _ in parameters(plan)
    )
    arguments = ", ".join(f"{'' if out else 'const '}float *{one}" for one, _, out in parameters(plan))
    return f"""/* {comment(metadata.network)}, made by ssc-deploy. Images are float32, [channels][rows][columns]. */
#ifndef {guard}
#define {guard}

#include <stddef.h>

#ifdef __cplusplus
extern "C" {{
#endif

/* Floats of each buffer. The weights are those of {stem}.weights, little-endian; the arena may hold anything. */
{sizes}
#define {name.upper()}_WEIGHTS {plan.weights.size}
#define {name.upper()}_ARENA {max(plan.arena, 1)}

/* The same sizes, in bytes. */
size_t {name}_weights_bytes(void);
size_t {name}_arena_bytes(void);

/* Run the network once. It keeps no state: threads may run it at the same time, each with an arena of its own. */
void {name}_run(const float *weights, {arguments}, float *arena);

/* The same with kernels that are chosen once, and with threads that the caller lends; see ssc_engine.h. */
struct ssc_machine;
void {name}_run_on(const struct ssc_machine *machine, const float *weights, {arguments}, float *arena);

#ifdef __cplusplus
}}
#endif

#endif
"""


def tables(plan: Plan, name: str, stem: str) -> str:
    """The C file of the network."""
    arguments = ", ".join(f"{'' if out else 'const '}float *{one}" for one, _, out in parameters(plan))
    ins = [one for one, _, out in parameters(plan) if not out]
    outs = [one for one, _, out in parameters(plan) if out]
    return f"""/* The plan of {comment(stem)}; ssc_engine.h describes its words. */
#include "{stem}.h"

#include "ssc_engine.h"

static const int32_t plan[{plan.words.size}] = {{
{_listed(plan.words.tolist())}
}};

size_t {name}_weights_bytes(void) {{ return sizeof(float) * {name.upper()}_WEIGHTS; }}

size_t {name}_arena_bytes(void) {{ return sizeof(float) * {name.upper()}_ARENA; }}

void {name}_run(const float *weights, {arguments}, float *arena)
{{
    const float *inputs[{max(len(ins), 1)}] = {{{", ".join(ins) or "NULL"}}};
    float *outputs[{max(len(outs), 1)}] = {{{", ".join(outs) or "NULL"}}};
    ssc_plan_run(plan, weights, inputs, outputs, arena);
}}

void {name}_run_on(const struct ssc_machine *machine, const float *weights, {arguments}, float *arena)
{{
    const float *inputs[{max(len(ins), 1)}] = {{{", ".join(ins) or "NULL"}}};
    float *outputs[{max(len(outs), 1)}] = {{{", ".join(outs) or "NULL"}}};
    ssc_plan_run_on(machine, plan, weights, inputs, outputs, arena, 0, ssc_plan_steps(plan));
}}
"""


def _listed(numbers: Sequence[int]) -> str:
    lines, line = [], "   "
    for number in numbers:
        # The least number of 32 bits has no literal in C.
        word = f" {number}," if number != -(2**31) else " -2147483647 - 1,"
        if len(line) + len(word) > _COLUMNS:
            lines.append(line)
            line = "   "
        line += word
    return "\n".join([*lines, line])


def cmake(name: str, stem: str) -> str:
    """How CMake builds the network as a library, and the example."""
    files = "\n".join(f"    {one.name}" for one in compiling.sources() if one.suffix == ".c")
    return f"""cmake_minimum_required(VERSION 3.13)
project({name} C)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)

add_library({name} STATIC
    {stem}.c
{files}
)
target_include_directories({name} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  # Products and sums are joined only where the source says so: every processor gives the same bits.
  target_compile_options({name} PRIVATE -O2 -ffp-contract=off)
endif()

# For more than one thread: link this as well.
find_package(Threads)
if(Threads_FOUND)
  add_library({name}_threads STATIC EXCLUDE_FROM_ALL ssc_threads.c)
  target_link_libraries({name}_threads PUBLIC {name} Threads::Threads)
endif()

add_executable({name}_example example.c)
set_target_properties({name}_example PROPERTIES OUTPUT_NAME example)
target_compile_definitions({name}_example PRIVATE
    WEIGHTS_FILE="${{CMAKE_CURRENT_SOURCE_DIR}}/{stem}.weights")
target_link_libraries({name}_example PRIVATE {name})
"""
