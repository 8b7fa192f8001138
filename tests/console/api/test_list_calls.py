# SPDX-License-Identifier: Apache-2.0
"""Changes of the lists through the API: once for each key, with who and why, and undone."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from plategate.access.store.lists import ListName
from tests.console.bed import ConsoleBed

KEYS = (f"key-{n}" for n in itertools.count())


def ask(program: TestClient, method: str, path: str, key: str = "", **body: Any) -> httpx.Response:
    given = {"json": body} if method != "DELETE" else {"params": body}
    return program.request(method, path, headers={"Idempotency-Key": key or next(KEYS)}, **given)


def plates(bed: ConsoleBed, name: ListName = ListName.ALLOW) -> list[str]:
    return [entry.plate for entry in bed.site.gate.entries(name, "", 0, 100)]


@pytest.fixture
def listed(bed: ConsoleBed) -> ConsoleBed:
    bed.import_list(ListName.ALLOW, "plate,holder\nQQ1111ZZ,Ann\n")
    return bed


def test_ok__an_entry_is_added_changed_ended_and_brought_back(listed: ConsoleBed) -> None:
    program = listed.program("lists", "people")
    added = ask(
        program, "POST", "/lists/allow/entries", plate="qq 2222 zz", holder="Bob",
        until="2031-01-31", why="guest",
    )  # fmt: skip
    assert (added.status_code, added.json()["plates"]) == (200, ["QQ2222ZZ"])
    assert (added.json()["who"], added.json()["why"]) == ("token:program", "guest")
    changed = ask(program, "PATCH", "/lists/allow/entries/QQ2222ZZ", holder="Robert", until="")
    assert changed.status_code == 200
    (found,) = program.get("/lists/allow/entries?search=2222").json()["items"]
    assert (found["holder"], found["valid_until"]) == ("Robert", None)
    ended = ask(program, "DELETE", "/lists/allow/entries/qq-2222-zz", why="moved away")
    assert plates(listed) == ["QQ1111ZZ"]
    undone = ask(program, "POST", f"/list-changes/{ended.json()['number']}/undo", why="an error")
    assert (undone.status_code, plates(listed)) == (200, ["QQ1111ZZ", "QQ2222ZZ"])
    kinds = [each["kind"] for each in program.get("/list-changes").json()["items"]]
    assert kinds == ["undone", "removed", "edited", "added", "replaced"]
    detail = program.get(f"/list-changes/{changed.json()['number']}").json()
    assert "Robert" in str(detail["differences"]) and "Bob" in str(detail["differences"])
    assert {line["what"] for line in listed.site.sessions.audit(4)} == {"list_changed"}
    assert "QQ2222ZZ" not in str(listed.site.sessions.audit())


def test_ok__a_plate_that_was_ended_by_hand_follows_its_source_again(listed: ConsoleBed) -> None:
    program = listed.program("lists")
    ask(program, "DELETE", "/lists/allow/entries/QQ1111ZZ")
    assert plates(listed) == []
    assert ask(program, "POST", "/lists/allow/entries/QQ1111ZZ/follow").status_code == 200
    assert plates(listed) == ["QQ1111ZZ"]


def test_ok__a_change_sent_again_is_made_once_also_after_a_restart(listed: ConsoleBed) -> None:
    program = listed.program("lists")
    body = {"plate": "QQ2222ZZ", "why": "guest", "also": True}
    answers = [ask(program, "POST", "/lists/allow/entries", "one", **body) for _ in range(3)]
    assert [answer.json() for answer in answers] == [answers[0].json()] * 3
    assert answers[2].headers["idempotent-replayed"] == "true"
    (api,) = (route.app for route in listed.app.routes if getattr(route, "path", "") == "/api/v1")
    api.state.keys = type(api.state.keys)()  # what a restart forgets
    again = ask(program, "POST", "/lists/allow/entries", "one", **body)
    assert again.json()["number"] == answers[0].json()["number"]
    assert plates(listed) == ["QQ1111ZZ", "QQ2222ZZ"]


def test_fail__a_key_of_another_change_is_refused_and_another_caller_may_use_it(
    listed: ConsoleBed,
) -> None:
    program, other = listed.program("lists"), listed.program("lists", name="other")
    assert ask(program, "POST", "/lists/allow/entries", "one", plate="QQ2ZZ").status_code == 200
    refused = ask(program, "POST", "/lists/allow/entries", "one", plate="QQ3ZZ")
    assert (refused.status_code, refused.json()["type"][-8:]) == (409, "key_used")
    assert ask(other, "POST", "/lists/allow/entries", "one", plate="QQ3ZZ").status_code == 200
    assert plates(listed) == ["QQ1111ZZ", "QQ2ZZ", "QQ3ZZ"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/lists/allow/entries", {"plate": "QQ1111ZZ"}, 409),  # is on the list
        ("POST", "/lists/allow/entries", {"plate": "!?"}, 409),
        ("POST", "/lists/allow/entries", {"plate": "QQ2ZZ", "until": "soon"}, 409),
        ("POST", "/lists/allow/entries", {"plate": "QQ2ZZ", "hours": "always"}, 409),
        ("POST", "/lists/allow/entries", {"plate": "QQ2ZZ", "colour": "red"}, 400),
        ("POST", "/lists/allow/entries", {"plate": "QQ2ZZ", "entries": 3}, 400),
        ("POST", "/lists/allow/entries", {"plate": "x" * 201}, 400),
        ("POST", "/lists/allow/entries", {}, 400),
        ("POST", "/lists/nobody/entries", {"plate": "QQ2ZZ"}, 404),
        ("PATCH", "/lists/allow/entries/QQ9ZZ", {"holder": "X"}, 409),
        ("PATCH", "/lists/allow/entries/!?", {"holder": "X"}, 404),
        ("DELETE", "/lists/allow/entries/QQ9ZZ", {}, 409),
        ("POST", "/list-changes/99/undo", {}, 409),
        ("POST", "/list-changes/x/undo", {}, 404),
        ("POST", "/list-changes/" + "9" * 40 + "/undo", {}, 404),
        ("POST", "/list-changes/" + "0" * 19 + "1" + "9" * 40 + "/undo", {}, 404),
    ],
)
def test_fail__what_the_lists_do_not_allow_changes_nothing(
    listed: ConsoleBed, method: str, path: str, body: dict[str, Any], status: int
) -> None:
    answer = ask(listed.program("lists"), method, path, **body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert plates(listed) == ["QQ1111ZZ"]


def test_ok__a_plate_is_checked_for_those_that_it_would_be_confused_with(
    listed: ConsoleBed,
) -> None:
    found = listed.program("people").get("/lists/allow/check", params={"plate": "qq-iiii-zz"})
    assert found.json()["plate"] == "QQIIIIZZ"
    assert any("QQ1111ZZ" in problem["sentence"] for problem in found.json()["problems"])


def test_fail__without_the_list_service_nothing_changes_and_the_problem_says_so(
    listed: ConsoleBed,
) -> None:
    program = listed.program("lists")
    listed.settings.access.list_socket.unlink()
    answer = ask(program, "POST", "/lists/allow/entries", plate="QQ2ZZ")
    assert (answer.status_code, "no list service" in answer.json()["detail"]) == (503, True)
