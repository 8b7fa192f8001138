# SPDX-License-Identifier: Apache-2.0
"""Visitors: a link lets in one plate, within its window and its entries, and ends by itself.

List service, lists and command socket are the real ones; the gate behind the socket is a recorder.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from plategate.access.store.lists import ListName
from plategate.console import visit_entries
from plategate.console.accounts import Role
from plategate.console.visits import KEPT_AFTER_S, MOST_TRIES, VisitState
from plategate.list_service.client import Requester, new_id

from .bed import ORIGIN, STATUS, ConsoleBed, form_values
from .visiting import PLATE, answer, entries, give, here, link, state

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"


def test_ok__a_host_invites_and_the_visitor_types_his_plate(bed: ConsoleBed) -> None:
    host = bed.logged_in(Role.GUARD)
    form = {"holder": "Vera Visitor", "span": "tomorrow", "entries": "2", "rule": "accept"}
    sent = form_values(host, "/visits") | form
    first, second = (host.post("/visits/add", data=sent) for _ in range(2))
    assert first.headers["location"] == second.headers["location"] == "/visits/1"
    page = host.get("/visits/1").text
    (found,) = re.findall(rf'value="({ORIGIN}/visit/[\w-]{{22}})"', page)
    assert "<svg" in page
    visitor = bed.browser()
    assert "Type your plate." in visitor.get(found).text
    assert visitor.post(f"{found}/plate", data={"plate": "b-ab 1234"}).status_code == 303
    assert "You are expected." in visitor.get(found).text
    (entry,) = entries(bed)
    assert (entry.plate, entry.holder, entry.group, entry.entries) == (
        PLATE, "Vera Visitor", "visitors", 2,
    )  # fmt: skip
    assert entry.valid_until == datetime(2027, 1, 16, 23, tzinfo=UTC)  # midnight in Berlin
    assert bed.site.lists.history()[0]["who"] == "visitor 1 of a-guard"


def test_ok__the_host_is_asked_and_answers(bed: ConsoleBed) -> None:
    owner = bed.make_owner()
    visit = bed.invite(accepts=False)
    give(bed, visit)
    assert (state(bed, visit), entries(bed)) == ("asked", [])
    assert "Visitors who wait for your approval: 1" in owner.get("/").text
    assert answer(owner, visit, "accept", "BCD3456").status_code == 400  # not what was shown
    assert answer(owner, visit, "refuse").status_code == 303
    assert "did not accept this plate" in bed.browser().get(link(bed, visit)).text
    give(bed, visit, "BCD3456")
    assert answer(owner, visit, "accept", "BCD3456").status_code == 303
    assert [entry.plate for entry in entries(bed)] == ["BCD3456"]
    assert bed.site.lists.history()[0]["who"] == "owner:anna"


@pytest.mark.parametrize(
    ("name", "listed", "typed"),
    [
        (ListName.ALLOW, "BAB1200", "BAB12OO"),  # a look-alike of somebody else
        (ListName.ALLOW, PLATE, PLATE),
        (ListName.BLOCK, PLATE, PLATE),
        (ListName.WANTED, "BAB1200", "BAB12OO"),
    ],
)
def test_ok__a_doubtful_plate_is_never_accepted_by_the_rule(
    bed: ConsoleBed, name: ListName, listed: str, typed: str
) -> None:
    bed.import_list(name, f"plate\n{listed}\n")
    visit = bed.invite(accepts=True)
    give(bed, visit, typed)
    assert state(bed, visit) == "asked"
    assert "Check this plate" in bed.logged_in(Role.OWNER).get(f"/visits/{visit.id}").text or (
        typed == listed and name is ListName.ALLOW
    )


def test_fail__plates_are_limited_in_number(bed: ConsoleBed) -> None:
    visit = bed.invite(accepts=False)
    for n in range(MOST_TRIES + 2):
        give(bed, visit, f"BAB123{n}")
    found = bed.site.visits.get(visit.id)
    assert found is not None
    assert (found.tries, found.plate) == (MOST_TRIES, f"BAB123{MOST_TRIES - 1}")
    give(bed, visit, "no plate at all!")
    accepted = bed.invite(request="other")
    give(bed, accepted)
    assert give(bed, accepted, "BCD3456").status_code == 400  # an accepted plate stays
    assert [entry.plate for entry in entries(bed)] == [PLATE]


def test_ok__a_visit_ends_by_itself_and_is_deleted_once_the_time_is_known(
    bed: ConsoleBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.import_list(ListName.ALLOW, "plate\nBXX9999\n")
    visit = bed.invite()
    give(bed, visit)
    bed.clock_s = visit.ends_at + 1
    assert bed.browser().get(link(bed, visit)).status_code == 404
    assert bed.browser().post(f"{link(bed, visit)}/here", data={"id": new_id()}).status_code == 404
    assert visit_entries.tidy(bed.site) == 0
    bed.clock_s = visit.ends_at + KEPT_AFTER_S + 1
    monkeypatch.setitem(STATUS, "clock", {"trusted": False, "why": "it has jumped recently"})
    assert visit_entries.tidy(bed.site) == 0
    assert len(entries(bed)) == 2
    monkeypatch.setitem(STATUS, "clock", {"trusted": True, "why": "NTP"})
    assert visit_entries.tidy(bed.site) == 1
    assert state(bed, visit) == "deleted"
    assert [entry.plate for entry in entries(bed)] == ["BXX9999"]
    assert bed.site.lists.history()[0]["why"] == "visit 1 is over"
    with closing(sqlite3.connect(bed.settings.access.file)) as store:
        assert PLATE not in "".join(store.iterdump())  # nor in what undo would need
    for file in bed.settings.console.state_dir.iterdir():
        assert PLATE.encode() not in file.read_bytes(), file.name
    assert bed.site.lists.undo(Requester("anna"), 1)["removed"] == 1  # the import is untouched


def test_ok__a_revoked_visit_is_over_at_once(bed: ConsoleBed) -> None:
    visit = bed.invite()
    give(bed, visit)
    owner = bed.logged_in(Role.OWNER)
    assert answer(owner, visit, "revoke").status_code == 303
    assert bed.browser().get(link(bed, visit)).status_code == 404
    assert entries(bed) == []


def test_ok__an_entry_of_somebody_else_is_not_touched(bed: ConsoleBed) -> None:
    bed.import_list(ListName.ALLOW, f"plate,holder\n{PLATE},Resident\n")
    visit = bed.invite()
    give(bed, visit)
    owner = bed.logged_in(Role.OWNER)
    answer(owner, visit, "accept", PLATE)
    assert "its own entry there counts" in owner.get(f"/visits/{visit.id}").text
    assert "The gate opens." in here(bed, visit)
    answer(owner, visit, "revoke")
    assert [(entry.holder, entry.entries) for entry in entries(bed)] == [("Resident", None)]


def test_ok__a_new_link_ends_the_old_one(bed: ConsoleBed) -> None:
    visit = bed.invite()
    old = link(bed, visit)
    answer(bed.logged_in(Role.OWNER), visit, "renew")
    found = bed.site.visits.get(visit.id)
    assert found is not None
    assert bed.browser().get(old).status_code == 404
    assert bed.browser().get(link(bed, found)).status_code == 200


def test_fail__the_link_of_a_host_who_may_not_invite_is_not_valid(bed: ConsoleBed) -> None:
    bed.logged_in(Role.GUARD)
    visit = bed.invite(host="a-guard")
    assert bed.browser().get(link(bed, visit)).status_code == 200
    bed.site.accounts.save("a-guard", "correct horse battery", Role.VIEWER)
    assert bed.browser().get(link(bed, visit)).status_code == 404
    bed.site.accounts.remove("a-guard")
    assert bed.browser().get(link(bed, visit)).status_code == 404


def test_fail__guessed_links_slow_down_their_address(bed: ConsoleBed) -> None:
    visit = bed.invite()
    stranger = bed.browser()
    for n in range(8):
        assert stranger.get(f"/visit/{'x' * 21}{n}").status_code == 404
    assert bed.site.sessions.waiting_s(visitor="testclient") > 0
    assert stranger.get(link(bed, visit)).status_code == 404  # has to wait
    assert stranger.get("/login").status_code == 200  # a login does not
    bed.clock_s += 1000
    assert stranger.get(link(bed, visit)).status_code == 200


def test_fail__a_visitor_reaches_nothing_else_and_other_origins_nothing(bed: ConsoleBed) -> None:
    visit = bed.invite()
    visitor = bed.browser()
    visitor.get(link(bed, visit))
    for path in ("/", "/lists", "/visits", f"/visits/{visit.id}"):
        assert visitor.get(path).headers["location"] == "/login"
    evil = {"origin": "https://evil.test", "sec-fetch-site": "cross-site"}
    address = link(bed, visit)
    for path in (f"{address}/plate", f"{address}/here"):
        answered = visitor.post(path, data={"plate": PLATE}, headers=evil)
        assert answered.status_code == 403
    assert state(bed, visit) == VisitState.INVITED


@pytest.mark.parametrize(
    "form",
    [
        {"holder": ""},
        {"entries": "0"},
        {"entries": "51"},
        {"entries": "000199999"},
        {"entries": "1" * 5000},
        {"entries": "many"},
        {"from": "soon"},
        {"from": "9999-12-31T23:59"},
        {"from": "0001-01-01T00:00+14:00", "until": "0001-01-02T00:00+14:00"},
        {"from": "2027-02-01T10:00", "until": "2027-01-31T10:00"},
        {"until": "2027-01-01T10:00"},
        {"until": "2029-01-01T10:00"},
    ],
)
def test_fail__an_impossible_visit_is_not_made(bed: ConsoleBed, form: dict[str, str]) -> None:
    owner = bed.make_owner()
    sent = form_values(owner, "/visits") | {"holder": "Vera", "entries": "1"} | form
    assert owner.post("/visits/add", data=sent).status_code == 400
    assert bed.site.visits.all() == []


def test_ok__what_a_visitor_or_host_types_is_escaped_and_errors_name_no_file(
    bed: ConsoleBed,
) -> None:
    owner = bed.make_owner()
    visit = bed.invite(holder=HOSTILE, accepts=False)
    shown = [give(bed, visit, HOSTILE), bed.browser().get(link(bed, visit))]
    shown += [owner.get("/visits"), owner.get(f"/visits/{visit.id}")]
    bed.settings.access.list_socket.unlink()
    shown.append(give(bed, visit))
    assert shown[-1].status_code == 503
    for page in shown:
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert ">49<" not in page.text
        assert str(bed.folder) not in page.text


def test_ok__the_link_is_nowhere_in_the_database(bed: ConsoleBed) -> None:
    visit = bed.invite()
    token = bed.site.visits.token_of(visit).encode()
    for file in bed.settings.console.state_dir.iterdir():
        assert token not in file.read_bytes(), file
