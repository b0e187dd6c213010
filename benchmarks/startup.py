"""How long the command line and the library take to start, and what they import for it.

    python -m benchmarks.startup [--rounds 15] [--json FILE]

Every start is a fresh process; printed is the median of wall-clock times. ``ssc-deploy --help`` is to stay below
0.3 s, and what merely runs an exported model is to import neither torch nor onnxscript.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import measuring

HEAVY = ("torch", "onnxscript", "onnx", "onnx_ir", "onnxruntime", "ai_edge_litert", "numpy")

#: The script's own entry point, so that the interpreter of this benchmark runs it.
HELP = "import sys; from ssc_deploy.cli import main; sys.argv = ['ssc-deploy', '--help']; main()"

STARTS = {
    "python alone": "pass",
    "ssc-deploy --help": HELP,
    "import ssc_deploy": "import ssc_deploy",
    "ssc_deploy.load_model": "import ssc_deploy; ssc_deploy.load_model",
}

_LIST = "import atexit, sys; atexit.register(lambda: print('\\n' + ' '.join(sys.modules)))\n"


def main() -> None:
    """Prints a line a start."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in STARTS}
    for _ in range(options.rounds):
        for name, code in STARTS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start)
    results = {}
    for name, code in STARTS.items():
        done = subprocess.run([sys.executable, "-c", _LIST + code], check=True, capture_output=True, text=True)
        imported = [module for module in HEAVY if module in done.stdout.splitlines()[-1].split()]
        results[name] = {"seconds": statistics.median(seconds[name]), "imports": imported}
        print(f"{name:24} {results[name]['seconds']:6.3f} s   imports {', '.join(imported) or 'nothing heavy'}")
    measuring.write(options.json, "startup", {"rounds": options.rounds, "starts": results})


if __name__ == "__main__":
    main()
