# SPDX-License-Identifier: Apache-2.0
"""A list that must be signed is accepted only if it is the owner's newest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from plategate.access.sync.checks import signature_address
from plategate.access.sync.source import SourceOutcome
from scripts.testbed.web_server import Server, serving

from .list_gate import ONE_MORE, TEN, Gate, allow, outcomes
from .test_signature import Owner

# What a list.json of version 0.1.0 has.
VERSION_0_1_FIELDS = (
    "url", "etag", "last_modified", "sha256", "serial", "key_id", "entries", "fetched_at",
    "checked_at", "problem", "problem_since",
)  # fmt: skip


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return Owner(tmp_path_factory.mktemp("owner"))


class SignedSite:
    """A gate that requires signatures, and the owner who publishes for it."""

    def __init__(self, folder: Path, server: Server, owner: Owner) -> None:
        self._file, self._server, self._owner = folder / "allow.csv", server, owner
        self.keys = [str(owner.public)]
        self.gate = Gate(folder / "gate", allow(server, public_keys=self.keys))

    def configure(self, site: str = "", **source: object) -> None:
        self.gate.limits = {"site": site}
        self.gate.configure(allow(self._server, public_keys=self.keys, **source))

    def publish(self, content: bytes, comment: str) -> None:
        self._file.write_bytes(content)
        signature = self._owner.sign(self._file, comment)
        self._server.serve("/allow.csv", content)
        self._server.serve("/allow.csv.minisig", signature.read_bytes())


@pytest.fixture
def signed(tmp_path: Path, server: Server, owner: Owner) -> SignedSite:
    site = SignedSite(tmp_path, server, owner)
    site.publish(TEN, "serial:5")
    assert site.gate.sync().all_well
    return site


def test_ok__signed_list_with_a_higher_serial_is_accepted(signed: SignedSite) -> None:
    signed.publish(ONE_MORE, "serial:6")
    assert signed.gate.sync().all_well
    assert len(signed.gate.plates()) == 11


def test_fail__replayed_list_is_set_aside(signed: SignedSite) -> None:
    signed.publish(ONE_MORE, "serial:4")
    report = signed.gate.sync()
    assert "serial 4 is older than 5" in report.results[0].message
    assert len(signed.gate.plates()) == 10


def test_fail__tampered_list_is_set_aside_even_with_force(
    signed: SignedSite, server: Server
) -> None:
    server.serve("/allow.csv", ONE_MORE)
    for force in (False, True):
        assert outcomes(signed.gate.sync(force=force)) == [SourceOutcome.SET_ASIDE]
    assert len(signed.gate.plates()) == 10


def test_fail__stripped_signature_is_set_aside(signed: SignedSite, server: Server) -> None:
    server.serve("/allow.csv", ONE_MORE)
    del server.answers["/allow.csv.minisig"]
    assert "no signature" in signed.gate.sync().results[0].message
    assert len(signed.gate.plates()) == 10


def test_fail__once_signed_stays_signed(
    tmp_path: Path, server: Server, owner: Owner, signed: SignedSite
) -> None:
    optional = allow(server, signature="if_present", public_keys=[str(owner.public)])
    signed.gate.configure(optional)
    server.serve("/allow.csv", ONE_MORE)
    del server.answers["/allow.csv.minisig"]
    assert "the last one was signed" in signed.gate.sync().results[0].message


def test_fail__unsigned_last_good_copy_does_not_count_once_signatures_are_required(
    tmp_path: Path, server: Server, owner: Owner
) -> None:
    server.serve("/allow.csv", TEN)
    gate = Gate(tmp_path / "gate", allow(server))
    assert gate.sync().all_well
    required = allow(server, signature="required", public_keys=[str(owner.public)])
    gate.configure(required)
    report = gate.sync()
    assert outcomes(report) == [SourceOutcome.SET_ASIDE]
    assert gate.confirmed_at() < gate.at


def test_fail__keys_alone_make_a_signature_required(
    tmp_path: Path, server: Server, owner: Owner
) -> None:
    """The first download must not be accepted unsigned either."""
    server.serve("/allow.csv", TEN)
    gate = Gate(tmp_path, allow(server, public_keys=[str(owner.public)]))
    assert "no signature" in gate.sync().results[0].message


@pytest.mark.parametrize(
    ("comment", "reason"),
    [
        ("serial:6 list:block", "signed as the block list, allow was expected"),
        ("list:records serial:6", "signed as the records list"),
        ("serial:6 site:south", "signed for site south, this is north"),
        ("serial:6 site:south,west", "signed for site south, west"),
        ("serial:6 expires:2026-02-28", "expired at 2026-03-01T00:00"),
        ("serial:6 expires:soon", "must be a date"),
        ("serial:6 list:allow list:block", "two values of list:"),
        ("timestamp:9999999999 serial:4", "serial 4 is older than 5"),
    ],
)
def test_fail__signature_for_something_else(signed: SignedSite, comment: str, reason: str) -> None:
    signed.configure(site="north")
    signed.publish(ONE_MORE, comment)
    report = signed.gate.sync()
    assert outcomes(report) == [SourceOutcome.SET_ASIDE]
    assert reason in report.results[0].message
    assert len(signed.gate.plates()) == 10


@pytest.mark.parametrize(
    "comment",
    [
        "serial:6 list:allow site:north expires:2026-03-01",
        "serial:6 site:*",
        "serial:6 site:south,north",
        "timestamp:6 list:allow",
    ],
)
def test_ok__signature_for_this_list_and_site(signed: SignedSite, comment: str) -> None:
    signed.configure(site="north")
    signed.publish(ONE_MORE, comment)
    assert signed.gate.sync().all_well
    assert len(signed.gate.plates()) == 11


@pytest.mark.parametrize("name", ["list", "site", "expires"])
def test_fail__what_the_settings_require_must_be_stated(signed: SignedSite, name: str) -> None:
    signed.configure(site="north", signature_states=[name])
    fields = {"list": "list:allow", "site": "site:north", "expires": "expires:2026-12-31"}
    others = " ".join(text for field, text in fields.items() if field != name)
    signed.publish(ONE_MORE, f"serial:6 {others}")
    assert f"must state {name}:" in signed.gate.sync().results[0].message
    signed.publish(ONE_MORE, f"serial:6 {others} {fields[name]}")
    assert signed.gate.sync().all_well


def test_fail__once_stated_stays_stated(signed: SignedSite) -> None:
    """An old signature without `list:` could belong to another list."""
    signed.publish(ONE_MORE, "serial:6 list:allow")
    assert signed.gate.sync().all_well
    signed.publish(TEN, "serial:7")
    assert "must state list:" in signed.gate.sync().results[0].message
    assert signed.gate.sync(force=True).all_well


def test_fail__frozen_list_expires_although_the_server_says_unchanged(signed: SignedSite) -> None:
    signed.publish(ONE_MORE, "serial:6 expires:2026-03-02")
    assert signed.gate.sync().all_well
    assert outcomes(signed.gate.sync()) == [SourceOutcome.UNCHANGED]
    fresh = signed.gate.confirmed_at()
    signed.gate.at += timedelta(days=2)
    report = signed.gate.sync()
    assert outcomes(report) == [SourceOutcome.SET_ASIDE]
    assert "expired at 2026-03-03T00:00" in report.results[0].message
    assert len(signed.gate.plates()) == 11  # the last good list stays in force
    assert signed.gate.confirmed_at() == fresh  # and grows old


def test_ok__new_signature_of_an_unchanged_list_moves_its_expiry(signed: SignedSite) -> None:
    signed.publish(ONE_MORE, "serial:6 expires:2026-03-02")
    assert signed.gate.sync().all_well
    signed.gate.at += timedelta(days=2)
    signed.publish(ONE_MORE, "serial:7 expires:2026-03-31")
    assert outcomes(signed.gate.sync()) == [SourceOutcome.UNCHANGED]
    signed.publish(ONE_MORE, "serial:6 expires:2026-12-31")
    assert "serial 6 is older than 7" in signed.gate.sync().results[0].message


def test_fail__block_list_with_its_signature_served_as_allow_list(
    tmp_path: Path, server: Server, owner: Owner
) -> None:
    """Found without any statement where the gate has the block list as well."""
    file = tmp_path / "block.csv"
    file.write_bytes(b"plate\nBANNED1\n")
    signature = owner.sign(file).read_bytes()
    for name in ("block", "allow"):
        server.serve(f"/{name}.csv", file.read_bytes())
        server.serve(f"/{name}.csv.minisig", signature)
    keys = {"public_keys": [str(owner.public)]}
    block = {"name": "banned", "kind": "block", "url": server.url("/block.csv"), **keys}
    gate = Gate(tmp_path / "gate", block, allow(server, **keys))
    report = gate.sync()
    assert outcomes(report) == [SourceOutcome.NEW, SourceOutcome.SET_ASIDE]
    assert "is the block list of source banned" in report.results[1].message


def test_ok__upgrade_keeps_unsigned_copies_of_sources_with_keys(
    tmp_path: Path, server: Server, owner: Owner
) -> None:
    """0.1.0 took unsigned lists although keys were set. They stay until a signed one comes."""
    server.serve("/allow.csv", TEN)
    server.serve("/more.csv", b"plate\nMORE1\n")
    more = {"name": "more", "kind": "allow", "url": server.url("/more.csv")}
    gate = Gate(tmp_path / "gate", allow(server), more)
    assert gate.sync().all_well
    state = gate.folder / "sources" / "estate" / "list.json"
    old = json.loads(state.read_text())
    state.write_text(json.dumps({name: old[name] for name in VERSION_0_1_FIELDS}))
    gate.configure(allow(server, public_keys=[str(owner.public)]), more)
    server.serve("/more.csv", b"plate\nMORE1\nMORE2\n")
    for _ in range(2):
        assert outcomes(gate.sync()) == [SourceOutcome.SET_ASIDE, SourceOutcome.NEW]
        assert gate.plates() >= {"AB110CDE", "MORE2"}
        server.serve("/more.csv", b"plate\nMORE1\nMORE2\nMORE3\n")


def test_ok__signature_of_an_address_with_a_query() -> None:
    assert signature_address("https://h/l.csv?v=1") == "https://h/l.csv.minisig?v=1"
    assert signature_address("https://h/l.csv") == "https://h/l.csv.minisig"
