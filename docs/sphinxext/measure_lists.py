"""Lists of measures that the documentation takes from the code.

The API reference lists a measure because ``sklipo.measures`` exports it, and the guide
lists a group of features because ``sklipo.measures._groups`` has a row for it.
"""

import sys

from sklipo import measures
from sklipo.measures._groups import GROUPS


def list_measures():
    """Return reST: what ``sklipo.measures`` exports, by the module that defines it."""
    names_of = {}
    for name in measures.__all__:
        module = getattr(measures, name).__module__
        # What measures are taken of stands in three modules.
        is_class = isinstance(getattr(measures, name), type)
        names_of.setdefault("" if is_class else module, []).append(name)
    lines = []
    for module, names in sorted(names_of.items()):
        doc = sys.modules[module].__doc__ if module else "What is measured."
        lines += ["", f".. rubric:: {doc.splitlines()[0].rstrip('.')}", ""]
        lines += [".. autosummary::", "   :toctree: generated/", ""]
        lines += [f"   {name}" for name in names]
    return "\n".join([*lines, ""])


def tabulate_groups():
    """Return reST: a table of the groups of features for each of their sections."""
    lines = []
    for section in dict.fromkeys(group.section for group in GROUPS.values()):
        lines += ["", f".. rubric:: {section}", "", ".. list-table::"]
        lines += ["   :widths: 30 70", ""]
        for name, group in GROUPS.items():
            if group.section == section:
                lines += [f"   * - ``{name}``", f"     - {group.description}"]
    return "\n".join([*lines, ""])


def setup(app):
    """Extend the docstring of the package, and add the directive ``feature-groups``."""
    # Tests of the lists do without Sphinx.
    from sphinx.util.docutils import SphinxDirective

    class FeatureGroups(SphinxDirective):
        def run(self):
            return self.parse_text_to_nodes(tabulate_groups())

    # autosummary makes pages for the names that it finds in files and docstrings, but
    # not for those that a directive returns.
    measures.__doc__ += f"\n{list_measures()}"
    app.add_directive("feature-groups", FeatureGroups)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
