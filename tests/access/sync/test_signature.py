# SPDX-License-Identifier: Apache-2.0
"""Only what the owner signed with the ordinary minisign passes; the least change does not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plategate.access.sync.signature import (
    PublicKey,
    Signed,
    load_public_key,
    parse_signature,
    verify,
)
from plategate.errors import ListError


class Owner:
    """An owner with a key pair in a folder, who signs by the real minisign."""

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


def check(owner: Owner, file: Path, signature: Path) -> Signed:
    key = load_public_key(str(owner.public))
    return verify(file, parse_signature(signature.read_bytes(), "sig"), [key], "list")


@pytest.mark.parametrize("kind", [(), ("-l",)], ids=["prehashed", "legacy"])
def test_ok__what_the_owner_signed_passes(
    owner: Owner, listed: Path, kind: tuple[str, ...]
) -> None:
    signed = check(owner, listed, owner.sign(listed, "serial:42 spring", *kind))
    assert (signed.serial, signed.trusted_comment) == (42, "serial:42 spring")
    assert signed.key_id in owner.public.read_text()


def test_ok__a_key_is_named_as_minisign_prints_it() -> None:
    """One key in sixteen begins with a zero, which minisign leaves out."""
    assert PublicKey(bytes.fromhex("ef cd ab 89 67 45 23 01"), b"").name == "123456789ABCDEF"


def test_ok__timestamp_of_minisign_is_the_serial_where_none_is_given(
    owner: Owner, listed: Path
) -> None:
    signed = check(owner, listed, owner.sign(listed, "timestamp:1700000000\tfile:list.csv"))
    assert signed.serial == 1_700_000_000


def test_ok__key_may_be_the_line_itself(owner: Owner, listed: Path) -> None:
    line = owner.public.read_text().splitlines()[1]
    assert load_public_key(line) == load_public_key(str(owner.public))


def test_ok__either_of_two_keys_signs(owner: Owner, listed: Path, tmp_path: Path) -> None:
    new = Owner(tmp_path / "new")
    keys = [load_public_key(str(o.public)) for o in (owner, new)]
    for signer in (owner, new):
        signature = parse_signature(signer.sign(listed).read_bytes(), "sig")
        assert verify(listed, signature, keys, "list").serial == 1


def test_fail__changed_content(owner: Owner, listed: Path) -> None:
    signature = owner.sign(listed)
    listed.write_text("plate\nAB12CDF\n")
    with pytest.raises(ListError, match="content is not what was signed"):
        check(owner, listed, signature)


def test_fail__changed_trusted_comment(owner: Owner, listed: Path) -> None:
    signature = owner.sign(listed, "serial:1")
    signature.write_text(signature.read_text().replace("serial:1", "serial:9"))
    with pytest.raises(ListError, match="trusted comment is not what was signed"):
        check(owner, listed, signature)


def test_fail__somebody_elses_key(owner: Owner, listed: Path, tmp_path: Path) -> None:
    stranger = Owner(tmp_path / "stranger")
    printed = stranger.public.read_text().splitlines()[0].split()[-1]
    with pytest.raises(ListError, match=f"unknown key {printed}$"):
        check(owner, listed, stranger.sign(listed))


def test_fail__every_flipped_byte_of_the_signature_is_noticed(owner: Owner, listed: Path) -> None:
    good = owner.sign(listed).read_bytes()
    start = good.index(b"\n") + 1  # the first line is an untrusted comment
    key = load_public_key(str(owner.public))
    for place in range(start, len(good) - 1):  # the last line may end as it likes
        bad = bytearray(good)
        bad[place] ^= 1
        try:
            verify(listed, parse_signature(bytes(bad), "sig"), [key], "list")
        except ListError:
            continue
        # The last bits of a base64 group are padding and mean nothing.
        assert bytes(bad[place : place + 2])[-1:] in (b"=", b"\n"), f"byte {place} went unnoticed"


@given(st.binary(max_size=400))
def test_fail__rubbish_is_a_list_error(rubbish: bytes) -> None:
    with pytest.raises(ListError):
        parse_signature(rubbish, "sig")


@pytest.mark.parametrize("text", ["/no/such/file", "A" * 56, ""])
def test_fail__public_key_is_none(text: str) -> None:
    with pytest.raises(ListError, match="public key"):
        load_public_key(text)
