"""``README.md`` of a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.emit.c.sources import comment, parameters

if TYPE_CHECKING:
    from ssc_deploy.metadata import ModelMetadata
    from ssc_deploy.native.plan import Plan


def text(plan: Plan, metadata: ModelMetadata, name: str, stem: str) -> str:
    """How to build and call the network."""
    arguments = ", ".join(one for one, _, _ in parameters(plan))
    shapes = "\n".join(
        f"- `{one}`: {'x'.join(map(str, tensor.shape))} floats, {comment(tensor.name)}"
        for one, tensor, _ in parameters(plan)
    )
    origin = comment(metadata.source) or "weights in memory"
    return f"""# {comment(metadata.network)} in C

Written by `ssc-deploy export --to c`, from {origin}. C11, no libraries, no memory of its own.

```
cmake -B build . && cmake --build build
build/example image.ppm
```

In a program of yours, compile all `.c` files but `example.c` and `ssc_threads.c`, with `-ffp-contract=off`, and call

```
#include "{stem}.h"

{name}_run(weights, {arguments}, arena);
```

- `weights`: the {plan.weights.size * 4:,} bytes of `{stem}.weights` (little-endian), which are only read
- `arena`: {plan.arena * 4:,} bytes (`{name}_arena_bytes()`) that may hold anything; each thread needs one of its own
{shapes}

For more threads, lend the engine a parallel-for of your own (`parallel.h`), or the pool of `ssc_threads.c`, which needs
pthreads. `ssc_kernels_best()` asks the processor for its instruction set, and is called once:

```
#include "ssc_engine.h"
#include "ssc_threads.h"

ssc_threads *pool = ssc_threads_start(2);
const ssc_machine machine = {{ssc_kernels_best(), ssc_threads_lent(pool)}};
{name}_run_on(&machine, weights, {arguments}, arena);
ssc_threads_stop(pool);
```

Results are the same to the last bit for every number of threads, and on every processor with IEEE floats, whatever
its instruction set.
`{stem}.plan` and `{stem}.json` hold the same plan as data, for `ssc-deploy run`, `verify` and `profile`.
"""
