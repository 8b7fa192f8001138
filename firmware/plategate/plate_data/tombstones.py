# SPDX-License-Identifier: Apache-2.0
"""The plates that were erased, as keyed hashes: no source and no backup brings them back.

`erased.jsonl` and its key are in one folder that root writes and every part of the device reads. A
copy of the file next to the backups is enough to erase again what a backup brings back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from plategate.durable_files import locked_folder, replace_file
from plategate.errors import StoreError, reason_of_own, storable
from plategate.plate_data.hashing import KEY_FILE, key_name, plate_hash, plate_key, read_key
from plategate.storage import storage_errors

FILE_NAME = "erased.jsonl"
SHARED_MODE = 0o640  # the group of the folder reads


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The proof that a plate was erased: when, by whom, why; the plate only as a keyed hash."""

    at: str
    plate: str
    key: str
    who: str
    why: str


class Tombstones:
    """The proofs in one folder. Every method raises StoreError or SettingsError."""

    def __init__(self, folder: Path) -> None:
        """Open nothing yet."""
        self.file = folder / FILE_NAME
        self._folder = folder

    def all(self) -> list[Tombstone]:
        """The proofs, oldest first."""
        return read_tombstones(self.file)

    def add(self, plate: str, at: datetime, who: str, why: str) -> Tombstone:
        """Store a proof; a plate that was erased before gets the new time."""
        with self._locked():
            key = self.key()
            hashed = plate_hash(plate, key)
            stone = Tombstone(
                at.astimezone(UTC).isoformat(timespec="seconds"),
                hashed,
                key_name(key),
                storable(who),
                storable(why),
            )
            self.write([each for each in self.all() if each.plate != hashed] + [stone])
        return stone

    def lift(self, plate: str) -> bool:
        """Remove the proof of a plate, so that sources may bring it again; False: there is none."""
        if not self.all():
            return False
        with self._locked():
            found = self.all()
            hashed = plate_hash(plate, self.key())
            kept = [each for each in found if each.plate != hashed]
            if len(kept) < len(found):
                self.write(kept)
        return len(kept) < len(found)

    def write(self, stones: list[Tombstone]) -> None:
        """Replace the file."""
        lines = "".join(
            json.dumps({"schema": 1, **asdict(stone)}, ensure_ascii=False) + "\n"
            for stone in stones
        )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_file(self.file, lines.encode(), mode=SHARED_MODE)
        except OSError as error:
            raise StoreError(f"{self.file}: {reason_of_own(error)}") from error

    def key(self) -> bytes:
        """The key of this gate; it is made where there is none and no proof needs one.

        With a new key the proofs that are there would keep no plate out.
        """
        if not (self._folder / KEY_FILE).exists() and self.all():
            raise StoreError(
                f"{self._folder / KEY_FILE} is missing: without it nobody can say which plates"
                f" {self.file} means; restore it from a backup, or move {FILE_NAME} away"
            )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self._folder}: {reason_of_own(error)}") from error
        return plate_key(None, self._folder, SHARED_MODE)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let no other command change the proofs in this block: one of two would be lost."""
        with ExitStack() as block:
            with storage_errors(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
                block.enter_context(locked_folder(self._folder))
            yield


class ErasedPlates:
    """Tests plates for an erasure, and counts those that were erased. Empty without proofs."""

    def __init__(self, folder: Path, since: datetime | None = None) -> None:
        """Read the proofs in `folder`, those from `since` on; raises StoreError, SettingsError."""
        stones = Tombstones(folder).all()
        self._key = read_key(folder / KEY_FILE) if stones else b""
        self._hashes = hashes_since(stones, key_name(self._key), since)
        self._met: set[str] = set()

    @property
    def sentence(self) -> str:
        """How many of the plates that it was asked about were erased; "" for none."""
        if not self._met:
            return ""
        plates = "1 plate was" if len(self._met) == 1 else f"{len(self._met)} plates were"
        return f"{plates} left out: erased; see `plategate privacy readmit`"

    def __contains__(self, plate: object) -> bool:
        """Whether a canonical plate was erased."""
        if not self._hashes or not isinstance(plate, str):
            return False
        hashed = plate_hash(plate, self._key)
        if hashed in self._hashes:
            self._met.add(hashed)
        return hashed in self._hashes


def hashes_since(stones: list[Tombstone], key: str, since: datetime | None) -> frozenset[str]:
    """The hashes under one key of the proofs that are not older than `since`."""
    return frozenset(
        stone.plate
        for stone in stones
        if stone.key == key and (since is None or datetime.fromisoformat(stone.at) >= since)
    )


def read_tombstones(file: Path) -> list[Tombstone]:
    """The proofs in a file, none where it is missing. Raises StoreError naming the line."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{file}: {reason_of_own(error)}") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            values = json.loads(line)
            del values["schema"]
            stone = Tombstone(**values)
            datetime.fromisoformat(stone.at)
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"{file}: line {number} is not a proof of erasure ({error}); restore the file from"
                " a backup, or remove the line"
            ) from error
        found.append(stone)
    return found
