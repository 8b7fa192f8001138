# SPDX-License-Identifier: Apache-2.0
"""Forged, oversized and foreign requests move nothing; roles reach what is theirs and no more."""

from __future__ import annotations

import base64

import pytest
from starlette.routing import Match
from starlette.testclient import TestClient

from plategate.access.store.lists import ListName
from plategate.console.accounts import Right, Role
from plategate.console.app import HEADERS
from plategate.console.guard import LONGEST_FORM_BYTES

from .bed import ORIGIN, ConsoleBed, a_passage, form_values

OPEN = {"command": "open", "why": "parcel"}
NEEDS = {
    "/": Right.LOOK,
    "/live/state-0": Right.LOOK,
    "/live/vehicles": Right.PEOPLE,
    "/passages": Right.PEOPLE,
    "/passages/one": Right.PEOPLE,
    "/passages/one/plate": Right.PEOPLE,
    "/lists": Right.PEOPLE,
    "/lists/history": Right.PEOPLE,
    "/lists/changes/1": Right.PEOPLE,
    "/lists/sync": Right.PEOPLE,
    "/lists/file": Right.LISTS,
    "/lists/template.xlsx": Right.LISTS,
    "/lists/allow/file.csv": Right.LISTS,
    "/lists/allow/QQ1234ZZ": Right.PEOPLE,
    "/visits": Right.LISTS,
    "/visits/1": Right.LISTS,
    "/health": Right.LOOK,
    "/figures": Right.LOOK,
    "/settings": Right.LOOK,
    "/settings/lane.mode": Right.MANAGE,
    "/aim": Right.AIM,
    "/alarms": Right.LOOK,
    "/account": Right.LOOK,
    "/account/second-step": Right.LOOK,
    "/audit": Right.MANAGE,
    "/tokens": Right.MANAGE,
}
FORMS = {
    "/command": Right.COMMAND,
    "/lists/add": Right.LISTS,
    "/lists/edit": Right.LISTS,
    "/lists/remove": Right.LISTS,
    "/lists/follow": Right.LISTS,
    "/lists/undo": Right.LISTS,
    "/lists/sync": Right.LISTS,
    "/lists/import": Right.LISTS,
    "/visits/add": Right.LISTS,
    "/visits/answer": Right.LISTS,
    "/logout": Right.LOOK,
    "/account/password": Right.LOOK,
    "/account/second-step": Right.LOOK,
    "/sessions/end": Right.LOOK,
    "/accounts/save": Right.MANAGE,
    "/accounts/remove": Right.MANAGE,
    "/tokens/add": Right.MANAGE,
    "/tokens/revoke": Right.MANAGE,
    "/settings/lane.mode": Right.MANAGE,
    "/passages/one/sample": Right.LISTS,
    "/alarms/acknowledge": Right.COMMAND,
    "/alarms/check": Right.LOOK,
    "/aim/begin": Right.AIM,
    "/aim/end": Right.AIM,
    "/aim/region": Right.MANAGE,
}


@pytest.mark.parametrize("role", list(Role))
def test_ok__every_page_and_form_is_open_to_its_roles_only(bed: ConsoleBed, role: Role) -> None:
    bed.add(a_passage("one", "QQ1234ZZ"))
    bed.import_list(ListName.ALLOW, "plate\nQQ1234ZZ\n")
    browser = bed.logged_in(role)
    bed.invite()
    for path, right in NEEDS.items():
        allowed = right in role.rights
        refused = 404 if path == "/live/vehicles" else 403
        assert browser.get(path).status_code == (200 if allowed else refused), path
    csrf = form_values(browser, "/account")
    for path, right in FORMS.items():
        if right not in role.rights:
            assert browser.post(path, data=csrf | OPEN).status_code == 403, path
    if Right.COMMAND not in role.rights:
        assert bed.commands == []
    if Right.PEOPLE not in role.rights:
        assert "QQ1234ZZ" not in browser.get("/").text


def test_ok__every_route_is_in_these_tables(bed: ConsoleBed) -> None:
    found = {
        next(
            getattr(route, "path", "")
            for route in bed.app.routes
            if route.matches({"type": "http", "path": path, "method": method, "headers": []})[0]
            is Match.FULL
        )
        for method, paths in (("GET", NEEDS), ("POST", FORMS))
        for path in paths
    }
    # These have tests of their own.
    others = {"/setup", "/login", "/static", "/api/v1", "/metrics", "/lists/upload"}
    others |= {"/aim/stream", "/aim/report", "/ca", "/ca.crt"}
    others |= {"/visit/{token}", "/visit/{token}/plate", "/visit/{token}/here"}
    assert {getattr(route, "path", "") for route in bed.app.routes} == found | others


def test_fail__strangers_reach_no_page_and_no_form(bed: ConsoleBed) -> None:
    bed.make_owner()
    stranger = bed.browser()
    for path in NEEDS:
        assert stranger.get(path).headers["location"] == "/login", path
    for path in FORMS:
        assert stranger.post(path, data=OPEN).headers["location"] == "/login", path
    assert bed.commands == []


