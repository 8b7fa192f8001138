# SPDX-License-Identifier: Apache-2.0
"""The figures count what is in the journal, by day of the gate's zone, and show no plate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from plategate.console.accounts import Role
from plategate.console.figures import DAYS, MOST_PASSAGES, figures_of, first_moment, percentile
from plategate.documents import passage_document
from plategate.values import Result

from .bed import ConsoleBed, a_passage

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 7, 20, 22, 30, tzinfo=UTC)  # in Berlin the 21st has begun


def documents(*passages: tuple[datetime, Result, float]) -> list[dict[str, object]]:
    return [
        passage_document(
            replace(
                a_passage(str(n), "A1", result), triggered_at=at, milliseconds=(("total", spent),)
            ),
            None,
        )
        for n, (at, result, spent) in enumerate(passages)
    ]


def test_ok__passages_are_counted_by_day_of_the_site() -> None:
    figures = figures_of(
        documents(
            (NOW, Result.GRANTED, 50.0),
            (NOW - timedelta(hours=1), Result.REFUSED, 1.0),  # still the 20th
            (first_moment(NOW, ZONE), Result.GRANTED, 150.0),
        ),
        NOW,
        ZONE,
    )
    assert len(figures.days) == DAYS
    assert (figures.days[0].day.isoformat(), figures.days[-1].day.isoformat()) == (
        "2026-07-08", "2026-07-21",
    )  # fmt: skip
    assert [day.total for day in figures.days] == [1, *[0] * (DAYS - 3), 1, 1]
    assert figures.reasons[0] == ("granted", "allowed", 2)
    assert figures.to_relay_ms == (50.0, 150.0)
    assert figures.complete


def test_ok__nothing_and_too_much_are_said() -> None:
    assert figures_of([], NOW, ZONE).to_relay_ms is None
    many = documents((NOW, Result.REFUSED, 1.0)) * MOST_PASSAGES
    assert not figures_of(many, NOW, ZONE).complete


@pytest.mark.parametrize(("share", "value"), [(0.5, 50.0), (0.95, 95.0), (1.0, 100.0), (0.0, 1.0)])
def test_ok__percentiles_are_values_that_occurred(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_ok__the_page_shows_figures_and_no_plates(bed: ConsoleBed) -> None:
    for n in range(3):
        passage = a_passage(str(n), f"SECRET{n}", Result.REFUSED)
        bed.add(replace(passage, triggered_at=datetime.fromtimestamp(bed.clock_s - 60, UTC)))
    page = bed.logged_in(Role.INSTALLER).get("/figures").text
    assert "Refused: not on the list</dt><dd>3<" in page
    assert 'height="120.0"' in page
    assert "SECRET" not in page
