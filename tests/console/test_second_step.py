# SPDX-License-Identifier: Apache-2.0
"""Guards: with a second step no password is enough; codes count once and expire; root recovers."""

from __future__ import annotations

import re

import pyotp
import pytest

from plategate.console.accounts import Role
from plategate.console.second_step import STEP_S

from .bed import PASSWORD, ConsoleBed, form_values, setup_form


def log_in(bed: ConsoleBed, code: str = "", name: str = "anna") -> int:
    form = {"name": name, "password": PASSWORD, "code": code}
    return bed.browser().post("/login", data=form).status_code


def secured(bed: ConsoleBed) -> pyotp.TOTP:
    """The owner `anna` with a second step."""
    browser = bed.make_owner()
    page = browser.get("/account/second-step").text
    found = re.search(r'name="secret" value="(\w+)"', page)
    assert found is not None
    assert "<svg" in page
    app = pyotp.TOTP(found[1])
    form = {**form_values(browser, "/account/second-step"), "secret": found[1], "action": "begin"}
    wrong = {**form, "password": PASSWORD, "code": "000000"}
    assert browser.post("/account/second-step", data=wrong).status_code == 400
    no_password = {**form, "password": "x", "code": app.at(bed.clock_s)}
    assert browser.post("/account/second-step", data=no_password).status_code == 400
    assert not bed.site.second_step.is_used("anna")
    right = {**form, "password": PASSWORD, "code": app.at(bed.clock_s)}
    assert browser.post("/account/second-step", data=right).status_code == 303
    bed.clock_s += 2 * STEP_S
    return app


def test_ok__a_login_needs_password_and_code(bed: ConsoleBed) -> None:
    app = secured(bed)
    assert log_in(bed) == 403
    assert log_in(bed, "123456") == 403
    assert log_in(bed, app.at(bed.clock_s)) == 303


def test_fail__a_code_counts_once_and_not_much_later(bed: ConsoleBed) -> None:
    app = secured(bed)
    code = app.at(bed.clock_s)
    assert log_in(bed, code) == 303
    assert log_in(bed, code) == 403
    old = app.at(bed.clock_s - 2 * STEP_S)
    assert log_in(bed, old) == 403
    bed.clock_s += STEP_S
    assert log_in(bed, app.at(bed.clock_s + STEP_S)) == 303  # the phone is 30 s ahead


def test_fail__codes_cannot_be_guessed(bed: ConsoleBed) -> None:
    secured(bed)
    answers = [log_in(bed, f"{number:06}") for number in range(40)]
    assert answers[5:] == [429] * 35


def test_ok__root_recovers_an_account_whose_app_is_lost(bed: ConsoleBed) -> None:
    secured(bed)
    code = bed.offer_code()
    assert bed.browser().post("/setup", data=setup_form(code)).status_code == 303
    assert not bed.site.second_step.is_used("anna")
    assert log_in(bed) == 303


def test_ok__a_new_password_keeps_the_second_step_and_one_of_the_owner_ends_it(
    bed: ConsoleBed,
) -> None:
    secured(bed)
    bed.site.accounts.save("anna", PASSWORD, Role.OWNER, keeps_second_step=True)
    assert bed.site.second_step.is_used("anna")
    bed.site.accounts.save("anna", PASSWORD, Role.OWNER)
    assert not bed.site.second_step.is_used("anna")


def test_ok__it_is_ended_with_the_password(bed: ConsoleBed) -> None:
    app = secured(bed)
    browser = bed.browser()
    form = {"name": "anna", "password": PASSWORD, "code": app.at(bed.clock_s)}
    browser.post("/login", data=form)
    end = {**form_values(browser, "/account/second-step"), "action": "end", "password": "wrong"}
    assert browser.post("/account/second-step", data=end).status_code == 400
    assert bed.site.second_step.is_used("anna")
    end["password"] = PASSWORD
    assert browser.post("/account/second-step", data=end).status_code == 303
    assert log_in(bed) == 303


@pytest.mark.parametrize("secret", ["", "A" * 31, "a" * 32, "A" * 31 + "1", "ü" * 32])
def test_fail__only_a_secret_of_this_page_is_stored(bed: ConsoleBed, secret: str) -> None:
    browser = bed.make_owner()
    form = {
        **form_values(browser, "/account/second-step"),
        "secret": secret, "password": PASSWORD, "code": "000000", "action": "begin",
    }  # fmt: skip
    assert browser.post("/account/second-step", data=form).status_code == 400
