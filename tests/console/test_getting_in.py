# SPDX-License-Identifier: Apache-2.0
"""Nobody gets in without a code or a password; guessing is slowed down; logins end."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from plategate.console.account_pages import network_of
from plategate.console.accounts import Role
from plategate.console.sessions import AUDIT_MAX

from .bed import PASSWORD, ConsoleBed, form_values, login, setup_form

PAGES = (
    "/",
    "/live/state-0",
    "/passages",
    "/passages/x",
    "/lists",
    "/health",
    "/account",
    "/audit",
)


def test_ok__before_the_first_owner_only_the_setup_page_answers(bed: ConsoleBed) -> None:
    browser = bed.browser()
    for path in (*PAGES, "/login"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/setup")
    assert browser.get("/setup").status_code == 200
    assert bed.browser().post("/command", data={"command": "open", "why": "x"}).status_code == 303
    assert bed.commands == []


def test_ok__a_new_code_replaces_a_lost_password_and_ends_the_logins(bed: ConsoleBed) -> None:
    before = bed.make_owner()
    code = bed.offer_code()
    answer = bed.browser().post("/setup", data=setup_form(code, password="another long one"))
    assert answer.status_code == 303
    assert before.get("/").headers["location"] == "/login"
    assert login(bed.browser(), "anna").status_code == 403
    assert login(bed.browser(), "anna", "another long one").status_code == 303


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "ababababababab", "x" * 201])
def test_fail__weak_passwords_are_refused_and_keep_the_code(bed: ConsoleBed, password: str) -> None:
    code = bed.offer_code()
    answer = bed.browser().post("/setup", data=setup_form(code, password=password))
    assert answer.status_code == 400
    assert not bed.site.has_owner()
    assert bed.make_owner().get("/").status_code == 200


def test_ok__the_cookie_is_bound_to_host_and_https_and_unreadable_for_scripts(
    bed: ConsoleBed,
) -> None:
    bed.make_owner()
    cookie = login(bed.browser(), "anna").headers["set-cookie"]
    assert cookie.startswith("__Host-plategate=")
    for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie


def test_ok__neither_passwords_nor_cookies_are_stored(bed: ConsoleBed) -> None:
    browser = bed.make_owner()
    stored = b"".join(file.read_bytes() for file in bed.settings.console.state_dir.iterdir())
    assert PASSWORD.encode() not in stored
    assert browser.cookies["__Host-plategate"].encode() not in stored
    assert b"$argon2id$v=19$m=19456,t=2,p=1$" in stored
    assert bed.site.accounts.check("anna", PASSWORD)


def test_fail__an_unknown_name_and_a_wrong_password_look_the_same(bed: ConsoleBed) -> None:
    bed.make_owner()
    pages = [
        re.sub(r'value="\w+"', "", login(bed.browser(), name, "wrong password").text)
        for name in ("anna", "nobody")
    ]
    assert pages[0] == pages[1]


def test_fail__guessing_passwords_is_slowed_down_by_account(bed: ConsoleBed) -> None:
    bed.make_owner()
    browser = bed.browser()
    answers = [login(browser, "anna", f"guess number {n}").status_code for n in range(12)]
    assert answers == [403] * 5 + [429] * 7
    assert login(browser, "anna").status_code == 429  # the right password waits as well


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_ok__failures_are_counted_by_network(address: str, network: str) -> None:
    """Who guesses from one IPv6 network has as many addresses as he likes."""
    assert network_of(address) == network


def test_ok__strangers_lock_an_owner_out_for_a_minute_at_most(bed: ConsoleBed) -> None:
    bed.make_owner()
    for _ in range(50):
        bed.site.sessions.failed(account="anna", address="192.0.2.66")
    assert bed.site.sessions.waiting_s(address="192.0.2.66") == 900
    assert login(bed.browser(), "anna").status_code == 429
    bed.clock_s += 61
    assert login(bed.browser(), "anna").status_code == 303


def test_fail__guessing_names_is_slowed_down_by_address(bed: ConsoleBed) -> None:
    bed.make_owner()
    browser = bed.browser()
    answers = [login(browser, f"name{n}", "some password").status_code for n in range(12)]
    assert answers == [403] * 5 + [429] * 7


def test_ok__a_login_ends_by_time_by_logout_and_by_its_owner(bed: ConsoleBed) -> None:
    owner, guard = bed.make_owner(), bed.logged_in(Role.GUARD)
    token = form_values(guard)
    bed.clock_s += 1.5 * 3600
    assert guard.get("/").status_code == 200  # used: extended
    bed.clock_s += 1.5 * 3600
    assert guard.get("/").status_code == 200
    assert owner.get("/").headers["location"] == "/login"  # unused for longer than session_hours
    kept = guard.cookies["__Host-plategate"]
    assert guard.post("/logout", data=token).status_code == 303
    guard.cookies.set("__Host-plategate", kept, domain="gate.test")
    assert guard.get("/").headers["location"] == "/login"


def test_ok__a_page_that_reloads_itself_does_not_keep_a_login_alive(bed: ConsoleBed) -> None:
    browser = bed.make_owner()
    for _ in range(5):
        bed.clock_s += 0.5 * 3600
        answer = browser.get("/live/state-0", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login")


def test_ok__an_owner_ends_the_login_of_another(bed: ConsoleBed) -> None:
    owner, guard = bed.make_owner(), bed.logged_in(Role.GUARD)
    (session,) = [item for item in bed.site.sessions.all() if item.account == "a-guard"]
    form = form_values(owner, "/account") | {"session": session.identity}
    assert owner.post("/sessions/end", data=form).status_code == 303
    assert guard.get("/").headers["location"] == "/login"


def test_fail__nobody_else_ends_the_login_of_another(bed: ConsoleBed) -> None:
    owner, guard = bed.make_owner(), bed.logged_in(Role.GUARD)
    (session,) = [item for item in bed.site.sessions.all() if item.account == "anna"]
    assert session.identity not in guard.get("/account").text
    form = form_values(guard, "/account") | {"session": session.identity}
    assert guard.post("/sessions/end", data=form).status_code == 404
    assert owner.get("/").status_code == 200


def test_ok__a_new_password_ends_the_other_logins_of_the_account(bed: ConsoleBed) -> None:
    here = bed.make_owner()
    there = bed.browser()
    login(there, "anna")
    new = {"old": PASSWORD, "password": "quite another one", "again": "quite another one"}
    form = form_values(here, "/account")
    assert here.post("/account/password", data=form | new | {"old": "no"}).status_code == 400
    assert here.post("/account/password", data=form | new).status_code == 303
    assert here.get("/").status_code == 200
    assert there.get("/").headers["location"] == "/login"


def test_fail__forged_and_damaged_cookies_get_nobody_in(bed: ConsoleBed) -> None:
    real = bed.make_owner().cookies["__Host-plategate"]
    made = random.Random(5)
    tokens = {"", "null", "../../etc/passwd", "' OR 1=1 --", real[:-1], real + "A", real.swapcase()}
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for _ in range(2000):
        token = list(real)
        token[made.randrange(len(token))] = made.choice(alphabet)
        tokens.add("".join(token))
    tokens.discard(real)
    assert [token for token in tokens if bed.site.sessions.find(token)] == []
    for token in list(tokens)[:40]:
        browser = bed.browser()
        browser.cookies.set("__Host-plategate", token, domain="gate.test")
        assert browser.get("/").headers["location"] == "/login"


def test_fail__the_last_owner_stays_and_nobody_changes_himself(bed: ConsoleBed) -> None:
    owner = bed.make_owner()
    form = form_values(owner, "/account")
    assert owner.post("/accounts/remove", data=form | {"name": "anna"}).status_code == 400
    down = {"name": "anna", "role": "viewer", "password": PASSWORD}
    assert owner.post("/accounts/save", data=form | down).status_code == 400
    assert bed.site.accounts.all() == [("anna", Role.OWNER)]


def test_ok__the_audit_log_names_who_and_does_not_grow_without_end(bed: ConsoleBed) -> None:
    owner = bed.make_owner()
    login(bed.browser(), "eve", "wrong password")
    page = owner.get("/audit").text
    assert "failed login:" in page
    assert "eve" in page
    number = AUDIT_MAX + 5
    with bed.site.sessions._database.connection() as connection:
        connection.executemany(
            "INSERT INTO audit (at, who, address, what, detail) VALUES ('', '', '', 'x', '')",
            [()] * number,
        )
    bed.site.sessions.note("anna", "local", "login")
    assert len(bed.site.sessions.audit(limit=2 * number)) == AUDIT_MAX


def test_ok__the_state_is_readable_by_its_owner_only(bed: ConsoleBed) -> None:
    bed.make_owner()
    folder: Path = bed.settings.console.state_dir
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "console.sqlite").stat().st_mode & 0o077 == 0
