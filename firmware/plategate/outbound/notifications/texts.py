# SPDX-License-Identifier: Apache-2.0
"""Write a notification in the language of the person, from the catalogue in `languages`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from plategate.catalogue import texts_of, translator, word_of
from plategate.errors import printable
from plategate.outbound.message import Message
from plategate.outbound.notifications.causes import LEFT_OPEN, TAMPER, WANTED
from plategate.outbound.notifications.ledger import CauseState, Kind, Vehicle
from plategate.plate_data.hashing import PREFIX

PACKAGE = "plategate.outbound.notifications"
LONGEST_DETAIL = 300
CODE_CHARACTERS = 12


def _has_ended(state: CauseState) -> bool:
    """Whether something began and ended since the last notification; it may only have happened."""
    first, ended = state.first, state.ended
    return first is not None and ended is not None and first <= ended


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts for one person about one gate; times are in the zone of the site."""

    language: str
    gate: str
    zone: tzinfo

    def of_cause(self, state: CauseState, kind: Kind) -> tuple[str, str]:
        """Title and body about a cause that begins, lasts or is over."""
        say = translator(self.language, PACKAGE)
        ended = kind is Kind.OVER or (kind is Kind.WAS and _has_ended(state))
        lines = [] if ended else [say(f"about.{state.cause}")]
        if state.detail:
            line = "line.events" if state.cause == TAMPER else "line.detail"
            lines.append(say(line, detail=self._detail(state)))
        if kind is Kind.OVER and state.since and state.ended:
            begin, end = self._time(state.since), self._time(state.ended)
            lines.append(say("line.over", begin=begin, end=end))
        elif kind is not Kind.WAS and state.since:
            lines.append(say("line.since", time=self._time(state.since)))
        if state.count > 1 and state.last:
            lines.append(say("line.count", count=state.count, time=self._time(state.last)))
        elif kind is Kind.WAS and state.last:
            lines.append(say("line.once", time=self._time(state.last)))
        title = Kind.BEGINS if kind is Kind.WAS and not ended else kind
        return self._title(title.value, state.cause), "\n".join(lines)

    def of_vehicles(
        self, vehicles: Sequence[tuple[Vehicle, Message | None]], more: int
    ) -> tuple[str, str]:
        """Title and body about wanted vehicles, each with its passage where that is known."""
        say = translator(self.language, PACKAGE)
        blocks = ["\n".join(self._vehicle(*each)) for each in vehicles]
        if more:
            blocks.append(say("line.more", count=more))
        return self._title(Kind.VEHICLES.value, WANTED), "\n\n".join(blocks)

    def of_test(self) -> tuple[str, str]:
        """Title and body of a test."""
        say = translator(self.language, PACKAGE)
        return say("title.test", gate=self.gate), say("line.test")

    def _vehicle(self, vehicle: Vehicle, passage: Message | None) -> list[str]:
        say = translator(self.language, PACKAGE)
        lines = [say(f"line.{vehicle.alarm}", time=self._time(vehicle.at))]
        if passage is None:
            return lines
        verdict = passage.data["verdict"]
        plate = verdict["plate"] or (passage.data["reading"] or {}).get("text")
        if plate and plate.startswith(PREFIX):
            code = plate.removeprefix(PREFIX)[:CODE_CHARACTERS]
            lines.append(say("line.code", code=code))
        elif plate:
            lines.append(say("line.plate", plate=printable(plate, LONGEST_DETAIL)))
        note = (verdict.get("entry") or {}).get("note")
        if note:
            lines.append(say("line.note", note=printable(note, LONGEST_DETAIL)))
        return [*lines, say(f"line.{verdict['result']}")]

    def _title(self, kind: str, cause: str) -> str:
        say = translator(self.language, PACKAGE)
        return say(f"title.{kind}", gate=self.gate, cause=say(f"cause.{cause}"))

    def _detail(self, state: CauseState) -> str:
        detail = printable(state.detail, LONGEST_DETAIL)
        is_fault = state.cause in ("fault", LEFT_OPEN)
        return word_of(self.language, "fault", detail) if is_fault else detail

    def _time(self, at: datetime) -> str:
        return at.astimezone(self.zone).strftime(texts_of(self.language, PACKAGE)["format.time"])
