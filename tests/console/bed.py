# SPDX-License-Identifier: Apache-2.0
"""A console over a real journal and real lists, and browsers without a screen."""

from __future__ import annotations

import getpass
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from starlette.testclient import TestClient

from plategate.access.store.importing import import_list_file
from plategate.access.store.lists import ListName
from plategate.console.accounts import Role
from plategate.console.app import build_app
from plategate.console.one_time_code import CODE_FILE, OneTimeCode
from plategate.console.visits import Visit
from plategate.errors import CommandError
from plategate.gate.interfaces import Service
from plategate.journal import open_journal
from plategate.remote.protocol import AnswerResult, CommandAnswer, CommandRequest
from plategate.settings import Settings, parse_settings
from plategate.values import (
    CharacterReading,
    GateEvent,
    Passage,
    PlateImage,
    PlateReading,
    PlateRegion,
    PlateSighting,
    Reason,
    Result,
    Still,
    Verdict,
)

ORIGIN = "https://gate.test"
PASSWORD = "correct horse battery"
AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
STATUS = {
    "schema": 1,
    "version": "0.1.0",
    "ready": True,
    "running_s": 4000.0,
    "failures": [],
    "past_failures": [],
    "threads": {"main": {"silent_s": 0.2, "allowed_s": 5.0}},
    "counts": {"passages.granted": 3},
    "ages_s": {"passages.granted": 12.0},
    "unavailable": {},
    "lane": {
        "lane": "entrance", "mode": "automatic", "signal": "ready", "reading": None,
        "arm": "resting", "held": False, "fault": None, "fire": False,
        "inputs": {"beam": "inactive", "photocell": "unknown"},
    },
    "allow_list": {"entries": 2, "age_s": 60.0},
}  # fmt: skip


def a_passage(
    passage_id: str, text: str, result: Result = Result.REFUSED, holder: str = ""
) -> Passage:
    reason = Reason.ALLOWED if result is Result.GRANTED else Reason.NOT_LISTED
    characters = tuple(CharacterReading(char, 0.93) for char in text)
    reading = PlateReading(characters, "agreed")
    verdict = Verdict(result, reason, plate=text, registered_in=holder or None)
    return Passage(passage_id, "entrance", AT, "beam", verdict, reading, "not moved")


def a_sighting(passage: Passage) -> PlateSighting:
    image = np.random.default_rng(1).integers(0, 255, (90, 160, 3), np.uint8)
    region = PlateRegion(((9, 9), (90, 9), (90, 40), (9, 40)), 0.9, "contour")
    plate = PlateImage(image[:, :, 0], tuple, image[9:40, 9:90], region)
    return PlateSighting(passage.reading, plate, Still(image, "test"), 2, (("read", 4.04),))


class ConsoleBed:
    """A console, what its gate was commanded, and its clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock_s = 1_800_000_000.0
        self.commands: list[CommandRequest] = []
        self.services: dict[str, Service] = {}
        self.answer = AnswerResult.ACCEPTED
        self.settings: Settings = parse_settings(
            {
                "access": {
                    "file": str(folder / "lists.sqlite"), "zone": "Europe/Berlin",
                    "list_socket": str(folder / "lists.sock"), "list_users": [getpass.getuser()],
                    "visits_file": str(folder / "visits.sqlite"),
                },
                "sync": {"state_dir": str(folder / "sources")},
                "journal": {"dir": str(folder / "journal"), "min_free_mb": 10},
                "health": {"socket": str(folder / "status.sock")},
                "commands": {
                    "socket": str(folder / "command.sock"),
                    "preview_socket": str(folder / "preview.sock"),
                    "users": {getpass.getuser(): ["open"]},
                },
                "console": {
                    "state_dir": str(folder / "console"), "session_hours": 2,
                    "code_dir": str(folder / "shown"),
                },
            },
            "test",
        )  # fmt: skip
        self.journal = open_journal(self.settings.journal)
        self.app = build_app(self.settings, now=lambda: self.clock_s)
        self.site = self.app.state.site

    def add(self, passage: Passage) -> None:
        self.journal.record(passage, a_sighting(passage))

    def add_event(self, what: str, detail: str) -> None:
        self.journal.add_event(GateEvent(f"id-{what}", "entrance", AT, what, None, detail))

    def import_list(self, name: ListName, rows: str) -> None:
        file = self.folder / f"{name}.csv"
        file.write_text(rows, encoding="utf-8")
        import_list_file(self.settings.access, file, name=name, who="test")

    def invite(self, **changed: Any) -> Visit:
        """A visit from now on for a day; its host is the owner unless another account is named."""
        if not self.site.has_owner():
            self.make_owner()
        values: dict[str, Any] = {
            "request": f"r{self.clock_s}", "host": "anna", "holder": "Vera",
            "starts_at": self.clock_s, "ends_at": self.clock_s + 86_400, "entries": 2,
            "accepts": True,
        }  # fmt: skip
        return self.site.visits.make(**{**values, **changed})

    def browser(self, **headers: str) -> TestClient:
        """A browser without cookies; it names its origin as browsers do."""
        return TestClient(
            self.app,
            base_url=ORIGIN,
            headers={"origin": ORIGIN, "sec-fetch-site": "same-origin", **headers},
            follow_redirects=False,
        )

    def offer_code(self) -> str:
        return OneTimeCode(self.settings.console).offer()

    def make_owner(self) -> TestClient:
        """Make the owner `anna` by the one-time code; returns her browser."""
        code = self.offer_code()
        browser = self.browser()
        answer = browser.post("/setup", data=setup_form(code))
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert not (self.settings.console.state_dir / CODE_FILE).exists()
        return browser

    def logged_in(self, role: Role) -> TestClient:
        """The browser of somebody with this role."""
        if not self.site.has_owner():
            self.make_owner()
        self.site.accounts.save(f"a-{role}", PASSWORD, role)
        browser = self.browser()
        answer = login(browser, f"a-{role}")
        assert answer.status_code == 303
        return browser

    def program(self, *scopes: str, name: str = "program") -> TestClient:
        """A program with a token of these scopes; it sends no cookie and no origin."""
        if not self.site.has_owner():
            self.make_owner()
        token = self.site.tokens.add(name, scopes, 30, "anna")
        return TestClient(
            self.app, base_url=f"{ORIGIN}/api/v1", headers={"authorization": f"Bearer {token}"}
        )

    def handle(self, request: CommandRequest, user: str) -> CommandAnswer:
        assert user == getpass.getuser()
        self.commands.append(request)
        if (service := self.services.get(request.command)) is not None:
            try:
                reason, data = service(request)
            except CommandError as error:
                return CommandAnswer(request.id, AnswerResult.REFUSED, str(error))
            return CommandAnswer(request.id, self.answer, reason, None, data)
        return CommandAnswer(request.id, self.answer, "a safety input is not clear", None)


def setup_form(code: str, name: str = "anna", password: str = PASSWORD) -> dict[str, str]:
    return {"code": code, "name": name, "password": password, "again": password}


def login(browser: TestClient, name: str, password: str = PASSWORD) -> httpx.Response:
    return browser.post("/login", data={"name": name, "password": password})


def form_values(browser: TestClient, path: str = "/") -> dict[str, str]:
    """Form token and command id of a page."""
    page = browser.get(path).text
    found = dict(re.findall(r'name="(csrf|id)" value="([^"]+)"', page))
    assert "csrf" in found, page
    return found
