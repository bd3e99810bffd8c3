"""Formulae as MathML, which browsers show by themselves: no script, no download."""

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml


def _visit_inline(self, node):
    """Write a formula within a line."""
    self.body.append(tex2mathml(node.astext()))
    raise SkipNode


def _visit_block(self, node):
    """Write a formula in a line of its own."""
    formula = tex2mathml(node.astext(), as_block=True)
    self.body.append(f'<div class="math">{formula}</div>')
    raise SkipNode


def setup(app):
    """Offer the renderer under the name that ``html_math_renderer`` takes."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
