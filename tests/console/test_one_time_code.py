# SPDX-License-Identifier: Apache-2.0
"""The one-time code makes an owner once, ends by time and by boot, and cannot be guessed."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from plategate.clock import since_boot
from plategate.console.accounts import Role
from plategate.console.one_time_code import CODE_FILE, CODE_VALID_S, written

from .bed import ConsoleBed, setup_form

GUESS = "00000000"


@pytest.mark.parametrize(
    "typed", ["{}", "{a}-{b}", " {a} {b} ", "{a} - {b}"], ids=["digits", "-", "spaces", "both"]
)
def test_ok__the_code_makes_the_owner_once(bed: ConsoleBed, typed: str) -> None:
    code = bed.offer_code()
    entered = typed.format(code, a=code[:4], b=code[4:])
    browser = bed.browser()
    assert browser.post("/setup", data=setup_form(entered)).status_code == 303
    assert browser.get("/").status_code == 200
    again = bed.browser().post("/setup", data=setup_form(entered, name="eve"))
    assert again.status_code == 400
    assert bed.site.accounts.all() == [("anna", Role.OWNER)]


def test_ok__only_its_hash_is_stored_for_the_console_only(bed: ConsoleBed) -> None:
    code = bed.offer_code()
    file = bed.settings.console.state_dir / CODE_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    stored = b"".join(each.read_bytes() for each in file.parent.iterdir())
    assert code.encode() not in stored
    assert written(code).encode() not in stored
    assert file.read_text().startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_fail__two_people_with_one_code_make_one_owner(bed: ConsoleBed) -> None:
    code = bed.offer_code()
    answers: list[int] = []

    def use(name: str) -> None:
        answers.append(bed.browser().post("/setup", data=setup_form(code, name)).status_code)

    threads = [threading.Thread(target=use, args=(f"name{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 400, 400, 400]
    assert len(bed.site.accounts.all()) == 1


def test_fail__a_code_ends_after_a_day(bed: ConsoleBed) -> None:
    code = bed.offer_code()
    made, one_time = since_boot(), bed.site.code
    for later in (CODE_VALID_S + 5, -60.0):  # made later than now: before the last boot
        one_time._now = lambda later=later: made + later
        assert not one_time.is_offered()
        assert bed.browser().post("/setup", data=setup_form(code)).status_code == 400
    one_time._now = lambda: made + CODE_VALID_S - 60
    assert bed.browser().post("/setup", data=setup_form(code)).status_code == 303


def test_fail__a_code_that_is_shown_no_more_ends(bed: ConsoleBed) -> None:
    """After a restart of the gate, whose memory showed it, or when its service was stopped."""
    code = bed.offer_code()
    console = bed.settings.console
    console.code_dir.mkdir()
    assert bed.browser().post("/setup", data=setup_form(code)).status_code == 400
    console.code_file.write_text("code", encoding="utf-8")
    assert bed.browser().post("/setup", data=setup_form(code)).status_code == 303


def test_ok__a_new_code_replaces_the_one_before(bed: ConsoleBed) -> None:
    first, second = bed.offer_code(), bed.offer_code()
    assert first != second
    assert bed.browser().post("/setup", data=setup_form(first)).status_code == 400
    assert bed.browser().post("/setup", data=setup_form(second)).status_code == 303


@pytest.mark.parametrize(
    "content",
    ["", "\n\n\n", "x y", "x y z", "12345678\n1e99\n", "$argon2id$ nan", "$argon2id$ inf"],
)
def test_fail__a_damaged_or_missing_file_is_no_code(bed: ConsoleBed, content: str) -> None:
    file = bed.settings.console.state_dir / CODE_FILE
    file.write_text(content)
    for given in ("", "12345678", "x"):
        assert bed.browser().post("/setup", data=setup_form(given)).status_code == 400
    file.unlink()
    assert bed.browser().post("/setup", data=setup_form("")).status_code == 400
    assert not bed.site.has_owner()


def test_fail__one_address_gets_five_guesses(bed: ConsoleBed) -> None:
    bed.offer_code()
    browser = bed.browser()
    answers = [browser.post("/setup", data=setup_form(GUESS)).status_code for n in range(20)]
    assert answers == [400] * 5 + [429] * 15
    assert not bed.site.has_owner()


def test_fail__many_addresses_guess_no_faster_than_one_a_minute(bed: ConsoleBed) -> None:
    """Otherwise a network of 250 machines would have 250 times as many guesses."""
    code = bed.offer_code()
    sessions = bed.site.sessions
    moments = []
    for second in range(0, 3600, 5):
        bed.clock_s += 5
        if sessions.waiting_s(code="setup", address=f"192.0.2.{second % 251}") == 0:
            sessions.failed(code="setup", address=f"192.0.2.{second % 251}")
            moments.append(bed.clock_s)
    assert all(later - earlier >= 60 for earlier, later in pairwise(moments[10:]))
    assert len(moments) <= 5 + 5 + 60
    assert bed.browser().post("/setup", data=setup_form(code)).status_code == 429
    bed.clock_s += 61
    assert bed.browser().post("/setup", data=setup_form(code)).status_code == 303
    assert sessions.waiting_s(code="setup") == 0


def test_ok__the_page_says_whether_there_is_a_code_and_where(bed: ConsoleBed) -> None:
    browser = bed.browser()
    assert "No code is valid now." in browser.get("/setup").text
    code = bed.offer_code()
    page = browser.get("/setup").text
    assert "A code is valid now." in page
    assert str(bed.settings.console.code_file) in page
    assert code not in page
    german = browser.get("/setup", headers={"accept-language": "de"}).text
    assert "Gerade gilt ein Code." in german
