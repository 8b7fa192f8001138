# SPDX-License-Identifier: Apache-2.0
"""A list passes only with the owner's minisign signature; any change is detected."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plategate.access.sync.signature import (
    PublicKey,
    VerifiedSignature,
    load_public_key,
    parse_signature,
    verify,
)
from plategate.errors import ListError


class Owner:
    """A key pair in a folder that signs with the real minisign."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.public, self._secret = folder / "key.pub", folder / "key.sec"
        self._run("-G", "-W", "-f", "-p", self.public, "-s", self._secret)

    def sign(self, file: Path, comment: str = "serial:1", *more: str) -> Path:
        self._run("-S", "-W", "-s", self._secret, "-m", file, "-t", comment, *more)
        return file.with_name(file.name + ".minisig")

    @staticmethod
    def _run(*words: object) -> None:
        subprocess.run(["minisign", *map(str, words)], check=True, capture_output=True, input=b"")


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return Owner(tmp_path_factory.mktemp("owner"))


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    file = tmp_path / "list.csv"
    file.write_text("plate\nAB12CDE\n")
    return file


def check(owner: Owner, file: Path, signature: Path) -> VerifiedSignature:
    key = load_public_key(str(owner.public))
    return verify(file, parse_signature(signature.read_bytes(), "sig"), [key], "list")


@pytest.mark.parametrize("kind", [(), ("-l",)], ids=["prehashed", "legacy"])
def test_ok__signature_of_the_owner_is_valid(
    owner: Owner, listed: Path, kind: tuple[str, ...]
) -> None:
    signed = check(owner, listed, owner.sign(listed, "serial:42 spring", *kind))
    assert signed.trusted_comment == "serial:42 spring"
    assert signed.key_id in owner.public.read_text()


def test_ok__key_id_is_printed_as_minisign_does() -> None:
    """minisign omits leading zeros, which one key in sixteen has."""
    assert PublicKey(bytes.fromhex("ef cd ab 89 67 45 23 01"), b"").name == "123456789ABCDEF"


def test_ok__key_may_be_given_as_its_base64_line(owner: Owner, listed: Path) -> None:
    line = owner.public.read_text().splitlines()[1]
    assert load_public_key(line) == load_public_key(str(owner.public))


def test_ok__either_of_two_keys_is_accepted(owner: Owner, listed: Path, tmp_path: Path) -> None:
    new = Owner(tmp_path / "new")
    keys = [load_public_key(str(o.public)) for o in (owner, new)]
    for signer in (owner, new):
        signature = parse_signature(signer.sign(listed).read_bytes(), "sig")
        assert verify(listed, signature, keys, "list").trusted_comment == "serial:1"


def test_fail__changed_content(owner: Owner, listed: Path) -> None:
    signature = owner.sign(listed)
    listed.write_text("plate\nAB12CDF\n")
    with pytest.raises(ListError, match="content does not match"):
        check(owner, listed, signature)


def test_fail__changed_trusted_comment(owner: Owner, listed: Path) -> None:
    signature = owner.sign(listed, "serial:1")
    signature.write_text(signature.read_text().replace("serial:1", "serial:9"))
    with pytest.raises(ListError, match="trusted comment does not match"):
        check(owner, listed, signature)


def test_fail__unknown_key(owner: Owner, listed: Path, tmp_path: Path) -> None:
    stranger = Owner(tmp_path / "stranger")
    printed = stranger.public.read_text().splitlines()[0].split()[-1]
    with pytest.raises(ListError, match=f"unknown key {printed}$"):
        check(owner, listed, stranger.sign(listed))


def test_fail__every_flipped_byte_of_the_signature_is_detected(owner: Owner, listed: Path) -> None:
    good = owner.sign(listed).read_bytes()
    start = good.index(b"\n") + 1  # the first line is an untrusted comment
    key = load_public_key(str(owner.public))
    for place in range(start, len(good) - 1):  # a byte after the last line has no meaning
        bad = bytearray(good)
        bad[place] ^= 1
        try:
            verify(listed, parse_signature(bytes(bad), "sig"), [key], "list")
        except ListError:
            continue
        # The last bits of a base64 group are padding without meaning.
        assert bytes(bad[place : place + 2])[-1:] in (b"=", b"\n"), f"byte {place} was not detected"


@given(st.binary(max_size=400))
def test_fail__arbitrary_bytes_are_a_list_error(content: bytes) -> None:
    with pytest.raises(ListError):
        parse_signature(content, "sig")


@pytest.mark.parametrize("text", ["/no/such/file", "A" * 56, ""])
def test_fail__invalid_public_key(text: str) -> None:
    with pytest.raises(ListError, match="public key"):
        load_public_key(text)
