# SPDX-License-Identifier: Apache-2.0
"""The frozen values passed between packages: stills, regions, readings, verdicts, passages.

Events and commands of the lane are in `messages`. Imports only the standard library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]
else:
    Image = Any

Corner = tuple[float, float]
Corners = tuple[Corner, Corner, Corner, Corner]


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """One picture of the lane.

    `image` is H x W x 3 uint8, BGR. `exposed_at_s` is the start of exposure in monotonic seconds,
    or None where the source does not know it (a folder of pictures).
    """

    image: Image
    source: str
    captured_at: datetime | None = None
    exposed_at_s: float | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class PlateRegion:
    """The position of a plate in a still: four corners, clockwise from its top left, in pixels.

    `proposed` are the corners found by a second, independent pass, where there was one; a crop made
    from them does not share the errors of a crop made from `corners`.
    """

    corners: Corners
    confidence: float
    localizer: str
    proposed: Corners | None = None

    @property
    def width(self) -> float:
        """Mean length of the upper and lower edge, in pixels."""
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = self.corners
        top = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        bottom = ((cx - dx) ** 2 + (cy - dy) ** 2) ** 0.5
        return float((top + bottom) / 2)

    @property
    def height(self) -> float:
        """Mean length of the left and right edge, in pixels."""
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = self.corners
        left = ((dx - ax) ** 2 + (dy - ay) ** 2) ** 0.5
        right = ((cx - bx) ** 2 + (cy - by) ** 2) ** 0.5
        return float((left + right) / 2)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Smallest upright box (x0, y0, x1, y1) around the corners."""
        xs = [x for x, _ in self.corners]
        ys = [y for _, y in self.corners]
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True, eq=False)
class PlateImage:
    """A rectified, evenly lit plate image.

    `grey` is H x W uint8: the plate with a margin around its corners. `lines` computes its text
    lines on demand, top first, each H x W uint8 (one entry for a plate of one line). `crop` is the
    evidence: H x W x 3 uint8, BGR, cut from the still without enhancement.
    """

    grey: Image
    lines: Callable[[], tuple[Image, ...]]
    crop: Image
    region: PlateRegion


@dataclass(frozen=True, slots=True)
class CharacterReading:
    """One character (A-Z, 0-9), its confidence (0..1), and alternatives, best first."""

    char: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class TextAlternative:
    """An alternative text of a reading, with its confidence (0..1)."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class PlateReading:
    """The text of a plate as read by one reader, or by several in consensus (A-Z, 0-9)."""

    characters: tuple[CharacterReading, ...]
    reader: str
    alternatives: tuple[TextAlternative, ...] = ()

    @property
    def text(self) -> str:
        """The text without separators."""
        return "".join([c.char for c in self.characters])

    @property
    def confidence(self) -> float:
        """Confidence of the weakest character; 0.0 for an empty reading."""
        return min([c.confidence for c in self.characters], default=0.0)


class Result(StrEnum):
    """The result of judging a reading; only GRANTED opens."""

    GRANTED = "granted"
    REFUSED = "refused"
    UNSURE = "unsure"


class Reason(StrEnum):
    """The reason of a verdict; stored in every passage and therefore never renamed."""

    ALLOWED = "allowed"
    ALLOWED_LOOKALIKE = "allowed_lookalike"
    NOT_LISTED = "not_listed"
    BLOCKED = "blocked"
    WANTED = "wanted"
    WANTED_POSSIBLE = "wanted_possible"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    OUTSIDE_HOURS = "outside_hours"
    ENTRIES_USED_UP = "entries_used_up"
    CLOCK_UNTRUSTED = "clock_untrusted"
    LIST_TOO_OLD = "list_too_old"
    NO_LIST = "no_list"
    WEAK_READING = "weak_reading"
    AMBIGUOUS = "ambiguous"
    NOT_READABLE = "not_readable"
    NOTHING_SEEN = "nothing_seen"
    VEHICLE_LEFT = "vehicle_left"
    CAMERA_FAILED = "camera_failed"
    PIPELINE_FAILED = "pipeline_failed"
    STORE_FAILED = "store_failed"
    LOCKED = "locked"
    HELD_OPEN = "held_open"
    MANUAL = "manual"
    FREE_EXIT = "free_exit"
    FIRE = "fire"
    ALREADY_INSIDE = "already_inside"
    GROUP_FULL = "group_full"
    SITE_FULL = "site_full"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One plate on a list. Times are timezone-aware; None means unlimited."""

    plate: str
    holder: str = ""
    group: str = ""
    note: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    hours: str = ""
    entries: int | None = None

    @property
    def limited(self) -> bool:
        """Whether judging this entry needs a trusted clock or a count."""
        return bool(self.valid_from or self.valid_until or self.hours or self.entries is not None)


@dataclass(frozen=True, slots=True)
class VehicleRecord:
    """What is known about a vehicle. Personal data: shown only to authorised people."""

    plate: str
    owner: str = ""
    registered_in: str = ""
    address: str = ""
    make: str = ""
    model: str = ""
    colour: str = ""
    insured_until: date | None = None
    inspected_until: date | None = None
    note: str = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one reading. Only GRANTED opens."""

    result: Result
    reason: Reason
    plate: str | None = None
    entry: ListEntry | None = None
    record: VehicleRecord | None = None
    registered_in: str | None = None
    alarm: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PlateSighting:
    """The pipeline's result for a burst: the best reading and the images it was read from.

    `unread` are the regions of `still` that might be plates, where nothing could be read.
    """

    reading: PlateReading | None
    plate: PlateImage | None
    still: Still | None
    stills: int = 0
    milliseconds: tuple[tuple[str, float], ...] = ()
    failed: str | None = None
    unread: tuple[PlateRegion, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """One vehicle from arrival to departure, as stored in the journal."""

    id: str
    lane: str
    triggered_at: datetime
    trigger: str
    verdict: Verdict
    reading: PlateReading | None = None
    barrier: str = "not moved"
    milliseconds: tuple[tuple[str, float], ...] = ()
    evidence: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class GateEvent:
    """Something that happened at the gate and is not a passage: a fault, an alarm, a lost camera.

    `what` is a short name such as "camera_lost"; `passage_id` names the passage that it belongs to.
    """

    id: str
    lane: str
    at: datetime
    what: str
    passage_id: str | None = None
    detail: str = ""
