# SPDX-License-Identifier: Apache-2.0
"""Root erases, backs up and restores as the owners of the folders, and follows no link."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plategate.journal import open_journal
from plategate.users import as_owner_of
from tests.backup.conftest import PASSPHRASE, call, only_backup
from tests.privacy.conftest import Device, fill_device, make_device

# Users of every Debian, in place of those of the units.
OWNERS = {"gate": "games", "lists": "news", "outbound": "mail", "console": "lp", "privacy": "root"}
READ_BY_THE_GATE = ("lists", "privacy")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def owned(device: Device) -> None:
    for name, user in OWNERS.items():
        found = pwd.getpwnam(user)
        group = pwd.getpwnam("games").pw_gid if name in READ_BY_THE_GATE else found.pw_gid
        for path in (device.folder / name, *(device.folder / name).rglob("*")):
            os.chown(path, found.pw_uid, group, follow_symlinks=False)


def strangers(device: Device) -> list[str]:
    """Files that do not belong to the owner of their folder."""
    return [
        f"{path.owner()}: {path.relative_to(device.folder)}"
        for name, user in OWNERS.items()
        for path in (device.folder / name).rglob("*")
        if path.owner() != user
    ]


@pytest.fixture
def device(open_folder: Path) -> Iterator[Device]:
    made = make_device(open_folder)
    fill_device(made).close()
    for name in OWNERS:
        (made.folder / name).mkdir(exist_ok=True)
    owned(made)
    for name in READ_BY_THE_GATE:
        (made.folder / name).chmod(0o2750)
    (open_folder / "passphrase").write_text(PASSPHRASE)
    (open_folder / "stick").mkdir(mode=0o700)
    yield made


def test_ok__owners_stay_owners(device: Device, open_folder: Path) -> None:
    from tests.privacy.test_erase import ERASE, run

    stick = open_folder / "stick"
    call(device, "backup", str(stick), "--journal")
    run(device, *ERASE)
    assert device.files_with_the_plate() == []
    assert strangers(device) == []
    for name in OWNERS:
        shutil.rmtree(device.folder / name)
        (device.folder / name).mkdir(mode=0o750)
        if name in READ_BY_THE_GATE:
            (device.folder / name).chmod(0o2750)
    (device.folder / "gate" / "gate").mkdir()
    (device.folder / "gate" / "shared").mkdir()
    owned(device)
    call(device, "restore", only_backup(stick), "--force")
    assert strangers(device) == []
    settings = device.settings.journal
    with as_owner_of(device.folder / "gate"), closing(open_journal(settings)) as journal:
        assert len(journal.passages()) == 2


def test_fail__a_planted_link_leads_nowhere(device: Device, open_folder: Path) -> None:
    stick = open_folder / "stick"
    call(device, "backup", str(stick), "--journal")
    secret = open_folder / "secret"
    secret.mkdir(mode=0o700)
    (secret / "file").write_text("of root")
    gate = device.folder / "gate" / "gate"
    shutil.rmtree(gate / "evidence")
    (gate / "evidence").symlink_to(secret)
    (gate / ".backup-journal.sqlite").symlink_to(secret / "file")
    call(device, "restore", only_backup(stick), "--force", code=1)
    assert [path.name for path in secret.iterdir()] == ["file"]
    assert (secret / "file").read_text() == "of root"
