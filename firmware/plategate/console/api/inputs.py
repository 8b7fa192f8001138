# SPDX-License-Identifier: Apache-2.0
"""The fields of queries with their limits, and cursors.

The OpenAPI document is made from the same models.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from plategate.access.files.dates import DateOrder
from plategate.access.store.lists import ListName
from plategate.console.api.problems import Problem, wrong_field
from plategate.console.guard import LONGEST_SEARCH
from plategate.errors import printable
from plategate.list_service.messages import FORMS, LONGEST_TEXT, LONGEST_WHY
from plategate.remote.protocol import TEXTS
from plategate.values import Result

MOST_ITEMS, ITEMS = 200, 50
CURSOR = re.compile(r"([0-9]{1,15})-([0-9]{1,15})")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _moment_of(value: object) -> object:
    """The time in a text; pydantic alone would also take numbers, as Unix times."""
    if isinstance(value, datetime):
        return value
    example = "must be a time with time zone such as 2026-05-01T12:00:00Z (RFC 3339)"
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        raise ValueError(example)
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(example) from None


Moment = Annotated[AwareDatetime, BeforeValidator(_moment_of)]
Cursor = Annotated[
    str,
    StringConstraints(pattern=f"^{CURSOR.pattern}$"),
    Field(description="`next` of the page before; it begins with the items after that page"),
]
LaneName = Annotated[
    str, Field(max_length=60, description="the lane; needed where the console has several")
]
ListText = Annotated[str, Field(max_length=LONGEST_TEXT)]
Limit = Annotated[int, Field(ge=1, le=MOST_ITEMS, description="items on a page")]


class Input(BaseModel):
    """What a caller sends; unknown fields are refused. Its checks are built at the first use."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class PageQuery(Input):
    """A page of a list of items."""

    limit: Limit = ITEMS
    cursor: Cursor | None = None


class LaneQuery(Input):
    """Which lane."""

    lane: LaneName | None = None


class PassageQuery(PageQuery, LaneQuery):
    """Which passages."""

    plate: str | None = Field(None, max_length=LONGEST_SEARCH, description="a part of the plate")
    result: Result | None = None
    since: Moment | None = Field(None, description="triggered at this time or later")
    until: Moment | None = Field(None, description="triggered before this time")


class EventQuery(PageQuery, LaneQuery):
    """Which events."""

    kind: Literal["passage", "event"] | None = Field(
        None, description="passages, or everything else; both without it"
    )
    since: Moment | None = None
    until: Moment | None = None


class AlarmQuery(PageQuery, LaneQuery):
    """Which alarms."""


class EntryQuery(PageQuery):
    """Which entries of a list."""

    search: str | None = Field(
        None, max_length=LONGEST_SEARCH, description="a part of the plate or of the holder"
    )


class PlateQuery(Input):
    """A plate as somebody writes it."""

    plate: str = Field(min_length=1, max_length=LONGEST_TEXT)


class ChangeQuery(PageQuery):
    """Which changes of the lists."""

    list: ListName | None = None


class FileQuery(Input):
    """How a file is read and how much of a list it may replace."""

    dates: DateOrder | None = Field(None, description="the order of day, month and year")
    sheet: ListText | None = Field(None, description="the sheet of a workbook")
    force: bool = Field(False, description="true: also a file that is much shorter than the list")
    why: str = Field("", max_length=LONGEST_WHY, description="the reason, kept in the history")


class FormQuery(Input):
    """The form of a file."""

    form: Literal[FORMS] = "csv"  # type: ignore[valid-type]


class ResetQuery(LaneQuery):
    """Why a setting gets the value of the file again."""

    why: str = Field(min_length=1, max_length=TEXTS["why"], pattern=r"\S")


class WhyQuery(Input):
    """The reason of a change without body."""

    why: str = Field("", max_length=LONGEST_WHY, description="the reason, kept in the history")


class StreamQuery(LaneQuery):
    """Where a stream of events begins."""

    after: Cursor | None = Field(
        None,
        description="the id of the last event received; the header Last-Event-ID goes before it."
        " Without both the stream begins with the next event",
    )


def page_position(cursor: str | None, generation: int) -> int | None:
    """The position in a cursor; None: the first page.

    Raises Problem where the cursor is of another journal, or of an older version of a list.
    """
    if cursor is None:
        return None
    found, position = map(int, cursor.split("-"))
    if found != generation:
        raise Problem(
            "cursor_expired", f"cursor {cursor}: what it counts was replaced; start again"
        )
    return position


def query_values(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The query by name. Raises Problem where a name occurs twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise wrong_field(f"query.{twice}", None, "occurs more than once")
    return found


def visible_text(field: str, text: str, longest: int) -> str:
    """A text as it is stored. Raises Problem where nothing of it is visible."""
    found = printable(text.strip())[:longest].strip()
    if not found:
        raise wrong_field(field, text, "must have a character that can be seen")
    return found
