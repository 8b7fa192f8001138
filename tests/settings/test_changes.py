# SPDX-License-Identifier: Apache-2.0
"""Guards: every differing key is named, and is live only where the gate adopts it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plategate.settings import Settings, parse_settings
from plategate.settings.base import SettingsModel
from plategate.settings.changes import changes, is_live

# What `gate.startup.RuntimeSettings` contains, and the tables that the gate does not use.
TAKEN_OVER = {
    "access", "backup", "camera", "console", "journal", "lane", "outbound", "privacy",
    "samples", "sync",
}  # fmt: skip
# Lines, files, names and safety-relevant times must not change while the gate runs.
NEVER = {
    "access.file", "access.visits_file", "access.clock_stamp", "journal.dir", "lane.name",
    "lane.triggers", "lane.combine", "lane.rearm_ms", "lane.stuck_after_s", "lane.read_within_s",
    "lane.judge_within_s", "lane.write_within_s",
}  # fmt: skip


def live_keys() -> Iterator[str]:
    for table, table_field in Settings.model_fields.items():
        model = table_field.annotation
        assert isinstance(model, type)
        assert issubclass(model, SettingsModel)
        for key, field in model.model_fields.items():
            if is_live(table_field) or is_live(field):
                yield f"{table}.{key}"


def of(**tables: object) -> Settings:
    return parse_settings(tables, "test")


def test_ok__only_adopted_keys_are_live() -> None:
    live = set(live_keys())
    assert {key.split(".")[0] for key in live} == TAKEN_OVER
    assert not live & NEVER
    assert {"access.strictness", "lane.attempts", "journal.granted_days"} <= live


@pytest.mark.parametrize(
    ("after", "live", "restart"),
    [
        ({}, (), ()),
        ({"access": {"strictness": "likely"}}, ("access.strictness",), ()),
        ({"sync": {"retries": 1}}, ("sync.retries",), ()),
        (
            {"lane": {"schedule": [{"hours": "Mon 07:00-08:00", "mode": "locked"}]}},
            ("lane.schedule",),
            (),
        ),
        ({"pins": {"beam": {"pin": 22}}}, (), ("pins.beam",)),
        ({"camera": {"day": {"gain": 2.0}}}, (), ("camera.day.gain",)),
        (
            {"lane": {"attempts": 2, "name": "exit"}, "barrier": {"travel_s": 3}},
            ("lane.attempts",),
            ("lane.name", "barrier.travel_s"),
        ),
    ],
)
def test_ok__every_difference_is_named(
    after: dict[str, object], live: tuple[str, ...], restart: tuple[str, ...]
) -> None:
    found = changes(Settings(), of(**after))
    assert (found.live, found.restart) == (live, restart)
    back = changes(of(**after), Settings())
    assert (back.live, back.restart) == (live, restart)


def test_ok__a_nested_key_is_named_in_full() -> None:
    before, after = of(pins={"beam": {"pin": 22}}), of(pins={"beam": {"pin": 23}})
    assert changes(before, after).restart == ("pins.beam.pin",)
