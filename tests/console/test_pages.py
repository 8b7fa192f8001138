# SPDX-License-Identifier: Apache-2.0
"""Pages show journal, lists and status, escaped; commands carry who, why and from where."""

from __future__ import annotations

import re

import pytest

from plategate.access.store.lists import ListName
from plategate.console.accounts import Role
from plategate.remote.protocol import AnswerResult
from plategate.values import Result

from .bed import STATUS, ConsoleBed, a_passage, form_values


def command(bed: ConsoleBed, role: Role = Role.GUARD, **changed: str) -> tuple[int, str]:
    browser = bed.logged_in(role)
    form = form_values(browser) | {"command": "open", "why": "parcel service"} | changed
    answer = browser.post("/command", data=form)
    return answer.status_code, answer.text


def test_ok__a_command_reaches_the_gate_with_who_why_and_from_where(bed: ConsoleBed) -> None:
    status, page = command(bed)
    assert (status, "The gate follows." in page) == (200, True)
    (asked,) = bed.commands
    assert (asked.command, asked.why, asked.who, asked.via, asked.source) == (
        "open", "parcel service", "guard:a-guard", "console", "testclient",
    )  # fmt: skip
    assert "parcel service" in bed.site.sessions.audit()[0]["detail"]


def test_ok__a_form_sent_twice_has_one_id(bed: ConsoleBed) -> None:
    """The gate follows an id once."""
    browser = bed.logged_in(Role.GUARD)
    form = form_values(browser) | {"command": "open", "why": "parcel"}
    for _ in range(2):
        browser.post("/command", data=form)
    assert {request.id for request in bed.commands} == {form["id"]}
    assert form_values(browser)["id"] != form["id"]


def test_ok__a_mode_is_commanded_with_its_name(bed: ConsoleBed) -> None:
    assert command(bed, command="mode", mode="locked")[0] == 200
    assert bed.commands[0].mode == "locked"


@pytest.mark.parametrize(
    "changed",
    [
        {"why": ""},
        {"why": "   "},
        {"command": ""},
        {"command": "explode"},
        {"command": "mode", "mode": "party"},
        {"command": "mode"},
        {"id": ""},
        {"id": "an id with spaces"},
    ],
)
def test_fail__a_command_that_is_none_is_not_sent(bed: ConsoleBed, changed: dict[str, str]) -> None:
    assert command(bed, **changed)[0] in (400, 503)
    assert bed.commands == []


def test_fail__a_refusal_is_shown_with_its_reason(bed: ConsoleBed) -> None:
    bed.answer = AnswerResult.REFUSED
    status, page = command(bed)
    assert status == 409
    assert "a safety input is not clear" in page


def test_fail__without_a_gate_every_page_still_answers(bed: ConsoleBed) -> None:
    bed.settings.commands.socket.unlink()
    bed.settings.health.socket.unlink()
    status, page = command(bed)
    assert (status, "no gate takes commands" in page) == (503, True)
    browser = bed.logged_in(Role.OWNER)
    for path in ("/", "/live/state-0", "/passages", "/lists", "/health"):
        assert browser.get(path).status_code == 200
    assert "The gate does not answer" in browser.get("/").text


def test_fail__a_damaged_journal_is_a_sentence(bed: ConsoleBed) -> None:
    browser = bed.logged_in(Role.OWNER)
    bed.journal.close()
    for file in bed.settings.journal.dir.glob("journal.sqlite*"):
        file.write_bytes(b"not a database" * 400)
    for path, status in (("/", 200), ("/health", 200), ("/passages", 503)):
        answer = browser.get(path)
        assert answer.status_code == status
        assert "journal.sqlite" in answer.text


