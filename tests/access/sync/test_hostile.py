# SPDX-License-Identifier: Apache-2.0
"""A misbehaving server ends within the time limit, is named, and does not affect other sources.

The short form of scripts/hostile_sync: all quick behaviours and some of those that take time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plategate.access.store.lists import ListName
from scripts.testbed.hostile import BEHAVIOURS, HONEST, LOOP
from scripts.testbed.web_server import Server, serving

from .list_gate import Gate

SLOW = {"body drips", "headers drip", "silent"}
CHOSEN = [name for name, behaviour in BEHAVIOURS.items() if not behaviour.slow or name in SLOW]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        server.serve("/good", HONEST)
        yield server


def test_ok__drill_has_at_least_forty_behaviours() -> None:
    assert len(BEHAVIOURS) >= 40


@pytest.mark.parametrize("name", CHOSEN)
def test_fail__misbehaviour_is_named_and_affects_nothing_else(
    name: str, server: Server, tmp_path: Path
) -> None:
    behaviour = BEHAVIOURS[name]
    server.answers[LOOP] = behaviour.answer
    bad = {"name": "bad", "kind": "allow", "url": server.url(LOOP), "max_bytes": 60_000_000}
    good = {"name": "good", "kind": "block", "url": server.url("/good")}
    gate = Gate(tmp_path, bad, good)
    if name in SLOW:
        gate.settings = gate.settings.model_copy(update={"total_timeout_s": 1.0})
    report = gate.sync()
    bad_result, good_result = report.results
    assert bad_result.outcome == behaviour.outcome, bad_result.message
    assert bad_result.message and bad_result.message.isprintable()
    assert good_result.outcome.good
    assert gate.plates(ListName.BLOCK) == {"XY1CDE", "XY2CDE"}
