# SPDX-License-Identifier: Apache-2.0
"""Forged requests to a real console, by kind; `scripts/console_drills` and test_attacks send them.

Each attack has what its attacker has: a cookie or a token of somebody who may less, or a browser of
the owner that a foreign page makes send something. Nobody may get in, and nothing may move.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from .bed import PASSWORD
from .victims import SECRET, Victims

COMMAND = {"command": "open", "why": "attack", "id": "attack"}
JSON_COMMAND = {"command": "open", "why": "attack", "expires_at": "2099-01-01T00:00:00Z"}
ACCOUNT = {"name": "eve", "password": PASSWORD, "role": "owner"}
ENTRY = {"list": "allow", "plate": "QQ6EVE", "confirmed": "QQ6EVE", "id": "attack"}


@dataclass(frozen=True)
class Attack:
    """A request that must not succeed."""

    kind: str
    name: str
    run: Callable[[Victims], bytes]


def _form(
    who: str, csrf: str | None, path: str = "/command", **fields: str
) -> Callable[[Victims], bytes]:
    """A form with the cookie of `who` and the form token of `csrf`."""

    def run(victims: Victims) -> bytes:
        token = {} if csrf is None else {"csrf": victims.forms.get(csrf, csrf)}
        return victims.request("POST", path, who, {**COMMAND, **fields, **token})

    return run


def _foreign(**headers: str) -> Callable[[Victims], bytes]:
    """The owner's browser sends a form of a foreign page, which somehow knows the form token."""

    def run(victims: Victims) -> bytes:
        form = COMMAND | {"csrf": victims.forms["owner"]}
        return victims.request("POST", "/command", "owner", form, **headers)

    return run


def _page(who: str, path: str) -> Callable[[Victims], bytes]:
    return lambda victims: victims.request("GET", path, who)


def _call(token: str, method: str = "POST", path: str = "/commands") -> Callable[[Victims], bytes]:
    """A call of the API with a token, by name or as it is."""

    def run(victims: Victims) -> bytes:
        return victims.request(
            method, f"/api/v1{path}", body=json.dumps(JSON_COMMAND).encode(),
            Authorization=f"Bearer {victims.tokens.get(token, token)}", Idempotency_Key="attack",
            Content_Type="application/json",
        )  # fmt: skip

    return run


def _raw(data: str | bytes, parts: int = 1, pause_s: float = 0.0) -> Callable[[Victims], bytes]:
    content = data.encode("latin-1") if isinstance(data, str) else data
    return lambda victims: victims.send(content, parts, pause_s)


def _cookie_form(victims: Victims, length: str, body: bytes, extra: str = "") -> bytes:
    """The head of the owner's command form, with another length and other headers."""
    return (
        f"POST /command HTTP/1.1\r\nHost: {victims.address.removeprefix('http://')}\r\n"
        f"Origin: {victims.address}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n"
        f"Cookie: plategate={victims.cookies['viewer']}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\n{length}{extra}\r\n"
    ).encode() + body


def _replay_code(victims: Victims) -> bytes:
    form = {"code": "12345678", "name": "eve", "password": PASSWORD, "again": PASSWORD}
    return victims.request("POST", "/setup", form=form)


def _cookie_to_api(victims: Victims) -> bytes:
    return victims.request(
        "POST", "/api/v1/commands", "owner", body=json.dumps(JSON_COMMAND).encode(),
        Content_Type="application/json", Idempotency_Key="attack",
    )  # fmt: skip


