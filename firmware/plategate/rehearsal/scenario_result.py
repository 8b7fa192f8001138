# SPDX-License-Identifier: Apache-2.0
"""The result of a scenario, and its differences from the expectations, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from plategate.rehearsal.scenario_file import Expected, ExpectedNow, ExpectedPassage, Scenario
from plategate.rehearsal.site import RehearsalLog, Site
from plategate.values import Passage


@dataclass
class ScenarioResult:
    """The result of a scenario; `wrong` is empty where every expectation is met."""

    scenario: Scenario
    log: RehearsalLog = field(default_factory=RehearsalLog)
    # seconds from the start, name of the relay, whether it switched on
    relay: list[tuple[float, str, bool]] = field(default_factory=list)
    interrupted: int = 0  # grants that the journal found unfinished after a power cut
    wrong: list[str] = field(default_factory=list)

    @property
    def passages(self) -> list[Passage]:
        """All recorded passages."""
        return [passage for passage, _ in self.log.passages]

    def count(self, relay: str) -> int:
        """How often a relay switched on."""
        return sum(name == relay and is_on for _, name, is_on in self.relay)


def check_step(now: ExpectedNow, site: Site, passages: int) -> list[str]:
    """Differences from the expectations of one step."""
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


def check_result(expected: Expected, result: ScenarioResult) -> list[str]:
    """Differences from the expectations at the end."""
    wrong = list(_passages(expected.passages, result.passages))
    reports = tuple(report.what for report in result.log.reports)
    pairs = (
        ("reports", expected.reports, reports),
        ("openings", expected.openings, result.count("open_relay")),
        ("interrupted", expected.interrupted, result.interrupted),
        ("closings", expected.closings, result.count("close_relay")),
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
