# SPDX-License-Identifier: Apache-2.0
"""`plategate backup` and `plategate restore`: encrypted copies of a device, and back again."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from plategate.commands.shared.lists import warn
from plategate.errors import printable
from plategate.terminal import Config
from plategate.users import user_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plategate.plate_data.tombstones import Tombstone

STREAM = "-"
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", help="file with the passphrase; without it, the command asks"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    target: Annotated[
        str | None, typer.Argument(help="folder, or - for standard output; default: backup.dir")
    ] = None,
    journal: Annotated[
        bool | None,
        typer.Option("--journal/--no-journal", help="passages and pictures; default: the settings"),
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=0, help="backups kept in the folder; 0: all")
    ] = None,
    passphrase_file: PassphraseFile = None,
    config: Config = None,
) -> None:
    """Write settings, lists, records, accounts and keys, encrypted; the gate goes on working."""
    from plategate.backup.create import write_backup
    from plategate.backup.folder import backup_to_folder
    from plategate.errors import BackupError
    from plategate.settings import load_settings
    from plategate.settings.edit import settings_file

    file = settings_file(config)
    settings = load_settings(config)
    chosen = settings.backup
    with_journal = chosen.journal if journal is None else journal
    passphrase = _passphrase(passphrase_file or chosen.passphrase_file, twice=True)
    if target == STREAM:
        if sys.stdout.isatty():
            raise BackupError("a backup is binary data; give a folder, or redirect it to a file")
        write_backup(settings, file, sys.stdout.buffer, passphrase, journal=with_journal)
        return
    folder = Path(target) if target else chosen.dir
    if folder is None:
        raise typer.BadParameter("give a folder, or set backup.dir")
    written, about = backup_to_folder(
        settings,
        file,
        folder,
        passphrase,
        journal=with_journal,
        keep=chosen.keep if keep is None else keep,
    )
    print(f"{written}: {', '.join(about.parts)}")


def restore(
    file: Annotated[str, typer.Argument(help="the backup, or - for standard input")],
    verify: Annotated[
        bool, typer.Option("--verify", help="check the backup and change nothing")
    ] = False,
    keep_settings: Annotated[
        bool, typer.Option("--keep-settings", help="leave the settings of this device as they are")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="replace lists, accounts and journal that this device has"),
    ] = False,
    erased: Annotated[
        Path | None,
        typer.Option(help="proofs of erasure; default: erased.jsonl next to the backup"),
    ] = None,
    passphrase_file: PassphraseFile = None,
    config: Config = None,
) -> None:
    """Put a backup in place; plates that were erased after it was made are erased again."""
    from plategate.backup.read import unpack
    from plategate.backup.restore import erase_again, proofs_in, put_in_place, restored_settings
    from plategate.errors import BackupError
    from plategate.settings import load_settings
    from plategate.settings.edit import settings_file

    target = settings_file(config)
    passphrase = _passphrase(passphrase_file, twice=False)
    stones = _proofs(file, erased)
    with _scratch(verify) as unpacked:
        with _source(file) as stream:
            about = unpack(stream, passphrase, file, unpacked)
        print(
            f"{file}: made {about.made_at} on {printable(about.host)} with version {about.version}:"
            f" {', '.join(about.parts)}"
        )
        settings = load_settings(config) if keep_settings else restored_settings(unpacked, about)
        if verify:
            print("everything in it was decrypted and checked; nothing was changed")
            return
        stones += _own_proofs(config)
        earlier = proofs_in(unpacked)
        count = put_in_place(
            unpacked, about, settings, target, keep_settings=keep_settings, force=force
        )
        print(f"{count} files are in place; settings: {target}")
    results = erase_again(settings, about, stones, earlier, user_name())
    failed = False
    for plate, outcome in results.items():
        total = sum(result.erasure.total for result in outcome)
        print(f"erased again: {total} items of {plate[:24]}")
        for result in outcome:
            if result.error is not None:
                failed = True
                warn(f"{result.store}: NOT erased: {result.error}")
    if failed:
        raise BackupError("a plate that was erased is back; remove the cause and restore again")
    print("start again: sudo systemctl start plategate-gate plategate-outbound")


def _passphrase(file: Path | None, *, twice: bool) -> str:
    from plategate.errors import BackupError, reason_of

    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BackupError(
                f"{file}: the passphrase cannot be read: {reason_of(error)}"
            ) from error
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True))


def _proofs(file: str, named: Path | None) -> list[Tombstone]:
    from plategate.errors import BackupError
    from plategate.plate_data.tombstones import FILE_NAME, read_tombstones

    if named is not None:
        if not named.exists():
            raise BackupError(f"{named}: there is no such file of proofs")
        return read_tombstones(named)
    if file == STREAM:
        return []
    proofs = Path(file).with_name(FILE_NAME)
    if not proofs.exists():
        warn(f"{proofs} is missing: plates that were erased after the backup would come back")
    return read_tombstones(proofs)


def _own_proofs(config: Config) -> list[Tombstone]:
    """The proofs that this device has before the backup replaces them."""
    from plategate.errors import SettingsError
    from plategate.plate_data.tombstones import Tombstones
    from plategate.settings import load_settings

    try:
        return Tombstones(load_settings(config).privacy.dir).all()
    except SettingsError:
        return []  # the settings are restored just now


@contextmanager
def _source(file: str) -> Iterator[BinaryIO]:
    from plategate.errors import BackupError, reason_of

    if file == STREAM:
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as stream:
            yield stream
    except OSError as error:
        raise BackupError(f"{file}: cannot be read: {reason_of(error)}") from error


def _scratch(verify: bool) -> AbstractContextManager[Path]:
    """A folder that only this user reads; for a restoration on the disk of the state."""
    from tempfile import gettempdir

    from plategate.backup.scratch import scratch_folder
    from plategate.settings.state_paths import PRIVACY_STATE

    on_disk = not verify and PRIVACY_STATE.is_dir()
    return scratch_folder(PRIVACY_STATE if on_disk else Path(gettempdir()))
