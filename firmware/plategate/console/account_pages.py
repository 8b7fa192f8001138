# SPDX-License-Identifier: Apache-2.0
"""The pages of getting in: first start, login and logout, own logins, accounts, audit log."""

from __future__ import annotations

import ipaddress
import threading

from starlette.responses import RedirectResponse, Response

from plategate.console.accounts import InputError, Right, Role
from plategate.console.guard import RefusedRequest, text_field
from plategate.console.sessions import Session
from plategate.console.site import PageRequest

LONGEST_NAME = 40
# Failures are counted and compared by one login at a time; others would get in between.
one_login = threading.Lock()


def show_setup(asked: PageRequest) -> Response:
    """The form of the first start, and of a lost password."""
    return _setup_page(asked, 200, None, "")


def setup(asked: PageRequest) -> Response:
    """Make the owner with the one-time code, and log in."""
    site, name = asked.site, text_field(asked.form, "name", LONGEST_NAME)
    who = {"code": "setup", "address": network_of(asked.address)}
    with one_login:
        wait_or_refuse(asked, **who)
        try:
            password = asked.form.get("password", "")
            if password != asked.form.get("again", ""):
                raise InputError("passwords_differ")
            site.accounts.use_code(asked.form.get("code", ""), name, password)
        except InputError as error:
            if error.key == "code":
                site.sessions.failed(**who)
                site.sessions.note("", asked.address, "setup_failed")
            return _setup_page(asked, 400, error.key, name)
        site.sessions.succeeded(**who)
    site.sessions.note(name, asked.address, "setup")
    return _logged_in(asked, name)


def _setup_page(asked: PageRequest, status: int, wrong: str | None, name: str) -> Response:
    return asked.site.render(
        asked,
        "setup.html",
        status,
        wrong=wrong,
        name=name,
        offered=asked.site.code.is_offered(),
        code_file=asked.site.settings.code_file,
    )


def show_login(asked: PageRequest) -> Response:
    """The login form."""
    if asked.session is not None:
        return RedirectResponse("/", status_code=303)
    return asked.site.render(asked, "login.html", wrong=None, name="")


def login(asked: PageRequest) -> Response:
    """Log in, or show the form again; every failure looks the same."""
    site, name = asked.site, text_field(asked.form, "name", LONGEST_NAME)
    who = {"account": name, "address": network_of(asked.address)}
    with one_login:
        wait_or_refuse(asked, **who)
        if not (
            site.accounts.check(name, asked.form.get("password", ""))
            and site.second_step.check(name, asked.form.get("code", ""))
        ):
            site.sessions.failed(**who)
            site.sessions.note(name, asked.address, "login_failed")
            return site.render(asked, "login.html", 403, wrong="login", name=name)
        site.sessions.succeeded(**who)
    site.sessions.note(name, asked.address, "login")
    return _logged_in(asked, name)


def logout(asked: PageRequest) -> Response:
    """Log out: end the login of this browser."""
    asked.site.sessions.end(asked.person().identity)
    response = RedirectResponse("/login", status_code=303)
    _set_cookie(asked, response, "")
    return response


def show_account(asked: PageRequest) -> Response:
    """The visitor's own logins; with MANAGE all logins and all accounts."""
    return _account_page(asked)


def end_session(asked: PageRequest) -> Response:
    """End a login: one's own, or with MANAGE any."""
    identity, person = asked.form.get("session", ""), asked.person()
    found = [item for item in _visible_sessions(asked) if item.identity == identity]
    if not found or not asked.site.sessions.end(identity):
        raise RefusedRequest(404, "not_found")
    asked.site.sessions.note(person.account, asked.address, "session_ended", found[0].account)
    return RedirectResponse("/account", status_code=303)


def change_password(asked: PageRequest) -> Response:
    """Change one's own password; all logins of the account end."""
    person, site = asked.person(), asked.site
    who = {"account": person.account, "address": network_of(asked.address)}
    with one_login:
        wait_or_refuse(asked, **who)
        if not site.accounts.check(person.account, asked.form.get("old", "")):
            site.sessions.failed(**who)
            return _account_page(asked, "login")
    try:
        if asked.form.get("password", "") != asked.form.get("again", ""):
            raise InputError("passwords_differ")
        password = asked.form.get("password", "")
        site.accounts.save(person.account, password, person.role, keeps_second_step=True)
    except InputError as error:
        return _account_page(asked, error.key)
    site.sessions.note(person.account, asked.address, "password_changed")
    return _logged_in(asked, person.account)


def save_account(asked: PageRequest) -> Response:
    """Make an account, or replace its password and role."""
    site, name = asked.site, text_field(asked.form, "name", LONGEST_NAME)
    try:
        try:
            role = Role(asked.form.get("role", ""))
        except ValueError:
            raise InputError("role") from None
        if name == asked.person().account:
            raise InputError("own_account")
        site.accounts.save(name, asked.form.get("password", ""), role)
    except InputError as error:
        return _account_page(asked, error.key)
    site.sessions.note(asked.person().account, asked.address, "account_saved", f"{name}: {role}")
    return RedirectResponse("/account", status_code=303)


def remove_account(asked: PageRequest) -> Response:
    """Remove an account and end its logins."""
    name = asked.form.get("name", "")
    try:
        if name == asked.person().account:
            raise InputError("own_account")
        asked.site.accounts.remove(name)
    except InputError as error:
        return _account_page(asked, error.key)
    asked.site.sessions.note(asked.person().account, asked.address, "account_removed", name)
    return RedirectResponse("/account", status_code=303)


def audit(asked: PageRequest) -> Response:
    """The audit log of the console."""
    return asked.site.render(asked, "audit.html", lines=asked.site.sessions.audit())


def _account_page(asked: PageRequest, wrong: str | None = None) -> Response:
    site = asked.site
    manages = Right.MANAGE in asked.person().role.rights
    return site.render(
        asked,
        "account.html",
        200 if wrong is None else 400,
        sessions=_visible_sessions(asked),
        accounts=site.accounts.all() if manages else [],
        roles=list(Role),
        has_second_step=site.second_step.is_used(asked.person().account),
        wrong=wrong,
    )


def _visible_sessions(asked: PageRequest) -> list[Session]:
    person = asked.person()
    sessions = asked.site.sessions.all()
    if Right.MANAGE in person.role.rights:
        return sessions
    return [item for item in sessions if item.account == person.account]


def network_of(address: str) -> str:
    """What failures are counted by: an IPv4 address, or the /64 of an IPv6 address.

    Everybody with an IPv6 connection has all addresses of a /64.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)


def wait_or_refuse(asked: PageRequest, **who: str) -> None:
    """Raise RefusedRequest while an account=... or address=... has to wait after failures."""
    if asked.site.sessions.waiting_s(**who) > 0:
        raise RefusedRequest(429, "locked_out")


def _logged_in(asked: PageRequest, name: str) -> Response:
    """Begin a session with a new cookie, and end the one that the browser had."""
    sessions = asked.site.sessions
    if asked.session is not None:
        sessions.end(asked.session.identity)
    agent = asked.request.headers.get("user-agent", "")
    response = RedirectResponse("/", status_code=303)
    _set_cookie(asked, response, sessions.start(name, asked.address, agent))
    return response


def _set_cookie(asked: PageRequest, response: Response, token: str) -> None:
    response.set_cookie(
        asked.site.cookie,
        token,
        max_age=None if token else 0,
        path="/",
        secure=asked.site.secure,
        httponly=True,
        samesite="strict",
    )
