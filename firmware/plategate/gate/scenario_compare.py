# SPDX-License-Identifier: Apache-2.0
"""Compare what a scenario led to with what it must lead to; every difference is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from plategate.gate.scenario_file import Expected, ExpectedPassage, Now
from plategate.gate.site import Site
from plategate.records import Passage

if TYPE_CHECKING:
    from plategate.gate.scenario import Played


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
