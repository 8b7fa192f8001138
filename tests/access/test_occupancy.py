# SPDX-License-Identifier: Apache-2.0
"""Guards quotas: a full group refuses or reports, two lanes cannot fill one place twice, and the
count survives restarts, clock jumps and missed exits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plategate.access import occupancy as counting
from plategate.access.control import AccessControl, open_access
from plategate.access.occupancy import Quotas, group_key, quotas_of
from plategate.access.store.lists import ListName
from plategate.access.visits import _LAYOUT, Direction, EntryUse, VisitStore
from plategate.errors import SettingsError
from plategate.settings import parse_settings
from plategate.settings.access import AccessSettings
from plategate.values import ListEntry, Reason, Result

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MUELLER = {"name": "Müller", "places": 1}
ENTRIES = (ListEntry("A1", group="Müller"), ListEntry("A2", group=" MÜLLER "), ListEntry("B1"))


class Lanes:
    """Lanes of one site that share lists and visits."""

    def __init__(self, settings: AccessSettings, reading: Callable[..., Any]) -> None:
        self.file = settings.file.parent / "visits.sqlite"
        self._settings = settings
        self._reading = reading
        self._opened: list[AccessControl] = []
        self.passages = 0

    def lane(self, direction: str = "in", **keys: Any) -> AccessControl:
        raw = {**self._settings.model_dump(), "visits_file": self.file, "direction": direction}
        self._opened.append(open_access(AccessSettings.model_validate(raw | keys)))
        return self._opened[-1]

    def judge(self, lane: AccessControl, plate: str) -> Any:
        return lane.judge(self._reading(plate), NOW, True)

    def drive(self, lane: AccessControl, plate: str) -> str:
        """Judge and count a vehicle; the reason of the verdict."""
        self.passages += 1
        verdict = self.judge(lane, plate)
        if verdict.result is Result.GRANTED:
            assert lane.note_grant(f"p{self.passages}", verdict, NOW)
        return str(verdict.reason.value)

    def count(self, quotas: Quotas, name: str = "") -> int:
        with closing(VisitStore(self.file)) as visits:
            found = visits.read(lambda store: counting.occupancy(store, quotas))
        return next(each.inside for each in found or () if each.name == name)

    def close(self) -> None:
        for lane in self._opened:
            lane.close()


@pytest.fixture
def lanes(settings: AccessSettings, fill: Any, reading: Any) -> Iterator[Lanes]:
    fill(settings.file, ListName.ALLOW, *ENTRIES)
    made = Lanes(settings, reading)
    yield made
    made.close()


def quotas(**keys: Any) -> Quotas:
    return quotas_of(AccessSettings.model_validate({"groups": [MUELLER]} | keys))


def test_ok__a_full_group_refuses_until_one_of_it_leaves(lanes: Lanes) -> None:
    entrance, way_out = lanes.lane(groups=[MUELLER]), lanes.lane("out", groups=[MUELLER])
    assert lanes.drive(entrance, "A1") == "allowed"
    verdict = lanes.judge(lanes.lane(groups=[MUELLER]), "A2")  # a restart changes nothing
    assert (verdict.result, verdict.reason) == (Result.REFUSED, Reason.GROUP_FULL)
    assert (verdict.plate, verdict.entry.plate) == ("A2", "A2"), "the journal names both"
    assert lanes.drive(entrance, "B1") == "allowed", "another group has places"
    assert lanes.drive(way_out, "A1") == "allowed"
    assert lanes.drive(entrance, "A2") == "allowed"
    assert lanes.count(quotas(), "Müller") == 1
    assert lanes.count(quotas()) == 2


def test_ok__a_group_may_report_instead(lanes: Lanes) -> None:
    entrance = lanes.lane(groups=[MUELLER | {"when_full": "report"}])
    lanes.drive(entrance, "A1")
    verdict = lanes.judge(entrance, "A2")
    assert (verdict.result, verdict.alarm) == (Result.GRANTED, "group full")
    assert lanes.drive(entrance, "A2") == "allowed"
    assert lanes.count(quotas(), "Müller") == 2


def test_ok__the_whole_site_may_be_full_and_a_refusal_outweighs_a_report(lanes: Lanes) -> None:
    keys = {"places": 1, "groups": [MUELLER | {"when_full": "report"}]}
    entrance = lanes.lane(**keys)
    lanes.drive(entrance, "A1")
    assert lanes.judge(entrance, "A2").reason is Reason.SITE_FULL
    assert lanes.judge(entrance, "B1").reason is Reason.SITE_FULL


def test_ok__a_vehicle_whose_exit_was_missed_needs_no_second_place(lanes: Lanes) -> None:
    entrance = lanes.lane(groups=[MUELLER])
    assert [lanes.drive(entrance, "A1") for _ in range(2)] == ["allowed", "allowed"]
    assert lanes.count(quotas(), "Müller") == 1


@pytest.mark.parametrize("direction", ["out", ""])
def test_ok__lanes_outwards_or_without_direction_refuse_nobody(
    lanes: Lanes, direction: str
) -> None:
    lanes.drive(lanes.lane(groups=[MUELLER]), "A1")
    assert lanes.drive(lanes.lane(direction, groups=[MUELLER]), "A2") == "allowed"


def test_fail__two_lanes_cannot_fill_the_last_place_twice(lanes: Lanes) -> None:
    entrances = [lanes.lane(places=1) for _ in range(3)]
    plates = ("A1", "A2", "B1")
    verdicts = [lanes.judge(lane, plate) for lane, plate in zip(entrances, plates, strict=True)]
    assert {verdict.result for verdict in verdicts} == {Result.GRANTED}
    with ThreadPoolExecutor(3) as pool:
        counted = pool.map(
            lambda lane, verdict: lane.note_grant(verdict.plate, verdict, NOW), entrances, verdicts
        )
        assert sorted(counted) == [False, False, True]
    assert lanes.count(quotas(places=1)) == 1


@pytest.fixture
def store(settings: AccessSettings) -> Iterator[VisitStore]:
    with closing(VisitStore(settings.file.parent / "visits.sqlite")) as opened:
        yield opened


def come(store: VisitStore, plate: str, group: str = "", hours: int = 0, out: bool = False) -> str:
    direction = Direction.OUT if out else Direction.IN
    passage = f"{plate}{hours}{direction}"
    at = NOW + timedelta(hours=hours)
    assert store.note(EntryUse(passage, plate, ListEntry(plate, group=group), direction, at))
    return passage


def test_ok__a_vehicle_that_did_not_drive_through_is_not_counted(store: VisitStore) -> None:
    passage = come(store, "A1")
    assert store.change(lambda s: counting.undo(s, passage))
    assert store.inside() == ()
    come(store, "A1", hours=1)
    again = come(store, "A1", hours=2)
    store.change(lambda s: counting.undo(s, again))
    assert [plate for plate, _ in store.inside()] == ["A1"], "the earlier entry stays"
    # An older version of this program removes a vehicle from `inside` alone.
    store.change(lambda s: s.execute("DELETE FROM inside"))
    last = come(store, "A1", hours=3)
    store.change(lambda s: counting.undo(s, last))
    assert store.inside() == ()


def test_ok__a_vehicle_that_did_not_leave_stays_inside_with_its_group(
    store: VisitStore,
) -> None:
    come(store, "A1", "Müller")
    passage = come(store, "A1", hours=2, out=True)
    assert store.inside() == ()
    assert store.change(lambda s: counting.undo(s, passage))
    assert store.inside() == (("A1", NOW),)
    found = store.read(lambda s: counting.occupancy(s, quotas()))
    assert found is not None
    assert [each.inside for each in found] == [1, 1]
    again = come(store, "A1", hours=3, out=True)
    store.change(lambda s: counting.settle(s, again))
    assert not store.change(lambda s: counting.undo(s, again)), "it has left for good"


def test_ok__a_correction_removes_unknown_vehicles_then_the_oldest(
    store: VisitStore,
) -> None:
    for hours, plate in enumerate(("A1", "A2", "A3")):
        come(store, plate, "Müller", hours)
    come(store, "B1", "other", 9)
    assert store.change(lambda s: counting.correct(s, "müller", 5)) == 3
    assert store.change(lambda s: counting.correct(s, "Müller", 2)) == 5
    assert [plate for plate, _ in store.inside()] == ["A2", "A3", "B1"]
    assert store.change(lambda s: counting.correct(s, "", 1)) == 3
    assert [plate for plate, _ in store.inside()] == ["B1"]


def test_ok__vehicles_age_by_running_time_not_by_the_clock(store: VisitStore) -> None:
    day = 86_400.0

    def age(boot: str, at_s: float, limit_s: float = 2 * day) -> int:
        return store.change(lambda s: counting.age(s, boot, at_s, limit_s))

    come(store, "A1", hours=-9999)  # counted while the clock was wrong by a year
    assert age("boot 1", 5 * day) == 0, "the first time only begins to count"
    assert age("boot 1", 6 * day) == 0
    assert age("boot 1", 6 * day) == 0, "another lane counts the same time once"
    come(store, "A2")
    assert age("boot 2", 0.5 * day) == 0, "after a restart from the boot on"
    assert age("boot 2", 1.8 * day) == 1
    assert [plate for plate, _ in store.inside()] == ["A2"]
    assert age("boot 2", 99 * day, 0.0) == 0, "0 hours: never"


def test_ok__visits_of_an_older_version_count_without_a_group(
    settings: AccessSettings, store: VisitStore
) -> None:
    file = settings.file.parent / "visits.sqlite"
    file.parent.mkdir(exist_ok=True)
    old = sqlite3.connect(file)
    old.executescript(_LAYOUT)
    old.execute("INSERT INTO inside VALUES ('A1', ?)", (NOW.isoformat(),))
    old.commit()
    old.close()
    found = store.read(lambda s: counting.occupancy(s, quotas()))
    assert found is not None
    assert [each.inside for each in found] == [1, 0]
    assert store.change(lambda s: counting.correct(s, "", 0)) == 1
    assert store.inside() == ()


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(("in", "out", "undo", "correct", "unknown")),
            st.sampled_from("ABC"),
            st.integers(-2, 3),
        ),
        max_size=12,
    )
)
def test_ok__no_sequence_makes_a_count_negative_or_groups_exceed_the_site(
    steps: list[tuple[str, str, int]],
) -> None:
    store = sqlite3.connect(":memory:", isolation_level=None)
    store.executescript(_LAYOUT + counting.LAYOUT)
    sites = quotas()
    for number, (what, plate, value) in enumerate(steps):
        match what:
            case "in":
                counting.enter(store, plate, str(number), "Müller" * (value % 2), str(number))
            case "out":
                counting.leave(store, plate, str(number))
            case "undo":
                counting.undo(store, str(number - abs(value)))
            case "correct":
                group = "Müller" * (value % 2)
                counting.correct(store, group, abs(value))
                site, mueller = counting.occupancy(store, sites)
                assert (mueller if group else site).inside == abs(value)
            case "unknown":
                counting.add_unknown(store, "", value)
        site, mueller = counting.occupancy(store, sites)
        assert 0 <= mueller.inside <= site.inside
    store.close()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"groups": [MUELLER, {"name": "MÜLLER ", "places": 2}]}, "'MÜLLER ' is named twice"),
        ({"full_sign": "Meier", "groups": [MUELLER]}, "there is no such group in groups"),
        ({"groups": [{"name": "", "places": 2}]}, "access.groups.0.name"),
        ({"groups": [{"name": "x", "places": -1}]}, "must be at least 0"),
        ({"when_full": "open"}, "must be 'refuse' or 'report'"),
    ],
)
def test_fail__wrong_settings_are_named(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match="access") as error:
        parse_settings({"access": keys}, "settings.toml")
    assert said in str(error.value)


def test_ok__names_of_groups_are_compared_without_case_and_outer_spaces() -> None:
    assert group_key("  Müller   GmbH ") == group_key("MÜLLER GMBH")
