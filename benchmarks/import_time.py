"""Time to import sklipo, and what a script of this kind imports in any case."""

import subprocess
import sys

from benchmarks._timing import compare

STATEMENTS = {
    "by hand, pandas and sklearn.svm": "import pandas, sklearn.svm",
    "pandas alone": "import pandas",
    "sklipo": "import sklipo",
}


def main():
    ways = {name: runner(statement) for name, statement in STATEMENTS.items()}
    compare("Import in a new process, Python's start included", ways, n_rounds=11)


def runner(statement):
    """Return a function that runs a statement in a new process."""
    return lambda: subprocess.run([sys.executable, "-c", statement], check=True)
