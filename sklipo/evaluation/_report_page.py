"""A page that prints on A4: its style, and tables and pictures as HTML."""

from base64 import b64encode
from html import escape

import numpy as np

# One file without scripts and without links that load anything: it is handed on by
# mail, archived and printed.
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p>{subtitle}</p>
</header>
<main>
{sections}
</main>
</body>
</html>
"""
_STYLE = """
@page { size: A4; margin: 18mm 17mm 20mm;
  @bottom-right { content: counter(page) " / " counter(pages);
    font: 8pt Helvetica, Arial, sans-serif; color: #555; } }
* { box-sizing: border-box; }
body { font: 10pt/1.4 Helvetica, Arial, "Liberation Sans", sans-serif;
  color: #1a1a1a; background: #fff; max-width: 176mm; margin: 12mm auto;
  padding: 0 5mm; }
header { border-bottom: 0.6mm solid #0b4a72; margin-bottom: 6mm; }
header p { margin: 1mm 0 3mm; color: #444; }
h1, h2, h3, h4 { line-height: 1.2; color: #0b4a72; break-after: avoid;
  overflow-wrap: anywhere; }
h1 { font-size: 20pt; margin: 0; }
h2 { font-size: 14pt; margin: 9mm 0 2mm; }
h3 { font-size: 11.5pt; margin: 6mm 0 1.5mm; }
h4 { font-size: 10pt; margin: 3mm 0 1mm; color: #333; }
p, ul, ol { margin: 0 0 2.5mm; }
p, li { break-inside: avoid; }
ul, ol { padding-left: 6mm; }
.table { overflow-x: auto; margin: 2mm 0 5mm; }
table { border-collapse: collapse; min-width: min(110mm, 100%);
  font-variant-numeric: tabular-nums;
  border-bottom: 0.35mm solid #1a1a1a; }
caption { text-align: left; color: #444; font-size: 9.5pt; padding-bottom: 1.5mm; }
th, td { padding: 0.8mm 3mm; text-align: right; vertical-align: top; }
thead { display: table-header-group; }
thead th { border-top: 0.35mm solid #1a1a1a; border-bottom: 0.2mm solid #1a1a1a;
  font-weight: 600; vertical-align: bottom; }
th { overflow-wrap: anywhere; min-width: 18mm; }
th:first-child { text-align: left; min-width: 30mm; }
tbody th { font-weight: 400; }
tbody tr + tr > * { border-top: 0.1mm solid #ccc; }
tr { break-inside: avoid; }
td { white-space: nowrap; }
.shaded td { white-space: normal; }
p + .table, p + section { break-before: avoid; }
.small { font-size: 7.5pt; line-height: 1.25; }
.small th, .small td { padding: 0.25mm 1.5mm; }
.small thead th { min-width: 11mm; }
.small caption { font-size: 9.5pt; }
figure { margin: 3mm 0 5mm; break-inside: avoid; }
figure img { max-width: 100%; height: auto; }
figcaption { color: #444; font-size: 9.5pt; }
.gallery { display: grid; grid-template-columns: repeat(8, 1fr); gap: 2mm;
  margin-bottom: 3mm; break-inside: avoid; }
.gallery figure { margin: 0; text-align: center; min-width: 0; }
.gallery img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; }
.gallery figcaption { font-size: 7pt; line-height: 1.25; overflow-wrap: anywhere; }
.warnings { border-left: 1.2mm solid #b34700; background: #fdf3ea;
  padding: 3mm 4mm 1mm; margin: 6mm 0; break-inside: avoid; }
.warnings h2 { color: #8a3600; margin-top: 0; }
.warnings h3 { margin-top: 2mm; }
.method { break-inside: avoid; }
.method ol { font-size: 9pt; }
.shaded td, .warnings { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
@media screen and (max-width: 640px) {
  .gallery { grid-template-columns: repeat(4, 1fr); } }
@media print {
  body { max-width: none; margin: 0; padding: 0; }
  .whole table { break-inside: avoid; }
  .table { overflow: visible; } }
"""
# What a heading in a table belongs to, for those who hear the table.
_COLUMN, _ROW = ' scope="col"', ' scope="row"'
# More columns do not fit side by side on A4 in the size of the text.
_MOST_IN_LARGE = 6
_MOST_ON_ONE_PAGE = 30


def make_page(title, subtitle, sections):
    """Return the whole page; the sections are HTML, the title is text."""
    return _PAGE.format(
        title=escape(title),
        subtitle=subtitle,
        style=_STYLE,
        sections="\n".join(filter(None, sections)),
    )


def make_section(heading, *parts, level=2, name=None):
    """Return parts, which are HTML, under a heading, which is text."""
    of_class = "" if name is None else f' class="{name}"'
    body = "\n".join(filter(None, parts))
    title = f"<h{level}>{escape(str(heading))}</h{level}>"
    return f"<section{of_class}>\n{title}\n{body}\n</section>"


def make_paragraph(text):
    """Return a text as a paragraph."""
    return f"<p>{escape(text)}</p>"


def make_list(texts, *, ordered=False):
    """Return texts as a list, or nothing if there are none."""
    if not texts:
        return ""
    tag = "ol" if ordered else "ul"
    items = "\n".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<{tag}>\n{items}\n</{tag}>"


def make_table(cells, caption, *, corner, small=False, shares=None):
    """Return a DataFrame of texts as a table.

    The index names the rows, ``corner`` is the heading of the index. A DataFrame of
    ``shares`` shades the cells from white to blue.
    """
    head = "".join(_cell("th", name, _COLUMN) for name in (corner, *cells))
    shades = np.full(cells.shape, "") if shares is None else _shade(shares)
    rows = []
    for name, texts, styles in zip(cells.index, cells.to_numpy(), shades, strict=True):
        row = [_cell("td", *pair) for pair in zip(texts, styles, strict=True)]
        rows.append(f"<tr>{_cell('th', name, _ROW)}{''.join(row)}</tr>")
    is_small = small or len(cells.columns) > _MOST_IN_LARGE
    has = {
        "table": True,
        "small": is_small,
        "shaded": shares is not None,
        "whole": len(cells) <= _MOST_ON_ONE_PAGE,
    }
    names = [name for name, is_so in has.items() if is_so]
    body = "\n".join(rows)
    return (
        f'<div class="{" ".join(names)}">\n<table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def make_figure(picture, alt, caption=""):
    """Return a picture, a pair of its bytes and their type, with its caption."""
    data, kind = picture
    source = f"data:image/{kind};base64,{b64encode(data).decode()}"
    image = f'<img src="{source}" alt="{escape(alt)}">'
    if caption:
        image += f"\n<figcaption>{escape(caption)}</figcaption>"
    return f"<figure>\n{image}\n</figure>"


def make_gallery(figures):
    """Return figures side by side."""
    return '<div class="gallery">\n' + "\n".join(figures) + "\n</div>"


def _cell(tag, text, attributes=""):
    """Return a cell of a table."""
    return f"<{tag}{attributes}>{escape(str(text))}</{tag}>"


def _shade(shares):
    """Return the style of each cell: blue that leaves black text readable."""
    alphas = np.nan_to_num(shares.to_numpy(float)) / 2
    styles = [f' style="background: rgb(0 114 178 / {a:.3f})"' for a in alphas.flat]
    return np.reshape(styles, alphas.shape)
