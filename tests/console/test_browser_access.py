# SPDX-License-Identifier: Apache-2.0
"""Every page for everybody: axe-core in both themes, right to left, by keyboard, in German."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from .test_browser import Window, chromium, owner, rehearsed

__all__ = ["chromium", "owner", "rehearsed"]  # fixtures

PAGES = (
    "/", "/passages", "/lists", "/alarms", "/health", "/figures", "/settings",
    "/settings/lane.schedule", "/settings/access.strictness", "/aim", "/visits", "/account",
    "/account/second-step", "/tokens", "/audit",
    "/lists/history", "/lists/changes/1", "/lists/file", "/lists/sync", "/lists/allow/B839HAR",
)  # fmt: skip
ENGLISH = re.compile(r"\b(the|not|of|and|with|is|are|this|none)\b", re.IGNORECASE)
# What a page shows in German, without code, names of things and what is marked as another language.
SHOWN_TEXT = """() => {
  const copy = document.body.cloneNode(true);
  const names = ".keys b, .value, code, script, option, .plate, .who, .hint a";
  const other = names + ", [lang=en]";
  copy.querySelectorAll(other).forEach((node) => node.remove());
  return copy.innerText;
}"""
# A language that is read from right to left and whose words are longer.
RIGHT_TO_LEFT = """() => {
  document.documentElement.dir = "rtl";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) {
    const text = node.textContent.trim();
    const longer = " " + "\\u0634".repeat(text.length / 3);
    if (text.length > 1) node.textContent = "\\u202b" + text + longer;
  }
}"""


def log_in(window: Window) -> Page:
    window.log_in()
    return window.page


def first_passage(page: Page) -> str:
    page.goto("/passages")
    return str(page.locator(".vehicles a:has(img)").first.get_attribute("href"))


def problems_of(page: Page) -> list[str]:
    """What axe-core finds on the page, a line for each element."""
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {item['id']}: {node['target']}" for item in found for node in item["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ok__axe_finds_nothing_on_any_page(
    owner: Window, rehearsed: tuple[str, str], chromium: Browser, scheme: str
) -> None:
    owner.page.goto("/")
    owner.page.wait_for_selector("#live-vehicles .plate")
    window = Window(chromium, rehearsed[0], "phone", locale="en-US", color_scheme=scheme)
    page = window.page
    page.goto("/login")
    problems = problems_of(page)
    log_in(window)
    for path in (*PAGES, first_passage(page)):
        page.goto(path)
        problems += problems_of(page)
    page.goto("/aim")
    page.click("form[action='/aim/begin'] button")
    page.wait_for_selector(".gauge, .notice.bad, .gauges li")
    problems += problems_of(page)
    page.click("form[action='/aim/end'] button")
    page.context.close()
    assert problems == []


def test_ok__pages_are_whole_from_right_to_left(
    owner: Window, rehearsed: tuple[str, str], chromium: Browser
) -> None:
    window = Window(chromium, rehearsed[0], "phone", locale="en-US")
    page = log_in(window)
    for path in (*PAGES, first_passage(page)):
        page.goto(path)
        page.evaluate(RIGHT_TO_LEFT)
        window.keep(f"rtl{path.replace('/', '-')[:20]}")
    page.context.close()


def test_ok__the_keyboard_reaches_everything_and_shows_where_it_is(
    owner: Window, rehearsed: tuple[str, str], chromium: Browser
) -> None:
    window = Window(chromium, rehearsed[0], "desktop", locale="en-US")
    page = log_in(window)
    page.goto("/settings/access.strictness")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(() => { const e = document.activeElement; const s = getComputedStyle(e);"
                " if (e === document.body) return '|';"
                " return [e.name || e.getAttribute('href') || e.textContent.trim(),"
                " s.outlineStyle].join('|') })()"
            )
        )
    names = {item.partition("|")[0] for item in reached}
    assert {"/passages", "/alarms", "Log out", "value", "why", "action"} <= names
    assert all(item.endswith("|solid") or item.startswith("|") for item in reached), reached
    page.locator("[name=value]").focus()
    page.keyboard.press("ArrowDown")
    page.locator("[name=why]").focus()
    page.keyboard.type("winter")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings?lane=*changed=access.strictness*")
    assert "owner:anna" in page.locator("[id='access.strictness']").inner_text()
    page.context.close()


def test_ok__german_pages_are_german(
    owner: Window, rehearsed: tuple[str, str], chromium: Browser
) -> None:
    window = Window(chromium, rehearsed[0], "phone", locale="de-DE")
    page = log_in(window)
    for path in ("/", "/passages", "/alarms", "/settings", "/aim", "/account", first_passage(page)):
        page.goto(path)
        text = page.evaluate(SHOWN_TEXT)
        assert not ENGLISH.search(text), (path, ENGLISH.findall(text), text)
    page.context.close()
