# SPDX-License-Identifier: Apache-2.0
"""Keyed hashes of plates, their keys, and documents of the journal reduced to such hashes.

The same plate has the same hash under one key. Without the key a plate cannot be found by hashing
all plates. Reduced documents are made of the keys named here: a key that is added to the journal
later stays at the gate until it is named here too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from pathlib import Path
from typing import Any, Literal

from plategate.documents import PASSAGE
from plategate.durable_files import replace_file
from plategate.errors import SettingsError, StoreError, reason_of

KEY_FILE = "plate.key"
KEY_BYTES = 32
PREFIX = "hmac-sha256:"

_PASSAGE_KEYS = ("schema", "kind", "id", "lane", "triggered_at", "trigger", "barrier")
_EVENT_KEYS = ("schema", "kind", "id", "lane", "at", "what", "passage_id")
# Events whose `detail` names devices, modes and faults. That of others may name people or plates.
_TECHNICAL = frozenset(
    {
        "alarm",
        "arm_blocked",
        "camera_back",
        "camera_lost",
        "disk_back",
        "disk_low",
        "fault",
        "list_too_old",
        "mode",
        "sensor_back",
        "sensor_stuck",
    }
)

PlatePrivacy = Literal["full", "hmac", "none"]


def reduced(document: dict[str, Any], plate: PlatePrivacy, key: bytes) -> dict[str, Any]:
    """What of a public document a target gets; pictures are sent apart, their paths never."""
    if plate == "full":
        return {name: value for name, value in document.items() if name != "evidence"}
    if document["kind"] != PASSAGE:
        found = {name: document[name] for name in _EVENT_KEYS}
        return found | {"detail": _reduced_detail(found["what"], document["detail"])}

    def shown(text: str | None) -> str | None:
        return plate_hash(text, key) if text and plate == "hmac" else None

    verdict, reading = document["verdict"], document["reading"]
    found = {name: document[name] for name in _PASSAGE_KEYS}
    found["milliseconds"] = document["milliseconds"]
    found["verdict"] = {
        "result": verdict["result"],
        "reason": verdict["reason"],
        "plate": shown(verdict["plate"]),
        "alarm": verdict["alarm"],
    }
    found["reading"] = reading and {
        "text": shown(reading["text"]),
        "confidence": reading["confidence"],
        "reader": reading["reader"],
    }
    return found


def _reduced_detail(what: str, detail: str) -> str:
    """The detail of an event without names; of an acknowledgement, the number of the alarm."""
    if what != "acknowledged":
        return detail if what in _TECHNICAL else ""
    try:
        return json.dumps({"sequence": int(json.loads(detail)["sequence"])})
    except (ValueError, KeyError, TypeError):
        return ""


def plate_hash(text: str, key: bytes) -> str:
    """The keyed hash of a plate text."""
    return PREFIX + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def plate_key(file: Path | None, folder: Path, mode: int = 0o600) -> bytes:
    """The key in `file`, or the one of this gate in `folder`, which is made where it is missing.

    Raises SettingsError for a file that cannot be read or is too short to be a key.
    """
    own = folder / KEY_FILE
    if file is None and not own.exists():
        try:
            replace_file(own, secrets.token_hex(KEY_BYTES).encode() + b"\n", mode=mode)
        except OSError as error:
            raise StoreError(f"{own} cannot be written: {reason_of(error)}") from error
    return read_key(file or own)


def read_key(file: Path) -> bytes:
    """The key in a file; raises SettingsError where it cannot be read or is too short to be one."""
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"{file}: the plate key cannot be read: {reason_of(error)}") from error
    if len(key) < KEY_BYTES:
        raise SettingsError(f"{file}: a plate key has at least {KEY_BYTES} characters")
    return key


def key_name(key: bytes) -> str:
    """A short name of a key, which tells keys apart and does not give the key away."""
    return hashlib.sha256(b"plategate key name " + key).hexdigest()[:8]
