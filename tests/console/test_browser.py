# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium at a console of a rehearsed gate: first start, every page, open by holding.

SCREENSHOTS=DIR keeps a picture of every page.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
DEMO = Path(__file__).parents[1] / "data" / "demo"
PASSWORD = "correct horse battery"
SIZES = {"phone": (360, 740), "desktop": (1280, 800)}
PATIENCE_MS = 120_000
WHOLE_MENU = "(nav => nav.scrollWidth <= nav.clientWidth)(document.querySelector('nav'))"


@pytest.fixture(scope="module")
def rehearsed() -> Iterator[tuple[str, str]]:
    """Address and one-time code of a console of a rehearsed gate."""
    process = subprocess.Popen(
        [sys.executable, "-m", "plategate", "console", "--rehearse", str(DEMO)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    address, code = (process.stdout.readline().split()[-1] for _ in range(2))
    yield address, code
    process.terminate()
    process.wait(60)
    process.stdout.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


class Window:
    """A browser window of its own, and what it complained about."""

    def __init__(self, browser: Browser, address: str, size: str, **options: str) -> None:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, base_url=address, **options
        )
        self.size = size
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.page.on(
            "console", lambda message: self.complaints.append(f"{message.type}: {message.text}")
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def keep(self, name: str) -> None:
        """Nothing is cut off sideways; keeps a screenshot where they are wanted."""
        width = SIZES[self.size][0]
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width, name
        if folder := os.environ.get("SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"{self.size}-{name}.png", full_page=True)

    def log_in(self) -> None:
        self.page.goto("/login")
        self.page.fill("[name=name]", "anna")
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("main button")
        self.page.wait_for_selector("#live-state-0")


@pytest.fixture(scope="module")
def owner(rehearsed: tuple[str, str], chromium: Browser) -> Window:
    """The window of the owner, who was made by the one-time code."""
    address, code = rehearsed
    window = Window(chromium, address, "phone", locale="en-US")
    page = window.page
    page.goto("/")
    expect(page).to_have_url(re.compile(r"/setup$"))
    window.keep("setup")
    page.fill("[name=code]", code)
    page.fill("[name=name]", "anna")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("main button")
    page.wait_for_selector("#live-state-0")
    return window


def test_ok__the_live_page_shows_vehicles_without_being_loaded_again(owner: Window) -> None:
    owner.page.goto("/")
    owner.page.wait_for_selector("#live-vehicles .plate")
    owner.page.wait_for_selector(".arm-up, .arm-raising", state="attached")
    owner.keep("live")
    assert owner.complaints == []


def test_ok__a_short_press_does_nothing_and_a_long_one_opens(owner: Window) -> None:
    page = owner.page
    page.goto("/")
    button = page.locator("button.big")
    page.fill("[name=why]", "parcel service")
    button.click()
    page.wait_for_timeout(1200)
    expect(page).to_have_url(re.compile(r"/$"))
    button.hover()
    page.mouse.down()
    page.wait_for_timeout(400)
    owner.keep("holding")
    page.wait_for_url("**/command")
    page.mouse.up()
    owner.keep("answer")
    # The rehearsed gate may be letting a vehicle through; then it refuses with that reason.
    expect(page.locator("main")).to_contain_text(re.compile("The gate follows|vehicle is passing"))


def test_ok__the_keyboard_opens_as_well_and_a_reason_is_needed(owner: Window) -> None:
    page = owner.page
    page.goto("/")
    page.locator("button.big").focus()
    page.keyboard.down("Enter")
    page.wait_for_timeout(1200)
    page.keyboard.up("Enter")
    expect(page).to_have_url(re.compile(r"/$"))  # no reason, no command
    page.fill("[name=why]", "guest")
    page.locator("button.big").focus()
    page.keyboard.down(" ")
    page.wait_for_url("**/command")
    page.keyboard.up(" ")
    page.goto("/audit")
    expect(page.locator("main")).to_contain_text("open: guest")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
def test_ok__every_page_fits_its_window_and_breaks_no_policy(
    owner: Window, rehearsed: tuple[str, str], chromium: Browser, size: str, locale: str
) -> None:
    owner.page.goto("/")
    owner.page.wait_for_selector("#live-vehicles .plate")
    scheme = "dark" if locale == "de-DE" else "light"
    window = Window(chromium, rehearsed[0], size, locale=locale, color_scheme=scheme)
    page = window.page
    page.goto("/login")
    window.keep(f"{locale}-login")
    window.log_in()
    for name in (
        "", "passages", "lists", "alarms", "health", "figures", "settings",
        "settings/lane.schedule", "aim", "account", "account/second-step", "audit", "tokens",
    ):  # fmt: skip
        page.goto(f"/{name}")
        assert page.locator("h1").inner_text()
        assert page.evaluate(WHOLE_MENU), name
        window.keep(f"{locale}-{name.replace('/', '-') or 'live'}")
    page.goto("/passages?result=granted")
    page.locator(".vehicles a:has(img)").first.click()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    window.keep(f"{locale}-passage")
    assert window.complaints == []
    page.context.close()


def test_ok__a_login_that_was_ended_leaves_the_live_page_by_itself(
    owner: Window, rehearsed: tuple[str, str], chromium: Browser
) -> None:
    other = Window(chromium, rehearsed[0], "desktop", locale="en-US")
    other.log_in()
    owner.page.goto("/account")
    for item in owner.page.locator("li.card", has_not_text="this one").all():
        if item.locator("form[action='/sessions/end']").count():
            item.get_by_role("button").click()
            break
    # Both parts of the page may ask for the login; the second navigation replaces the first.
    expect(other.page).to_have_url(re.compile(r"/login$"), timeout=PATIENCE_MS)
