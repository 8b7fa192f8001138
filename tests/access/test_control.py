# SPDX-License-Identifier: Apache-2.0
"""Guards access control: exact matching, block and wanted before allow, no crash on any file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plategate.access.control import open_access
from plategate.access.store.lists import ListName
from plategate.values import (
    ListEntry,
    Reason,
    Result,
    VehicleRecord,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday


@pytest.fixture
def access(settings):
    control = open_access(settings)
    yield control
    control.close()


@pytest.fixture
def judge(access, reading) -> Callable[..., tuple[Result, Reason]]:
    def judged(text: str, *, trusted: bool = True) -> tuple[Result, Reason]:
        verdict = access.judge(reading(text), NOW, trusted)
        return verdict.result, verdict.reason

    return judged


def test_ok__only_the_listed_plate_opens(settings, fill, judge):
    fill(settings.file, ListName.ALLOW, ListEntry("AB12CDE", holder="Anna"))
    assert judge("AB12CDE") == (Result.GRANTED, Reason.ALLOWED)
    assert judge("AB12CDF") == (Result.REFUSED, Reason.NOT_LISTED)


def test_ok__block_and_wanted_come_before_allow(access, settings, fill, judge, reading):
    fill(settings.file, ListName.ALLOW, *(ListEntry(p) for p in ("A1", "B2", "C3")))
    fill(settings.file, ListName.BLOCK, ListEntry("B2"), ListEntry("C3"))
    fill(settings.file, ListName.WANTED, ListEntry("C3"))
    assert judge("A1") == (Result.GRANTED, Reason.ALLOWED)
    assert judge("B2") == (Result.REFUSED, Reason.BLOCKED)
    wanted = access.judge(reading("C3"), NOW, True)
    assert (wanted.result, wanted.reason, wanted.alarm) == (
        *(Result.REFUSED, Reason.WANTED),
        "certain",
    )


def test_ok__every_verdict_has_the_vehicle_record(access, settings, fill, judge, reading):
    record = VehicleRecord("ZZ99", owner="Jo", registered_in="Ulm")
    fill(settings.file, ListName.ALLOW, ListEntry("A1"), records=[record])
    verdict = access.judge(reading("ZZ99"), NOW, True)
    assert (verdict.reason, verdict.record) == (Reason.NOT_LISTED, record)


def test_ok__a_list_imported_later_is_used(settings, fill, judge):
    assert judge("A1") == (Result.REFUSED, Reason.NO_LIST)
    fill(settings.file, ListName.ALLOW, ListEntry("A1"))
    assert judge("A1") == (Result.GRANTED, Reason.ALLOWED)
    fill(settings.file, ListName.ALLOW, ListEntry("A2"))
    assert judge("A1") == (Result.REFUSED, Reason.NOT_LISTED)


def test_ok__a_replaced_database_file_is_used(settings, fill, judge, tmp_path):
    fill(settings.file, ListName.ALLOW, ListEntry("A1"))
    assert judge("A1") == (Result.GRANTED, Reason.ALLOWED)
    fill(tmp_path / "other.sqlite", ListName.ALLOW, ListEntry("A2"))
    (tmp_path / "other.sqlite").rename(settings.file)
    assert judge("A2") == (Result.GRANTED, Reason.ALLOWED)


def test_ok__replaced_files_leave_no_descriptors(settings, fill, reading, judge, tmp_path):
    def open_files():
        found = 0
        for link in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                found += "lists" in link.readlink().name
        return found

    fill(settings.file, ListName.ALLOW, ListEntry("A1"))
    judge("A1")
    before = open_files()
    for number in range(10):
        other = tmp_path / f"lists.{number}.sqlite"
        fill(other, ListName.ALLOW, ListEntry("A1"))
        other.replace(settings.file)
        assert judge("A1") == (Result.GRANTED, Reason.ALLOWED)
    assert open_files() <= before


def test_ok__another_thread_can_judge(settings, fill, judge):
    fill(settings.file, ListName.ALLOW, ListEntry("A1"))
    assert judge("A1") == (Result.GRANTED, Reason.ALLOWED)
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(judge("A1")))
    thread.start()
    thread.join()
    assert found == [(Result.GRANTED, Reason.ALLOWED)]


def test_fail__a_damaged_file_gives_a_verdict(settings, judge, caplog):
    settings.file.write_bytes(
        b"this is no database, and longer than a header of a hundred bytes" * 9
    )
    assert judge("A1") == (Result.UNSURE, Reason.STORE_FAILED)
    assert judge("A1") == (Result.UNSURE, Reason.STORE_FAILED)
    assert len(caplog.records) == 1


def test_fail__weak_readings_and_no_reading_never_open(access, settings, fill, judge, reading):
    fill(settings.file, ListName.ALLOW, ListEntry("A1"))
    weak = access.judge(reading("A1", 0.2), NOW, True)
    assert (weak.result, weak.reason) == (Result.UNSURE, Reason.WEAK_READING)
    assert access.judge(None, NOW, True).reason is Reason.NOT_READABLE


def test_fail__limited_entries_are_unsure_while_the_clock_is_not_trusted(settings, fill, judge):
    fill(
        settings.file,
        ListName.ALLOW,
        ListEntry("A1", valid_until=NOW + timedelta(days=1)),
        ListEntry("B2", hours="mon-fri 07:00-18:00"),
        ListEntry("C3"),
    )
    unsure = (Result.UNSURE, Reason.CLOCK_UNTRUSTED)
    assert judge("A1", trusted=False) == unsure
    assert judge("B2", trusted=False) == unsure
    assert judge("C3", trusted=False) == (Result.GRANTED, Reason.ALLOWED)
    assert judge("A1") == judge("B2") == (Result.GRANTED, Reason.ALLOWED)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (ListEntry("A1", valid_from=NOW + timedelta(seconds=1)), Reason.NOT_YET_VALID),
        (ListEntry("A1", valid_until=NOW), Reason.EXPIRED),
        (ListEntry("A1", hours="tue 07:00-18:00"), Reason.OUTSIDE_HOURS),
    ],
)
def test_fail__entries_that_are_not_in_force_refuse(settings, fill, judge, entry, reason):
    fill(settings.file, ListName.ALLOW, entry)
    assert judge("A1") == (Result.REFUSED, reason)


def test_ok__of_several_entries_the_one_in_force_opens(settings, fill, judge):
    expired = ListEntry("A1", valid_until=NOW - timedelta(days=1))
    fill(settings.file, ListName.ALLOW, expired, ListEntry("A1", hours="mon 08:00-12:00"))
    assert judge("A1") == (Result.GRANTED, Reason.ALLOWED)


def test_ok__an_expired_block_entry_does_not_block(settings, fill, judge):
    fill(settings.file, ListName.ALLOW, ListEntry("A1"))
    fill(settings.file, ListName.BLOCK, ListEntry("A1", valid_until=NOW - timedelta(days=1)))
    assert judge("A1") == (Result.GRANTED, Reason.ALLOWED)
    assert judge("A1", trusted=False) == (Result.REFUSED, Reason.BLOCKED)


@pytest.mark.parametrize(
    ("choice", "limited", "unlimited"),
    [
        ("warn", Reason.ALLOWED, Reason.ALLOWED),
        ("unlimited", Reason.LIST_TOO_OLD, Reason.ALLOWED),
        ("closed", Reason.LIST_TOO_OLD, Reason.LIST_TOO_OLD),
    ],
)
def test_ok__an_old_list_follows_when_list_too_old(
    settings, fill, reading, choice, limited, unlimited
):
    fill(settings.file, ListName.ALLOW, ListEntry("A1", hours="daily"), ListEntry("B2"))
    changes = {"list_max_age_days": 30, "when_list_too_old": choice}
    access = open_access(settings.model_copy(update=changes))
    later = NOW + timedelta(days=40)
    assert access.judge(reading("A1"), NOW, True).reason is Reason.ALLOWED
    assert access.judge(reading("A1"), later, True).reason is limited
    assert access.judge(reading("B2"), later, True).reason is unlimited
    assert access.judge(reading("B2"), later, False).reason is Reason.ALLOWED
    assert not access.list_condition(NOW).too_old
    assert access.list_condition(later).too_old
    access.close()
