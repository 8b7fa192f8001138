# SPDX-License-Identifier: Apache-2.0
""" "I am here" opens for a vehicle within the visit, shares its entries, and is limited."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from plategate.access.store.lists import ListName
from plategate.access.visits import Direction, EntryUse, VisitStore
from plategate.console.visits import MOST_PRESSES
from plategate.list_service.client import new_id
from plategate.messages import CommandName
from plategate.remote.protocol import AnswerResult

from .bed import STATUS, ConsoleBed
from .visiting import PLATE, entries, give, here, link, state


def test_ok__i_am_here_opens_for_a_vehicle_and_takes_an_entry(bed: ConsoleBed) -> None:
    visit = bed.invite(entries=2)
    give(bed, visit)
    assert "The gate opens." in here(bed, visit)
    (asked,) = bed.commands
    assert (asked.command, asked.only_for_vehicle) == (CommandName.OPEN, True)
    assert (asked.who, asked.via, asked.source) == ("visitor 1 of anna", "console", "testclient")
    assert entries(bed)[0].entries == 1
    assert "The gate opens." in here(bed, visit)
    assert (state(bed, visit), entries(bed)) == ("used", [])
    here(bed, visit)
    assert len(bed.commands) == 2


def test_ok__passages_by_plate_and_by_button_share_the_entries(bed: ConsoleBed) -> None:
    visit = bed.invite(entries=3)
    give(bed, visit)
    store = VisitStore(bed.settings.access.visits_file)
    at = datetime.fromtimestamp(bed.clock_s, UTC)
    assert store.note(EntryUse("p1", PLATE, entries(bed)[0], Direction.IN, at))
    here(bed, visit)
    assert entries(bed)[0].entries == 1
    assert store.note(EntryUse("p2", PLATE, entries(bed)[0], Direction.IN, at))
    here(bed, visit)
    assert len(bed.commands) == 1
    assert not store.note(EntryUse("p3", PLATE, entries(bed)[0], Direction.IN, at))
    store.close()


def test_fail__i_am_here_without_a_vehicle_opens_nothing_and_takes_nothing(
    bed: ConsoleBed,
) -> None:
    visit = bed.invite(entries=1)
    give(bed, visit)
    bed.answer = AnswerResult.REFUSED
    assert "no vehicle stands at it" in here(bed, visit)
    assert entries(bed)[0].entries == 1


def test_fail__i_am_here_outside_of_the_visit_does_not_reach_the_gate(
    bed: ConsoleBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = bed.invite(starts_at=bed.clock_s + 7200, ends_at=bed.clock_s + 9000)
    give(bed, later)
    assert "not the time of your visit" in here(bed, later)
    asked = bed.invite(accepts=False)
    give(bed, asked, "BCD3456")
    assert "not accepted yet" in here(bed, asked)
    blocked = bed.invite()
    give(bed, blocked, "BEF5678")
    bed.import_list(ListName.BLOCK, "plate\nBEF5678\n")
    assert "Call your host" in here(bed, blocked)
    bed.import_list(ListName.BLOCK, "plate\nBXX9999\n")
    monkeypatch.setitem(STATUS, "clock", {"trusted": False, "why": "no time yet"})
    assert "does not know the time" in here(bed, blocked)
    assert bed.commands == []


def test_fail__i_am_here_is_limited_in_rate_and_number(bed: ConsoleBed) -> None:
    visit = bed.invite(entries=50)
    give(bed, visit)
    bed.answer = AnswerResult.REFUSED
    address = f"{link(bed, visit)}/here"
    visitor = bed.browser()
    for _ in range(3):
        visitor.post(address, data={"id": new_id()})
    assert len(bed.commands) == 1
    for _ in range(MOST_PRESSES + 3):
        bed.clock_s += 10
        visitor.post(address, data={"id": new_id()})
    assert len(bed.commands) == MOST_PRESSES
