# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium at the list pages: a guest is added and passes the rehearsed gate."""

from __future__ import annotations

import re
from pathlib import Path

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

SHEETS = [(locale, size) for locale in ("en-US", "de-DE") for size in SIZES]
GUEST = "TR05YPP"  # in the pictures of the demo, and not on its list


def test_ok__a_guest_is_added_in_three_steps_and_passes(owner: Window) -> None:
    page = owner.page
    page.goto("/lists")
    page.fill("#add [name=plate]", "tr-05 ypp")
    page.check("#add [value=week]")
    page.fill("#add [name=holder]", "Gerda Guest")
    page.click("#add > button")
    expect(page.get_by_role("status")).to_contain_text("Added.")
    owner.keep("lists-added")
    page.goto(f"/passages?plate={GUEST}&result=granted")
    passed = page.locator(".vehicles a", has_text="Gerda Guest")
    for _ in range(PATIENCE_MS // 1000):
        if passed.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    passed.first.click()
    expect(page.locator("main")).to_contain_text("Gerda Guest")
    assert owner.complaints == []


def test_ok__a_look_alike_is_asked_about_and_a_change_is_undone(owner: Window) -> None:
    page = owner.page
    page.goto("/lists")
    page.fill("#add [name=plate]", "B 8397 HAR")
    page.click("#add > button")
    if page.locator("[name=confirmed]").count():  # it fits no format, or looks like another one
        owner.keep("lists-confirm")
        assert problems_of(page) == []
        page.click("main form button")
    expect(page.get_by_role("status")).to_contain_text("Added.")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("Undone.")
    owner.keep("lists-history")
    page.goto("/lists?search=B8397HAR")
    expect(page.locator("main")).to_contain_text("No entries.")


@pytest.mark.parametrize(("locale", "size"), SHEETS)
def test_ok__a_spreadsheet_is_shown_before_it_counts_and_every_page_fits(
    owner: Window, rehearsed: tuple[str, str], chromium: Browser, size: str, locale: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    scheme = "dark" if locale == "de-DE" else "light"
    window = Window(chromium, rehearsed[0], size, locale=locale, color_scheme=scheme)
    window.log_in()
    page = window.page
    page.goto("/lists")
    window.keep(f"{locale}-lists-guest")
    page.goto("/lists/sync")
    window.keep(f"{locale}-lists-sync")
    page.goto("/lists/file")
    window.keep(f"{locale}-lists-file")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").first.click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    row = f'B9{SHEETS.index((locale, size))}ZZZ,"=Neu<b>"\n'
    file.write_text(file.read_text("utf-8-sig") + row, "utf-8")
    page.set_input_files("[name=file]", file)
    page.click("main form button")
    expect(page.locator(".differences")).to_contain_text("=Neu<b>")
    window.keep(f"{locale}-lists-upload")
    assert problems_of(page) == []
    page.click("main form button")
    expect(page).to_have_url(re.compile(r"/lists/changes/\d+$"))
    expect(page.locator(".differences")).to_be_visible()
    window.keep(f"{locale}-lists-change")
    page.goto("/lists/allow/B839HAR")
    page.locator("summary").first.click()
    window.keep(f"{locale}-lists-entry")
    page.goto("/passages?result=refused")
    for _ in range(PATIENCE_MS // 1000):
        if page.locator(".vehicles a").count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    page.locator(".vehicles a").first.click()
    expect(page.locator("[action='/lists/add']")).to_be_visible()
    window.keep(f"{locale}-lists-known")
    assert window.complaints == []
    page.context.close()
