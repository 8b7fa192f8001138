# SPDX-License-Identifier: Apache-2.0
"""The sections of a month's report in one language; the page and the PDF both show these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from plategate.catalogue import facts, translator, word_of
from plategate.reports.month import HOURS, MonthReport, ReportLine
from plategate.values import Result

LINES_MAX = 200
RESULTS = (Result.GRANTED, Result.REFUSED, Result.UNSURE)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a drawing: its label, and its parts from the bottom up."""

    label: str
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with sentences, a drawing or a table; `legend` names the parts of the bars."""

    title: str
    sentences: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    bars: tuple[Bar, ...] = ()
    legend: tuple[str, ...] = ()

    @property
    def highest(self) -> int:
        """The height of the highest bar, at least 1."""
        return max((sum(bar.parts) for bar in self.bars), default=0) or 1


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    language: str
    title: str
    sections: tuple[Section, ...]


def document_of(
    report: MonthReport, lanes: Sequence[str], language: str, plates: bool, kept_since: date
) -> Document:
    """The report in a language; plates and details of events only if `plates`.

    With several `lanes` each line of a list names its own.
    """
    text = translator(language)
    month = f"{report.first:%Y-%m}"
    overview = [
        text("report.total", total=report.total),
        ", ".join(f"{_result(language, r)}: {report.count(r)}" for r in RESULTS),
        text("report.counts", unread=len(report.unread), alarms=len(report.alarms)),
    ]
    if report.first < kept_since:
        overview.append(text("report.incomplete", day=kept_since.isoformat()))
    if not plates:
        overview.append(text("report.no_plates"))
    sections = [
        Section(text("report.overview"), tuple(overview)),
        Section(
            text("report.days"),
            bars=tuple(
                Bar(str(day.day), tuple(counts[r.value] for r in RESULTS))
                for day, counts in report.days.items()
            ),
            legend=tuple(_result(language, r) for r in RESULTS),
        ),
        Section(
            text("report.hours"),
            bars=tuple(Bar(str(hour), (report.hours[hour],)) for hour in range(HOURS)),
        ),
        Section(text("report.time"), (_time_sentence(report, language),)),
        Section(
            text("report.reasons"),
            columns=(text("report.result"), text("report.reason"), text("report.number")),
            rows=tuple(
                (_result(language, result), word_of(language, "reason_short", reason), str(count))
                for (result, reason), count in report.reasons.most_common()
            ),
        ),
        *(
            _lines(text(title), lines, words, language, plates, len(lanes) > 1)
            for title, lines, words in (
                ("report.refused", report.refused, "reason_short"),
                ("report.unread", report.unread, "reason_short"),
                ("report.alarms", report.alarms, "event"),
            )
        ),
        Section(
            text("report.events"),
            columns=(text("report.what"), text("report.number")),
            rows=tuple(
                (word_of(language, "event", what), str(count))
                for what, count in report.events.most_common()
            ),
        ),
    ]
    title = text("report.title", lane=", ".join(lanes), month=month)
    return Document(language, title, tuple(sections))


def _lines(
    title: str,
    lines: Sequence[ReportLine],
    words: str,
    language: str,
    plates: bool,
    lane: bool,
) -> Section:
    """A table of passages or events, oldest first; the first LINES_MAX of them."""
    text = translator(language)
    columns = [text("report.when"), text("report.what"), text("report.passage")]
    shown = sorted(lines, key=lambda line: line.at)[:LINES_MAX]
    rows = [[f"{n.at:%Y-%m-%d %H:%M}", word_of(language, words, n.what), n.id] for n in shown]
    if lane:
        columns.append(text("report.lane"))
        for row, line in zip(rows, shown, strict=True):
            row.append(line.lane)
    if plates:
        columns.append(text("report.detail"))
        for row, line in zip(rows, shown, strict=True):
            row.append(line.plate or facts(line.detail))
    more = len(lines) - len(shown)
    sentences = (text("report.more", more=more),) if more else ()
    if not lines:
        sentences = (text("report.none"),)
    return Section(title, sentences, tuple(columns), tuple(map(tuple, rows)))


def _time_sentence(report: MonthReport, language: str) -> str:
    text, times = translator(language), report.to_relay_ms
    if times is None:
        return text("figures.nothing")
    return text("figures.percentiles", median=f"{times[0]:.0f}", p95=f"{times[1]:.0f}")


def _result(language: str, result: str) -> str:
    return word_of(language, "result", result)
