# SPDX-License-Identifier: Apache-2.0
"""What a trusted comment states is read field by field; an invalid or double field is refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plategate.access.sync.statement import Statement, parse_statement
from plategate.errors import ListError

BERLIN = ZoneInfo("Europe/Berlin")


def parse(comment: str) -> Statement:
    return parse_statement(comment, "list", BERLIN)


@pytest.mark.parametrize(
    ("comment", "serial"),
    [
        ("serial:42 timestamp:1700", 42),
        ("timestamp:1700 serial:42", 42),
        ("timestamp:1700\tserial:42", 42),
        ("timestamp:1700\tfile:list.csv\thashed", 1700),
        ("spring list serial:42", 42),
        ("serial:42 serial:42", 42),
        ("myserial:7 xtimestamp:8", None),
        ("serial 42", None),
        ("", None),
    ],
)
def test_ok__serial_or_else_timestamp(comment: str, serial: int | None) -> None:
    assert parse(comment).serial == serial


def test_ok__all_fields_in_any_order() -> None:
    statement = parse(
        "expires:2027-01-31 site:north,south list:Allow serial:42 timestamp:1700000000"
    )
    assert statement == Statement(
        42, "allow", ("north", "south"), datetime(2027, 2, 1, tzinfo=BERLIN)
    )
    assert statement.stated == {"list", "site", "expires"}


def test_ok__expiry_may_have_a_time() -> None:
    assert parse("expires:2027-01-31T12:00Z").expires == datetime.fromisoformat("2027-01-31T12:00Z")
    assert parse("expires:2027-01-31T12:00").expires == datetime(2027, 1, 31, 12, tzinfo=BERLIN)


@pytest.mark.parametrize(
    "comment",
    [
        "serial:",
        "serial:x",
        "serial:-1",
        "serial:1.5",
        "serial:1e3",
        "serial:\u0661",
        "serial:" + "9" * 19,
        "timestamp:soon",
        "serial:1 timestamp:x",
        "serial:1 serial:2",
        "list:allow list:block",
        "list:",
        "list:guests",
        "site:",
        "site:a,",
        "site:a site:b",
        "expires:",
        "expires:31.1.2027",
        "expires:2027-02-30",
        "expires:2027-1-31",
        "expires:9999-12-31",
    ],
)
def test_fail__invalid_or_double_field(comment: str) -> None:
    with pytest.raises(ListError, match="list: trusted comment: "):
        parse(comment)


@given(st.text(max_size=200))
def test_ok__any_comment_is_read_or_refused(comment: str) -> None:
    with suppress(ListError):
        parse(comment)


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("kind:block", "'kind:block': write list:block"),
        ("lists:block serial:1", "'lists:block': write list:block"),
        ("sites:north", "'sites:north': write site:north"),
        ("expire:2027-01-31", "'expire:2027-01-31': write expires:2027-01-31"),
        ("expires=2027-01-31", "'expires=2027-01-31': write expires:2027-01-31"),
        ("until:2027-01-31", "write expires:2027-01-31"),
    ],
)
def test_fail__a_misspelt_limit_is_not_ignored(comment: str, says: str) -> None:
    with pytest.raises(ListError) as error:
        parse(comment)
    assert says in str(error.value)


def test_ok__words_for_people_may_have_any_name() -> None:
    comment = "timestamp:17\tfile:list.csv\thashed note:car see https://example.org/?a=b"
    assert parse(comment) == Statement(serial=17)
