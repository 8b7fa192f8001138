# SPDX-License-Identifier: Apache-2.0
"""The list pages change lists for owner and guard; a doubtful plate needs a second question.

The list service and its database are the real ones.
"""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from plategate.access.store.lists import ListName
from plategate.access.sync.checks import SyncOptions
from plategate.access.sync.source_state import PREVIEW_FILE
from plategate.console.accounts import Role
from plategate.console.list_files import LARGEST_FILE
from plategate.list_service.preview import make_preview

from .bed import ConsoleBed, a_passage, form_values

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}"
CSV = b"Kennzeichen;Name\nB-AB 1234;Bea\nB-CD 3456;Cem\n"


def send(browser: TestClient, path: str, page: str = "/lists", **form: str) -> Any:
    return browser.post(path, data=form_values(browser, page) | form)


def plates(bed: ConsoleBed, name: ListName = ListName.ALLOW) -> list[str]:
    return sorted(entry.plate for entry in bed.site.gate.entries(name, "", 0, 99))


def upload(browser: TestClient, content: bytes, name: str = "list.csv", **form: str) -> Any:
    csrf = form_values(browser, "/lists/file")["csrf"]
    files = {"file": (name, io.BytesIO(content))}
    return browser.post("/lists/upload", data={"csrf": csrf, "list": "allow"} | form, files=files)


@pytest.mark.parametrize("role", [Role.OWNER, Role.GUARD])
def test_ok__a_guest_is_plate_until_and_name(bed: ConsoleBed, role: Role) -> None:
    browser = bed.logged_in(role)
    answer = send(browser, "/lists/add", plate="b-ab 1234", span="tomorrow", holder="Bea")
    assert answer.status_code == 303
    (entry,) = bed.site.gate.entries(ListName.ALLOW, "", 0, 9)
    assert (entry.plate, entry.holder) == ("BAB1234", "Bea")
    # The test's clock is at 2027-01-15; the day after tomorrow begins at 23:00 UTC.
    assert entry.valid_until is not None
    assert entry.valid_until.isoformat() == "2027-01-16T23:00:00+00:00"
    page = browser.get(answer.headers["location"]).text
    assert "Added." in page
    history = browser.get("/lists/history").text
    assert f"a-{role} ({role})" in history
    assert "BAB1234 added" in history


