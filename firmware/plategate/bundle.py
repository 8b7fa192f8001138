# SPDX-License-Identifier: Apache-2.0
"""Check a release bundle before it is installed: its signature, every file, and its age.

MANIFEST names version and time in its first lines and the SHA-256 of every file; MANIFEST.minisig
is its minisign signature. The key is the one that this device took from its first signed bundle
(/etc/plategate/release.pub), so the check must be run by the installed version. It is run on a copy
that only root can change: the medium of the bundle may show other files later.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from plategate.access.sync.signature import load_public_key, parse_signature, verify
from plategate.durable_files import replace_file
from plategate.errors import BundleError, ListError, printable, reason_of

MANIFEST, SIGNATURE, KEY = "MANIFEST", "MANIFEST.minisig", "release.pub"
PINNED_KEY = Path("/etc/plategate/release.pub")
# In the folder of an installed version: the first lines of the manifest it was installed from.
RELEASE = "release"
# In the folder of all versions: the private copies of bundles that are being installed.
INCOMING = "incoming"
_HEADER = re.compile(r"# (version|number|made) (\S+)")
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
_NOT_LISTED = {MANIFEST, SIGNATURE, KEY}


@dataclass(frozen=True, slots=True)
class Release:
    """A version: its full name, its number, and when its bundle was made."""

    version: str
    number: tuple[int, ...]
    made: datetime

    def is_older_than(self, other: Release) -> bool:
        """Whether this release is older: by number, for equal numbers by time."""
        return (self.number, self.made) < (other.number, other.made)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a bundle may be: signed by the maker of `key`, `unsigned`, or `older` than the present.

    Without `key`, the key of this device counts; `pin` makes the bundle's key that one, if there is
    none yet.
    """

    key: Path | None = None
    unsigned: bool = False
    older: bool = False
    pin: bool = False


def check_bundle(
    folder: Path, accepted: Accepted, version: Path, say: Callable[[str], None]
) -> None:
    """Check signature, age and files; `version` is the folder of the installed version.

    `say` gets one line for each result. Raises BundleError if the bundle must not be installed.
    """
    has_signature = (folder / SIGNATURE).exists()
    chosen = accepted.key or (PINNED_KEY if PINNED_KEY.exists() else None)
    if accepted.pin and chosen is None and has_signature:
        chosen = folder / KEY
    if not has_signature and not accepted.unsigned:
        raise BundleError(
            f"{folder}: the bundle is not signed; get a signed one, or accept it with --unsigned"
        )
    if has_signature and chosen is None and not accepted.unsigned:
        raise BundleError(
            f"this device knows no key of a maker; name one with --key, such as {folder}/"
            f"{KEY} after comparing it with its maker"
        )
    signer = None
    if has_signature and chosen is not None:
        try:
            signer = check_signature(folder, chosen)
            say(f"signed by key {signer}")
        except BundleError as error:
            if not accepted.unsigned:
                raise
            say(printable(f"the signature does not count (--unsigned): {error}"))
    if not (folder / MANIFEST).exists():
        say(f"{folder}: has no {MANIFEST}; nothing was checked")
        return
    found = release_of(folder / MANIFEST)
    if not accepted.older:
        check_age(found, version / RELEASE)
    say(f"{check_files(folder)} files are as their maker wrote them")
    say(f"version {found.version}, made {found.made:%Y-%m-%d %H:%M}")
    if accepted.pin and signer is not None and chosen == folder / KEY:
        try:
            replace_file(PINNED_KEY, chosen.read_bytes(), mode=0o644)
        except OSError as error:
            raise BundleError(f"{PINNED_KEY}: {reason_of(error)}") from error
        say(f"from now on bundles need a signature of this key ({PINNED_KEY})")


