# SPDX-License-Identifier: Apache-2.0
"""The pages of the second step of one's own login: set it up with a QR code, or end it."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from plategate.console.account_pages import network_of, one_login, wait_or_refuse
from plategate.console.accounts import InputError
from plategate.console.site import PageRequest, qr_code

LONGEST_CODE = 10


def show(asked: PageRequest) -> Response:
    """A new secret as QR code and text, and the form that confirms it."""
    secret, address = asked.site.second_step.begin(asked.person().account)
    return _page(asked, secret, address)


def change(asked: PageRequest) -> Response:
    """Use the second step from now on, or end it; needs the password."""
    site, account, form = asked.site, asked.person().account, asked.form
    who = {"account": account, "address": network_of(asked.address)}
    try:
        with one_login:
            wait_or_refuse(asked, **who)
            if not site.accounts.check(account, form.get("password", "")):
                site.sessions.failed(**who)
                raise InputError("login")
        if form.get("action") == "end":
            site.second_step.end(account)
            site.sessions.note(account, asked.address, "second_step_ended")
        else:
            code = form.get("code", "")[:LONGEST_CODE]
            site.second_step.confirm(account, form.get("secret", ""), code)
            site.sessions.note(account, asked.address, "second_step_begun")
    except InputError as error:
        secret, address = site.second_step.begin(account)
        return _page(asked, secret, address, error.key)
    return RedirectResponse("/account", status_code=303)


def _page(asked: PageRequest, secret: str, address: str, wrong: str = "") -> Response:
    return asked.site.render(
        asked,
        "second_step.html",
        400 if wrong else 200,
        secret=secret,
        drawing=qr_code(address),
        used=asked.site.second_step.is_used(asked.person().account),
        wrong=wrong,
    )
