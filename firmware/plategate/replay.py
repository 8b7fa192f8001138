# SPDX-License-Identifier: Apache-2.0
"""What gate and collector share about events that do not arrive; see docs/integrator/fleet.md.

A collector writes a request for events that it misses, as JSON; the outbound process of a gate
reads it. The gate answers with the events themselves, and with a message of type outbound.gap for
numbers that it does not have any more.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from plategate.errors import CommandError

SCHEMA = 1
TOPIC = "replay"  # last level of the topic
RANGES_MAX = 50
EVENTS_MAX = 1000
LARGEST_NUMBER = 2**62
JOURNAL = re.compile(r"[0-9a-f]{8}")
# Types of messages that are no events of the journal.
GAP, TEST = "outbound.gap", "outbound.test"
# Reasons of a gap. Events that were skipped are still in the journal.
DELETED = "deleted"  # by age, or lost with damaged pages
SKIPPED = "backlog_max"
REPLACED = "new_journal"  # the journal was lost and begun again
RESTORED = "older_journal"  # a backup was put in place


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """Numbers of one journal, as first and last of each range, ascending and apart."""

    journal: str
    ranges: tuple[tuple[int, int], ...]

    def encoded(self) -> bytes:
        """The request as JSON."""
        document = {"schema": SCHEMA, "journal": self.journal, "ranges": self.ranges}
        return json.dumps(document, separators=(",", ":")).encode()


def parse_replay_request(payload: bytes) -> ReplayRequest:
    """The request in a message; CommandError says what is wrong with it."""
    try:
        document = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CommandError("the request is not JSON in UTF-8") from error
    if not isinstance(document, dict) or document.keys() != {"schema", "journal", "ranges"}:
        raise CommandError("the request must have the keys schema, journal and ranges")
    if document["schema"] != SCHEMA:
        raise CommandError(f"schema: {str(document['schema'])[:20]!r} is unknown; update the gate")
    journal = document["journal"]
    if not isinstance(journal, str) or not JOURNAL.fullmatch(journal):
        raise CommandError(f"journal: {str(journal)[:20]!r} must be eight hexadecimal digits")
    return ReplayRequest(journal, _ranges(document["ranges"]))


def _ranges(value: Any) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= RANGES_MAX:
        raise CommandError(f"ranges: must be a list of 1 to {RANGES_MAX} ranges")
    found: list[tuple[int, int]] = []
    before, total = 0, 0
    for pair in value:
        if not isinstance(pair, list) or [type(number) for number in pair] != [int, int]:
            raise CommandError(f"ranges: {str(pair)[:40]} must be two whole numbers")
        first, last = pair
        if not before < first <= last <= LARGEST_NUMBER:
            raise CommandError(f"ranges: {first} to {last} must ascend, after {before}")
        before, total = last, total + last - first + 1
        found.append((first, last))
    if total > EVENTS_MAX:
        raise CommandError(f"ranges: {total} events are more than {EVENTS_MAX} in one request")
    return tuple(found)
