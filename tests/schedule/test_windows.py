# SPDX-License-Identifier: Apache-2.0
"""Guards weekly windows: local time, across midnight, holidays and daylight saving changes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from plategate.schedule.windows import Holidays, easter_sunday, parse_hours

BERLIN = ZoneInfo("Europe/Berlin")
NONE = Holidays()


def allowed(hours: str, local: str, holidays: Holidays = NONE) -> bool:
    return parse_hours(hours).allow(datetime.fromisoformat(local), holidays)


@pytest.mark.parametrize(
    ("hours", "local", "expected"),
    [
        ("mon-fri 07:00-18:00", "2026-03-02T07:00", True),
        ("mon-fri 07:00-18:00", "2026-03-02T18:00", False),
        ("mon-fri 07:00-18:00", "2026-03-07T12:00", False),
        ("mon-fri 07:00-18:00; sat 08:00-12:00", "2026-03-07T08:30", True),
        ("Mon, Wed 07:00 - 18:00", "2026-03-04T08:30", True),
        ("mon,wed 07:00-18:00", "2026-03-04T08:30", True),
        ("mon 07:00-09:00, 17:00-19:00", "2026-03-02T18:00", True),
        ("mon 07:00-09:00, 17:00-19:00", "2026-03-02T12:00", False),
        ("fri-mon", "2026-03-01T23:59", True),
        ("fri-mon", "2026-03-03T00:00", False),
        ("daily 06:00-24:00", "2026-03-03T23:59", True),
        ("fri 22:00-06:00", "2026-03-06T23:00", True),
        ("fri 22:00-06:00", "2026-03-07T05:59", True),
        ("fri 22:00-06:00", "2026-03-07T06:00", False),
        ("fri 22:00-06:00", "2026-03-06T05:00", False),
        ("sun 22:00-06:00", "2026-03-09T05:00", True),
    ],
)
def test_ok__windows(hours, local, expected):
    assert allowed(hours, local) is expected


@pytest.mark.parametrize(
    "hours", ["", ";", "xyz", "mon 7-9", "mon 07:00-07:00", "mon 25:00-26:00", "mon 07:60-08:00"]
)
def test_fail__invalid_windows(hours):
    with pytest.raises(ValueError, match=r"."):
        parse_hours(hours)


def test_ok__hol_windows_replace_those_of_the_weekday():
    christmas = Holidays(["12-25", "easter+1", "2026-06-04"])
    assert allowed("fri 07:00-18:00", "2026-12-25T09:00", christmas)
    assert not allowed("fri 07:00-18:00; hol closed", "2026-12-25T09:00", christmas)
    assert allowed("fri 07:00-18:00; hol 10:00-11:00", "2026-12-25T10:30", christmas)
    assert date(2026, 4, 6) in christmas
    assert date(2027, 3, 29) in christmas
    assert date(2026, 6, 4) in christmas
    assert date(2027, 6, 4) not in christmas


@pytest.mark.parametrize("day", ["25.12.", "2026-02-30", "13-01", "easter+x", ""])
def test_fail__invalid_holidays(day):
    with pytest.raises(ValueError, match=r"."):
        Holidays([day])


@pytest.mark.parametrize(
    ("year", "day"),
    [(1954, "04-18"), (2000, "04-23"), (2024, "03-31"), (2026, "04-05"), (2038, "04-25")],
)
def test_ok__easter(year, day):
    assert easter_sunday(year).isoformat() == f"{year}-{day}"


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ((2026, 3, 27, 6, 30), True),  # Friday 07:30 in winter
        ((2026, 3, 30, 5, 30), True),  # Monday 07:30 in summer
        ((2026, 3, 30, 4, 59), False),  # Monday 06:59 in summer
        ((2026, 10, 26, 6, 30), True),  # Monday 07:30, winter again
        ((2026, 10, 26, 5, 30), False),
    ],
)
def test_ok__windows_keep_local_time_when_daylight_saving_changes(instant, expected):
    local = datetime(*instant, tzinfo=UTC).astimezone(BERLIN)
    assert parse_hours("mon-fri 07:00-18:00").allow(local, NONE) is expected


def test_ok__the_repeated_hour_is_in_the_window_twice():
    hours = parse_hours("sun 02:00-03:00")
    for hour in (0, 1):  # 02:30 summer time, then 02:30 winter time
        local = datetime(2026, 10, 25, hour, 30, tzinfo=UTC).astimezone(BERLIN)
        assert hours.allow(local, NONE)
