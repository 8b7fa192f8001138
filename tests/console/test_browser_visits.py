# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium: a host invites, the visitor types his plate and passes the rehearsed gate."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from .test_browser import (
    PATIENCE_MS,
    SIZES,
    Window,
    chromium,
    owner,
    rehearsed,
)
from .test_browser_access import problems_of

__all__ = ["chromium", "owner", "rehearsed"]  # fixtures

GUEST = "TR05YPP"  # in the pictures of the demo, and not on its list


def invited(owner: Window, holder: str, rule: str, entries: int = 5) -> str:
    """Invite a visitor for today; returns the path of his link."""
    page = owner.page
    page.goto("/visits")
    page.fill("[name=holder]", holder)
    page.check(f"[value={rule}]")
    page.fill("[name=entries]", str(entries))
    page.click("#add > button")
    expect(page.locator(".qr svg")).to_be_visible()
    return page.input_value("input.link")


def test_ok__a_visitor_is_approved_passes_and_opens_while_a_vehicle_stands_there(
    owner: Window, rehearsed: tuple[str, str], chromium: Browser
) -> None:
    link = invited(owner, "Vera Visitor", "ask")
    visitor = Window(chromium, rehearsed[0], "phone", locale="de-DE")
    visitor.page.goto(link)
    visitor.keep("visitor-invited")
    visitor.page.fill("[name=plate]", "tr-05 ypp")
    visitor.page.click("main form button")
    expect(visitor.page.locator("main")).to_contain_text("Ihr Gastgeber wurde gefragt")
    page = owner.page
    page.goto("/")
    page.get_by_role("link", name="wait for your approval").click()
    page.get_by_role("link", name="Vera Visitor").click()
    owner.keep("visit-asked")
    page.click("button[value=accept]")
    expect(page.locator("main")).to_contain_text("accepted")
    visitor.page.goto(link)
    expect(visitor.page.locator("main")).to_contain_text("Sie werden erwartet")
    visitor.keep("visitor-accepted")
    assert problems_of(visitor.page) == []
    page.goto(f"/passages?plate={GUEST}&result=granted")
    for _ in range(PATIENCE_MS // 1000):
        if page.locator(".vehicles a").count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    expect(page.locator(".vehicles a").first).to_contain_text("Vera Visitor")
    page.goto("/")
    page.wait_for_selector(".inputs .level-active", state="attached", timeout=PATIENCE_MS)
    visitor.page.click("button.big")
    # The rehearsed vehicle may have left by now; then nothing moves.
    expect(visitor.page.get_by_role("alert")).to_contain_text(re.compile("Die Schranke öffnet"))
    visitor.keep("visitor-pressed")
    assert owner.complaints == []
    assert visitor.complaints == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
def test_ok__every_page_of_visits_fits_its_window(
    owner: Window, rehearsed: tuple[str, str], chromium: Browser, size: str, locale: str
) -> None:
    link = invited(owner, "A visitor with a very long name " * 2, "accept")
    scheme = "dark" if locale == "de-DE" else "light"
    window = Window(chromium, rehearsed[0], size, locale=locale, color_scheme=scheme)
    page = window.page
    page.goto(link)
    window.keep(f"{locale}-visitor")
    assert problems_of(page) == []
    window.log_in()
    page.goto("/visits")
    window.keep(f"{locale}-visits")
    page.locator("a.entry").first.click()
    expect(page.locator("dl")).to_be_visible()
    window.keep(f"{locale}-visit")
    assert problems_of(page) == []
    if size == "desktop":  # on a phone the menu may cover a part of it
        picture = np.frombuffer(page.locator(".qr").screenshot(), np.uint8)
        read, _, _ = cv2.QRCodeDetector().detectAndDecode(cv2.imdecode(picture, cv2.IMREAD_COLOR))
        assert read == page.input_value("input.link")
    assert window.complaints == []
    page.context.close()


def test_ok__a_revoked_link_is_not_valid(
    owner: Window, rehearsed: tuple[str, str], chromium: Browser
) -> None:
    link = invited(owner, "Rita Revoked", "accept")
    visitor = Window(chromium, rehearsed[0], "phone", locale="en-US")
    visitor.page.goto(link)
    expect(visitor.page.locator("main")).to_contain_text("Type your plate.")
    owner.page.click("button[value=revoke]")
    expect(owner.page.locator("main")).to_contain_text("revoked")
    visitor.page.reload()
    expect(visitor.page.locator("h1")).to_have_text("This link is not valid")
    visitor.keep("visitor-gone")
