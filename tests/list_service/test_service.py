# SPDX-License-Identifier: Apache-2.0
"""Guards the list service: changes name who and why, count once, and nobody else makes any."""

from __future__ import annotations

import csv
import io
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from plategate.access.store.database import open_for_reading
from plategate.access.store.history import list_history
from plategate.access.store.lists import ListName
from plategate.errors import ListError, ListServiceError
from plategate.list_service import operations
from plategate.list_service.client import ListClient, Requester
from plategate.list_service.messages import (
    ListOperation,
    ListRequest,
    ListResult,
    encode_request,
    parse_answer,
)
from plategate.list_service.server import serve_lists
from plategate.local_socket import ask
from plategate.settings import Settings

ALLOW = ListName.ALLOW
NOBODY = 65534


def anna(why: str = "", **options: str) -> Requester:
    return Requester("guard:anna", why, **options)


def plates(lists: ListClient, name: ListName = ALLOW) -> list[str]:
    rows = csv.DictReader(io.StringIO(lists.export(name, "csv").decode("utf-8-sig")))
    return [row["plate"] for row in rows]


def raw(site: Settings, data: bytes) -> tuple[ListResult, str]:
    answer = parse_answer(ask(site.access.list_socket, data, 10, 1_000_000))
    return answer.result, answer.reason


def test_ok__an_entry_is_added_changed_and_removed(lists: ListClient) -> None:
    added = lists.add(anna("guest"), ALLOW, {"plate": "b ab-12", "until": "2030-01-31"})
    assert (added["plates"], added["who"], added["why"]) == (["BAB12"], "guard:anna", "guest")
    lists.edit(anna(), ALLOW, "BAB12", {"holder": "Bea"})
    changed = lists.differences(2)["differences"][0]
    assert changed["before"][0]["holder"] == ""
    assert (changed["after"][0]["holder"], changed["after"][0]["until"]) == ("Bea", "2030-01-31")
    assert plates(lists) == ["BAB12"]
    lists.remove(anna("moved"), ALLOW, "B-AB 12")
    assert plates(lists) == []
    assert [c["kind"] for c in lists.history()] == ["removed", "edited", "added"]
    assert [c["number"] for c in lists.history(before=3, limit=1)] == [2]


def test_ok__undo_brings_back_and_says_that_it_did(lists: ListClient) -> None:
    number = lists.add(anna(), ALLOW, {"plate": "AB12CDE"})["number"]
    assert lists.undo(anna("mistake"), number)["undoes"] == number
    assert plates(lists) == []
    newest, oldest = lists.history()
    assert (oldest["undone"], oldest["can_undo"], newest["why"]) == (True, False, "mistake")


def test_ok__a_request_that_is_sent_twice_counts_once(site: Settings, lists: ListClient) -> None:
    once = anna(id="one")
    first = lists.add(once, ALLOW, {"plate": "AB12CDE"})
    lists.remove(anna(), ALLOW, "AB12CDE")
    again = lists.add(once, ALLOW, {"plate": "AB12CDE"})
    assert (again["number"], again["repeated"], first["repeated"]) == (first["number"], True, False)
    assert plates(lists) == []
    file = anna(id="two")
    for _ in range(2):
        content = b"plate\nXY34ZZT\n"
        lists.import_file(file, "a.csv", content, dry_run=False, list=ALLOW)
    with closing(open_for_reading(site.access.file)) as store:
        assert len(list_history(store)) == 3


def test_ok__an_id_is_known_after_a_restart(site: Settings) -> None:
    for _ in range(2):
        server = serve_lists(site)
        found = ListClient(site.access.list_socket).add(anna(id="one"), ALLOW, {"plate": "AB12"})
        server.close()
    assert (found["number"], found["repeated"]) == (1, True)


def test_ok__a_file_shows_what_would_change_and_then_changes_it(lists: ListClient) -> None:
    lists.add(anna(), ALLOW, {"plate": "OLD1"})
    content = "Kennzeichen;Name\r\nB-AB 12;Bea\r\nB-CD 34;Cem\r\n".encode("cp1252")
    shown = lists.import_file(anna(), "liste.csv", content, dry_run=True, list=ALLOW)
    assert [each["plate"] for each in shown["differences"]] == ["BAB12", "BCD34"]
    assert any("Kennzeichen" in note for note in shown["notes"])
    assert plates(lists) == ["OLD1"]
    made = lists.import_file(anna("new list"), "liste.csv", content, dry_run=False, list=ALLOW)
    assert (made["change"]["added"], made["change"]["source"]) == (2, "liste.csv")
    assert sorted(plates(lists)) == ["BAB12", "BCD34", "OLD1"]


