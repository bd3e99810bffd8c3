"""How Sphinx builds the documentation: ``sphinx-build -W docs docs/_build/html``.

The build downloads nothing; browsers load MathJax where a page has formulas. The
examples are shown as they are; with the environment variable ``PLOT_GALLERY=1``, or
``-D plot_gallery=1``, they are run for their pictures.
"""

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "sphinxext"))

import sklipo

project = "sklipo"
author = "The sklipo developers"
copyright = author
version = release = sklipo.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "measure_lists",
    "myst_parser",
    "numpydoc",
    "own_names",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "sphinxext"]
default_role = "literal"
nitpicky = True
# Other libraries' pages are not asked for; names of sklipo must lead somewhere.
nitpick_ignore_regex = [("py:.*", r"(?!sklipo\.).*")]

html_theme = "pydata_sphinx_theme"
html_title = "sklipo"
html_logo = html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["sklipo.css"]
html_show_sourcelink = False
html_theme_options = {
    "footer_end": [],
    "logo": {"text": "sklipo"},
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
}
html_sidebars = {page: [] for page in ("index", "glossary", "whats_new")}

toc_object_entries_show_parents = "hide"
autosummary_generate = True
autodoc_member_order = "groupwise"
autodoc_typehints = "none"
# The template lists methods, numpydoc would list them again.
numpydoc_show_class_members = False

copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

plot_formats = [("png", 110)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = True
plot_rcparams = {"savefig.bbox": "tight"}

sphinx_gallery_conf = {
    "backreferences_dir": "api/generated/backreferences",
    "default_thumb_file": str(Path(__file__).parent / "_static" / "logo.svg"),
    "doc_module": ("sklipo",),
    "download_all_examples": False,
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "ignore_pattern": "^(?!plot_)",
    "plot_gallery": os.environ.get("PLOT_GALLERY", "0"),
    "prefer_full_module": {"sklipo"},
    "show_signature": False,
    "within_subsection_order": "FileNameSortKey",
    "write_computation_times": False,
}