UP = "..%2f"
PATHS = (
    "/passages/secret/" + UP * 3 + "console%2fconsole.sqlite",
    "/static/../console/database.py",
    "/static/" + UP + "accounts.py",
    "/static/%2e%2e/%2e%2e/settings/console.py",
    "/static//etc/passwd",
    "/lists/allow/" + UP * 4 + "etc%2fpasswd",
    "/api/v1/passages/secret/pictures/" + UP * 4 + "etc%2fpasswd",
    "/api/v1/lists/..%2f..%2fconsole/entries",
)
HEAD = "GET /passages HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n"
ATTACKS = (
    *(Attack("CSRF", f"form token {name}", _form("owner", name)) for name in (
        None, "", "0", "owner2", "ended", "x" * 5000)),
    Attack("CSRF", "cookie of the owner at the API", _cookie_to_api),
    *(Attack("other origin", str(headers), _foreign(**headers)) for headers in (
        {"Origin": "https://evil.test", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://evil.test", "Sec_Fetch_Site": ""},
        {"Origin": "null"}, {"Sec_Fetch_Site": "same-site"},
        {"Origin": "", "Sec_Fetch_Site": ""}, {"Content_Type": "text/plain"},
    )),
    Attack("replayed", "one-time code", _replay_code),
    Attack("replayed", "form of a login that was ended", _form("ended", "ended")),
    Attack("replayed", "revoked token", _call("revoked")),
    Attack("expired", "login", _form("old", "old")),
    Attack("expired", "login whose account was removed", _form("removed", "removed")),
    Attack("expired", "token", _call("expired")),
    Attack("expired", "token whose owner was removed", _call("removed")),
    Attack("wrong role", "viewer opens", _form("viewer", "viewer")),
    Attack("wrong role", "viewer lists a plate", _form("viewer", "viewer", "/lists/add", **ENTRY)),
    Attack("wrong role", "guard makes an owner", _form(
        "guard", "guard", "/accounts/save", **ACCOUNT)),
    Attack("wrong role", "guard makes a token", _form(
        "guard", "guard", "/tokens/add", name="eve", days="1", scope_command="1")),
    Attack("wrong role", "installer reads passages", _page("installer", "/passages")),
    Attack("wrong role", "guard reads the audit log", _page("guard", "/audit")),
    Attack("wrong role", "token `look` opens", _call("look")),
    Attack("wrong role", "token `people` changes lists", _call(
        "people", path="/lists/allow/entries")),
    *(Attack("path traversal", path, _page("viewer", path)) for path in PATHS),
    Attack("header injection", "query", _page("viewer", "/lists?search=a%0d%0aSet-Cookie:%20a=b")),
    Attack("header injection", "Last-Event-ID", _raw(
        HEAD.replace("/passages", "/api/v1/events/stream") + "Last-Event-ID: 1\n\r1\r\n\r\n")),
    Attack("header injection", "line feed in a cookie", _raw(
        HEAD + "Cookie: plategate=a\nCookie: plategate=b\r\n\r\n")),
    Attack("header injection", "two lengths", lambda victims: victims.send(_cookie_form(
        victims, "Content-Length: 4\r\nContent-Length: 40\r\n", b"csrf" + b"x" * 36))),
    Attack("header injection", "length and chunks (smuggling)", lambda victims: victims.send(
        _cookie_form(victims, "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
            b"0\r\n\r\nGET /audit HTTP/1.1\r\n\r\n"))),
    Attack("header injection", "scheme and host in the target", _raw(
        "GET http://evil.test/passages HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n")),
    Attack("oversized", "form of 1 MB", lambda victims: victims.send(_cookie_form(
        victims, "Content-Length: 1000000\r\n", b"a" * 1_000_000))),
    Attack("oversized", "endless chunks", lambda victims: victims.send(_cookie_form(
        victims, "Transfer-Encoding: chunked\r\n", b"3e8\r\n" + b"a" * 1000 + b"\r\n"
        + b"3e8\r\n" + b"a" * 1000 + b"\r\n" * 40))),
    Attack("oversized", "2,000 fields", _form(
        "viewer", "viewer", **{f"f{n}": "" for n in range(2000)})),
    Attack("oversized", "header of 1 MB", _raw(HEAD + "X: " + "a" * 1_000_000 + "\r\n\r\n")),
    Attack("oversized", "target of 200 KB", _raw(f"GET /{'a' * 200_000} HTTP/1.1\r\n\r\n")),
    Attack("oversized", "JSON of 100,000 brackets", lambda victims: victims.request(
        "POST", "/api/v1/commands", body=b"[" * 100_000, Content_Type="application/json",
        Authorization=f"Bearer {victims.tokens['look']}")),
    Attack("slow", "form, a byte at a time", lambda victims: victims.send(_cookie_form(
        victims, "Content-Length: 60\r\n", b"csrf=" + b"a" * 55), parts=60, pause_s=0.05)),
    Attack("slow", "form that stops", lambda victims: victims.send(_cookie_form(
        victims, "Content-Length: 400\r\n", b"csrf=a"))),
    Attack("slow", "head, a part at a time", _raw(HEAD + "Cookie: a\r\n" * 20 + "\r\n", 20, 0.1)),
)  # fmt: skip


def succeeded(victims: Victims, attack: Attack) -> str:
    """Send an attack; how it succeeded, or "" where it failed as it must."""
    before = victims.state()
    answer = attack.run(victims)
    if victims.state() != before:
        return "something moved or changed"
    head = answer.partition(b"\r\n\r\n")[0].lower()
    if SECRET.encode() in answer or b"root:" in answer or b"SQLite format" in answer:
        return "it was shown something"
    if b"set-cookie: plategate=" in head or b"set-cookie: a=b" in head:
        return "it got a cookie"
    try:
        return "" if httpx.get(f"{victims.address}/login").status_code == 200 else "login fails"
    except httpx.TransportError as error:
        return f"the console does not answer any more: {error}"


def fuzzed(secret: str, chance: random.Random) -> str:
    """Another text than the secret, mostly like it, as the value of a cookie or a token."""
    while (text := _altered(secret, chance)) == secret:
        pass
    return text


def _altered(secret: str, chance: random.Random) -> str:
    text = list(secret)
    place = chance.randrange(len(text))
    match chance.randrange(7):
        case 0:
            text[place] = chance.choice("abcdefghijklmnopqrstuvwxyzABCDEF0123456789-_")
        case 1:
            del text[place]
        case 2:
            text.insert(place, chance.choice("aA0-_=.~"))
        case 3:
            text = text[: max(1, place)]
        case 4:
            text[place] = text[place].swapcase()
        case 5:
            return quote(chance.randbytes(chance.randrange(1, 60)))
        case _:
            return secret[::-1] + chance.choice(("", "%00", "' OR 1=1--", "../" * 9, "x" * 3000))
    return "".join(text)
