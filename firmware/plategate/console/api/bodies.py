# SPDX-License-Identifier: Apache-2.0
"""The fields of bodies with their limits; the OpenAPI document is made from the same models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from plategate.console.api.inputs import Input, LaneQuery, ListText, Moment, visible_text
from plategate.console.visits import LONGEST_HOLDER, MOST_ENTRIES, VisitAnswer
from plategate.list_service.messages import LONGEST_TEXT, LONGEST_WHY
from plategate.messages import CommandName
from plategate.remote.protocol import MODES, TEXTS

LONGEST_PLATE = 40


@dataclass(frozen=True, slots=True)
class SentFile:
    """A body that is a file; two are the same request where their hashes are equal."""

    media_type: str
    content: bytes = field(repr=False)
    sha256: str


def _whole(value: object) -> object:
    """24.0 is the whole number 24 in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WholeNumber = Annotated[int, BeforeValidator(_whole)]


class _Fields(Input):
    """Columns of a list file, as texts."""

    holder: ListText | None = None
    group: ListText | None = None
    note: ListText | None = None
    from_: ListText | None = Field(None, alias="from", description="first day or moment")
    until: ListText | None = Field(None, description="last day or moment")
    hours: ListText | None = Field(None, description="weekly windows")
    entries: ListText | None = Field(None, description="number of entries")
    why: str = Field("", max_length=LONGEST_WHY, description="the reason, kept in the history")

    def fields(self) -> dict[str, str]:
        """The columns that were sent."""
        return self.model_dump(by_alias=True, exclude_none=True, exclude={"why", "also"})


class EntryBody(_Fields):
    """An entry to add."""

    plate: str = Field(min_length=1, max_length=LONGEST_TEXT)
    also: bool = Field(False, description="true: the plate may have an entry already")


class EntryChangeBody(_Fields):
    """Columns to change; an empty text clears one."""


class WhyBody(Input):
    """The reason of a change."""

    why: str = Field("", max_length=LONGEST_WHY)


class _Reasoned(LaneQuery):
    """A command that says why."""

    why: str = Field(
        min_length=1,
        max_length=TEXTS["why"],
        pattern=r"\S",
        description="the reason, kept in the journal; characters that cannot be shown are escaped",
    )

    def reason(self) -> str:
        """`why` as the gate takes it. Raises Problem where nothing of it is visible."""
        return visible_text("body.why", self.why, TEXTS["why"])


class CommandBody(_Reasoned):
    """A command to the gate."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"command": {"const": CommandName.MODE}}, "required": ["command"]},
            "then": {"required": ["mode"], "properties": {"mode": {"type": "string"}}},
            "else": {"properties": {"mode": {"type": "null"}}},
        }
    )

    command: CommandName
    expires_at: Moment = Field(description="the gate does not follow the command after this time")
    mode: Literal[MODES] | None = Field(None, description="the new mode; with `mode` only")  # type: ignore[valid-type]


class AcknowledgeBody(_Reasoned):
    """Why an alarm needs nobody any more."""


class SettingBody(_Reasoned):
    """A new value of a setting."""

    value: Any = Field(description="as in `value` of the setting; the gate checks its limits")


class StillBody(_Reasoned):
    """Which picture of the camera."""

    whole: bool = Field(True, description="false: a smaller picture, which the gate makes faster")


class SampleBody(LaneQuery):
    """What is on a plate that was read wrong."""

    text: str = Field(min_length=1, max_length=LONGEST_PLATE, pattern=r"\S")


class VisitBody(Input):
    """A visit to which a visitor is invited."""

    holder: str = Field(min_length=1, max_length=LONGEST_HOLDER, pattern=r"\S")
    starts_at: Moment | None = Field(None, description="now without it")
    ends_at: Moment
    entries: WholeNumber = Field(
        1, ge=1, le=MOST_ENTRIES, description="how often the gate may open"
    )
    accepts: bool = Field(False, description="true: a plate without problems is accepted at once")
    host: str | None = Field(
        None, max_length=80, description="the account that invites; for a token that root made"
    )


class VisitAnswerBody(Input):
    """What is to happen to a visit."""

    answer: VisitAnswer
    plate: str | None = Field(
        None, max_length=LONGEST_TEXT, description="with `accept`: the plate that is approved"
    )
