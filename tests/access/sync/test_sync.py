# SPDX-License-Identifier: Apache-2.0
"""A sync puts the newest valid list in force and never anything else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plategate.access.store.by_hand import add_by_hand, remove_by_hand
from plategate.access.store.database import open_for_reading, open_for_writing
from plategate.access.store.history import Author, plates_of
from plategate.access.store.lists import ListName, all_entries
from plategate.access.store.vehicles import record_of_plate
from plategate.access.sync.source import SourceOutcome
from plategate.values import ListEntry
from scripts.testbed.web_server import Server, gzip_bomb, plain, serving, truncated

from .list_gate import NOON, ONE_MORE, TEN, Gate, allow, outcomes


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def gate(tmp_path: Path, server: Server) -> Gate:
    server.serve("/allow.csv", TEN)
    gate = Gate(tmp_path / "gate", allow(server))
    assert gate.sync().all_well
    return gate


def test_ok__new_list_is_in_force(gate: Gate, server: Server) -> None:
    assert len(gate.plates()) == 10
    server.serve("/allow.csv", ONE_MORE)
    report = gate.sync()
    assert (report.changes[0].added, report.changes[0].removed) == (1, 0)
    assert "XY99ZZZ" in gate.plates()


def test_ok__unchanged_list_is_confirmed_not_replaced(gate: Gate) -> None:
    report = gate.sync()
    assert (outcomes(report), report.changes) == ([SourceOutcome.UNCHANGED], ())
    assert gate.confirmed_at() == gate.at


def test_ok__validators_are_not_used_at_another_address(gate: Gate, server: Server) -> None:
    """A new address whose file is older would answer "not modified" to the old validators."""
    server.serve("/other.csv", ONE_MORE)
    honest = server.answers["/other.csv"]
    server.answers["/other.csv"] = lambda request: (
        plain(304) if "If-None-Match" in request.headers else honest
    )(request)
    gate.configure(allow(server, url=server.url("/other.csv")))
    assert gate.sync().changes[0].added == 1
    assert outcomes(gate.sync()) == [SourceOutcome.UNCHANGED]


def test_ok__same_content_under_a_new_etag_is_no_change(gate: Gate, server: Server) -> None:
    server.serve("/allow.csv", TEN, etag='"another"')
    assert gate.sync().changes == ()


def test_ok__dry_run_shows_the_difference_and_changes_nothing(gate: Gate, server: Server) -> None:
    server.serve("/allow.csv", ONE_MORE)
    before = gate.plates()
    assert gate.sync(dry_run=True).changes[0].added == 1
    assert gate.plates() == before
    assert gate.sync().changes[0].added == 1  # the dry run did not keep the new copy


def test_ok__a_dry_run_creates_no_file_that_its_user_would_own(tmp_path: Path) -> None:
    folder = tmp_path / "gate"
    folder.mkdir()
    gate = Gate(folder, {"name": "stick", "kind": "allow", "url": str(tmp_path / "l.csv")})
    (tmp_path / "l.csv").write_bytes(b"plate\nHAND1\n")
    before = sorted(folder.rglob("*"))
    assert gate.sync(dry_run=True).changes[0].added == 1
    assert sorted(folder.rglob("*")) == before


def test_ok__list_of_another_source_is_replaced(gate: Gate, tmp_path: Path) -> None:
    other = Gate(gate.folder, {"name": "stick", "kind": "allow", "url": str(tmp_path / "l.csv")})
    (tmp_path / "l.csv").write_bytes(b"plate\nHAND1\n")
    other.sync()
    assert gate.plates() == {"HAND1"}
    gate.sync()
    assert len(gate.plates()) == 10


@pytest.mark.parametrize(
    "bad",
    [
        plain(500),
        plain(404),
        truncated(ONE_MORE, 9999),
        gzip_bomb(1),
        plain(200, b""),
        plain(200, b"plate\n"),
        plain(200, b"plate\nAB1\n"),
        plain(200, b"plate;holder\n\xff\xfe\n"),
        plain(200, b"<!DOCTYPE html><title>Log in</title>"),
        plain(200, b'{"format": "plategate-list", "version": 1, "list": "block", "entries": []}'),
        plain(200, b'{"format": "plategate-list", "version": 1, "entries": [{"plate": "AB'),
        plain(200, TEN + b"XY99ZZZ,one field too many,,,,,,,,,\n"),
        plain(302, Location="/allow.csv"),
    ],
)
def test_fail__bad_list_leaves_the_good_one_in_force(
    gate: Gate, server: Server, bad: object
) -> None:
    before, fresh = gate.plates(), gate.confirmed_at()
    server.answers["/allow.csv"] = bad  # type: ignore[assignment]
    report = gate.sync()
    assert not report.all_well
    assert gate.plates() == before
    assert gate.confirmed_at() == fresh  # its age keeps growing
    server.serve("/allow.csv", ONE_MORE)
    assert gate.sync().all_well
    assert len(gate.plates()) == 11


def test_fail__shrunk_list_is_set_aside_until_forced(gate: Gate, server: Server) -> None:
    server.serve("/allow.csv", TEN[: len(TEN) // 2 - 8])
    report = gate.sync()
    assert outcomes(report) == [SourceOutcome.SET_ASIDE]
    assert "shrank from 10 to 4" in report.results[0].message
    assert (gate.folder / "sources" / "estate" / "set-aside").exists()
    assert len(gate.plates()) == 10
    assert gate.sync(force=True).all_well
    assert len(gate.plates()) == 4


def test_fail__failure_is_logged_once_and_its_end_once(
    gate: Gate, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.answers["/allow.csv"] = plain(500)
    for _ in range(3):
        gate.sync()
    server.serve("/allow.csv", TEN)
    for _ in range(3):
        gate.sync()
    ours = [record for record in caplog.records if record.name.startswith("plategate.")]
    logged = [(record.levelname, "answered 500" in record.getMessage()) for record in ours]
    assert logged == [("WARNING", True), ("INFO", False)]


def test_ok__sources_are_merged_by_priority(tmp_path: Path, server: Server) -> None:
    server.serve("/a", b"plate,holder\nAB12CDE,from a\nAA11AAA,\n")
    server.serve("/b", b"plate,holder\nAB12CDE,from b\nBB22BBB,\n")
    server.serve("/records", b"plate,owner\nAB12CDE,A. Example\n")
    gate = Gate(
        tmp_path,
        {"name": "b", "kind": "allow", "url": server.url("/b"), "priority": 1},
        {"name": "a", "kind": "allow", "url": server.url("/a"), "priority": 2},
        {"name": "r", "kind": "records", "url": server.url("/records")},
    )
    assert gate.sync().records == 1
    with closing(open_for_reading(gate.store)) as store:
        holders = {e.plate: e.holder for e in all_entries(store, ListName.ALLOW)}
        record = record_of_plate(store, "AB12CDE")
    assert holders == {"AB12CDE": "from b", "BB22BBB": "", "AA11AAA": ""}
    assert record is not None and record.owner == "A. Example"
    assert gate.sync().records is None  # in force already


def test_ok__failed_source_does_not_stop_the_others(tmp_path: Path, server: Server) -> None:
    server.serve("/a", b"plate\nAA11AAA\n")
    server.serve("/b", b"plate\nBB22BBB\n")
    gate = Gate(
        tmp_path,
        {"name": "a", "kind": "allow", "url": server.url("/a")},
        {"name": "b", "kind": "allow", "url": server.url("/b")},
    )
    gate.sync()
    del server.answers["/a"]
    server.serve("/b", b"plate\nBB22BBB\nBB33BBB\n")
    assert not gate.sync().all_well
    assert gate.plates() == {"AA11AAA", "BB22BBB", "BB33BBB"}


def test_ok__damaged_state_file_is_ignored(gate: Gate) -> None:
    (gate.folder / "sources" / "estate" / "list.json").write_text('{"etag": 7, "x"')
    assert gate.sync().all_well
    assert len(gate.plates()) == 10


@given(st.one_of(st.binary(max_size=2000), st.text(max_size=500).map(str.encode)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_fail__arbitrary_content_leaves_a_whole_list_in_force(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    file = folder / "list"
    file.write_bytes(TEN)
    gate = Gate(folder / "gate", {"name": "stick", "kind": "allow", "url": str(file)})
    assert gate.sync().all_well
    before = gate.plates()
    file.write_bytes(content)
    if not gate.sync().all_well:
        assert gate.plates() == before


def test_ok__a_sync_keeps_what_was_changed_by_hand_and_counts_it(
    gate: Gate, server: Server
) -> None:
    author = Author("anna", gate.at)
    with closing(open_for_writing(gate.store)) as store:
        remove_by_hand(store, ListName.ALLOW, "AB110CDE", author)
        add_by_hand(store, ListName.ALLOW, ListEntry("MX1"), author)
    assert gate.sync().changes == ()  # the sources are unchanged
    server.serve("/allow.csv", ONE_MORE)
    (change,) = gate.sync().changes
    assert (change.kept, change.kept_out, change.added) == (1, 1, 1)
    assert {"MX1", "XY99ZZZ"} <= set(gate.plates())
    assert "AB110CDE" not in gate.plates()


def test_ok__a_sync_forgets_what_was_replaced_longer_ago_than_the_limit(
    gate: Gate, server: Server
) -> None:
    server.serve("/allow.csv", ONE_MORE)
    gate.sync()
    for days, kept in ((29, ("XY99ZZZ",)), (31, ())):
        gate.at = NOON + timedelta(days=days)
        gate.sync()
        with closing(open_for_reading(gate.store)) as store:
            assert plates_of(store, 2, 10) == kept