FOREIGN = (
    {"origin": "https://evil.test", "sec-fetch-site": "cross-site"},
    {"origin": "https://evil.test", "sec-fetch-site": ""},
    {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
    {"origin": ORIGIN, "sec-fetch-site": "same-site"},
    {"origin": "null", "sec-fetch-site": "same-origin"},
    {"origin": "http://gate.test"},
    {"origin": "https://gate.test:444"},
    {"origin": "https://gate.test.evil.test"},
    {"origin": "https://evil.test#https://gate.test"},
    {"origin": ""},
    {"referer": ORIGIN},
    {},
)


@pytest.mark.parametrize("headers", FOREIGN)
def test_fail__forms_of_other_origins_are_refused(bed: ConsoleBed, headers: dict[str, str]) -> None:
    browser = bed.make_owner()
    form = form_values(browser) | OPEN
    bare = TestClient(bed.app, base_url=ORIGIN, headers=headers, follow_redirects=False)
    bare.cookies = browser.cookies
    for path in ("/command", "/logout", "/accounts/save", "/login", "/setup"):
        assert bare.post(path, data=form).status_code == 403, path
    assert bed.commands == []
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize("token", [None, "", "0", "x" * 32, "ü", "another session"])
def test_fail__forms_without_the_token_of_their_session_are_refused(
    bed: ConsoleBed, token: str | None
) -> None:
    browser = bed.make_owner()
    form = OPEN | {"id": "an-id"}
    if token == "another session":
        form["csrf"] = form_values(bed.logged_in(Role.GUARD))["csrf"]
    elif token is not None:
        form["csrf"] = token
    for path in FORMS:
        assert browser.post(path, data=form).status_code == 403, path
    assert bed.commands == []


def test_fail__other_methods_and_content_types_move_nothing(bed: ConsoleBed) -> None:
    browser = bed.make_owner()
    form = form_values(browser) | OPEN
    assert browser.get("/command", params=form).status_code == 404
    for method in ("PUT", "PATCH", "DELETE", "TRACE"):
        assert browser.request(method, "/command", data=form).status_code == 404
    assert browser.post("/command", json=form).status_code == 415
    assert browser.post("/command", files={"csrf": form["csrf"]}).status_code == 415
    assert browser.post("/command", content=b"csrf").status_code == 415
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for content in (b"\xff\xfe=1", b"a=1&" * 200, b"%ff=%fe"):
        assert browser.post("/command", content=content, headers=kind).status_code == 400
    large = b"why=" + b"a" * (2 * LONGEST_FORM_BYTES)
    assert browser.post("/command", content=large, headers=kind).status_code == 413
    assert bed.commands == []


PATHS = (
    "/passages/../console/console.sqlite",
    "/passages/..%2f..%2fetc%2fpasswd",
    "/passages/one/..%2f..%2fjournal.sqlite",
    "/passages/one/%2e%2e",
    "/static/../console.sqlite",
    "/static/..%2faccounts.py",
    "/static/%2e%2e/accounts.py",
    "/static//etc/passwd",
    "/passages/%00",
    "/passages/%ff",
)


@pytest.mark.parametrize("path", PATHS)
def test_fail__paths_lead_out_of_no_folder(bed: ConsoleBed, path: str) -> None:
    bed.add(a_passage("one", "A1"))
    assert bed.make_owner().get(path).status_code == 404


def test_fail__a_picture_outside_the_journal_is_not_sent(bed: ConsoleBed) -> None:
    """Even if the journal named it."""
    browser = bed.make_owner()
    bed.add(a_passage("one", "A1"))
    (bed.folder / "secret.jpg").write_bytes(b"secret")
    bed.journal._store.database.execute("UPDATE evidence SET file = '../secret.jpg'")
    assert browser.get("/passages/one/plate").status_code == 404


def test_ok__every_answer_has_the_security_headers(bed: ConsoleBed) -> None:
    browser = bed.make_owner()
    paths = (*NEEDS, "/login", "/setup", "/nowhere", "/static/console.js", "/static/nothing")
    answers = [browser.get(path) for path in paths]
    answers.append(browser.post("/command", json={}))
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.url
        private = "no-store" if "/static/" not in str(answer.url) else "max-age=3600"
        if not str(answer.url).endswith("/plate"):
            assert answer.headers["cache-control"] == private


def test_ok__pages_have_no_inline_script_or_style_and_load_nothing_from_elsewhere(
    bed: ConsoleBed,
) -> None:
    bed.add(a_passage("one", "A1"))
    browser = bed.make_owner()
    for path in NEEDS:
        page = browser.get(path).text if not path.endswith("/plate") else ""
        for word in ("style=", "<style", "onclick", "javascript:", "//cdn", "http://", "hx-on"):
            assert word not in page, (path, word)
        assert page.count("<script") == page.count('<script src="/static/')


def test_ok__a_header_cannot_be_injected(bed: ConsoleBed) -> None:
    browser = bed.make_owner()
    token = base64.b64encode(b"\r\nSet-Cookie: a=b").decode()
    answer = browser.get("/passages", params={"plate": f"a\r\nSet-Cookie: a=b {token}"})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
