# SPDX-License-Identifier: Apache-2.0
"""A restoration checks everything first, and refuses what is damaged, hostile or not meant."""

from __future__ import annotations

import io
import json
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from plategate.backup.create import write_backup
from plategate.backup.encryption import DecryptingReader, EncryptingWriter
from plategate.journal import open_journal
from plategate.settings import load_settings
from plategate.settings.overlay import OwnerValue, write_overlay
from tests.backup.conftest import PASSPHRASE, call, only_backup, wipe
from tests.privacy.conftest import Device, Fill

DEMO = Path(__file__).parents[1] / "data" / "demo"


def test_ok__verify_checks_everything_and_changes_nothing(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    call(device, "backup", str(stick))
    wipe(device)
    device.config.write_text("")
    before = sorted(device.folder.rglob("*"))
    output = call(device, "restore", only_backup(stick), "--verify")
    assert "decrypted and checked; nothing was changed" in output
    assert sorted(device.folder.rglob("*")) == before


def test_fail__a_damaged_backup_changes_nothing(device: Device, fill: Fill, stick: Path) -> None:
    fill().close()
    call(device, "backup", str(stick))
    file = Path(only_backup(stick))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    wipe(device)
    before = sorted(device.folder.rglob("*"))
    assert "damaged" in call(device, "restore", str(file), code=1)
    assert sorted(device.folder.rglob("*")) == before


def test_fail__what_is_there_is_not_replaced_unless_it_is_meant(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    call(device, "backup", str(stick))
    assert "is there already; --force" in call(device, "restore", only_backup(stick), code=1)
    call(device, "restore", only_backup(stick), "--force")


def test_fail__a_running_gate_stops_a_restoration(device: Device, fill: Fill, stick: Path) -> None:
    fill().close()
    call(device, "backup", str(stick))
    with closing(open_journal(device.settings.journal)):
        output = call(device, "restore", only_backup(stick), "--force", code=1)
    assert "the gate is running; stop it first" in output


def test_ok__settings_of_the_device_can_be_kept(device: Device, fill: Fill, stick: Path) -> None:
    fill().close()
    owner = device.settings.commands.owner_settings_file
    value = OwnerValue("lookalike", "owner", "winter", "2026-06-01T00:00:00+00:00", "exact")
    write_overlay(owner, {"access.strictness": value})
    call(device, "backup", str(stick))
    changed = device.config.read_text() + "[lane]\nname = 'north'\n"
    wipe(device)
    device.config.write_text(changed)
    call(device, "restore", only_backup(stick), "--keep-settings")
    assert load_settings(device.config).lane.name == "north"
    assert not owner.exists()


def test_fail__settings_of_another_version_are_named(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    target = io.BytesIO()
    write_backup(device.settings, device.config, target, PASSPHRASE, journal=False)
    reader = DecryptingReader(io.BytesIO(target.getvalue()), PASSPHRASE, "it")
    archive = io.BytesIO(reader.read())
    text = device.config.read_bytes() + b"[future]\nkey = 1\n"
    (stick / "new.backup").write_bytes(changed_member(archive, "settings/settings.toml", text))
    wipe(device)
    output = call(device, "restore", str(stick / "new.backup"), code=1)
    assert "does not accept the settings of version" in output
    assert "future" in output
    assert not (device.folder / "lists").exists()


def changed_member(archive: io.BytesIO, name: str, content: bytes) -> bytes:
    """The same backup with another content of one member, as another version writes it."""
    import hashlib

    target = io.BytesIO()
    with (
        closing(EncryptingWriter(target, PASSPHRASE)) as encrypted,
        tarfile.open(fileobj=archive) as old,
        tarfile.open(fileobj=encrypted, mode="w|gz") as new,  # type: ignore[call-overload]
    ):
        for member in old:
            stream = old.extractfile(member)
            assert stream is not None
            data = content if member.name == name else stream.read()
            if member.name == "manifest.json":
                hashes = json.loads(data)
                if name in hashes:
                    hashes[name] = hashlib.sha256(content).hexdigest()
                data = json.dumps(hashes).encode()
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return target.getvalue()


@pytest.mark.parametrize("format_", [1, 2])
def test_ok__a_backup_of_another_version_is_read_if_its_format_is_known(
    device: Device, fill: Fill, stick: Path, format_: int
) -> None:
    fill().close()
    target = io.BytesIO()
    write_backup(device.settings, device.config, target, PASSPHRASE, journal=False)
    archive = io.BytesIO(DecryptingReader(io.BytesIO(target.getvalue()), PASSPHRASE, "it").read())
    with tarfile.open(fileobj=archive) as old:
        stream = old.extractfile("about.json")
        assert stream is not None
        about = json.loads(stream.read())
    archive.seek(0)
    about |= {"version": "9.9.9", "format": format_}
    content = changed_member(archive, "about.json", json.dumps(about).encode())
    (stick / "other.backup").write_bytes(content)
    wipe(device)
    output = call(device, "restore", str(stick / "other.backup"), code=format_ - 1)
    assert "9.9.9" in output
    assert ("files are in place" in output) is (format_ == 1)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "lists/../../evil", "evil"])
def test_fail__a_hostile_archive_writes_nothing_outside(
    device: Device, stick: Path, name: str
) -> None:
    target = io.BytesIO()
    with (
        closing(EncryptingWriter(target, PASSPHRASE)) as encrypted,
        tarfile.open(fileobj=encrypted, mode="w|gz") as archive,  # type: ignore[call-overload]
    ):
        member = tarfile.TarInfo(name)
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    (stick / "evil.backup").write_bytes(target.getvalue())
    output = call(device, "restore", str(stick / "evil.backup"), code=1)
    assert "is not a file of a backup" in output
    assert not list(device.folder.parent.rglob("*evil"))


def test_fail__a_missing_stick_is_named(device: Device, stick: Path) -> None:
    output = call(device, "backup", str(stick / "missing"), code=1)
    assert "is the stick plugged in and mounted?" in output
