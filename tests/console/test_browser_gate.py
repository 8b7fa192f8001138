# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium at the console of a gate whose inputs, sockets and disk the test operates."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from plategate.console.accounts import Role
from plategate.console.server import make_server
from plategate.messages import InputName, Level

from .test_browser import PATIENCE_MS, Window, chromium
from .test_lanes import RehearsedLane, settings_of, until

__all__ = ["chromium"]  # a fixture

PASSWORD = "correct horse battery"


class Served:
    """A rehearsing gate with its console, and windows of people who are logged in."""

    def __init__(self, folder: Path, browser: Browser) -> None:
        settings = settings_of(folder, "entrance")
        barrier = settings.barrier.model_copy(update={"style": "hold"})
        settings = settings.model_copy(update={"barrier": barrier})
        self.gate = RehearsedLane(settings)
        self._browser = browser
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        console = settings.console.model_copy(update={"address": "127.0.0.1"})
        self.server = make_server(settings.model_copy(update={"console": console}), secure=False)
        self.site = self.server.config.app.state.site  # type: ignore[union-attr]
        for name, role in (("anna", Role.OWNER), ("ben", Role.GUARD)):
            self.site.accounts.save(name, PASSWORD, role)
        self._thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [self._listener]}, daemon=True
        )
        self._thread.start()

    def person(self, name: str, size: str = "phone") -> Page:
        window = Window(self._browser, self.address, size, locale="en-US")
        page = window.page
        page.goto("/login")
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("main button")
        page.wait_for_selector("#live-state-0")
        return page

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(60)
        self._listener.close()
        self.gate.stop()


@pytest.fixture
def served(tmp_path: Path, chromium: Browser) -> Iterator[Served]:
    made = Served(tmp_path, chromium)
    yield made
    made.stop()


def press(page: Page, command: str, why: str = "parcel") -> None:
    """Hold a button of the page of the gate until the answer comes."""
    page.goto("/")
    page.fill("[name=why]", why)
    if command != "open":
        page.click("summary")
    button = page.locator(f"button[value={command}]")
    button.focus()
    page.keyboard.down("Enter")
    page.wait_for_url("**/command")
    page.keyboard.up("Enter")


def test_fail__a_safety_input_wins_over_the_button(served: Served) -> None:
    page = served.person("anna")
    press(page, "hold", "removal van")
    expect(page.locator("main")).to_contain_text("The gate follows")
    until(lambda: served.gate.relay == [True])
    served.gate.site.board.put(InputName.PHOTOCELL, Level.ACTIVE)
    page.goto("/")
    expect(page.locator("#live-state-0")).to_contain_text("active", timeout=PATIENCE_MS)
    press(page, "release", "van is gone")
    expect(page.locator("main")).to_contain_text("The gate follows")
    press(page, "close", "quickly")
    expect(page.locator("main")).to_contain_text("a safety input is not clear")
    assert served.gate.relay == [True]  # the arm stays up over whatever the photocell sees
    served.gate.site.board.put(InputName.PHOTOCELL, Level.INACTIVE)
    until(lambda: served.gate.relay == [True, False])


def test_ok__two_people_at_once_see_and_command_one_gate(served: Served) -> None:
    anna, ben = served.person("anna"), served.person("ben", "desktop")
    press(anna, "hold", "removal van")
    expect(ben.locator("#live-state-0")).to_contain_text("held open", timeout=PATIENCE_MS)
    press(ben, "hold", "removal van too")
    press(ben, "release", "gone")
    expect(ben.locator("main")).to_contain_text("The gate follows")
    anna.goto("/audit")
    expect(anna.locator("main")).to_contain_text("release: gone: accepted")
    expect(anna.locator("main")).to_contain_text("ben")
    ben.goto("/audit")
    expect(ben.locator("main")).to_contain_text("Your role")


def test_fail__a_gate_that_goes_down_is_said_without_a_reload(served: Served) -> None:
    page = served.person("ben")
    served.gate._status.close()
    expect(page.locator("#live-state-0 [role=alert]")).to_contain_text(
        "The gate does not answer", timeout=PATIENCE_MS
    )


def test_fail__with_a_full_disk_nothing_moves_and_the_page_says_so(served: Served) -> None:
    served.gate.disk_is_full = True
    page = served.person("anna")
    press(page, "open")
    expect(page.locator("main")).to_contain_text("nothing moved")
    expect(page.locator("main")).to_contain_text("the journal cannot store the command")
    assert served.gate.relay == []
