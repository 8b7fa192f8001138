# SPDX-License-Identifier: Apache-2.0
"""Tokens: scopes, expiry, revocation; owners and root make them; only their hashes are stored."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plategate.console.accounts import InputError, Role
from plategate.console.api.routes import ROUTES
from plategate.console.tokens import MOST_TOKENS, Scope
from tests.console.bed import ORIGIN, PASSWORD, ConsoleBed, a_passage, form_values

BODIES: dict[str, dict[str, str]] = {
    "/commands": {"command": "open", "why": "x", "expires_at": "2031-01-01T00:00:00Z"}
}


def filled(path: str) -> str:
    """A path of the table with values that exist."""
    known = {"passage_id": "one", "kind": "plate", "list": "allow", "id": "x", "number": "1"}
    known |= {"plate": "QQ1ZZ", "sequence": "1", "key": "access.strictness"}
    return re.sub(r"{(\w+)}", lambda found: known[found[1]], path)


@pytest.mark.parametrize("scope", list(Scope))
def test_ok__a_token_opens_the_calls_of_its_scope_only(bed: ConsoleBed, scope: Scope) -> None:
    bed.add(a_passage("one", "QQ1ZZ"))
    program = bed.program(scope)
    for row in ROUTES:
        if row.path == "/events/stream" and row.scope is scope:
            continue  # never ends; see test_stream
        answer = program.request(row.method, filled(row.path), json=BODIES.get(row.path))
        if row.scope is scope:
            assert answer.status_code not in (401, 403), row
        else:
            assert answer.status_code == 403, row
            assert str(row.scope) in answer.json()["detail"]
    assert bed.commands == []


def test_ok__every_call_needs_a_scope() -> None:
    assert [row for row in ROUTES if row.scope is None] == []


WRONG = (
    None, "", "Bearer", "Bearer ", "Bearer plategate_", "Basic YTpi", "bearer x", "Token {token}",
    "Bearer {token}x", "Bearer x{token}", "Bearer {token} {token}", "Bearer {lower}", "{token}",
    "Bearer ' OR 1=1 --", "Bearer {hash}", "Bearer plategate_" + "x" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("given", WRONG)
def test_fail__wrong_tokens_get_nothing(bed: ConsoleBed, given: str | None) -> None:
    program = bed.program("look")
    token = program.headers["authorization"].removeprefix("Bearer ")
    with bed.site.tokens._database.connection() as connection:
        (stored,) = connection.execute("SELECT token_hash FROM tokens").fetchone()
    del program.headers["authorization"]
    headers = {}
    if given is not None:
        text = given.format(token=token, lower=token.lower(), hash=stored)
        headers = {"authorization": text}
    answer = program.get("/gate", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="plategate"')


def test_fail__two_authorizations_are_none(bed: ConsoleBed) -> None:
    program = bed.program("look")
    pair = ("authorization", program.headers["authorization"])
    del program.headers["authorization"]
    assert program.get("/gate", headers=[pair]).status_code == 200
    assert program.get("/gate", headers=[pair, pair]).status_code == 401


def test_fail__cookies_open_no_call_and_tokens_no_page(bed: ConsoleBed) -> None:
    """A browser sends cookies by itself, so that a foreign page could use them."""
    owner = bed.make_owner()
    assert owner.get("/api/v1/gate").status_code == 401
    body = BODIES["/commands"]
    key = {"Idempotency-Key": "k"}
    assert owner.post("/api/v1/commands", json=body, headers=key).status_code == 401
    program = bed.program(*Scope)
    program.base_url = ORIGIN
    program.follow_redirects = False
    assert program.get("/").headers["location"] == "/login"
    form = form_values(owner) | {"command": "open", "why": "x"}
    origin = {"origin": ORIGIN}
    assert program.post("/command", data=form, headers=origin).headers["location"] == "/login"
    assert bed.commands == []


def test_fail__a_token_ends_when_it_expires_or_is_revoked(bed: ConsoleBed) -> None:
    program, other = bed.program("look"), bed.program("look", name="other")
    assert program.get("/gate").status_code == 200
    assert bed.site.tokens.revoke("other")
    assert not bed.site.tokens.revoke("other")
    assert other.get("/gate").status_code == 401
    bed.clock_s += 30 * 86_400 - 1
    assert program.get("/gate").status_code == 200
    bed.clock_s += 2
    assert program.get("/gate").status_code == 401


def test_fail__a_token_ends_with_the_rights_of_the_owner_who_made_it(bed: ConsoleBed) -> None:
    bed.make_owner()
    bed.site.accounts.save("bert", PASSWORD, Role.OWNER)
    token = bed.site.tokens.add("by-bert", ["look"], 30, "bert")
    by_root = bed.site.tokens.add("by-root", ["look"], 30, None)
    assert bed.site.tokens.find(token) is not None
    bed.site.accounts.save("bert", PASSWORD, Role.VIEWER)
    assert bed.site.tokens.find(token) is None
    bed.site.accounts.save("bert", PASSWORD, Role.OWNER)
    bed.site.accounts.remove("bert")
    assert bed.site.tokens.find(token) is None
    assert [each.name for each in bed.site.tokens.all()] == ["by-root"]
    assert bed.site.tokens.find(by_root) is not None


def test_fail__before_the_first_owner_a_token_opens_nothing(bed: ConsoleBed) -> None:
    token = bed.site.tokens.add("early", ["look"], 30, None)
    answer = bed.browser(authorization=f"Bearer {token}").get("/api/v1/gate")
    assert (answer.status_code, "/setup" in answer.json()["detail"]) == (403, True)


def test_ok__a_token_is_stored_as_its_hash(bed: ConsoleBed) -> None:
    secret = bed.program("look").headers["authorization"].removeprefix("Bearer ")
    stored = b"".join(file.read_bytes() for file in bed.settings.console.state_dir.iterdir())
    assert secret.encode() not in stored
    assert secret.removeprefix("plategate_").encode() not in stored
    assert len(secret) == len("plategate_") + 43  # 32 random bytes


def test_fail__guessing_is_slowed_down_but_a_valid_token_never_waits(bed: ConsoleBed) -> None:
    program = bed.program("look")
    wrong = {"authorization": "Bearer plategate_wrong"}
    answers = [program.get("/gate", headers=wrong) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3
    assert int(answers[-1].headers["retry-after"]) > 0
    assert program.get("/gate").status_code == 200
    failures = [line for line in bed.site.sessions.audit() if line["what"] == "token_failed"]
    assert len(failures) == 5


@pytest.mark.parametrize(
    ("name", "scopes", "days", "key"),
    [
        ("a b", ["look"], 1, "name"),
        ("", ["look"], 1, "name"),
        ("a", [], 1, "scopes"),
        ("a", ["everything"], 1, "scopes"),
        ("a", ["look"], 0, "days"),
        ("a", ["look"], 3651, "days"),
        ("twice", ["look"], 1, "token_exists"),
    ],
)
def test_fail__a_wrong_token_is_not_made(
    bed: ConsoleBed, name: str, scopes: list[str], days: int, key: str
) -> None:
    bed.site.tokens.add("twice", ["look"], 1, None)
    with pytest.raises(InputError) as refused:
        bed.site.tokens.add(name, scopes, days, None)
    assert refused.value.key == key


def test_fail__tokens_are_limited_in_number(bed: ConsoleBed) -> None:
    for n in range(MOST_TOKENS):
        bed.site.tokens.add(f"t{n}", ["look"], 1, None)
    with pytest.raises(InputError) as refused:
        bed.site.tokens.add("more", ["look"], 1, None)
    assert refused.value.key == "too_many_tokens"


def test_ok__an_owner_makes_and_revokes_tokens_on_a_page(bed: ConsoleBed) -> None:
    owner = bed.make_owner()
    form = {"csrf": form_values(owner)["csrf"]}
    wanted = form | {"name": "prometheus", "scope_metrics": "1", "scope_look": "1", "days": "90"}
    page = owner.post("/tokens/add", data=wanted)
    (secret,) = re.findall(r"plategate_[\w-]{43}", page.text)
    assert bed.site.tokens.find(secret).scopes == {Scope.METRICS, Scope.LOOK}  # type: ignore[union-attr]
    assert secret not in owner.get("/tokens").text
    assert "prometheus" in owner.get("/tokens").text
    for wrong in ({"days": "0"}, {"name": "<b>"}, {"days": "90"}, {"days": "-1"}):
        assert owner.post("/tokens/add", data=wanted | wrong).status_code == 400
    assert owner.post("/tokens/add", data=form | {"name": "n", "days": "1"}).status_code == 400
    assert owner.post("/tokens/revoke", data=form | {"name": "prometheus"}).status_code == 303
    assert owner.post("/tokens/revoke", data=form | {"name": "prometheus"}).status_code == 404
    assert bed.site.tokens.all() == []
    assert [line["what"] for line in bed.site.sessions.audit(2)] == ["token_revoked", "token_added"]
    assert secret not in str(bed.site.sessions.audit())


def console(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    settings = folder / "settings.toml"
    settings.write_text(f'[console]\nstate_dir = "{folder / "console"}"\n', encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "plategate", "console", "token", *words, "--config", str(settings)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_ok__root_makes_lists_and_revokes_tokens_by_command(bed: ConsoleBed) -> None:
    bed.make_owner()
    made = console(bed.folder, "add", "prometheus", "--scope", "metrics", "--scope", "look")
    bed.clock_s = time.time()
    token = bed.site.tokens.find(made.stdout.strip())
    assert token is not None and token.account is None
    listed = json.loads(console(bed.folder, "list", "--json").stdout)
    assert [(each["name"], each["scopes"], each["made_by"]) for each in listed] == [
        ("prometheus", ["look", "metrics"], "root")
    ]
    assert "prometheus: look, metrics" in console(bed.folder, "list").stdout
    assert console(bed.folder, "revoke", "prometheus").returncode == 0
    again = console(bed.folder, "revoke", "prometheus")
    assert (again.returncode, "there is no such token" in again.stderr) == (1, True)
    wrong = console(bed.folder, "add", "x", "--scope", "everything")
    assert (wrong.returncode, "everything" in wrong.stderr) == (1, True)