def test_ok__a_form_that_is_sent_twice_adds_once(bed: ConsoleBed) -> None:
    browser = bed.make_owner()
    form = form_values(browser, "/lists") | {"plate": "BAB1234"}
    first, second = (browser.post("/lists/add", data=form) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert len(bed.site.lists.history()) == 1


def test_ok__a_look_alike_is_added_after_a_second_question(bed: ConsoleBed) -> None:
    bed.import_list(ListName.ALLOW, "plate\nBAB1200\n")
    browser = bed.make_owner()
    form = form_values(browser, "/lists") | {"plate": "B-AB 12OO", "holder": "Bea"}
    page = browser.post("/lists/add", data=form).text
    assert "easily confused with BAB1200" in page
    assert plates(bed) == ["BAB1200"]
    again = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert browser.post("/lists/add", data=again).status_code == 303
    assert plates(bed) == ["BAB1200", "BAB12OO"]
    # A confirmation is for the plate that was shown and for no other.
    assert "easily confused" in browser.post("/lists/add", data=again | {"plate": "BA81200"}).text


def test_ok__an_entry_is_changed_ended_and_brought_back(bed: ConsoleBed) -> None:
    bed.import_list(ListName.ALLOW, "plate,holder\nBAB1234,Bea\n")
    browser = bed.make_owner()
    page = "/lists/allow/BAB1234"
    answer = send(
        browser, "/lists/edit", page, plate="BAB1234", list="allow", holder="Bo", note="x"
    )
    assert answer.status_code == 303
    assert bed.site.gate.entries(ListName.ALLOW, "", 0, 9)[0].holder == "Bo"
    send(browser, "/lists/remove", page, plate="BAB1234", list="allow", why="moved away")
    assert plates(bed) == []
    shown = browser.get(page).text
    assert "stays removed" in shown
    send(browser, "/lists/follow", page, plate="BAB1234", list="allow")
    assert bed.site.gate.entries(ListName.ALLOW, "", 0, 9)[0].holder == "Bea"
    number = bed.site.lists.history()[1]["number"]
    assert "moved away" in browser.get(f"/lists/changes/{number}").text
    answer = send(browser, "/lists/undo", f"/lists/changes/{number + 1}", number=str(number + 1))
    assert answer.status_code == 303
    assert plates(bed) == []
    assert "Undone." in browser.get(answer.headers["location"]).text


@pytest.mark.parametrize("plate", ["AB*", "", "B-AB 12 und B-CD 34", HOSTILE])
def test_fail__what_is_no_plate_is_explained(bed: ConsoleBed, plate: str) -> None:
    answer = send(bed.make_owner(), "/lists/add", plate=plate)
    assert answer.status_code == 400
    assert "The list was not changed." in answer.text
    assert "<script>alert" not in answer.text
    assert plates(bed) == []


def test_ok__a_plate_that_is_listed_leads_to_its_entry(bed: ConsoleBed) -> None:
    bed.import_list(ListName.ALLOW, "plate,holder\nBAB1234,Bea\n")
    answer = send(bed.make_owner(), "/lists/add", plate="B AB 1234")
    assert answer.status_code == 400
    assert "on the list already" in answer.text
    assert 'action="/lists/edit"' in answer.text


def test_ok__a_refused_car_is_known_by_one_tap(bed: ConsoleBed) -> None:
    bed.add(a_passage("one", "BAB1234"))
    browser = bed.logged_in(Role.GUARD)
    page = browser.get("/passages/one").text
    part = page[page.index('action="/lists/add"') :]
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', part))
    assert browser.post("/lists/add", data=form).status_code == 303
    assert plates(bed) == ["BAB1234"]
    assert bed.site.lists.history()[0]["why"] == "known car, passage one"
    viewer = bed.logged_in(Role.VIEWER)
    assert "/lists/add" not in viewer.get("/passages/one").text


def test_ok__a_file_changes_nothing_until_it_is_confirmed(bed: ConsoleBed) -> None:
    browser = bed.make_owner()
    page = upload(browser, CSV, "liste.csv").text
    assert "2 plates new" in page
    assert "BAB1234" in page
    assert plates(bed) == []
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    for _ in range(2):  # a form that is sent twice
        answer = browser.post("/lists/import", data=form | {"why": "new tenants"})
        assert answer.headers["location"] == "/lists/changes/1"
    assert plates(bed) == ["BAB1234", "BCD3456"]
    assert "new tenants" in browser.get("/lists/changes/1").text


def test_ok__a_file_that_loses_most_entries_needs_a_tick(bed: ConsoleBed) -> None:
    bed.import_list(ListName.ALLOW, "plate\n" + "".join(f"BAB12{n}\n" for n in range(10, 30)))
    browser = bed.make_owner()
    page = upload(browser, b"plate\nBAB1210\n").text
    assert "This looks like a mistake" in page
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert browser.post("/lists/import", data=form).status_code == 400
    assert len(plates(bed)) == 20
    assert browser.post("/lists/import", data=form | {"force": "yes"}).status_code == 303
    assert plates(bed) == ["BAB1210"]


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (b"plate\nAB*\nAB;C\n", 400, "line 2"),
        (b"PK\x03\x04broken", 400, "damaged workbook"),
        (b"", 400, "cannot be used"),
        (b"x" * (LARGEST_FILE + 20_000), 413, "too large"),
    ],
)
def test_fail__a_file_that_is_no_list_changes_nothing(
    bed: ConsoleBed, content: bytes, status: int, sentence: str
) -> None:
    answer = upload(bed.make_owner(), content)
    assert (answer.status_code, sentence in answer.text) == (status, True), answer.text
    assert plates(bed) == []


def test_fail__an_upload_is_for_the_login_that_sent_it_and_needs_right_and_token(
    bed: ConsoleBed,
) -> None:
    owner = bed.make_owner()
    page = upload(owner, CSV).text
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    guard = bed.logged_in(Role.GUARD)
    other = form | {"csrf": form_values(guard, "/lists")["csrf"]}
    assert guard.post("/lists/import", data=other).status_code == 410
    bed.clock_s += 1000
    assert owner.post("/lists/import", data=form).status_code == 410
    files = {"file": ("a.csv", io.BytesIO(CSV))}
    assert owner.post("/lists/upload", data={"csrf": "x"}, files=files).status_code == 403
    foreign = {"origin": "https://evil.test", "sec-fetch-site": "cross-site"}
    csrf = form_values(owner, "/lists/file")
    answer = owner.post("/lists/upload", data=csrf, files=files, headers=foreign)
    assert answer.status_code == 403
    assert bed.browser().post("/lists/upload", files=files).headers["location"] == "/login"
    viewer = bed.logged_in(Role.VIEWER)
    csrf = form_values(viewer, "/account")
    assert viewer.post("/lists/upload", data=csrf, files=files).status_code == 403
    assert plates(bed) == []


