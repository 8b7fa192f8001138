# SPDX-License-Identifier: Apache-2.0
"""The console's parts in one object, and the rendering of its pages (Jinja2, always escaped)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from plategate.catalogue import (
    chosen_language,
    described,
    duration,
    facts,
    sentence_of,
    translator,
    word_of,
)
from plategate.console.accounts import Accounts
from plategate.console.database import ConsoleDatabase
from plategate.console.lanes import Lane, Lanes, SettingsSource
from plategate.console.one_time_code import OneTimeCode
from plategate.console.second_step import SecondStep
from plategate.console.sessions import Session, Sessions
from plategate.console.tokens import Tokens
from plategate.console.uploads import Uploads
from plategate.console.visits import Visits
from plategate.errors import ConsoleError
from plategate.list_service.client import ListClient
from plategate.settings import Settings

SECURE_COOKIE, PLAIN_COOKIE = "__Host-plategate", "plategate"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request whose checks have passed; `form` is empty unless it is a POST.

    `upload` is name and content of the file of a form that has one.
    """

    site: ConsoleSite
    request: Request
    form: dict[str, str]
    session: Session | None
    language: str
    address: str
    upload: tuple[str, bytes] | None = None

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address line, the last of each name."""
        return dict(self.request.query_params)

    def lane(self) -> Lane:
        """The lane that the form or the address line names; the first where they name none.

        Raises ConsoleError for a name of no lane.
        """
        name = (self.form if self.request.method == "POST" else self.query).get("lane", "")
        lane = self.site.lanes.named(name) if name else self.site.lanes.first
        if lane is None:
            raise ConsoleError(f"there is no lane {name[:40]!r}")
        return lane

    def person(self) -> Session:
        """The session, on pages that need one."""
        assert self.session is not None
        return self.session


class ConsoleSite:
    """Everything that the pages use; for any thread."""

    def __init__(
        self,
        settings: Settings,
        *,
        secure: bool,
        zone: ZoneInfo,
        now: Callable[[], float],
        source: SettingsSource | None = None,
    ) -> None:
        """`secure`: browsers reach the console over HTTPS.

        Raises StoreError, SettingsError, ConsoleError.
        """
        self.lanes = Lanes(settings, source or SettingsSource(lambda: settings))
        self.settings = settings.console
        self.database = database = ConsoleDatabase(self.settings.state_dir)
        self.code = OneTimeCode(self.settings)
        self.accounts = Accounts(database, self.code)
        self.sessions = Sessions(database, self.settings.session_hours * 3600.0, now)
        self.second_step = SecondStep(database, now)
        self.tokens = Tokens(database, now)
        self.gate = self.lanes.first.gate
        self.lists = ListClient(settings.access.list_socket)
        self.uploads = Uploads(now)
        self.visits = Visits(database, self.settings.state_dir, now)
        self.secure = secure
        self.now = now
        self.cookie = SECURE_COOKIE if secure else PLAIN_COOKIE
        self.zone = zone
        self.is_stopping = False
        self.at_stop: list[Callable[[], None]] = []
        self._has_owner = False
        self._templates = Environment(
            loader=PackageLoader("plategate.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "moment": self._moment,
            "duration": duration,
            "facts": facts,
            "qr": qr_code,
        }

    def has_owner(self) -> bool:
        """Whether the first start is over; the last owner cannot be removed."""
        self._has_owner = self._has_owner or self.accounts.owner_exists()
        return self._has_owner

    def stop(self) -> None:
        """End the streams, which would otherwise last until their callers leave."""
        self.is_stopping = True
        for wake in self.at_stop:
            wake()

    def language_of(self, accepted: str) -> str:
        """The language for an Accept-Language header."""
        return chosen_language(accepted, self.settings.language)

    def render(
        self, asked: PageRequest, template: str, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A page; `values` are for its template."""
        return HTMLResponse(self.markup(asked, template, **values), status)

    def markup(self, asked: PageRequest, template: str, **values: Any) -> Markup:
        """A template as HTML; every value in it is escaped."""
        session, language = asked.session, asked.language
        text = self._templates.get_template(template).render(
            t=translator(language),
            word=lambda table, *names: word_of(language, table, *map(str, names)),
            said=lambda sentence: _said(language, sentence),
            described=lambda *names: described(language, *names),
            language=language,
            session=session,
            rights={right.value for right in session.role.rights} if session else frozenset(),
            path=asked.request.url.path,
            lanes=self.lanes.names,
            new_id=lambda: secrets.token_urlsafe(12),
            **values,
        )
        return Markup(text)  # the output of the template, which escaped its values

    def error_page(
        self, asked: PageRequest, status: int, key: str, detail: str = ""
    ) -> HTMLResponse:
        """The page of an error; `key` names its sentence."""
        return self.render(asked, "error.html", status, key=key, detail=detail)

    def _moment(self, value: str | float | datetime) -> str:
        """A time in the zone of the gate."""
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        elif isinstance(value, float):
            value = datetime.fromtimestamp(value, self.zone)
        return f"{value.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"


def qr_code(text: str) -> Markup:
    """A QR code as SVG; dark on white in both colour schemes, as cameras want it."""
    import segno

    code = segno.make(text, error="m", micro=False)
    return Markup(code.svg_inline(scale=6, border=3, dark="#000", light="#fff", omitsize=True))


def _said(language: str, sentence: str) -> Markup:
    """A sentence of the gate in the language; one that is not known is marked as English."""
    text, is_known = sentence_of(language, sentence)
    return escape(text) if is_known else Markup('<span lang="en">{}</span>').format(text)
