# SPDX-License-Identifier: Apache-2.0
"""Whole lists through the API: a file is tried, put in force once, taken out; sync previews."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from starlette.testclient import TestClient

from plategate.access.store.lists import ListName
from plategate.access.sync.checks import SyncOptions
from plategate.console.api import app
from plategate.console.list_files import WORKBOOK
from plategate.list_service.preview import make_preview
from tests.console.bed import ConsoleBed

KEYS = (f"key-{n}" for n in itertools.count())
FILE, DRY_RUN = "/lists/allow/file", "/lists/allow/file/dry-run"


def send(
    program: TestClient, method: str, path: str, content: bytes, kind: str = "text/csv",
    key: str = "", **query: Any,
) -> httpx.Response:  # fmt: skip
    headers = {"content-type": kind, "Idempotency-Key": key or next(KEYS)}
    return program.request(method, path, content=content, headers=headers, params=query)


def plates(bed: ConsoleBed) -> list[str]:
    return [entry.plate for entry in bed.site.gate.entries(ListName.ALLOW, "", 0, 100)]


@pytest.fixture
def listed(bed: ConsoleBed) -> ConsoleBed:
    bed.import_list(ListName.ALLOW, "plate,holder\nQQ1111ZZ,Ann\nQQ2222ZZ,Bob\n")
    return bed


def test_ok__a_dry_run_says_what_would_change_and_changes_nothing(listed: ConsoleBed) -> None:
    program = listed.program("lists")
    found = send(program, "POST", DRY_RUN, b"plate,holder\nQQ1111ZZ,Ann\nQQ3333ZZ,Eve\n")
    assert found.status_code == 200, found.text
    change = found.json()["change"]
    assert (change["added"], change["removed"], change["changed"]) == (1, 1, 0)
    assert {"QQ2222ZZ", "QQ3333ZZ"} == {each["plate"] for each in found.json()["differences"]}
    assert plates(listed) == ["QQ1111ZZ", "QQ2222ZZ"]
    assert listed.site.sessions.audit(1)[0]["what"] != "list_changed"


def test_ok__a_file_is_put_in_force_once_also_after_a_restart(listed: ConsoleBed) -> None:
    program = listed.program("lists", "people")
    content = b"plate\nQQ1111ZZ\nQQ3333ZZ\n"
    answers = [send(program, "PUT", FILE, content, key="one", why="spring") for _ in range(2)]
    assert answers[0].status_code == 200, answers[0].text
    assert answers[1].headers["idempotent-replayed"] == "true"
    (api,) = (route.app for route in listed.app.routes if getattr(route, "path", "") == "/api/v1")
    api.state.keys = type(api.state.keys)()  # what a restart forgets
    answers.append(send(program, "PUT", FILE, content, key="one", why="spring"))
    assert {answer.json()["change"]["number"] for answer in answers} == {2}
    assert plates(listed) == ["QQ1111ZZ", "QQ3333ZZ"]
    change = program.get("/list-changes/2").json()["change"]
    assert (change["who"], change["why"]) == ("token:program", "spring")
    other = send(program, "PUT", FILE, b"plate\nQQ1111ZZ\n", key="one", why="spring")
    assert (other.status_code, other.json()["type"][-8:]) == (409, "key_used")


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("csv", "text/csv"),
        ("json", "application/json"),
        ("xlsx", WORKBOOK),
    ],
)
def test_ok__a_list_that_was_taken_out_can_be_put_in_force_again(
    listed: ConsoleBed, form: str, kind: str
) -> None:
    program = listed.program("lists")
    taken = program.get(FILE, params={"form": form})
    assert (taken.status_code, taken.headers["content-type"].split(";")[0]) == (200, kind)
    send(program, "PUT", FILE, b"plate\nQQ1111ZZ\n", force=True)
    again = send(program, "PUT", FILE, taken.content, kind)
    assert again.status_code == 200, again.text
    assert plates(listed) == ["QQ1111ZZ", "QQ2222ZZ"]
    assert listed.site.sessions.audit(9)[-1]["what"] != "list_downloaded"
    assert "list_downloaded" in {line["what"] for line in listed.site.sessions.audit(9)}


def test_fail__a_file_that_is_much_shorter_needs_force(bed: ConsoleBed) -> None:
    rows = "".join(f"QQ{n}ZZ\n" for n in range(1000, 1100))
    bed.import_list(ListName.ALLOW, f"plate\n{rows}")
    program = bed.program("lists")
    for method, path in (("POST", DRY_RUN), ("PUT", FILE)):
        assert send(program, method, path, b"plate\nQQ1000ZZ\n").status_code == 409
    assert len(plates(bed)) == 100
    assert send(program, "PUT", FILE, b"plate\nQQ1000ZZ\n", force=True).status_code == 200
    assert plates(bed) == ["QQ1000ZZ"]


@pytest.mark.parametrize(
    ("content", "kind", "query", "status"),
    [
        (b"plate\n?\n", "text/csv", {}, 409),
        (b"", "text/csv", {}, 409),
        (b"{", "application/json", {}, 409),
        (b"no workbook", WORKBOOK, {}, 409),
        (b"plate\nQQ1ZZ\n", "text/plain", {}, 415),
        (b"plate\nQQ1ZZ\n", "text/csv", {"dates": "sometimes"}, 400),
        (b"plate\nQQ1ZZ\n", "text/csv", {"dry_run": "true"}, 400),
        (b"x" * (app.LARGEST_FILE + 1), "text/csv", {}, 413),
    ],
)
def test_fail__a_wrong_file_changes_nothing(
    listed: ConsoleBed, content: bytes, kind: str, query: dict[str, str], status: int
) -> None:
    program = listed.program("lists")
    for method, path in (("POST", DRY_RUN), ("PUT", FILE)):
        answer = send(program, method, path, content, kind, **query)
        assert answer.status_code == status, answer.text[:300]
        assert answer.headers["content-type"] == "application/problem+json"
    assert plates(listed) == ["QQ1111ZZ", "QQ2222ZZ"]


def test_fail__a_second_file_at_once_has_to_wait(listed: ConsoleBed) -> None:
    program = listed.program("lists")
    (api,) = (route.app for route in listed.app.routes if getattr(route, "path", "") == "/api/v1")
    asyncio.run(api.state.one_file.acquire())  # a file that is being read
    waiting = send(program, "PUT", FILE, b"plate\nQQ1ZZ\n")
    assert (waiting.status_code, waiting.headers["retry-after"]) == (429, "5")
    api.state.one_file.release()
    assert send(program, "PUT", FILE, b"plate\nQQ1ZZ\n", force=True).status_code == 200


def test_fail__readers_take_no_list_out_and_replace_none(listed: ConsoleBed) -> None:
    program = listed.program("look", "people", "command", "aim", "manage", "metrics")
    assert program.get(FILE).status_code == 403
    assert send(program, "PUT", FILE, b"plate\nQQ1ZZ\n").status_code == 403
    assert send(program, "POST", DRY_RUN, b"plate\nQQ1ZZ\n").status_code == 403
    assert program.post("/sync-preview").status_code == 403


def test_ok__a_sync_is_previewed_and_changes_nothing(bed: ConsoleBed) -> None:
    program = bed.program("people", "lists")
    assert program.get("/sync-preview").json()["preview"] is None
    assert program.post("/sync-preview").json()["wanted"] is True
    source = bed.folder / "estate.csv"
    source.write_text("plate\nQQ1ZZ\n", encoding="utf-8")
    sync = bed.settings.sync.model_validate(
        {
            "state_dir": bed.settings.sync.state_dir,
            "sources": [{"name": "estate", "kind": "allow", "url": str(source)}],
        }
    )
    options = SyncOptions(datetime.now(UTC), ZoneInfo("UTC"), "sync")
    make_preview(bed.settings.model_copy(update={"sync": sync}), options)
    (change,) = program.get("/sync-preview").json()["preview"]["changes"]
    assert (change["change"]["added"], plates(bed)) == (1, [])