@contextmanager
def private_copy(folder: Path, prefix: Path) -> Iterator[Path]:
    """A copy of a bundle below `prefix` that only this user can read or change; removed at the end.

    What an interrupted installation left there is removed first. Raises BundleError.
    """
    incoming = prefix / INCOMING
    shutil.rmtree(incoming, ignore_errors=True)
    try:
        yield _copied(folder, incoming)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _copied(folder: Path, incoming: Path) -> Path:
    try:
        incoming.mkdir(mode=0o700)
        copy = Path(tempfile.mkdtemp(dir=incoming)) / "bundle"
        shutil.copytree(folder, copy, symlinks=True, copy_function=_copy_file)
    except OSError as error:
        raise BundleError(
            f"{folder}: cannot be copied to {incoming}: {reason_of(error)}"
        ) from error
    return copy


def _copy_file(source: str, target: str) -> None:
    """Copy the content of a regular file; a pipe would block forever, a device never end."""
    try:
        with os.fdopen(
            os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb"
        ) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise BundleError(f"{source}: is not a regular file; a bundle has no other ones")
            with Path(target).open("xb") as written:
                shutil.copyfileobj(stream, written)
    except OSError as error:
        raise BundleError(f"{source}: cannot be copied to {target}: {reason_of(error)}") from error


def check_signature(folder: Path, key: Path) -> str:
    """Verify the manifest's signature with a public key file; returns the id of the key.

    Raises BundleError.
    """
    try:
        signature = parse_signature((folder / SIGNATURE).read_bytes(), str(folder / SIGNATURE))
        found = verify(folder / MANIFEST, signature, [load_public_key(str(key))], str(folder))
    except FileNotFoundError as error:
        raise BundleError(f"{error.filename}: is missing: the bundle is not signed") from None
    except ListError as error:
        raise BundleError(f"{error}; download the bundle again") from error
    except OSError as error:
        raise BundleError(f"{error.filename}: {reason_of(error)}") from error
    return found.key_id


def check_files(folder: Path) -> int:
    """Compare every file with the manifest; returns their number. Raises BundleError."""
    listed: dict[str, str] = {}
    for line in _manifest_lines(folder / MANIFEST):
        if line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise BundleError(f"{folder / MANIFEST}: {line!r} is not a line of a manifest")
        listed[found[2]] = found[1]
    present = {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    } - _NOT_LISTED
    if strange := sorted(present ^ listed.keys()):
        kind = "is not in the manifest" if strange[0] in present else "is missing"
        raise BundleError(f"{folder / strange[0]}: {kind}; copy the bundle again")
    for name, expected in listed.items():
        file = folder / name
        if file.is_symlink():
            raise BundleError(f"{file}: is a link; a bundle has none")
        try:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise BundleError(f"{file}: {reason_of(error)}") from error
        if digest != expected:
            raise BundleError(f"{file}: differs from the manifest; copy the bundle again")
    return len(listed)


def release_of(manifest: Path) -> Release:
    """The release that the first lines of a manifest name. Raises BundleError."""
    values = {}
    for line in _manifest_lines(manifest):
        if (found := _HEADER.fullmatch(line)) is not None:
            values[found[1]] = found[2]
    try:
        number = tuple(int(part) for part in values["number"].split("."))
        return Release(values["version"], number, datetime.fromisoformat(values["made"]))
    except (KeyError, ValueError) as error:
        raise BundleError(f"{manifest}: does not name version, number and time: {error}") from error


def check_age(bundle: Release, installed: Path) -> None:
    """Refuse a bundle that is older than the installed version, where that one names its release.

    Raises BundleError.
    """
    if installed.exists() and bundle.is_older_than(present := release_of(installed)):
        raise BundleError(
            f"the bundle has version {bundle.version} of {bundle.made:%Y-%m-%d %H:%M}, older than"
            f" the installed {present.version} of {present.made:%Y-%m-%d %H:%M};"
            " --older installs it"
        )


def _manifest_lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise BundleError(
            f"{file}: is missing; the folder is not a bundle of this version"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{file}: {reason_of(error)}") from error
