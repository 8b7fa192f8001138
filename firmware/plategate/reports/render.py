# SPDX-License-Identifier: Apache-2.0
"""Render a report as an HTML page that needs no other file, and as PDF (fpdf2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plategate.reports.sections import Document, Section

if TYPE_CHECKING:
    from fpdf import FPDF

FONT = "Helvetica"
# Colours of the parts of a bar, from the bottom up; the page has the same.
COLOURS = ((29, 122, 70), (179, 38, 30), (176, 121, 0))
BARS_MM = 40.0
LABEL_MM = 4.0
LINE_MM = 5.5


def as_page(report: Document) -> str:
    """The report as HTML; every text in it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("plategate.reports"), autoescape=True, undefined=StrictUndefined
    )
    return pages.get_template("month.html").render(report=report)


def as_pdf(report: Document) -> bytes:
    """The report as PDF, on A4."""
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.set_title(_latin(report.title))
    pdf.set_lang(report.language)
    pdf.set_auto_page_break(True, margin=15)
    pdf.add_page()
    _heading(pdf, report.title, 16)
    for section in report.sections:
        _add_section(pdf, section)
    return bytes(pdf.output())


def _add_section(pdf: FPDF, section: Section) -> None:
    if pdf.will_page_break(2 * LINE_MM + (BARS_MM + 2 * LABEL_MM if section.bars else LINE_MM)):
        pdf.add_page()
    _heading(pdf, section.title, 12)
    pdf.set_font(FONT, size=10)
    for sentence in section.sentences:
        pdf.multi_cell(0, LINE_MM, _latin(sentence), new_x="LMARGIN", new_y="NEXT")
    if section.bars:
        _draw_bars(pdf, section)
    if section.rows:
        pdf.set_font(FONT, size=9)
        pdf.set_fill_color(255, 255, 255)
        with pdf.table(borders_layout="HORIZONTAL_LINES", text_align="LEFT", padding=0.5) as table:
            for cells in (section.columns, *section.rows):
                row = table.row()
                for cell in cells:
                    row.cell(_latin(cell))


def _heading(pdf: FPDF, text: str, size: int) -> None:
    pdf.ln(2)
    pdf.set_font(FONT, "B", size)
    pdf.multi_cell(0, size / 2, _latin(text), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1)


def _draw_bars(pdf: FPDF, section: Section) -> None:
    pdf.set_font(FONT, size=6)
    step = pdf.epw / len(section.bars)
    bottom = pdf.get_y() + LABEL_MM + BARS_MM
    for number, bar in enumerate(section.bars):
        x, y = pdf.l_margin + number * step, bottom
        for part, colour in zip(bar.parts, COLOURS, strict=False):
            height = part / section.highest * BARS_MM
            if not height:
                continue
            y -= height
            pdf.set_fill_color(*colour)
            pdf.rect(x + 0.15 * step, y, 0.7 * step, height, style="F")
        if sum(bar.parts):
            _label(pdf, x, y - LABEL_MM, step, str(sum(bar.parts)))
        _label(pdf, x, bottom, step, bar.label)
    pdf.set_xy(pdf.l_margin, bottom + LABEL_MM + 1)
    pdf.set_font(FONT, size=9)
    for name, colour in zip(section.legend, COLOURS, strict=False):
        pdf.set_fill_color(*colour)
        pdf.rect(pdf.get_x() + 1, pdf.get_y() + 1, 3, 3, style="F")
        pdf.set_x(pdf.get_x() + 5)
        pdf.cell(text=_latin(name) + "  ")
    pdf.ln(LINE_MM)


def _label(pdf: FPDF, x: float, y: float, width: float, text: str) -> None:
    pdf.set_xy(x, y)
    pdf.cell(width, LABEL_MM, text, align="C")


def _latin(text: str) -> str:
    """`text` with escapes such as \\u0416 for what the built-in fonts of PDF do not have."""
    return text.encode("latin-1", "backslashreplace").decode("latin-1")
