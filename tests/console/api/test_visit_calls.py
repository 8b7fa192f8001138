# SPDX-License-Identifier: Apache-2.0
"""Visits through the API: invited, approved and ended as on the host's pages."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from plategate.console.accounts import Role
from tests.console.bed import PASSWORD, ConsoleBed
from tests.console.visiting import entries, give

KEYS = (f"key-{n}" for n in itertools.count())


def ask(program: TestClient, path: str, key: str = "", **body: Any) -> httpx.Response:
    return program.post(path, json=body, headers={"Idempotency-Key": key or next(KEYS)})


def window(bed: ConsoleBed, hours: float = 24) -> str:
    return (datetime.fromtimestamp(bed.clock_s, UTC) + timedelta(hours=hours)).isoformat()


def path_of(link: str) -> str:
    return link.removeprefix("https://gate.test")


def test_ok__a_visitor_is_invited_approved_let_in_and_revoked(bed: ConsoleBed) -> None:
    program = bed.program("lists")
    made = ask(program, "/visits", holder="Vera", ends_at=window(bed), entries=2)
    assert made.status_code == 200, made.text
    visit = made.json()
    assert (visit["host"], visit["state"], visit["plate"]) == ("anna", "invited", None)
    assert (visit["entries_left"], visit["problems"]) == (2, [])
    page = bed.browser().post(f"{path_of(visit['link'])}/plate", data={"plate": "B-AB 1234"})
    assert page.status_code == 303
    one = f"/visits/{visit['id']}"
    assert program.get(one).json()["state"] == "asked"
    accepted = ask(program, f"{one}/answer", answer="accept", plate="BAB1234")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    (entry,) = entries(bed)
    assert (entry.plate, entry.holder, entry.entries) == ("BAB1234", "Vera", 2)
    assert bed.site.lists.history()[0]["who"] == "token:program"
    revoked = ask(program, f"{one}/answer", answer="revoke")
    assert (revoked.json()["state"], revoked.json()["link"], entries(bed)) == ("revoked", None, [])
    assert [found["id"] for found in program.get("/visits").json()["items"]] == [visit["id"]]
    assert bed.browser().get(path_of(visit["link"])).status_code == 404
    notes = [line["what"] for line in bed.site.sessions.audit(9)]
    assert {"visit_made", "visit_accepted", "visit_revoked"} <= {*notes}


def test_ok__a_new_link_ends_the_old_one(bed: ConsoleBed) -> None:
    program = bed.program("lists")
    made = ask(program, "/visits", holder="Vera", ends_at=window(bed)).json()
    renewed = ask(program, f"/visits/{made['id']}/answer", answer="renew").json()
    assert bed.browser().get(path_of(made["link"])).status_code == 404
    assert bed.browser().get(path_of(renewed["link"])).status_code == 200


def test_ok__a_visit_sent_again_is_made_once_also_after_a_restart(bed: ConsoleBed) -> None:
    program = bed.program("lists")
    body = {"holder": "Vera", "ends_at": window(bed)}
    answers = [ask(program, "/visits", "one", **body) for _ in range(2)]
    (api,) = (route.app for route in bed.app.routes if getattr(route, "path", "") == "/api/v1")
    api.state.keys = type(api.state.keys)()  # what a restart forgets
    answers.append(ask(program, "/visits", "one", **body))
    assert [answer.json() for answer in answers] == [answers[0].json()] * 3
    assert len(bed.site.visits.all()) == 1


@pytest.mark.parametrize(
    ("status", "field", "body"),
    [
        (409, "body.ends_at", {"ends_at": -1}),
        (409, "body.ends_at", {"ends_at": 24 * 93}),
        (409, "body.ends_at", {"ends_at": 5, "starts_at": 6}),
        (409, "body.ends_at", {"ends_at": 24 * 94, "starts_at": 24 * 93}),
        (409, "body.host", {"ends_at": 5, "host": "bob"}),
        (400, "body.holder", {"ends_at": 5, "holder": " "}),
        (400, "body.holder", {"ends_at": 5, "holder": "\x1c"}),
        (400, "body.entries", {"ends_at": 5, "entries": 0}),
        (400, "body.entries", {"ends_at": 5, "entries": 51}),
        (400, "body.plate", {"ends_at": 5, "plate": "QQ1ZZ"}),
    ],
)
def test_fail__a_wrong_visit_is_refused_with_its_field(
    bed: ConsoleBed, status: int, field: str, body: dict[str, Any]
) -> None:
    times = {key: window(bed, body[key]) for key in ("starts_at", "ends_at") if key in body}
    answer = ask(bed.program("lists"), "/visits", **{"holder": "Vera", **body, **times})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)
    assert field in answer.json()["detail"]
    assert bed.site.visits.all() == []


def test_fail__an_answer_that_the_visit_does_not_allow_changes_nothing(bed: ConsoleBed) -> None:
    program = bed.program("lists")
    visit = bed.invite(accepts=False)
    path = f"/visits/{visit.id}/answer"
    refused = ask(program, path, answer="accept", plate="QQ1ZZ")
    assert (refused.status_code, "not typed" in refused.json()["detail"]) == (409, True)
    assert ask(program, path, answer="refuse").status_code == 409
    give(bed, visit)
    for plate in ("QQ1ZZ", None):
        refused = ask(program, path, answer="accept", plate=plate)
        assert (refused.status_code, "BAB1234" in refused.json()["detail"]) == (409, True)
    assert entries(bed) == []
    for number in ("0", "x", "9" * 40, "77"):
        assert ask(program, f"/visits/{number}/answer", answer="revoke").status_code == 404
        assert program.get(f"/visits/{number}").status_code == 404


def test_ok__a_token_of_root_names_the_account_that_invites(bed: ConsoleBed) -> None:
    bed.make_owner()
    bed.site.accounts.save("vic", PASSWORD, Role.VIEWER)
    token = bed.site.tokens.add("root", ["lists"], 30, None)
    program = TestClient(
        bed.app, base_url="https://gate.test/api/v1",
        headers={"authorization": f"Bearer {token}"},
    )  # fmt: skip
    body = {"holder": "Vera", "ends_at": window(bed)}
    for host in (None, "vic", "nobody"):  # none, one who may not invite, one who is not there
        answer = ask(program, "/visits", **body, host=host)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "body.host")
    assert ask(program, "/visits", **body, host="anna").json()["host"] == "anna"


def test_fail__no_other_scope_sees_a_visit_or_its_link(bed: ConsoleBed) -> None:
    visit = bed.invite()
    program = bed.program("look", "people", "command", "aim", "manage", "metrics")
    for path in ("/visits", f"/visits/{visit.id}"):
        assert program.get(path).status_code == 403