def test_ok__live_shows_who_is_inside_and_what_is_full(
    bed: ConsoleBed, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = bed.logged_in(Role.VIEWER)
    assert "Vehicles inside" not in browser.get("/").text
    groups = [
        {"name": "", "inside": 13, "places": None, "full": False},
        {"name": "<i>Müller", "inside": 12, "places": 12, "full": True},
    ]
    monkeypatch.setitem(STATUS, "occupancy", groups)
    page = browser.get("/").text
    assert "Vehicles inside: 13 · &lt;i&gt;Müller 12 / 12 <strong>(full)</strong>" in page


def test_ok__live_sends_a_part_again_only_when_it_changed(bed: ConsoleBed) -> None:
    browser = bed.logged_in(Role.VIEWER)
    address = re.search(r'hx-get="(/live/vehicles\?seen=\w+)"', browser.get("/").text)
    assert address is not None
    assert browser.get(address[1]).status_code == 204
    bed.add(a_passage("one", "ABC123"))
    again = browser.get(address[1])
    assert again.status_code == 200
    assert "ABC123" in again.text


def test_ok__passages_are_found_by_part_of_the_plate_and_by_result(bed: ConsoleBed) -> None:
    bed.add(a_passage("one", "HHAB123", Result.GRANTED))
    bed.add(a_passage("two", "MXY9", Result.REFUSED))
    browser = bed.logged_in(Role.VIEWER)

    def found(**query: str) -> list[str]:
        page = browser.get("/passages", params=query).text
        return re.findall(r'class="plate">(\w+)<', page)

    assert found() == ["MXY9", "HHAB123"]
    assert found(plate="b1") == ["HHAB123"]
    assert found(plate="HH-AB 12") == ["HHAB123"]
    assert found(plate="%") == ["MXY9", "HHAB123"]  # not a wildcard: nothing was searched
    assert found(result="refused") == ["MXY9"]
    assert found(result="granted", plate="MXY") == []
    assert browser.get("/passages?result=x").status_code == 400
    assert browser.get("/passages?before=-1").status_code == 400


def test_ok__older_passages_follow_page_by_page(bed: ConsoleBed) -> None:
    plates = [f"P{n:03}" for n in range(60)]
    for plate in plates:
        bed.add(a_passage(plate, plate))
    browser = bed.logged_in(Role.VIEWER)
    seen, address = [], "/passages"
    while address:
        page = browser.get(address).text
        seen += re.findall(r'class="plate">(\w+)<', page)
        more = re.search(r'href="(/passages\?before=[^"]+)"', page)
        address = more[1].replace("&amp;", "&") if more else ""
    assert seen == plates[::-1]


def test_ok__why_shows_pictures_characters_rule_and_nearest_plates(bed: ConsoleBed) -> None:
    bed.import_list(ListName.ALLOW, "plate,holder\nABC124,Ada\nZZZ999,Bob\n")
    bed.add(a_passage("one", "ABC123"))
    browser = bed.logged_in(Role.VIEWER)
    page = browser.get("/passages/one").text
    assert "was read well and is not on the allow list" in page
    assert page.count("93 %") >= 6
    assert "read 3, listed 4" in page
    assert "Ada" in page
    assert "Bob" not in page
    for kind in ("plate", "still"):
        picture = browser.get(f"/passages/one/{kind}")
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.content.startswith(b"\xff\xd8")
    assert browser.get("/passages/one/other").status_code == 404
    assert browser.get("/passages/nothing").status_code == 404


def test_ok__lists_are_searched_by_plate_and_by_holder(bed: ConsoleBed) -> None:
    rows = "".join(f"P{n:03},Holder {n}\n" for n in range(120))
    bed.import_list(ListName.ALLOW, f"plate,holder\n{rows}")
    browser = bed.logged_in(Role.VIEWER)

    def found(**query: str) -> list[str]:
        return re.findall(r'class="plate">(\w+)<', browser.get("/lists", params=query).text)

    assert len(found()) == 50
    assert found(**{"from": "100"}) == [f"P{n}" for n in range(100, 120)]
    assert found(search="P-0 07") == ["P007"]
    assert found(search="holder 119") == ["P119"]
    assert found(list="block") == []
    assert browser.get("/lists?list=other").status_code == 404


def test_ok__pages_are_in_the_language_of_the_browser(bed: ConsoleBed) -> None:
    browser = bed.logged_in(Role.OWNER)
    german = {"accept-language": "fr;q=0.9, de-DE;q=0.8, en;q=0.1"}
    assert 'lang="de"' in browser.get("/passages", headers=german).text
    assert "Durchfahrten" in browser.get("/passages", headers=german).text
    assert 'lang="en"' in browser.get("/passages", headers={"accept-language": "fr"}).text


def test_ok__details_of_events_are_marked_as_english(bed: ConsoleBed) -> None:
    bed.add_event("fault", "the arm is not closed")
    browser = bed.logged_in(Role.GUARD)
    page = browser.get("/health", headers={"Accept-Language": "de"}).text
    assert '<span lang="en">the arm is not closed</span>' in page
