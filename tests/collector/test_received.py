# SPDX-License-Identifier: Apache-2.0
"""What arrives is checked: a gate cannot speak for another one, nor break a batch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plategate.collector.received import (
    ArrivedEvent,
    GapReport,
    GateReport,
    ProbeMessage,
    Rejected,
    parsed,
)

from .conftest import AT, JOURNAL, message

EVENTS = "plategate/north/events"


def encoded(**changes: Any) -> bytes:
    return json.dumps(message(7, **changes)).encode()


def test_ok__event() -> None:
    found = parsed(EVENTS, encoded(timestamp="2026-11-28T10:00:00+02:00"))
    assert isinstance(found, ArrivedEvent)
    assert (found.gate, found.journal, found.sequence, found.lane) == ("north", JOURNAL, 7, "gate")
    assert (found.at, found.type) == (AT, "passage.granted")
    assert json.loads(found.data) == message(7)["data"]


def test_ok__keys_of_a_later_version_are_kept() -> None:
    found = parsed(EVENTS, encoded(weather="rain"))
    assert isinstance(found, ArrivedEvent)
    assert json.loads(found.data)["unknown_keys"] == {"weather": "rain"}


def test_ok__gap() -> None:
    data = {"after": 4, "until": 9, "missing": 5, "reason": "deleted"}
    found = parsed(EVENTS, encoded(type="outbound.gap", id="any", lane="", data=data))
    assert found == GapReport("north", JOURNAL, 4, 9, "deleted")


def test_ok__test_message() -> None:
    found = parsed(EVENTS, encoded(type="outbound.test", id="north-test-1", journal="00000000"))
    assert found == ProbeMessage("north")


def test_ok__availability_and_state() -> None:
    assert parsed("a/b/north/availability", b"offline") == GateReport("north", online=False)
    state = b'{"mode":"open","journal":"1f0a77c2","sequence":9}'
    assert parsed("plategate/north/state", state) == GateReport(
        "north", state=state.decode(), journal=JOURNAL, sequence=9
    )
    assert parsed("plategate/north/state", b"{}") == GateReport("north", state="{}")


def test_ok__escaped_backslash_before_u0000_is_no_character_0() -> None:
    assert isinstance(parsed(EVENTS, encoded(data={"text": "\\u0000"})), ArrivedEvent)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\xff", "is not UTF-8"),
        (b"{", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"[" * 100_000, "recursion"),
        (b'{"a": NaN}', "NaN is no number"),
        (b" " * 131_073, "has 131073 bytes, more than 131072"),
        (encoded(schema=2), "schema: 2 is unknown; update the collector"),
        (encoded(gate="south"), "gate: 'south' is not the 'north' of the topic"),
        (encoded(id=f"south-{JOURNAL}-7"), "is not made of gate, journal and sequence"),
        (encoded(type="DROP TABLE"), "type: 'DROP TABLE' must match"),
        (encoded(journal="xyz"), "journal: 'xyz' must match"),
        (encoded(sequence="7"), "sequence: '7' must be a whole number"),
        (encoded(sequence=True), "sequence: 'True' must be a whole number"),
        (encoded(sequence=2**63), "must be a whole number"),
        (encoded(sequence=0, id=f"north-{JOURNAL}-0"), "sequence: must be at least 1"),
        (encoded(timestamp="yesterday"), "timestamp: 'yesterday' must be a time with its zone"),
        (encoded(timestamp="2026-11-28T08:00:00"), "must be a time with its zone"),
        (encoded(timestamp="9999-12-31T23:59:59-10:00"), "is out of range"),
        (encoded(lane=None), "lane: must be text"),
        (encoded(data=[]), "data: is not an object"),
        (encoded(data={"text": "a\0b"}), "has the character U+0000"),
        (encoded(data={"text": "\ud800"}), "has half of a surrogate pair"),
        (b'{"schema":1,"gate":"north","a":1e999}', "type: 'None' must match"),
        (encoded().replace(b"812.5", b"1e999"), "not JSON compliant"),
        (encoded(type="outbound.gap", data={"after": 9, "until": 4, "reason": "deleted"}), "until"),
        (
            encoded(type="outbound.gap", data={"after": 4, "until": 9}),
            "reason: 'None' must be a word",
        ),
    ],
)
def test_fail__message_that_is_rejected_with_its_reason(payload: bytes, reason: str) -> None:
    found = parsed(EVENTS, payload)
    assert isinstance(found, Rejected)
    assert reason in found.reason
    assert found.payload == payload


@pytest.mark.parametrize("topic", ["plategate/a b/events", "events", "//events", "x/é/events"])
def test_fail__topic_without_a_gate(topic: str) -> None:
    assert isinstance(parsed(topic, encoded()), Rejected)


def test_fail__availability_that_is_neither() -> None:
    assert isinstance(parsed("plategate/north/availability", b"maybe"), Rejected)


@given(st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(repr))
def test_fail__nothing_raises(payload: bytes | str) -> None:
    raw = payload if isinstance(payload, bytes) else payload.encode("utf-8", "surrogatepass")
    assert parsed(EVENTS, raw)
