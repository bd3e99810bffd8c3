"""Run a benchmark of this folder: ``python -m benchmarks augment``.

What follows the name goes to the benchmark, if it takes arguments.
"""

import sys
from importlib import import_module
from pathlib import Path

names = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
if len(sys.argv) < 2 or sys.argv[1] not in names:
    sys.exit(f"usage: python -m benchmarks {{{','.join(names)}}}")
import_module(f"benchmarks.{sys.argv[1]}").main(*sys.argv[2:])
