# SPDX-License-Identifier: Apache-2.0
"""The page of the API tokens: an owner makes them, sees their use, and revokes them.

The token itself is in the response to its form alone. Its name, scopes and days are in the audit
log, without the token.
"""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from plategate.console.account_pages import LONGEST_NAME
from plategate.console.accounts import InputError
from plategate.console.guard import RefusedRequest, number_field, text_field
from plategate.console.site import PageRequest
from plategate.console.tokens import DAYS, MOST_DAYS, Scope


def show_tokens(asked: PageRequest) -> Response:
    """All tokens, and the form for another one."""
    return _page(asked)


def add_token(asked: PageRequest) -> Response:
    """Make a token and show it, this once."""
    name, account = text_field(asked.form, "name", LONGEST_NAME), asked.person().account
    scopes = [scope for scope in Scope if f"scope_{scope}" in asked.form]
    days = number_field(asked.form.get("days", "")) or 0
    try:
        token = asked.site.tokens.add(name, scopes, days, account)
    except InputError as error:
        return _page(asked, wrong=error.key)
    detail = f"{name}: {' '.join(scopes)}, {days} d"
    asked.site.sessions.note(account, asked.address, "token_added", detail)
    return _page(asked, made=(name, token))


def revoke_token(asked: PageRequest) -> Response:
    """Revoke a token."""
    name = asked.form.get("name", "")
    if not asked.site.tokens.revoke(name):
        raise RefusedRequest(404, "not_found")
    asked.site.sessions.note(asked.person().account, asked.address, "token_revoked", name)
    return RedirectResponse("/tokens", status_code=303)


def _page(
    asked: PageRequest, wrong: str | None = None, made: tuple[str, str] | None = None
) -> Response:
    return asked.site.render(
        asked,
        "tokens.html",
        200 if wrong is None else 400,
        tokens=asked.site.tokens.all(),
        now=asked.site.now(),
        scopes=list(Scope),
        days=DAYS,
        most_days=MOST_DAYS,
        wrong=wrong,
        made=made,
    )
