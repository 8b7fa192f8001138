# SPDX-License-Identifier: Apache-2.0
"""Access control: the verdict for a reading against the local lists.

This is the interface of `access` for the gate and the commands. File and disk errors are never
raised: they lead to a verdict that does not open and names the reason.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plategate.access.matching.likelihood import ReadingLikelihood
from plategate.access.matching.match import EXACT, Match, MatchResult, weigh
from plategate.access.matching.search import explanations, possibly_wanted
from plategate.access.occupancy import full_reason
from plategate.access.policy import Moment, forbids, nearest_entry, result_of
from plategate.access.rules import AccessRules, access_rules
from plategate.access.store.database import ThreadConnections
from plategate.access.store.lists import ListName, entries_of_plate, list_state
from plategate.access.store.vehicles import record_of_plate
from plategate.access.visits import Direction, EntryUse, VisitStore
from plategate.errors import StoreError
from plategate.plates.confusions import installed_confusions
from plategate.plates.registration import registered_in
from plategate.settings.access import AccessSettings
from plategate.storage import storage_errors
from plategate.values import ListEntry, PlateReading, Reason, Result, Verdict

CERTAIN, POSSIBLE, ALREADY_INSIDE = "certain", "possible", "already inside"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListCondition:
    """State of the allow list: number of entries, when last confirmed, what is wrong with it."""

    too_old: bool = False  # last confirmed longer ago than access.list_max_age_days
    failure: str | None = None
    entries: int | None = None
    confirmed_at: datetime | None = None


def open_access(
    settings: AccessSettings,
    fits: Callable[[str], bool] | None = None,
    countries: tuple[str, ...] = (),
) -> AccessControl:
    """Create the access control; the list database may be missing and appear later.

    `fits` tells whether a text has the format of a plate; without it every text does, which is the
    stricter choice. Places of registration in `countries` come first.
    """
    return AccessControl(access_rules(settings, countries), fits or bool)


class AccessControl:
    """Judges readings; may be called from any thread, each has its own database connection."""

    def __init__(self, rules: AccessRules, fits: Callable[[str], bool]) -> None:
        """Use `open_access` instead."""
        self._rules = rules
        self._fits = fits
        self._file = rules.settings.file
        self._connections = ThreadConnections(self._file)
        self._visits = VisitStore(rules.settings.visits_file)
        self._failure = ""

    def use(self, rules: AccessRules) -> None:
        """Use other rules from now on; the files stay those it was opened with."""
        self._rules = rules

    def judge(self, reading: PlateReading | None, at: datetime, clock_trusted: bool) -> Verdict:
        """The verdict for a reading at time `at` (timezone-aware)."""
        if reading is None or not reading.text:
            return Verdict(Result.UNSURE, Reason.NOT_READABLE)
        moment = Moment(at, clock_trusted, self._rules.zone, self._rules.holidays)
        try:
            with storage_errors(self._file):
                if not self._file.exists():
                    return Verdict(Result.REFUSED, Reason.NO_LIST, plate=reading.text)
                verdict = self._judge(self._connections.get(), reading, moment)
        except StoreError as error:
            self._log_once(str(error))
            return Verdict(Result.UNSURE, Reason.STORE_FAILED, plate=reading.text)
        self._log_once("")
        return verdict

    def note_grant(self, passage_id: str, verdict: Verdict, at: datetime) -> bool:
        """Count a grant, durably and once; must be called before the relay moves.

        Returns False if the entry has a limited number of entries and counting failed, or another
        lane has used the last one up or filled the last place: the barrier must then stay closed.
        """
        direction = self._rules.direction
        visit = EntryUse(passage_id, verdict.plate or "", verdict.entry, direction, at)
        counted = verdict.entry is not None and verdict.entry.entries is not None
        if not counted and direction is Direction.UNKNOWN:
            return True
        try:
            noted = self._visits.note(visit, self._rules.quotas)
        except StoreError as error:
            self._log_once(str(error))
            return not counted
        if not noted:
            logger.warning("passage %s: another lane has used the last entry or place", passage_id)
        return noted

    def list_condition(self, at: datetime) -> ListCondition:
        """The state of the allow list at time `at`."""
        try:
            with storage_errors(self._file):
                if not self._file.exists():
                    return ListCondition()
                store = self._connections.get()
                too_old, state = self._too_old(store, at), list_state(store, ListName.ALLOW)
        except StoreError as error:
            return ListCondition(failure=str(error))
        if state is None:
            return ListCondition()
        return ListCondition(too_old, entries=state.entries, confirmed_at=state.confirmed_at)

    def close(self) -> None:
        """Close the connections of all threads; none of them may be in use."""
        self._connections.close()
        self._visits.close()

    def _judge(self, store: sqlite3.Connection, reading: PlateReading, moment: Moment) -> Verdict:
        verdict = self._forbidden(store, reading.text, moment)
        if verdict is None:
            likelihood = ReadingLikelihood(reading, installed_confusions())
            wanted = forbids(possibly_wanted(store, reading, likelihood), moment)
            verdict = self._allowed(store, reading, likelihood, moment)
            if wanted is not None:
                verdict = _limited_by_wanted(verdict, wanted)
        plate = verdict.plate or reading.text
        record = record_of_plate(store, plate)
        place = record.registered_in if record and record.registered_in else None
        place = place or registered_in(plate, self._rules.countries)
        return replace(verdict, plate=plate, record=record, registered_in=place)

    def _forbidden(self, store: sqlite3.Connection, plate: str, moment: Moment) -> Verdict | None:
        if entry := forbids(entries_of_plate(store, ListName.WANTED, plate), moment):
            return Verdict(Result.REFUSED, Reason.WANTED, entry=entry, alarm=CERTAIN)
        if entry := forbids(entries_of_plate(store, ListName.BLOCK, plate), moment):
            return Verdict(Result.REFUSED, Reason.BLOCKED, entry=entry)
        return None

    def _allowed(
        self,
        store: sqlite3.Connection,
        reading: PlateReading,
        likelihood: ReadingLikelihood,
        moment: Moment,
    ) -> Verdict:
        if list_state(store, ListName.ALLOW) is None:
            return Verdict(Result.REFUSED, Reason.NO_LIST)
        strong = reading.confidence >= self._rules.settings.min_confidence
        plate: str | None = reading.text
        if not (strong and entries_of_plate(store, ListName.ALLOW, reading.text)):
            match = self._weigh(store, reading, likelihood)
            if match.result is MatchResult.AMBIGUOUS:
                return Verdict(Result.UNSURE, Reason.AMBIGUOUS)
            plate = match.plate if match.result is MatchResult.MATCHED else None
        if plate is not None and (forbidden := self._forbidden(store, plate, moment)):
            return forbidden
        if plate is None:
            if strong:
                return Verdict(Result.REFUSED, Reason.NOT_LISTED)
            return Verdict(Result.UNSURE, Reason.WEAK_READING)
        return self._by_entry(store, reading.text, plate, moment)

    def _weigh(
        self, store: sqlite3.Connection, reading: PlateReading, likelihood: ReadingLikelihood
    ) -> Match:
        if self._rules.strictness is EXACT:
            return Match(MatchResult.NONE)
        found = explanations(store, reading, self._rules.strictness)
        return weigh(likelihood, found, self._rules.strictness, self._fits)

    def _by_entry(
        self, store: sqlite3.Connection, read: str, plate: str, moment: Moment
    ) -> Verdict:
        nearest = nearest_entry(entries_of_plate(store, ListName.ALLOW, plate), moment, self._used)
        if nearest is None:
            return Verdict(Result.REFUSED, Reason.NOT_LISTED)
        entry, reason = nearest
        if self._is_outdated(store, entry, moment):
            return Verdict(Result.REFUSED, Reason.LIST_TOO_OLD, plate=plate, entry=entry)
        shown = Reason.ALLOWED_LOOKALIKE if reason is Reason.ALLOWED and plate != read else reason
        verdict = Verdict(result_of(reason), shown, plate=plate, entry=entry)
        return self._place(self._passback(verdict))

    def _is_outdated(self, store: sqlite3.Connection, entry: ListEntry, moment: Moment) -> bool:
        choice = self._rules.settings.when_list_too_old
        if choice == "warn" or (choice == "unlimited" and not entry.limited):
            return False
        return moment.clock_trusted and self._too_old(store, moment.at)

    def _too_old(self, store: sqlite3.Connection, at: datetime) -> bool:
        limit, state = self._rules.settings.list_max_age_days, list_state(store, ListName.ALLOW)
        return bool(limit and state and at - state.confirmed_at > timedelta(days=limit))

    def _passback(self, verdict: Verdict) -> Verdict:
        """Apply access.anti_passback: refuse or warn if the plate is already inside."""
        entry, choice = verdict.entry, self._rules.settings.anti_passback
        watched = self._rules.direction is Direction.IN and choice != "off"
        if not watched or entry is None or verdict.result is not Result.GRANTED:
            return verdict
        if self._visits.inside_since(entry.plate) is None:
            return verdict
        if choice == "refuse":
            return Verdict(Result.REFUSED, Reason.ALREADY_INSIDE, entry=entry)
        return replace(verdict, alarm=ALREADY_INSIDE)

    def _place(self, verdict: Verdict) -> Verdict:
        """Apply the quotas: refuse or report a vehicle for which no place is free."""
        entry, quotas = verdict.entry, self._rules.quotas
        watched = self._rules.direction is Direction.IN and quotas.exist
        if not watched or entry is None or verdict.result is not Result.GRANTED:
            return verdict
        full = self._visits.read(lambda store: full_reason(store, quotas, entry.group, entry.plate))
        if full is None:
            return verdict
        reason, refuses = full
        if refuses:
            return Verdict(Result.REFUSED, reason, plate=verdict.plate, entry=entry)
        return replace(verdict, alarm=verdict.alarm or reason.value.replace("_", " "))

    def _used(self, entry: ListEntry) -> int:
        return 0 if entry.entries is None else self._visits.used(entry)

    def _log_once(self, failure: str) -> None:
        if failure != self._failure:
            if failure:
                logger.error("lists cannot be read: %s", failure)
            else:
                logger.info("lists can be read again")
            self._failure = failure


def _limited_by_wanted(verdict: Verdict, wanted: ListEntry) -> Verdict:
    """The verdict if the plate may also be a wanted one: only an exact grant remains."""
    if verdict.reason is Reason.ALLOWED and verdict.result is Result.GRANTED:
        return replace(verdict, alarm=POSSIBLE)
    result = Result.REFUSED if verdict.result is Result.REFUSED else Result.UNSURE
    return Verdict(result, Reason.WANTED_POSSIBLE, entry=wanted, alarm=POSSIBLE)
