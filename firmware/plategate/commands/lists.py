# SPDX-License-Identifier: Apache-2.0
"""`plategate list`: show the lists in force, check them for problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from plategate.commands.shared.lists import (
    State,
    access_settings,
    change_sentence,
    entry_line,
    list_name,
    plate_argument,
)
from plategate.errors import printable
from plategate.terminal import Config

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from plategate.access.store.lists import ListName
    from plategate.settings.access import AccessSettings

app = typer.Typer(help="The allow, block and wanted lists.", no_args_is_help=True)

Which = Annotated[str, typer.Option("--list", help="allow, block or wanted")]


def register(root: typer.Typer) -> None:
    """Add the group to the root."""
    root.add_typer(app, name="list")


@app.command("show")
def show_list(
    plate: Annotated[str | None, typer.Argument(help="only this plate, on all lists")] = None,
    which: Which = "allow",
    limit: Annotated[int, typer.Option(help="show at most this many entries", min=1)] = 100,
    history: Annotated[bool, typer.Option("--history", help="who changed what and when")] = False,
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="what was added, edited or removed by hand")
    ] = False,
    config: Config = None,
    state: State = None,
) -> None:
    """Show the entries in force, the entries of one plate, or the history; times are site time."""
    from plategate.access.store.database import open_for_reading
    from plategate.access.store.history import list_history
    from plategate.schedule.zone import site_zone

    settings = access_settings(config, state)
    zone = site_zone(settings.zone)
    store = open_for_reading(settings.file)
    try:
        if history:
            for change in list_history(store, limit=limit):
                at = change.at.astimezone(zone)
                print(f"{at:%Y-%m-%d %H:%M} {printable(change.who)}: {change_sentence(change)}")
        elif plate is not None:
            _show_plate(store, plate, zone)
        elif by_hand:
            _show_by_hand(store, list_name(which), zone)
        else:
            _show_entries(store, list_name(which), limit, zone)
    finally:
        store.close()


def _show_plate(store: sqlite3.Connection, written: str, zone: ZoneInfo) -> None:
    from plategate.access.store.lists import ListName, entries_of_plate

    plate = plate_argument(written)
    found = [(name, entry) for name in ListName for entry in entries_of_plate(store, name, plate)]
    for name, entry in found:
        print(f"{name}: {entry_line(entry, zone)}")
    if not found:
        print(f"{plate}: on no list")
        raise typer.Exit(1)


def _show_by_hand(store: sqlite3.Connection, name: ListName, zone: ZoneInfo) -> None:
    from plategate.access.store.layers import made_by_hand

    for made in made_by_hand(store, name):
        facts = [f"{made.at.astimezone(zone):%Y-%m-%d}", made.who, made.why]
        by = printable("  ".join(filter(None, facts)))
        if not made.entries:
            print(f"{made.plate:<12}  removed  [{by}]")
        for entry in made.entries:
            print(f"{entry_line(entry, zone)}  [{by}]")


def _show_entries(store: sqlite3.Connection, name: ListName, limit: int, zone: ZoneInfo) -> None:
    from plategate.access.store.layers import count_hand
    from plategate.access.store.lists import all_entries, list_state

    state = list_state(store, name)
    if state is None:
        print(f"{name}: never imported")
        raise typer.Exit(1)
    print(
        f"{name}: generation {state.generation}, {state.entries} entries"
        f" from {printable(state.source)}, {state.replaced_at.astimezone(zone):%Y-%m-%d %H:%M}"
    )
    made, removed = count_hand(store, name)
    if made or removed:
        print(f"{made} plates made and {removed} removed by hand (--by-hand shows them)")
    for entry in all_entries(store, name, limit):
        print(entry_line(entry, zone))
    if state.entries > limit:
        print(f"... and {state.entries - limit} more")


@app.command("inside")
def show_inside(
    forget_hours: Annotated[
        int | None,
        typer.Option(help="remove plates that came in more than this many hours ago", min=1),
    ] = None,
    config: Config = None,
    state: State = None,
) -> None:
    """Show which plates are inside; needs lanes with access.direction."""
    from contextlib import closing
    from datetime import timedelta

    from plategate.access.visits import VisitStore
    from plategate.clock import SystemClock
    from plategate.schedule.zone import site_zone
    from plategate.users import as_owner_of

    settings = access_settings(config, state)
    zone = site_zone(settings.zone)
    folder = settings.visits_file.parent
    with as_owner_of(folder), closing(VisitStore(settings.visits_file)) as visits:
        if forget_hours is not None:
            count = visits.forget_inside(SystemClock().wall() - timedelta(hours=forget_hours))
            print(f"{count} removed")
        inside = visits.inside()
    for plate, since in inside:
        print(f"{plate:<12}  since {since.astimezone(zone):%Y-%m-%d %H:%M}")
    print(f"{len(inside)} inside")


@app.command("check")
def check_list(
    plate: Annotated[
        str | None, typer.Argument(help="show which misreadings of this plate would open")
    ] = None,
    limit: Annotated[
        int, typer.Option(help="show at most this many problems of a kind", min=1)
    ] = 20,
    config: Config = None,
    state: State = None,
) -> None:
    """Check the lists for problems; exit status 1 if there are any."""
    from plategate.access.store.database import open_for_reading
    from plategate.plates.formats import PlateFormats, known_countries
    from plategate.settings import load_settings

    fits = PlateFormats(load_settings(config).format_countries or known_countries()).fits
    settings = access_settings(config, state)
    store = open_for_reading(settings.file)
    try:
        if plate is not None:
            _check_plate(store, plate, fits)
        elif _check_all(store, fits, limit, settings):
            raise typer.Exit(1)
    finally:
        store.close()


def _check_all(
    store: sqlite3.Connection, fits: Callable[[str], bool], limit: int, settings: AccessSettings
) -> bool:
    from collections import Counter
    from itertools import chain

    from plategate.access.matching.list_check import check_groups, check_lists
    from plategate.access.occupancy import quotas_of
    from plategate.clock import SystemClock
    from plategate.schedule.zone import site_zone

    now = SystemClock().wall().astimezone(site_zone(settings.zone))
    groups = check_groups(store, quotas_of(settings))
    counts: Counter[str] = Counter()
    for problem in chain(check_lists(store, now, fits), groups):
        counts[problem.kind] += 1
        if counts[problem.kind] <= limit:
            words = (f"{problem.list}:", problem.plate, problem.sentence)
            print(printable(" ".join(filter(None, words))))
    for kind, count in sorted(counts.items()):
        print(f"{count} {kind}")
    if not counts:
        print("no problems found")
    return bool(counts)


def _check_plate(store: sqlite3.Connection, written: str, fits: Callable[[str], bool]) -> None:
    from plategate.access.matching.match import LEVELS
    from plategate.access.matching.misreadings import misreadings
    from plategate.access.matching.search import known_among
    from plategate.access.store.lists import ListName, entries_of_plate

    plate = plate_argument(written)
    if not entries_of_plate(store, ListName.ALLOW, plate):
        print(f"{plate} is not on the allow list; if it were:")
    for level in LEVELS.values():
        print(f"{level.name}:")
        accepted = list(misreadings(plate, level, lambda t: known_among(store, t, plate), fits))
        for found in accepted:
            when = "even with high confidence" if found.if_sure else "with low confidence"
            print(f"  {found.text} would open, {when}")
        if not accepted:
            print(f"  nothing but {plate} itself")
