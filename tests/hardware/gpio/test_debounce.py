# SPDX-License-Identifier: Apache-2.0
"""Debouncing: bounce, flutter and leaves are not vehicles, and a safety input is clear only
after it has settled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plategate.hardware.gpio.debounce import Debounce, Settled, SettleTimes
from plategate.messages import Level

TIMES = SettleTimes(on_s=0.05, off_s=0.2, flutter_s=2.0)


def rested(active: bool) -> Debounce:
    contact = Debounce(TIMES)
    contact.edge(active, 0.0)
    contact.settle(1.0)
    return contact


def test_ok__unknown_until_first_settled() -> None:
    contact = Debounce(TIMES)
    assert contact.level is Level.UNKNOWN
    contact.edge(False, 0.0)
    assert contact.settle(0.1) is None
    assert contact.settle(0.2) == Settled(Level.INACTIVE, 0.0)


def test_ok__bounce_gives_one_change_with_the_time_of_the_last_edge() -> None:
    contact = rested(False)
    for at_s, active in [
        (10.0, True),
        (10.004, False),
        (10.006, True),
        (10.011, False),
        (10.013, True),
    ]:
        contact.edge(active, at_s)
        assert contact.settle(at_s) is None
    assert contact.settle(10.05) is None
    assert contact.settle(10.063) == Settled(Level.ACTIVE, 10.013)
    assert contact.settle(10.2) is None


@pytest.mark.parametrize("width_s", [0.001, 0.02, 0.049])
def test_ok__leaf_is_not_a_vehicle(width_s: float) -> None:
    contact = rested(False)
    contact.edge(True, 10.0)
    contact.edge(False, 10.0 + width_s)
    assert contact.settle(10.5) is None
    assert contact.level is Level.INACTIVE
    assert contact.deadline_s() is None


def test_ok__clearing_has_a_time_of_its_own() -> None:
    contact = rested(True)
    contact.edge(False, 10.0)
    assert contact.settle(10.19) is None
    assert contact.settle(10.2) == Settled(Level.INACTIVE, 10.0)


def test_fail__contact_that_never_settles_is_unknown() -> None:
    contact = rested(False)
    seen = []
    for step in range(300):
        at_s = 10.0 + step * 0.01
        contact.edge(step % 2 == 0, at_s)
        seen.append(contact.settle(at_s))
    assert [s for s in seen if s] == [Settled(Level.UNKNOWN, 10.0)]
    assert contact.settle(14.0) == Settled(Level.INACTIVE, 12.99)


def test_fail__unreadable_contact_is_reported_unknown_once() -> None:
    contact = rested(True)
    assert contact.lose(5.0) == Settled(Level.UNKNOWN, 5.0)
    assert contact.lose(6.0) is None
    contact.edge(True, 7.0)
    assert contact.settle(7.05) == Settled(Level.ACTIVE, 7.0)


@given(st.lists(st.tuples(st.floats(0.0001, 0.3), st.booleans()), max_size=60))
def test_ok__a_reported_level_was_always_steady_for_its_time(
    edges: list[tuple[float, bool]],
) -> None:
    contact, now_s, raw, since_s = Debounce(TIMES), 0.0, None, 0.0
    for gap_s, active in edges:
        now_s += gap_s
        settled = contact.settle(now_s)
        if settled and settled.level is not Level.UNKNOWN:
            assert (settled.level is Level.ACTIVE) == raw
            assert settled.since_s == since_s
            assert now_s >= since_s + (TIMES.on_s if raw else TIMES.off_s)
        if active != raw:
            raw, since_s = active, now_s
        contact.edge(active, now_s)


@given(st.lists(st.tuples(st.floats(0.0001, 0.3), st.booleans()), min_size=1, max_size=60))
def test_ok__after_the_last_edge_the_level_is_the_actual_one(
    edges: list[tuple[float, bool]],
) -> None:
    contact, now_s, active = Debounce(TIMES), 0.0, False
    for gap_s, active in edges:
        now_s += gap_s
        contact.edge(active, now_s)
        contact.settle(now_s)
    contact.settle(now_s + 1.0)
    assert contact.level is (Level.ACTIVE if active else Level.INACTIVE)
    assert contact.deadline_s() is None
