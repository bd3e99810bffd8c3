"""Print the least versions that pyproject.toml claims, as constraints for pip.

::

    python tools/least_versions.py test > constraints.txt
    pip install -c constraints.txt -e ".[test]"

Arguments are the extras whose requirements are listed beside the package's own.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(\[(?P<extras>.*)\])?(\s*>=\s*(?P<least>[\d.]+))?"
)


def least_versions(project, extras=()):
    """Return the least version of each requirement of a project and some extras.

    Parameters
    ----------
    project : dict
        The table ``project`` of pyproject.toml.
    extras : iterable of str, default=()
        Extras whose requirements are taken too. An extra may name others of the
        project, as in ``"sklipo[plot]"``.

    Returns
    -------
    dict
        Names as keys. Requirements without a lower bound are left out.
    """
    requirements = list(project["dependencies"])
    for extra in extras:
        requirements += project["optional-dependencies"][extra]
    least = {}
    for requirement in requirements:
        match = REQUIREMENT.match(requirement)
        if match["name"] == project["name"]:
            least |= least_versions(project, match["extras"].split(","))
        elif match["least"]:
            least[match["name"]] = match["least"]
    return least


if __name__ == "__main__":
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    for name, version in sorted(least_versions(project, sys.argv[1:]).items()):
        print(f"{name}=={version}")
