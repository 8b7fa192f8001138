# SPDX-License-Identifier: Apache-2.0
"""Calls of the API: what they answer, page by page, and how they name what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from plategate.access.store.lists import ListName
from plategate.console.api.call import CALLS_AT_ONCE, CallLimit
from plategate.console.api.problems import MEDIA_TYPE, PROBLEMS, Problem
from plategate.values import Result
from tests.console.bed import ConsoleBed, a_passage

ROWS = "plate\n" + "".join(f"QQ{n:04}ZZ\n" for n in range(7))


def all_pages(program: TestClient, path: str, **query: str) -> list[dict[str, Any]]:
    """Every item, two on a page."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        answer = program.get(path, params={"limit": "2", **query, **more})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= 2
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


def test_ok__state_and_health_are_those_of_the_gate(bed: ConsoleBed) -> None:
    program = bed.program("look")
    gate = program.get("/gate").json()
    assert (gate["lane"]["mode"], gate["allow_list"]["entries"]) == ("automatic", 2)
    health = program.get("/health").json()
    assert health["counts"] == {"passages.granted": 3}
    assert "lane" not in health and "temperature_c" in health


def test_ok__passages_are_searched_page_by_page(bed: ConsoleBed) -> None:
    program = bed.program("people")
    for n in range(5):
        bed.add(a_passage(f"p{n}", f"QQ{n}ZZ", Result.GRANTED if n % 2 else Result.REFUSED))
    bed.add_event("fault", "the arm did not move")
    assert [item["id"] for item in all_pages(program, "/passages")] == [
        "p4",
        "p3",
        "p2",
        "p1",
        "p0",
    ]
    assert [i["id"] for i in all_pages(program, "/passages", result="granted")] == ["p3", "p1"]
    assert [i["id"] for i in all_pages(program, "/passages", plate="qq 2")] == ["p2"]
    assert all_pages(program, "/passages", plate="--") == []
    assert len(all_pages(program, "/passages", since="2026-03-01T09:00:00+01:00")) == 5
    assert all_pages(program, "/passages", until="2026-03-01T08:00:00Z") == []
    assert len(all_pages(program, "/events")) == 6
    assert [i["what"] for i in all_pages(program, "/events", kind="event")] == ["fault"]


def test_ok__a_passage_has_its_reading_events_pictures_and_nearest_plates(bed: ConsoleBed) -> None:
    bed.import_list(ListName.ALLOW, "plate\nQQ1234ZZ\n")
    bed.add(a_passage("one", "QQ1234Z2"))
    program = bed.program("people")
    found = program.get("/passages/one").json()
    assert found["passage"]["reading"]["text"] == "QQ1234Z2"
    assert [near["entry"]["plate"] for near in found["nearest"]] == ["QQ1234ZZ"]
    assert set(found["passage"]["evidence"]) == {"plate", "still"}
    picture = program.get("/passages/one/pictures/plate")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content.startswith(b"\xff\xd8")
    assert program.get("/passages/one/pictures/other").status_code == 404
    assert program.get("/passages/two").status_code == 404


def test_ok__lists_are_read_page_by_page(bed: ConsoleBed) -> None:
    bed.import_list(ListName.ALLOW, ROWS)
    program = bed.program("people")
    states = {item["name"]: item["state"] for item in program.get("/lists").json()["items"]}
    assert states["allow"]["entries"] == 7
    assert states["wanted"] is None
    assert len({item["plate"] for item in all_pages(program, "/lists/allow/entries")}) == 7
    assert len(all_pages(program, "/lists/allow/entries", search="QQ0003")) == 1
    assert all_pages(program, "/lists/wanted/entries") == []
    assert program.get("/lists/nobody/entries").status_code == 404


def test_fail__a_cursor_of_an_older_list_or_of_another_journal_is_refused(bed: ConsoleBed) -> None:
    """Its position would mean something else there, and items would be left out in silence."""
    bed.import_list(ListName.ALLOW, ROWS)
    bed.add(a_passage("one", "QQ1ZZ"))
    bed.add(a_passage("two", "QQ2ZZ"))
    program = bed.program("people")
    listed = program.get("/lists/allow/entries", params={"limit": "2"}).json()["next"]
    bed.import_list(ListName.ALLOW, ROWS + "QQ7777ZZ\n")
    for path, cursor in (
        ("/lists/allow/entries", listed),
        ("/passages", "1-2"),
        ("/events", "1-2"),
    ):
        answer = program.get(path, params={"cursor": cursor})
        assert answer.status_code == 409, path
        assert cursor in answer.json()["detail"]


