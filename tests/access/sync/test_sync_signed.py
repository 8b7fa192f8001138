# SPDX-License-Identifier: Apache-2.0
"""A list that must be signed is accepted only if it is the owner's newest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plategate.access.sync.source import SourceOutcome

from .hostile import Server, serving
from .list_gate import ONE_MORE, TEN, Gate, allow, outcomes
from .test_signature import Owner


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
        source = allow(server, signature="required", public_keys=[str(owner.public)])
        self.gate = Gate(folder / "gate", source)

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
