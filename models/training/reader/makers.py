# SPDX-License-Identifier: Apache-2.0
"""Processes that draw plates, and real ones with new texts, while a network trains.

Each sends chunks of pictures through a queue; all pictures are stretched to one size, as
`pool.Pool` keeps them, and everything else is in pixels of the original crop.
"""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from synthesis.cache import samples, to_grey
from synthesis.plates import Picture
from synthesis.signs import draw_sign

from .pack import Packed, crops_of, load, pictures_of
from .samples import Crop, Floats, crop_shares, swap_characters
from .shape import ALPHABET, BLANK
from .transplant import Donors

KEPT_HEIGHT, KEPT_WIDTH = 80, 320
MOST_CHARACTERS = 14
COLOUR_MIXES = 3
DRAWN, RESPELT, SIGNS = "drawn", "respelt", "signs"
CHUNK = {DRAWN: 48, RESPELT: 36, SIGNS: 6}
SWAPPED_SHARE = 0.5
WAITING_CHUNKS = 64


@dataclass(frozen=True)
class Chunk:
    """Pictures of one kind (n, KEPT_HEIGHT, KEPT_WIDTH) with where their plates are."""

    kind: str
    pictures: Picture
    shapes: Floats
    boxes: Floats
    quads: Floats
    two_line: np.ndarray
    texts: list[str]


def stretched(image: Picture) -> Picture:
    """A grey picture at the size at which all are kept."""
    shrinks = image.shape[0] > KEPT_HEIGHT or image.shape[1] > KEPT_WIDTH
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (KEPT_WIDTH, KEPT_HEIGHT), interpolation=way), np.uint8)


def chunk_of(kind: str, crops: list[Crop]) -> Chunk:
    """Crops as one chunk."""
    unknown = np.full((4, 2), np.nan, np.float32)
    return Chunk(
        kind,
        np.stack([stretched(crop.image) for crop in crops]),
        np.array([crop.image.shape for crop in crops], np.float32),
        np.array([crop.box for crop in crops], np.float32),
        np.array([unknown if crop.quad is None else crop.quad for crop in crops], np.float32),
        np.array([crop.two_line for crop in crops]),
        [crop.text for crop in crops],
    )


def classes_of(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Classes (n, MOST_CHARACTERS) of texts, filled up with blanks, and their lengths."""
    kept = [text[:MOST_CHARACTERS] for text in texts]
    classes = np.full((len(kept), MOST_CHARACTERS), BLANK, np.int64)
    for row, text in zip(classes, kept, strict=True):
        row[: len(text)] = [ALPHABET.index(character) + 1 for character in text]
    return classes, np.array([len(text) for text in kept], np.int64)


def without_plate(image: Picture, source: str) -> Crop:
    """A patch with nothing to read, cut as if a plate filled its middle."""
    height, width = image.shape[:2]
    box = np.array([0.1 * width, 0.14 * height, 0.9 * width, 0.86 * height], np.float32)
    return Crop(image, box, "", False, source)


class Maker:
    """Makes chunks without end: drawn plates, real ones with other texts, signs."""

    def __init__(self, packed: Packed, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.grounds = pictures_of(packed, "backgrounds")
        self.drawn = samples(seed, self.grounds)
        self.real = crops_of(packed, COLOUR_MIXES)
        self.donors = Donors(self.real)
        self.shares = np.cumsum(crop_shares(self.real))

    def chunks(self) -> Iterator[Chunk]:
        """One chunk of each kind after the other."""
        while True:
            for kind, count in CHUNK.items():
                make = {DRAWN: self._drawn, RESPELT: self._respelt, SIGNS: self._sign}[kind]
                yield chunk_of(kind, [make() for _ in range(count)])

    def _drawn(self) -> Crop:
        image, box, text, two_line = next(self.drawn)
        return Crop(image, box, text, two_line, DRAWN)

    def _respelt(self) -> Crop:
        """A real plate with its characters in other places, or with those of other plates."""
        while True:
            at = int(np.searchsorted(self.shares, self.rng.random() * self.shares[-1]))
            crop = self.real[min(at, len(self.real) - 1)]
            if self.rng.random() < SWAPPED_SHARE:
                new = swap_characters(crop, self.rng)
            else:
                new = self.donors.replace_characters(crop, self.rng)
            if new is not crop:
                return new

    def _sign(self) -> Crop:
        return without_plate(to_grey(draw_sign(self.grounds, self.rng), self.rng), SIGNS)


def _work(pack: Path, seed: int, queue: multiprocessing.Queue[Chunk]) -> None:
    cv2.setNumThreads(1)
    for chunk in Maker(load(pack), seed).chunks():
        queue.put(chunk)


class Makers:
    """Processes that make chunks, and a thread that receives them, so that training never waits.

    The processes end with this one. Start them before a graphics card is used.
    """

    def __init__(self, pack: Path, count: int, seed: int) -> None:
        context = multiprocessing.get_context("fork")
        sent: multiprocessing.Queue[Chunk] = context.Queue(WAITING_CHUNKS)
        self._received: queue.Queue[Chunk] = queue.Queue(WAITING_CHUNKS)
        self._stopped = False
        self._workers = [
            context.Process(target=_work, args=(pack, seed + number, sent), daemon=True)
            for number in range(count)
        ]
        for worker in self._workers:
            worker.start()
        threading.Thread(target=self._receive, args=(sent,), daemon=True).start()

    def _receive(self, sent: multiprocessing.Queue[Chunk]) -> None:
        while True:
            self._received.put(sent.get())

    def take(self, most: int) -> Iterator[Chunk]:
        """Up to so many chunks that have come in; none if there are none."""
        for _ in range(min(most, self._received.qsize())):
            yield self._received.get()

    def check(self) -> None:
        """Raise if all processes have failed."""
        if not self._stopped and not any(worker.is_alive() for worker in self._workers):
            raise SystemExit("all processes that draw plates have failed; their errors are above")

    def stop(self) -> None:
        """End the processes."""
        self._stopped = True
        for worker in self._workers:
            worker.terminate()
