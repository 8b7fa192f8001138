# SPDX-License-Identifier: Apache-2.0
"""The outcome of a scenario, and its differences from the expected one, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from plategate.rehearsal.scenario_file import Expected, ExpectedPassage, Now, Scenario
from plategate.rehearsal.site import Logbook, Site
from plategate.values import Passage


@dataclass
class Played:
    """What came of a scenario; `wrong` is empty where all is as it must be."""

    scenario: Scenario
    logbook: Logbook = field(default_factory=Logbook)
    # seconds from the beginning, which relay, whether it went on
    relay: list[tuple[float, str, bool]] = field(default_factory=list)
    interrupted: int = 0  # grants that a power cut left to the journal
    wrong: list[str] = field(default_factory=list)

    @property
    def passages(self) -> list[Passage]:
        """All that were recorded."""
        return [passage for passage, _ in self.logbook.passages]

    def count(self, relay: str) -> int:
        """How often a relay went on."""
        return sum(name == relay and is_on for _, name, is_on in self.relay)


def compare_now(now: Now, site: Site, passages: int) -> list[str]:
    """What differs in the middle of a scenario."""
    status = site.gate.status()
    relay = "on" if site.board.relay_is_on("open_relay") else "off"
    pairs = (
        ("signal", now.signal, status.signal),
        ("arm", now.arm, site.arm.position),
        ("open_relay", now.open_relay, relay),
        ("fault", now.fault, status.fault or "none"),
        ("passages", now.passages, passages),
    )
    return [
        f"{name} is {is_!r}, not {must!r}" for name, must, is_ in pairs if must not in (None, is_)
    ]


def compare_end(expected: Expected, played: Played) -> list[str]:
    """What differs in the end."""
    wrong = list(_passages(expected.passages, played.passages))
    reports = tuple(report.what for report in played.logbook.reports)
    pairs = (
        ("reports", expected.reports, reports),
        ("openings", expected.openings, played.count("open_relay")),
        ("interrupted", expected.interrupted, played.interrupted),
        ("closings", expected.closings, played.count("close_relay")),
    )
    return wrong + [f"{name} are {is_}, not {must}" for name, must, is_ in pairs if is_ != must]


def _passages(expected: tuple[ExpectedPassage, ...], found: list[Passage]) -> Iterator[str]:
    if len(found) != len(expected):
        reasons = [passage.verdict.reason.value for passage in found]
        yield f"{len(found)} passages {reasons}, not {len(expected)}"
        return
    for number, (must, passage) in enumerate(zip(expected, found, strict=True), start=1):
        yield from (f"passage {number}: {sentence}" for sentence in _passage(must, passage))


def _passage(must: ExpectedPassage, found: Passage) -> Iterator[str]:
    if found.verdict.reason.value != must.reason:
        yield f"reason is {found.verdict.reason.value}, not {must.reason}"
    plate = found.reading.text if found.reading else ""
    if must.plate is not None and plate != must.plate:
        yield f"plate is {plate!r}, not {must.plate!r}"
    if must.trigger is not None and found.trigger != must.trigger:
        yield f"trigger is {found.trigger}, not {must.trigger}"
    if must.barrier is not None and not found.barrier.startswith(must.barrier):
        yield f"barrier is {found.barrier!r}, not {must.barrier!r}"
    if must.vehicles is not None and f"{must.vehicles} vehicles" not in found.barrier:
        yield f"barrier is {found.barrier!r}, not with {must.vehicles} vehicles"
