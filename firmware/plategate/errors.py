# SPDX-License-Identifier: Apache-2.0
"""The exceptions of Plategate, each with a message that a person can act on.

GateError
├── SettingsError      a setting: file, key, value and limit
├── ImageError         a picture that cannot be decoded or is beyond the limits
├── ModelError         a model that is missing, damaged or fails; leads to a degraded mode
├── ReaderError        the OCR engine is missing or failed
├── ListError          a plate list that is malformed, unsigned, replayed, empty or shrunk
├── RecordError        a file of vehicle records that cannot be imported
├── SyncError          a list source that cannot be reached or answers nonsense
├── StoreError         the database is damaged, locked or full
├── CommandError       a command that is malformed, or that no gate takes
├── ListServiceError   the list service cannot be reached, or cannot follow a request
├── DeliveryError      a broker or web server takes no messages
├── BackupError        a backup that cannot be written, read or restored
├── BundleError        a release bundle that must not be installed
├── ConsoleError       the console cannot start, or follow a request
├── OutputError        standard output or standard error cannot be written
└── HardwareError      a pin, sensor or camera
    ├── CameraError
    │   └── CameraHangs    a call into the camera driver did not return in time
    └── PinError
"""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"  # ordinary in Persian and Indic names


class GateError(Exception):
    """Base class of every exception that Plategate raises."""


def reason_of(error: Exception) -> str:
    """The message of an error, without the number and file name that Python adds."""
    return getattr(error, "strerror", None) or str(error)


def reason_of_own(error: Exception) -> str:
    """`reason_of` for a file of the installed gate; a missing permission gets advice."""
    if isinstance(error, PermissionError):
        return f"{reason_of(error)}; use sudo, or join the groups plategate and plategate-settings"
    return reason_of(error)


def printable(text: str, longest: int | None = None) -> str:
    """`text` with control and direction characters as escapes such as \\x1b and \\u202e.

    For text from lists, records, servers and file names: it could otherwise move the cursor, colour
    the terminal or reverse what stands after it. Cut after `longest` characters.
    """
    if not text.isprintable():
        text = "".join(char if _is_safe(char) else escaped(char) for char in text)
    return text if longest is None or len(text) <= longest else text[:longest] + " ..."


def storable(text: str) -> str:
    """`text` with its lone surrogates as escapes.

    Python puts them where an argument or a file name is not UTF-8; no file or database takes them.
    """
    return text.encode("utf-8", "backslashreplace").decode()


def escaped(char: str) -> str:
    """A character as an escape; from 0x7f on one that is valid in JSON, also outside the BMP."""
    if ord(char) < 0x7F:
        return ascii(char)[1:-1]
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def _is_safe(char: str) -> bool:
    return char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"


class SettingsError(GateError, ValueError):
    """A setting is unknown, has the wrong type or is beyond its limits."""


class ImageError(GateError, ValueError):
    """A picture cannot be used; the message says why."""


class ModelError(GateError):
    """A model is missing, damaged or fails."""


class ReaderError(GateError):
    """The OCR engine is missing or failed."""


class ListError(GateError, ValueError):
    """A plate list is refused; the one in force stays."""


class RecordError(GateError, ValueError):
    """A file of vehicle records is refused; those in force stay."""


class SyncError(GateError):
    """A list source cannot be reached or answers something unusable."""


class StoreError(GateError):
    """A database is damaged, locked or full."""


class OutputError(GateError):
    """Standard output or standard error cannot be written, for example on a full disk."""


class HardwareError(GateError):
    """A device on the board does not do what it should."""


class CameraError(HardwareError):
    """The camera is absent, hangs or delivers frames that cannot be used."""


class CameraHangs(CameraError):
    """A call into the camera driver did not return in time; the driver may never recover."""


class PinError(HardwareError):
    """A pin cannot be claimed, read or driven."""


class CommandError(GateError):
    """A command for the gate is malformed, or no gate takes it."""


class ListServiceError(GateError):
    """The list service cannot be reached, does not serve this user, or cannot store a change."""


class DeliveryError(GateError):
    """A target (broker, web server) takes no messages now.

    `delivered` messages came through before; `pause_s` is when to try again, None: at the usual
    intervals.
    """

    def __init__(self, message: str, delivered: int = 0, pause_s: float | None = None) -> None:
        super().__init__(message)
        self.delivered = delivered
        self.pause_s = pause_s


class BackupError(GateError):
    """A backup that cannot be written, read or restored."""


class BundleError(GateError):
    """A release bundle that must not be installed."""


class ConsoleError(GateError):
    """The console cannot be started, or a request to it cannot be followed."""
