# SPDX-License-Identifier: Apache-2.0
"""What the owner states in a signature's trusted comment: serial, list, sites, expiry.

The comment is a line of words; those of the form `name:value` with a known name are read, such as
`list:allow site:north expires:2027-01-31 serial:42`. A misspelt `list`, `site` or `expires` is an
error; other words are for people.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from plategate.errors import ListError

KINDS = ("allow", "block", "wanted", "records")
ANY_SITE = "*"
_FIELD = re.compile(r"([^:=]*)([:=]?)(.*)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,18}")
_LIMITS = ("list", "site", "expires")
_NAMES = ("serial", "timestamp", *_LIMITS)
_MEANT = {"kind": "list", "type": "list", "expiry": "expires", "until": "expires"}
_ALIKE = 0.75  # share of equal letters from which on a name is taken for a misspelt one


@dataclass(frozen=True, slots=True)
class Statement:
    """The fields of a trusted comment; None, or no sites, where it does not state them.

    `serial` is the number after `serial:`, else after minisign's own `timestamp:`. `expires` is
    the first moment at which the list is no longer valid.
    """

    serial: int | None = None
    list: str | None = None
    sites: tuple[str, ...] = ()
    expires: datetime | None = None

    @property
    def stated(self) -> frozenset[str]:
        """The names of the optional fields that the comment states."""
        fields = {"list": self.list, "site": self.sites, "expires": self.expires}
        return frozenset(name for name, value in fields.items() if value)


def parse_statement(comment: str, origin: str, zone: ZoneInfo) -> Statement:
    """Read a trusted comment; a date alone is valid to its last moment in `zone`.

    Raises ListError, naming `origin`, for a known field with an invalid value or two values.
    """
    found: dict[str, str] = {}
    for word in comment.split():
        name, colon, value = _FIELD.fullmatch(word).groups()  # type: ignore[union-attr]
        name = name.lower()
        if colon and (meant := _meant(name, colon)):
            raise ListError(f"{origin}: trusted comment: {word!r}: write {meant}:{value}")
        if not colon or name not in _NAMES:
            continue
        if found.setdefault(name, value) != value:
            raise ListError(f"{origin}: trusted comment: two values of {name}:")
    try:
        numbers = {name: _number(found[name]) for name in ("serial", "timestamp") if name in found}
        return Statement(
            serial=numbers.get("serial", numbers.get("timestamp")),
            list=_kind(found["list"]) if "list" in found else None,
            sites=_sites(found["site"]) if "site" in found else (),
            expires=_expiry(found["expires"], zone) if "expires" in found else None,
        )
    except ValueError as error:
        raise ListError(f"{origin}: trusted comment: {error}") from None


def _meant(name: str, colon: str) -> str | None:
    """The field that a misspelt name stands for; its limit would not be in force if ignored."""
    if name in _NAMES:
        return name if colon == "=" else None
    alike = difflib.get_close_matches(name, _LIMITS, 1, _ALIKE)
    return _MEANT.get(name) or (alike[0] if alike else None)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a serial number of up to 18 digits")
    return int(text)


def _kind(text: str) -> str:
    if text.lower() not in KINDS:
        raise ValueError(f"list:{text!r}: must be {', '.join(KINDS)}")
    return text.lower()


def _sites(text: str) -> tuple[str, ...]:
    sites = tuple(text.split(","))
    if not all(sites):
        raise ValueError(f"site:{text!r}: must be one name, several separated by commas, or *")
    return sites


def _expiry(text: str, zone: ZoneInfo) -> datetime:
    try:
        if len(text) == len("2027-01-31"):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), zone)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ValueError(f"expires:{text!r}: must be a date such as 2027-01-31") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
