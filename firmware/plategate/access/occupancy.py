# SPDX-License-Identifier: Apache-2.0
"""Count the vehicles inside, by group, and decide when a group or the whole site is full.

Works on the tables of visits.sqlite inside the transaction of its caller. A vehicle counts from its
grant in a lane of direction "in" until its grant in a lane of direction "out". Vehicles without a
plate (opened by hand, corrected by hand) count as `unknown` ones of their group.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from plategate.access.store.lists import ListName, groups_of
from plategate.settings.access import AccessSettings
from plategate.values import Reason

REFUSE = "refuse"
# `places` has what `inside` lacks. A plate that is not in `inside` does not count: an older version
# of this program knows that table only. `leaving` is what an exit removed, until it is certain.
LAYOUT = """
CREATE TABLE IF NOT EXISTS places (
    plate TEXT PRIMARY KEY, passage TEXT NOT NULL, grp TEXT NOT NULL, age_s REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leaving (
    passage TEXT PRIMARY KEY, plate TEXT NOT NULL, since TEXT NOT NULL, grp TEXT NOT NULL,
    age_s REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unknown_inside (
    grp TEXT PRIMARY KEY, number INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS aging (id INTEGER PRIMARY KEY, boot TEXT NOT NULL, at_s REAL NOT NULL);
"""
_INSIDE = (
    "SELECT inside.plate, since, coalesce(grp, ''), coalesce(age_s, 0)"
    " FROM inside LEFT JOIN places USING (plate)"
)


@dataclass(frozen=True, slots=True)
class Quota:
    """The number of places of a group (None: no limit), and whether a full one refuses."""

    places: int | None
    refuses: bool


@dataclass(frozen=True, slots=True)
class Quotas:
    """The quotas of a site: of all vehicles, and by key of the group."""

    site: Quota
    groups: dict[str, tuple[str, Quota]]  # by key: name as written in the settings, quota

    @property
    def exist(self) -> bool:
        """Whether anything is limited."""
        return self.site.places is not None or bool(self.groups)


@dataclass(frozen=True, slots=True)
class Occupancy:
    """The vehicles inside of one group; `name` is "" for the whole site."""

    name: str
    inside: int
    places: int | None

    @property
    def full(self) -> bool:
        """Whether no place is left."""
        return self.places is not None and self.inside >= self.places

    def document(self) -> dict[str, Any]:
        """The same as JSON types."""
        return {
            "name": self.name,
            "inside": self.inside,
            "places": self.places,
            "full": self.full,
        }


def quotas_of(settings: AccessSettings) -> Quotas:
    """The quotas of the [access] table."""
    site = Quota(settings.places or None, settings.when_full == REFUSE)
    groups = {
        group_key(group.name): (group.name, Quota(group.places, group.when_full == REFUSE))
        for group in settings.groups
    }
    return Quotas(site, groups)


def group_key(name: str) -> str:
    """The form by which names of groups are compared: case and outer spaces do not matter."""
    return " ".join(name.split()).casefold()


def groups_without_entries(lists: sqlite3.Connection, quotas: Quotas) -> tuple[str, ...]:
    """The groups with a quota that no entry of the allow list names: their quota limits nobody."""
    if not quotas.groups:
        return ()
    listed = {group_key(name) for name in groups_of(lists, ListName.ALLOW)}
    return tuple(name for key, (name, _) in quotas.groups.items() if key not in listed)


def occupancy(store: sqlite3.Connection | None, quotas: Quotas) -> tuple[Occupancy, ...]:
    """The whole site, then every group that has a quota; without a store nobody is inside."""
    counts = {} if store is None else _counts(store)
    site = Occupancy("", sum(counts.values()), quotas.site.places)
    groups = (
        Occupancy(name, counts.get(key, 0), quota.places)
        for key, (name, quota) in quotas.groups.items()
    )
    return (site, *groups)


def full_reason(
    store: sqlite3.Connection, quotas: Quotas, group: str, plate: str
) -> tuple[Reason, bool] | None:
    """Why a vehicle finds no place, and whether it is refused for it; None if there is a place.

    A vehicle that is inside already needs no second place.
    """
    inside = store.execute("SELECT 1 FROM inside WHERE plate = ?", (plate,)).fetchone()
    if inside or not quotas.exist:
        return None
    counts, key = _counts(store), group_key(group)
    found = []
    if key in quotas.groups:
        quota = quotas.groups[key][1]
        if quota.places is not None and counts.get(key, 0) >= quota.places:
            found.append((Reason.GROUP_FULL, quota.refuses))
    if quotas.site.places is not None and sum(counts.values()) >= quotas.site.places:
        found.append((Reason.SITE_FULL, quotas.site.refuses))
    # A refusal outweighs a report.
    return max(found, key=lambda each: each[1], default=None)


def enter(store: sqlite3.Connection, plate: str, since: str, group: str, passage: str) -> None:
    """Count a vehicle that was granted in a lane inwards."""
    before = store.execute("SELECT passage FROM places WHERE plate = ?", (plate,)).fetchone()
    known = store.execute("SELECT 1 FROM inside WHERE plate = ?", (plate,)).fetchone()
    store.execute("INSERT OR REPLACE INTO inside VALUES (?, ?)", (plate, since))
    # Of a vehicle that was inside already, `undo` must not remove the earlier entry.
    counted_by = before[0] if known and before else "" if known else passage
    store.execute(
        "INSERT OR REPLACE INTO places VALUES (?, ?, ?, 0)", (plate, counted_by, group_key(group))
    )


def leave(store: sqlite3.Connection, plate: str, passage: str) -> None:
    """Count a vehicle out that was granted in a lane outwards."""
    row = store.execute(f"{_INSIDE} WHERE plate = ?", (plate,)).fetchone()
    if row is not None:
        store.execute("INSERT OR REPLACE INTO leaving VALUES (?, ?, ?, ?, ?)", (passage, *row))
    _remove(store, [plate])


def undo(store: sqlite3.Connection, passage: str) -> bool:
    """Take back what a grant counted, because its vehicle did not drive through."""
    came = store.execute("SELECT plate FROM places WHERE passage = ?", (passage,)).fetchall()
    _remove(store, [plate for (plate,) in came])
    left = store.execute("SELECT * FROM leaving WHERE passage = ?", (passage,)).fetchone()
    if left is not None:
        _, plate, since, group, age_s = left
        store.execute("INSERT OR IGNORE INTO inside VALUES (?, ?)", (plate, since))
        store.execute("INSERT OR IGNORE INTO places VALUES (?, '', ?, ?)", (plate, group, age_s))
        store.execute("DELETE FROM leaving WHERE passage = ?", (passage,))
    return bool(came) or left is not None


def settle(store: sqlite3.Connection, passage: str) -> None:
    """The vehicle of a passage drove through: what it left behind is forgotten."""
    store.execute("DELETE FROM leaving WHERE passage = ?", (passage,))


def add_unknown(store: sqlite3.Connection, group: str, number: int) -> None:
    """Count vehicles without a plate in (or out, if negative); never below 0."""
    store.execute(
        "INSERT INTO unknown_inside VALUES (?, max(0, ?)) ON CONFLICT (grp)"
        " DO UPDATE SET number = max(0, number + ?)",
        (group_key(group), number, number),
    )


def correct(store: sqlite3.Connection, group: str, inside: int) -> int:
    """Set the number of vehicles of a group ("" is the site); returns the number before.

    Surplus vehicles are removed, those without a plate first, then those that came in first: most
    likely their exits were missed. Missing ones are added without a plate.
    """
    key = group_key(group)
    counts = _counts(store)
    before = counts.get(key, 0) if key else sum(counts.values())
    if inside >= before:
        add_unknown(store, key, inside - before)
        return before
    surplus = before - inside
    rows = store.execute("SELECT grp, number FROM unknown_inside WHERE number > 0").fetchall()
    for name, number in rows:
        if not key or name == key:
            gone = min(surplus, number)
            add_unknown(store, name, -gone)
            surplus -= gone
    oldest = store.execute(f"{_INSIDE} ORDER BY since, plate").fetchall()
    plates = [plate for plate, _, name, _ in oldest if not key or name == key]
    _remove(store, plates[:surplus])
    return before


def age(store: sqlite3.Connection, boot: str, now_s: float, limit_s: float) -> int:
    """Let the vehicles inside age, and remove those older than `limit_s`; returns their number.

    `now_s` counts from the boot named `boot`, so that no change of the clock matters. The time
    while the machine was off does not count.
    """
    last = store.execute("SELECT boot, at_s FROM aging").fetchone()
    passed_s = now_s if last is None or last[0] != boot else max(0.0, now_s - last[1])
    if last is None:
        passed_s = 0.0
    store.execute("INSERT OR REPLACE INTO aging VALUES (1, ?, ?)", (boot, now_s))
    store.execute(
        "INSERT OR IGNORE INTO places SELECT plate, '', '', 0 FROM inside"
    )  # of an older version
    store.execute("UPDATE places SET age_s = age_s + ?", (passed_s,))
    if not limit_s:
        return 0
    old = store.execute(f"{_INSIDE} WHERE age_s > ?", (limit_s,)).fetchall()
    _remove(store, [plate for plate, *_ in old])
    return len(old)


def _counts(store: sqlite3.Connection) -> dict[str, int]:
    """Vehicles inside by key of the group."""
    found: dict[str, int] = {}
    known = (
        "SELECT coalesce(grp, ''), count(*) FROM inside LEFT JOIN places USING (plate) GROUP BY 1"
    )
    rows: Iterable[tuple[str, int]] = store.execute(
        f"{known} UNION ALL SELECT grp, number FROM unknown_inside WHERE number > 0"
    )
    for group, number in rows:
        found[group] = found.get(group, 0) + number
    return found


def _remove(store: sqlite3.Connection, plates: Iterable[str]) -> None:
    values = [(plate,) for plate in plates]
    store.executemany("DELETE FROM inside WHERE plate = ?", values)
    store.executemany("DELETE FROM places WHERE plate = ?", values)
