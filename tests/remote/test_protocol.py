# SPDX-License-Identifier: Apache-2.0
"""Guards the messages of the command socket: whole requests pass, everything else is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plategate.errors import CommandError
from plategate.messages import CommandName
from plategate.remote.client import new_request
from plategate.remote.protocol import (
    LONGEST_LINE_BYTES,
    AnswerResult,
    CommandAnswer,
    ServiceName,
    encode,
    parse_answer,
    parse_request,
)

WHOLE = {
    "id": "a-1_B",
    "command": "open",
    "why": "parcel service",
    "who": "owner:anna",
    "via": "console",
    "from": "192.0.2.7",
    "expires_at": "2026-05-01T12:00:00+02:00",
}


def line(**changes: object) -> bytes:
    """The whole request with other values; None leaves a key out."""
    document = {k: v for k, v in {**WHOLE, **changes}.items() if v is not None}
    return json.dumps(document).encode()


def test_ok__a_request_survives_encoding_and_parsing() -> None:
    request = parse_request(line())
    assert request.expires_at == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert parse_request(encode(request)) == request
    with_mode = parse_request(line(command="mode", mode="scheduled"))
    assert parse_request(encode(with_mode)) == with_mode
    service = parse_request(line(command="setting", data={"key": "a.b", "value": [1]}))
    assert service.command is ServiceName.SETTING
    assert parse_request(encode(service)) == service


def test_ok__new_requests_have_ids_of_their_own() -> None:
    requests = [new_request(CommandName.OPEN, why="w", who="x", via="cli") for _ in range(50)]
    assert len({request.id for request in requests}) == 50
    assert all(parse_request(encode(request)) == request for request in requests)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": None}, "'id' is missing"),
        ({"id": ""}, "id: must be"),
        ({"id": "a b"}, "id: must be"),
        ({"id": "x" * 65}, "id: must be"),
        ({"id": 7}, "id: must be"),
        ({"command": "explode"}, "command: 'explode' is none of"),
        ({"command": None}, "'command' is missing"),
        ({"command": ["open"]}, "command: ['open'] is none of"),
        ({"why": "  "}, "why: must be a text of 1 to 200"),
        ({"why": "x" * 201}, "why: must be"),
        ({"why": "a\nb"}, "why: contains a control character"),
        ({"who": "anna\x1b[2J"}, "who: contains a control character"),
        ({"from": 5}, "from: must be"),
        ({"expires_at": "soon"}, "expires_at: 'soon' is not a time"),
        ({"expires_at": "2026-05-01T12:00:00"}, "has no time zone"),
        ({"expires_at": 12}, "expires_at: 12 is not a time"),
        ({"mode": "open"}, "mode: belongs to the command 'mode'"),
        ({"command": "hold", "only_for_vehicle": True}, "only_for_vehicle: must be"),
        ({"only_for_vehicle": "yes"}, "only_for_vehicle: must be"),
        ({"command": "mode"}, "mode: belongs to the command 'mode'"),
        ({"command": "mode", "mode": "party"}, "mode: 'party' is none of"),
        ({"data": {}}, "data: must be an object, and belongs to a service"),
        ({"command": "setting", "data": []}, "data: must be an object"),
        ({"extra": 1}, "'extra' is not a known key"),
    ],
)
def test_fail__a_wrong_request_is_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(CommandError) as raised:
        parse_request(line(**changes))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "sent", [b"", b"open", b"[]", b"\xff{}", b"[" * 3000, b"1" * (LONGEST_LINE_BYTES + 1)]
)
def test_fail__what_is_no_request_is_an_error_and_no_crash(sent: bytes) -> None:
    with pytest.raises(CommandError):
        parse_request(sent)


@given(st.binary(max_size=300))
def test_fail__any_bytes_are_a_request_or_a_command_error(sent: bytes) -> None:
    with pytest.raises(CommandError):
        parse_request(sent)


def test_ok__an_answer_survives_encoding_and_parsing() -> None:
    answer = CommandAnswer("a", AnswerResult.REFUSED, "the gate is locked", "p-1")
    assert parse_answer(encode(answer)) == answer
    with_data = CommandAnswer("a", AnswerResult.ACCEPTED, "applies", None, {"restart": False})
    assert parse_answer(encode(with_data)) == with_data
    with pytest.raises(CommandError):
        parse_answer(b'{"id": "a"}')