def test_ok__downloads_are_files_that_the_upload_reads(bed: ConsoleBed) -> None:
    bed.import_list(ListName.ALLOW, "plate,holder\nBAB1234,=1+1\n")
    browser = bed.make_owner()
    for form in ("csv", "json", "xlsx"):
        answer = browser.get(f"/lists/allow/file.{form}")
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert (
            "0 plates new, 0 removed, 0 changed"
            in upload(browser, answer.content, f"a.{form}").text
        )
    assert b"'=1+1" in browser.get("/lists/allow/file.csv").content
    assert "allow.xlsx" in browser.get("/audit").text
    template = browser.get("/lists/template.xlsx").content
    assert "cannot be used" in upload(browser, template, "t.xlsx").text  # nothing is filled in


def test_ok__texts_of_lists_and_file_names_are_escaped(bed: ConsoleBed) -> None:
    browser = bed.make_owner()
    bed.import_list(ListName.ALLOW, "plate\nBAB1234\n")
    form = {
        "plate": "BCD3456",
        "holder": HOSTILE,
        "group": HOSTILE,
        "note": HOSTILE,
        "why": HOSTILE,
    }
    location = send(browser, "/lists/add", **form).headers["location"]
    shown = [browser.get(location), browser.get("/lists"), browser.get("/lists/history")]
    shown.append(browser.get("/lists/changes/2"))
    shown.append(upload(browser, CSV, f"{HOSTILE}.csv".replace("/", "")))
    shown.append(upload(browser, f"plate\n{HOSTILE}\n".encode(), f"{HOSTILE}.csv"))
    shown.append(send(browser, "/lists/add", plate="BAB1234", holder=HOSTILE))
    shown.append(send(browser, "/lists/add", plate="BAB12O4", holder=HOSTILE, note=HOSTILE))
    for page in shown:
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert ">49<" not in page.text


def test_fail__without_the_service_the_page_says_so_and_search_works(bed: ConsoleBed) -> None:
    bed.import_list(ListName.ALLOW, "plate\nBAB1234\n")
    browser = bed.make_owner()
    bed.settings.access.list_socket.unlink()
    answer = send(browser, "/lists/add", plate="BCD3456")
    assert answer.status_code == 503
    assert "cannot be changed or read at the moment" in answer.text
    assert "BAB1234" in browser.get("/lists").text


def test_ok__what_the_next_sync_would_change_is_shown_and_nothing_is_changed(
    bed: ConsoleBed,
) -> None:
    browser = bed.make_owner()
    assert "has no list sources" in browser.get("/lists/sync").text
    source = bed.folder / "estate.csv"
    source.write_text(f'plate,holder\nBAB1234,"{HOSTILE.replace(chr(34), "")}"\n')
    sources = [{"name": "estate", "kind": "allow", "url": str(source)}]
    folder = bed.settings.sync.state_dir
    sync = bed.settings.sync.model_validate({"state_dir": folder, "sources": sources})
    answer = send(browser, "/lists/sync")
    assert answer.headers["location"] == "/lists/sync?since=1800000000"
    assert "This page refreshes by itself" in browser.get(answer.headers["location"]).text
    options = SyncOptions(datetime.now(UTC), ZoneInfo("UTC"), "sync")
    make_preview(bed.settings.model_copy(update={"sync": sync}), options)
    page = browser.get(answer.headers["location"]).text
    assert "1 plates new, 0 removed, 0 changed" in page
    assert "refreshes by itself" not in page
    assert "<script>alert" not in page
    assert plates(bed) == []
    (folder / PREVIEW_FILE).unlink()
    bed.clock_s += 300
    assert "There is no result yet" in browser.get(answer.headers["location"]).text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"plate\nAB*\n", "list.csv: Zeile 2: Kennzeichen &#39;AB*&#39;: Zeichen 3 ist"),
        (b"plate,until\nAB12,soon\n", "Bis (until) &#39;soon&#39;: kein Tag und keine Zeit"),
        (b"\n", "list.csv: Zeile 1: die Datei ist leer"),
        (b"name\nAnna\n", "nennt die Spalten"),
    ],
)
def test_ok__what_is_wrong_with_a_file_is_said_in_german(
    bed: ConsoleBed, content: bytes, sentence: str
) -> None:
    browser = bed.make_owner()
    browser.headers["accept-language"] = "de"
    page = upload(browser, content).text
    assert sentence in page
    found = page[page.index('role="alert"') :]
    assert '<span lang="en">' not in found[: found.index("</p>")], found
