# SPDX-License-Identifier: Apache-2.0
"""No text from outside becomes markup on any page: an HTML parser finds the templates' alone.

hostile_fields.py has the fields, crawling.py the pages. A new page is tested by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from plategate.console.api.routes import ROUTES
from plategate.console.tokens import Scope

from .bed import STATUS, ConsoleBed
from .crawling import (
    ENDLESS,
    PARAMETER,
    Form,
    Markup,
    html_kind,
    html_of,
    paths,
    query_names,
    templates,
)
from .hostile import HostileBed, payload
from .hostile_fields import FIELDS
from .serving import with_gate

TYPED = payload(990)
LANGUAGES = ("en", "de")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileBed]:
    before = dict(STATUS)
    bed = HostileBed(tmp_path_factory.mktemp("hostile"))
    with with_gate(bed):
        bed.fill(FIELDS)
        yield bed
    STATUS.clear()
    STATUS.update(before)


def owner(bed: ConsoleBed, language: str = "en") -> tuple[TestClient, str]:
    """The browser of the owner with a login of its own, and its form token."""
    token = bed.site.sessions.start("anna", "test", "test")
    session = bed.site.sessions.find(token)
    assert session is not None
    browser = bed.browser(**{"accept-language": language})
    browser.cookies.set(bed.site.cookie, token, domain="gate.test")
    return browser, session.csrf


def crawled(bed: HostileBed, language: str = "en") -> dict[str, Markup]:
    browser, _ = owner(bed, language)
    pages = {path: html_of(browser, path) for path in paths(bed, TYPED)}
    return {path: Markup(page) for path, page in pages.items() if page is not None}


def wrong(pages: dict[str, Markup]) -> dict[str, list[str]]:
    return {path: page.wrong for path, page in pages.items() if page.wrong}


@pytest.mark.parametrize("language", LANGUAGES)
def test_fail__no_stored_text_becomes_markup(hostile: HostileBed, language: str) -> None:
    pages = crawled(hostile, language)
    assert wrong(pages) == {}
    texts = "\n".join(text for page in pages.values() for text in page.texts)
    missing = [
        field.name
        for number, field in enumerate(FIELDS)
        if field.shown and f"hit({number})>{{{{9*9}}}}" not in texts
    ]
    assert missing == []  # otherwise the test would prove nothing about these
    assert len(pages) > 80


def test_fail__no_parameter_of_an_address_becomes_markup(hostile: HostileBed) -> None:
    names = query_names()
    assert names >= {"plate", "result", "before", "list", "search", "from", "lane", "done"}
    browser, _ = owner(hostile)
    typed = quote(TYPED)
    pages = {
        path: Markup(page)
        for template in sorted(templates(hostile, "GET") - ENDLESS)
        for name in sorted(names)
        if (page := html_of(browser, path := f"{PARAMETER.sub('x', template)}?{name}={typed}"))
    }
    assert wrong(pages) == {}
    assert any("hit(990)" in text for page in pages.values() for text in page.texts)


def sent(bed: HostileBed, path: str, fields: dict[str, str]) -> str:
    """The answer to a form of the owner, who logs in for it; that of the page that follows."""
    browser, csrf = owner(bed)
    browser.follow_redirects = True
    form = {**fields, "csrf": csrf, "id": f"id-{hash(path) % 10**9}"}
    return browser.post(path, data=form).text


def test_fail__no_field_of_a_form_becomes_markup(hostile: HostileBed) -> None:
    """Each form of each page with its typed fields hostile, and each with all fields hostile."""
    forms: dict[tuple[str, str], Form] = {}
    for page in crawled(hostile).values():
        for form in page.forms:
            if form.method == "post":
                forms.setdefault((form.action, form.given.get("action", "")), form)
    names = {name for form in forms.values() for name in form.typed | form.given.keys()}
    pages = {}
    for (path, action), form in forms.items():
        given = form.given | dict.fromkeys(form.typed, TYPED)
        pages[f"{path} {action} typed"] = Markup(sent(hostile, path, given))
    for template in templates(hostile, "POST"):
        path = PARAMETER.sub("x", template)
        pages[f"{path} all"] = Markup(sent(hostile, path, dict.fromkeys(names, TYPED)))
    assert wrong(pages) == {}
    assert len(pages) > 40
    echoed = [path for path, page in pages.items() if any("hit(990)" in t for t in page.texts)]
    assert len(echoed) >= 4


@pytest.mark.parametrize("content", [f"plate,holder\nBAB1,{TYPED}\n", f"plate\n{TYPED}\n", TYPED])
@pytest.mark.parametrize("language", LANGUAGES)
def test_fail__neither_name_nor_cell_of_an_uploaded_file_becomes_markup(
    hostile: HostileBed, content: str, language: str
) -> None:
    browser, csrf = owner(hostile, language)
    answer = browser.post(
        "/lists/upload",
        data={"csrf": csrf, "list": "allow", "sheet": TYPED},
        files={"file": (f"{TYPED}.csv", content.replace('"', "").encode())},
    )
    page = Markup(answer.text)
    assert page.wrong == []
    assert any("hit(990)" in text for text in page.texts)


def test_fail__no_answer_of_the_api_is_taken_for_a_page(hostile: HostileBed) -> None:
    program = hostile.program(*Scope, name="everything")
    for row in ROUTES:
        if "stream" in row.path:
            continue
        path = PARAMETER.sub(quote(TYPED, safe=""), row.path)
        answer = program.request(row.method, f"{path}?plate={quote(TYPED)}", json={"why": TYPED})
        assert html_kind(answer) is False, row.path


@pytest.mark.parametrize(
    "page",
    [
        payload(1),
        f'<a title="{payload(1)}">x</a>',
        "<p style='x'>", "<a href='javascript:hit(1)'>", "<a href='//evil.example'>",
        "<script>hit(1)</script>", "<script src='https://evil.example/x.js'></script>",
        "<iframe src='/x'></iframe>", "<form action='https://evil.example'></form>",
        "<svg onload=hit(1)>", "<base href='/'>", "<p id=a id=b>",
    ],
)  # fmt: skip
def test_ok__the_parser_finds_what_a_text_made(page: str) -> None:
    assert Markup(page).wrong