def test_fail__a_file_that_loses_most_entries_needs_force(lists: ListClient) -> None:
    many = b"plate\n" + b"".join(b"AB%02d\n" % n for n in range(20))
    lists.import_file(anna(), "many.csv", many, dry_run=False, list=ALLOW)
    with pytest.raises(ListError, match="would replace 20 entries"):
        lists.import_file(anna(), "one.csv", b"plate\nAB01\n", dry_run=False, list=ALLOW)
    lists.import_file(anna(), "one.csv", b"plate\nAB01\n", dry_run=False, list=ALLOW, force=True)
    assert plates(lists) == ["AB01"]


def test_ok__a_plate_is_checked_before_it_is_added(lists: ListClient) -> None:
    lists.add(anna(), ALLOW, {"plate": "BAB1200"})
    lists.add(anna(), ListName.WANTED, {"plate": "BCD3456"})
    kinds = {each["kind"]: each["other"] for each in lists.check(ALLOW, "B-AB 12OO")["problems"]}
    assert kinds["one confusion apart"] == "BAB1200"
    found = lists.check(ALLOW, "BCD3456")
    assert (found["plate"], found["problems"][0]["other"]) == ("BCD3456", "wanted")


def test_ok__export_and_template_are_files(lists: ListClient) -> None:
    lists.add(anna(), ALLOW, {"plate": "AB12CDE", "note": "=1+1"})
    assert b"'=1+1" in lists.export(ALLOW, "csv")
    assert lists.export(ALLOW, "xlsx")[:2] == lists.template()[:2] == b"PK"


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
def test_fail__an_export_that_is_longer_than_an_answer_is_refused(
    lists: ListClient, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is built in memory, of which the unit has 512 MB for lists without a limit."""
    for number in range(3):
        lists.add(anna(), ALLOW, {"plate": f"AB{number}", "note": "x" * 200})
    assert lists.export(ALLOW, form)
    monkeypatch.setattr(operations, "LONGEST_CONTENT_BYTES", 600)
    with pytest.raises(ListError, match="longer than 0 MB; export it on the gate: sudo plategate"):
        lists.export(ALLOW, form)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"plate": "AB*"}, "wildcards"),
        ({"plate": "AB12", "until": "soon"}, "until"),
        ({"plate": "AB12", "hours": "always"}, "hours"),
        ({"plate": "AB12", "colour": "red"}, "'colour' is not a known field"),
        ({}, "plate"),
    ],
)
def test_fail__an_invalid_field_is_named(
    lists: ListClient, fields: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ListError, match=sentence):
        lists.add(anna(), ALLOW, fields)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a line of JSON"),
        (b"[]\n", "not a JSON object"),
        (b'{"id": "a", "operation": "add"}\n', "key 'who' is missing"),
        (b'{"id": "a b", "operation": "undo", "who": "x"}\n', "id:"),
        (b'{"id": "a", "operation": "drop", "who": "x"}\n', "'drop' is none of"),
        (b'{"id": "a", "operation": "undo", "who": "x", "all": true}\n', "'all' is not a key"),
        (b'{"id": "a", "operation": "undo", "who": "x", "number": true}\n', "number"),
        (b'{"id": "a", "operation": "undo", "who": "x"}\nfile', "only an import"),
        (b'{"id": "a", "operation": "remove", "who": "x", "list": "all", "plate": "A1"}\n', "list"),
        (b'{"id": "' + b"a" * 70_000, "more than"),
    ],
)
def test_fail__what_is_no_request_changes_nothing(
    site: Settings, lists: ListClient, data: bytes, sentence: str
) -> None:
    result, reason = raw(site, data)
    assert result is ListResult.MALFORMED
    assert sentence in reason
    assert lists.history() == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_fail__another_user_is_named_by_the_kernel_and_refused(
    site: Settings, lists: ListClient
) -> None:
    for folder in (site.access.file.parent, *list(site.access.file.parents)[1:4]):
        folder.chmod(folder.stat().st_mode | 0o011)
    site.access.list_socket.chmod(0o666)
    data = encode_request(
        ListRequest(
            "a", ListOperation.ADD, "root", "", {"list": "allow", "fields": {"plate": "A1"}}
        )
    )
    code = (
        f"import os, socket, sys; os.setgid({NOBODY}); os.setuid({NOBODY});"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.sendall(sys.stdin.buffer.read()); s.shutdown(socket.SHUT_WR);"
        "sys.stdout.buffer.write(s.recv(9999))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(site.access.list_socket)],
        input=data, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    answer = parse_answer(done.stdout)
    assert answer.result is ListResult.NOT_ALLOWED
    assert "user nobody may not change the lists" in answer.reason
    assert lists.history() == []


def test_fail__no_service_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ListServiceError, match="no list service at"):
        ListClient(tmp_path / "none.sock").history()


def test_fail__a_damaged_database_is_a_failure_and_not_replaced(
    site: Settings, lists: ListClient
) -> None:
    site.access.file.write_bytes(b"not a database" * 100)
    with pytest.raises(ListServiceError, match=r"lists\.sqlite"):
        lists.add(anna(), ALLOW, {"plate": "AB12CDE"})
    assert site.access.file.read_bytes().startswith(b"not a database")


def test_ok__systemd_passes_the_socket_and_sigterm_ends_the_process(
    site: Settings, tmp_path: Path
) -> None:
    """The way of systemd: socket as descriptor 3, LISTEN_PID and LISTEN_FDS."""
    config = tmp_path / "settings.toml"
    file, users = site.access.file, list(site.access.list_users)
    config.write_text(f'[access]\nfile = "{file}"\nlist_users = {users}\n')
    at = tmp_path / "passed.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(at))
        listener.listen()
        script = 'fd=$1; shift; LISTEN_PID=$$ LISTEN_FDS=1 eval "exec \\"\\$@\\" 3<&$fd"'
        process = subprocess.Popen(
            ["bash", "-c", script, "-", str(listener.fileno()), sys.executable, "-m", "plategate",
             "list", "serve", "--config", str(config)],
            pass_fds=(listener.fileno(),),
        )  # fmt: skip
        try:
            assert ListClient(at).add(anna(), ALLOW, {"plate": "AB12CDE"})["number"] == 1
        finally:
            process.terminate()
        assert process.wait(30) == 0
    assert at.exists()  # it belongs to systemd


def test_ok__only_a_plate_that_had_nothing_else_is_forgotten(lists: ListClient) -> None:
    for plate, note in (("BAB1234", "visit 1"), ("BCD3456", "tenant")):
        lists.add(anna(), ALLOW, {"plate": plate, "note": note})
        lists.remove(anna(), ALLOW, plate)
    assert not lists.forget(anna(), ALLOW, "BCD3456", "visit 1")
    assert lists.forget(anna(), ALLOW, "BAB1234", "visit 1")
    with pytest.raises(ListError, match="no longer kept"):
        lists.undo(anna(), 2)
    lists.undo(anna(), 4)
    assert plates(lists) == ["BCD3456"]
    lists.add(anna(), ALLOW, {"plate": "BEF5678", "note": "visit 2"})
    assert not lists.forget(anna(), ALLOW, "BEF5678", "visit 2")  # it is on the list


@pytest.mark.parametrize("fields", [{"plate": "BCD34"}, {}])
def test_fail__an_edit_that_would_change_nothing_is_refused(
    lists: ListClient, fields: dict[str, str]
) -> None:
    lists.add(anna(), ALLOW, {"plate": "BAB12"})
    with pytest.raises(ListError, match=r"cannot change|at least one field"):
        lists.edit(anna(), ALLOW, "BAB12", fields)
    assert len(lists.history()) == 1


def test_ok__forty_at_once_are_all_served(lists: ListClient) -> None:
    with ThreadPoolExecutor(40) as pool:
        list(pool.map(lambda n: lists.add(anna(), ALLOW, {"plate": f"AB{n:03}"}), range(40)))
    assert len(plates(lists)) == 40