def test_ok__figures_count_by_day_and_reason(bed: ConsoleBed) -> None:
    bed.clock_s = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
    bed.add(a_passage("one", "QQ1ZZ"))
    figures = bed.program("look").get("/figures").json()
    assert {"result": "refused", "reason": "not_listed", "passages": 1} in figures["reasons"]
    assert {"day": "2026-03-01", "passages": {"granted": 0, "refused": 1, "unsure": 0}} in (
        figures["days"]
    )


def test_ok__logins_are_listed_and_ended_and_the_audit_log_is_read(bed: ConsoleBed) -> None:
    owner = bed.make_owner()
    program = bed.program("manage")
    (login,) = program.get("/logins").json()["items"]
    assert login["account"] == "anna"
    assert owner.cookies["__Host-plategate"] not in str(login)
    assert program.delete(f"/logins/{login['id']}").status_code == 204
    assert program.delete(f"/logins/{login['id']}").status_code == 404
    assert owner.get("/").headers["location"] == "/login"
    lines = all_pages(program, "/audit")
    assert [(line["who"], line["what"]) for line in lines] == [
        ("token:program", "session_ended"), ("anna", "setup"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "query.limit"),
        ("limit=201", "query.limit"),
        ("limit=x", "query.limit"),
        ("limit=1&limit=2", "query.limit"),
        ("cursor=1", "query.cursor"),
        ("result=maybe", "query.result"),
        ("since=yesterday", "query.since"),
        ("since=1900000000", "query.since"),
        ("colour=red", "query.colour"),
        ("plate=" + "A" * 61, "query.plate"),
    ],
)
def test_fail__a_wrong_query_is_refused_with_field_and_value(
    bed: ConsoleBed, query: str, field: str
) -> None:
    answer = bed.program("people").get(f"/passages?{query}")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_fail__a_call_without_query_refuses_one(bed: ConsoleBed) -> None:
    answer = bed.program("look").get("/gate?colour=red")
    assert (answer.status_code, "colour" in answer.json()["detail"]) == (400, True)


def test_fail__unknown_paths_and_methods_are_problems(bed: ConsoleBed) -> None:
    program = bed.program("look")
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("PUT", "/gate", 405),
        ("HEAD", "/gate", 405),
    ):
        answer = program.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    assert program.put("/gate").headers["allow"] == "GET"


def test_fail__without_a_gate_and_a_journal_the_problem_says_so(bed: ConsoleBed) -> None:
    program = bed.program("look", "people")
    bed.journal.close()
    bed.settings.journal.dir.rename(bed.folder / "gone")
    answer = program.get("/passages")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:plategate:problem:unavailable")
    assert "there is no journal yet" in answer.json()["detail"]


def test_fail__a_caller_who_calls_too_often_waits(bed: ConsoleBed) -> None:
    now = 0.0
    limit = CallLimit(lambda: now)
    for _ in range(int(CALLS_AT_ONCE)):
        limit.take("one")
    with pytest.raises(Problem) as refused:
        limit.take("one")
    assert refused.value.headers == {"Retry-After": "1"}
    limit.take("another")
    now = 1.0
    limit.take("one")


def test_ok__every_problem_has_the_status_of_its_name(bed: ConsoleBed) -> None:
    for name, status in PROBLEMS.items():
        answer = Problem(name, "detail").response()
        assert answer.status_code == status


def test_ok__alarms_say_whether_they_last_and_who_acknowledged_them(bed: ConsoleBed) -> None:
    program = bed.program("people")
    bed.add_event("fault", "the arm did not move")
    bed.add_event("reset", "by command")
    bed.add_event("camera_lost", "no frames")
    bed.add_event("mode", "locked")
    lost, fault = all_pages(program, "/alarms")
    assert (lost["event"]["what"], lost["lasts"], lost["ended_at"]) == ("camera_lost", True, None)
    assert (fault["event"]["what"], fault["lasts"]) == ("fault", False)
    assert fault["ended_at"] is not None
    assert fault["acknowledged"] is None
