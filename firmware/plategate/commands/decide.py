# SPDX-License-Identifier: Apache-2.0
"""`plategate decide`: read plates in pictures and print the verdict against the local lists.

Nothing is opened, recorded or counted. Exit status 0 if all pictures were processed, 1 if one had
an error, 2 for wrong usage.
"""

from __future__ import annotations

import contextlib
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.commands.shared.lists import State, access_settings
from plategate.terminal import Config

if TYPE_CHECKING:
    from plategate.access.control import AccessControl
    from plategate.settings.access import AccessSettings
    from plategate.values import Verdict
    from plategate.vision.pipeline import StillReading


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("decide")(decide)


def decide(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="pictures, or folders of pictures")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="print one JSON line per picture")
    ] = False,
    at: Annotated[
        str | None, typer.Option(help="decide as of this time, such as 2026-06-04T18:30")
    ] = None,
    config: Config = None,
    state: State = None,
) -> None:
    """Read the plates in pictures and print whether each would be let in."""
    from plategate.access.control import open_access
    from plategate.commands.shared import pictures, plates, verdicts
    from plategate.plates.formats import all_formats
    from plategate.settings import load_settings
    from plategate.vision.pipeline import build_pipeline

    settings = access_settings(config, state)
    moment, clock_trusted = _moment(at, settings)
    every = load_settings(config)
    access = open_access(settings, fits=all_formats().fits, countries=every.registration_countries)
    pipeline = build_pipeline(every.vision, countries=every.format_countries)
    failed = False
    with contextlib.closing(access):
        if (failure := access.list_condition(moment).failure) is not None:
            print(f"plategate: {failure}", file=sys.stderr)
        for outcome in pictures.read_pictures(pipeline, files):
            failed = failed or outcome.error is not None
            verdict = None
            if outcome.reading is not None:
                verdict = _judge(access, outcome.reading, moment, clock_trusted)
            if as_json:
                line = plates.as_json(outcome)
                if verdict is not None:
                    line["verdict"] = verdicts.verdict_as_json(verdict)
                print(plates.json_line(line))
                continue
            for sentence in plates.as_lines(outcome):
                print(sentence, file=sys.stdout if outcome.error is None else sys.stderr)
            if verdict is not None:
                print(f"  {verdicts.verdict_sentence(verdict)}")
    raise typer.Exit(1 if failed else 0)


def _judge(
    access: AccessControl, reading: StillReading, at: datetime, clock_trusted: bool
) -> Verdict:
    """The verdict for the best plate of a picture."""
    from plategate.values import Reason, Result, Verdict

    if reading.best is None:
        seen = Reason.NOT_READABLE if reading.regions else Reason.NOTHING_SEEN
        return Verdict(Result.UNSURE, seen)
    return access.judge(reading.best.reading, at, clock_trusted)


def _moment(at: str | None, settings: AccessSettings) -> tuple[datetime, bool]:
    """The time of the decision, and whether it is trusted; a time from --at always is."""
    from plategate.access.files.fields import FIRST_YEAR, LAST_YEAR
    from plategate.clock import SystemClock
    from plategate.schedule.clock_trust import ClockTrust
    from plategate.schedule.zone import site_zone

    if at is None:
        return SystemClock().wall(), ClockTrust(settings.clock_stamp, update_stamp=False).trusted()
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise typer.BadParameter(f"{at!r}: write a time such as 2026-06-04T18:30") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise typer.BadParameter(f"{at!r}: the year must be {FIRST_YEAR} to {LAST_YEAR}")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=site_zone(settings.zone))
    return moment, True
