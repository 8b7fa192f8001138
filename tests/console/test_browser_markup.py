# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium runs no script that a text from outside brings, on any page.

Every answer loses its Content-Security-Policy on the way, so that the pages themselves are tested.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from .bed import STATUS
from .crawling import Markup, html_of, paths
from .hostile import HostileBed, payload
from .hostile_fields import FIELDS
from .serving import served, with_gate
from .test_browser import chromium

__all__ = ["chromium"]  # fixture


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[HostileBed]:
    before = dict(STATUS)
    bed = HostileBed(tmp_path)
    bed.clock_s = time.time()
    with with_gate(bed):
        bed.fill(FIELDS)
        yield bed
    STATUS.clear()
    STATUS.update(before)


def without_policy(route: Route) -> None:
    """Answer as the console does, without its Content-Security-Policy."""
    answer = route.fetch(max_redirects=0)
    headers = {k: v for k, v in answer.headers.items() if k != "content-security-policy"}
    route.fulfill(response=answer, headers=headers)


def opened(browser: Browser, bed: HostileBed, address: str) -> tuple[Page, list[int]]:
    """The owner's window, and the numbers of the texts whose script ran."""
    ran: list[int] = []

    def noted(number: int) -> None:
        ran.append(number)

    context = browser.new_context(base_url=address, locale="en-US")
    context.expose_function("hit", noted)
    context.route("**/*", without_policy)
    token = bed.site.sessions.start("anna", "test", "test")
    context.add_cookies([{"name": "plategate", "value": token, "url": address}])
    page = context.new_page()
    return page, ran


def test_fail__no_script_of_a_text_runs(hostile: HostileBed, chromium: Browser) -> None:
    client = hostile.browser()
    token = hostile.site.sessions.start("anna", "test", "test")
    client.cookies.set(hostile.site.cookie, token, domain="gate.test")
    every = [path for path in paths(hostile, payload(990)) if html_of(client, path) is not None]
    with served(hostile) as address:
        page, ran = opened(chromium, hostile, address)
        for path in every:
            page.goto(path, wait_until="domcontentloaded")
            # Any attribute that a text made would show here as well.
            made = page.evaluate(
                "[...document.querySelectorAll('*')].filter((element) => [...element.attributes]"
                ".some((attribute) => attribute.name.startsWith('on'))).length"
            )
            assert (made, ran) == (0, []), path
        page.wait_for_timeout(3000)  # parts of the last page reload themselves
        assert ran == []
        page.goto("/ca")
        assert page.context.cookies()[0]["name"] == "plategate"
        page.set_content(f"<main title='{payload(7)}'></main>")
        page.wait_for_timeout(1000)
        assert ran == [7]  # it would have been noticed
        page.context.close()
    assert len(every) > 80
    assert Markup(payload(7)).wrong
