# SPDX-License-Identifier: Apache-2.0
"""Commands through the API: what reaches the gate, once for each key, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plategate.console.api.problems import MEDIA_TYPE
from plategate.console.guard import LONGEST_FORM_BYTES
from plategate.remote.protocol import AnswerResult
from tests.console.bed import ConsoleBed


def command(**changed: Any) -> dict[str, Any]:
    soon = datetime.now(UTC) + timedelta(minutes=1)
    body = {"command": "open", "why": "parcel", "expires_at": soon.isoformat(), **changed}
    return {key: value for key, value in body.items() if value is not ...}


def test_ok__a_command_carries_key_reason_caller_address_and_expiry(bed: ConsoleBed) -> None:
    program = bed.program("command")
    body = command(expires_at="2031-05-01T12:00:00+02:00")
    answer = program.post("/commands", json=body, headers={"Idempotency-Key": "key-1"})
    assert (answer.status_code, answer.json()["result"]) == (200, "accepted")
    (asked,) = bed.commands
    assert (asked.id, asked.why, asked.who, asked.via, asked.source) == (
        "key-1", "parcel", "token:program", "api", "testclient",
    )  # fmt: skip
    assert asked.expires_at == datetime(2031, 5, 1, 10, tzinfo=UTC)
    assert bed.site.sessions.audit()[0]["what"] == "command"


def test_ok__a_command_sent_again_gets_the_first_answer_and_moves_nothing(bed: ConsoleBed) -> None:
    program = bed.program("command")
    key, body = {"Idempotency-Key": "key-1"}, command()
    answers = [program.post("/commands", json=body, headers=key) for _ in range(3)]
    assert [answer.json() for answer in answers] == [answers[0].json()] * 3
    assert [answer.headers.get("idempotent-replayed") for answer in answers[1:]] == ["true"] * 2
    other = program.post("/commands", json=command(command="close"), headers=key)
    assert other.status_code == 409
    assert len(bed.commands) == 1


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (AnswerResult.REFUSED, 409),
        (AnswerResult.EXPIRED, 409),
        (AnswerResult.REPEATED, 409),
        (AnswerResult.NOT_ALLOWED, 403),
        (AnswerResult.MALFORMED, 400),
        (AnswerResult.FAILED, 503),
    ],
)
def test_fail__what_the_gate_does_not_follow_is_a_problem_with_its_answer(
    bed: ConsoleBed, result: AnswerResult, status: int
) -> None:
    bed.answer = result
    program = bed.program("command")
    answer = program.post("/commands", json=command(), headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    assert answer.json()["answer"]["reason"] == "a safety input is not clear"


@pytest.mark.parametrize(
    ("field", "body", "headers"),
    [
        ("header.Idempotency-Key", command(), {}),
        ("header.Idempotency-Key", command(), {"Idempotency-Key": "a b"}),
        ("body.why", command(why=""), {"Idempotency-Key": "k"}),
        ("body.why", command(why="  "), {"Idempotency-Key": "k"}),
        ("body.why", command(why="\x1c"), {"Idempotency-Key": "k"}),
        ("body.why", command(why="x" * 201), {"Idempotency-Key": "k"}),
        ("body.why", command(why=...), {"Idempotency-Key": "k"}),
        ("body.command", command(command="explode"), {"Idempotency-Key": "k"}),
        ("body.expires_at", command(expires_at=...), {"Idempotency-Key": "k"}),
        ("body.expires_at", command(expires_at=1_900_000_000), {"Idempotency-Key": "k"}),
        ("body.expires_at", command(expires_at="2031-05-01T12:00:00"), {"Idempotency-Key": "k"}),
        ("body.expires_at", command(expires_at="2031-13-01T12:00:00Z"), {"Idempotency-Key": "k"}),
        ("body.mode", command(mode="locked"), {"Idempotency-Key": "k"}),
        ("body.mode", command(command="mode"), {"Idempotency-Key": "k"}),
        ("body.mode", command(command="mode", mode="party"), {"Idempotency-Key": "k"}),
        ("body.force", command(force=True), {"Idempotency-Key": "k"}),
    ],
)
def test_fail__a_wrong_command_is_refused_with_field_and_value(
    bed: ConsoleBed, field: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = bed.program("command").post("/commands", json=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, MEDIA_TYPE)
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert field in answer.json()["detail"]
    assert bed.commands == []


def test_fail__other_bodies_are_refused_with_their_status(bed: ConsoleBed) -> None:
    program = bed.program("command")
    kind = {"content-type": "application/json", "Idempotency-Key": "k"}
    assert program.post("/commands", data=command()).status_code == 415
    assert program.post("/commands", content=b"{}").status_code == 415
    for content in (b"", b"{", b"[]", b"\xff", b"[" * 10_000, b'{"why": NaN}'):
        assert program.post("/commands", content=content, headers=kind).status_code == 400
    large = b" " * (LONGEST_FORM_BYTES + 1)
    assert program.post("/commands", content=large, headers=kind).status_code == 413
    assert bed.commands == []
