# SPDX-License-Identifier: Apache-2.0
"""Training pictures: real scenes at many scales with their own plates, drawn ones, or none."""

from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .geometry import Known, Quad, move, random_turn, view_map
from .network import WIDTH
from .photographs import Photograph, Plate

NARROWEST, WIDEST = 11.0, 240.0  # plate widths in the network's input, in pixels
Picture = NDArray[np.uint8]


@dataclass
class Scene:
    """A picture and the plates in it."""

    image: Picture
    quads: list[Quad] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)

    def add(self, quad: Quad, known: Known) -> None:
        height, width = self.image.shape[:2]
        inside = np.clip(quad, 0, [width, height])
        whole = np.ptp(quad[:, 0]) * np.ptp(quad[:, 1])
        seen = np.ptp(inside[:, 0]) * np.ptp(inside[:, 1])
        if seen < 0.05 * whole:
            return
        small = np.ptp(quad[:, 0]) < 0.8 * NARROWEST
        self.quads.append(quad)
        self.known.append(Known.NOTHING if small or seen < 0.6 * whole else known)


def smaller(image: Picture, scale: float) -> tuple[Picture, float]:
    """Halve a picture until `scale` skips no pixels; the picture and what remains to scale."""
    while scale < 0.6 and min(image.shape[:2]) > 8:
        image = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        scale *= 2
    return image, scale


def paste(
    rng: Generator, into: Picture, image: Picture, quad: Quad, dark: NDArray, bright: NDArray
) -> None:
    """Warp a flat drawing into a picture; its black and white become `dark` and `bright` (BGR)."""
    image, _ = smaller(image, float(np.ptp(quad[:, 0])) / image.shape[1])
    height, width = image.shape[:2]
    low = np.maximum(np.floor(quad.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(quad.max(0)).astype(int) + 2, [into.shape[1], into.shape[0]])
    if (high <= low).any():
        return
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    warp = cv2.getPerspectiveTransform(flat, (quad - low).astype(np.float32))
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    drawn = cv2.warpPerspective(image, warp, size, borderMode=cv2.BORDER_REPLICATE).astype(
        np.float32
    )
    mask = cv2.warpPerspective(np.full(image.shape[:2], 255, np.uint8), warp, size)
    drawn = (drawn - 25) * ((bright - dark) / 205) + dark
    if rng.random() < 0.25:  # a shadow's edge, or light from one side
        x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
        slope = rng.normal(0, 1, 2)
        steep = rng.choice([1.0, 8.0])
        shade = 1 / (1 + np.exp(-steep * (x * slope[0] + y * slope[1])))
        drawn *= (1 - rng.uniform(0.1, 0.6) * shade)[..., None]
    if rng.random() < 0.3 and min(size) > 3:
        drawn = cv2.GaussianBlur(drawn, (0, 0), rng.uniform(0.3, 0.02 * size[0] + 0.5))
    region = into[low[1] : high[1], low[0] : high[0]]
    region[:] = np.clip(region + (drawn - region) * (mask[..., None] / 255.0), 0, 255)


class Composer:
    """Makes scenes from photographs and stocks of drawn plates and distractors."""

    def __init__(
        self,
        rng: Generator,
        photographs: list[Photograph],
        plates: list[Picture],
        others: list[Picture],
    ) -> None:
        self.rng, self.photographs, self.plates, self.others = rng, photographs, plates, others

    def scene(self, width: int, height: int) -> Scene:
        """One picture of this size: one photograph, or four or nine small ones."""
        rng = self.rng
        widest = WIDEST * width / WIDTH
        panes = rng.choice([1, 2, 3], p=[0.66, 0.24, 0.10])
        if panes == 1:
            return self.pane(width, height, NARROWEST, widest)
        scene = Scene(np.empty((height, width, 3), np.uint8))
        columns = np.linspace(0, width, panes + 1).astype(int)
        rows = np.linspace(0, height, panes + 1).astype(int)
        columns[1:-1] += rng.integers(-24, 25, panes - 1)
        rows[1:-1] += rng.integers(-24, 25, panes - 1)
        for x0, x1 in pairwise(columns):
            for y0, y1 in pairwise(rows):
                part = self.pane(int(x1 - x0), int(y1 - y0), NARROWEST, widest / 1.5 / panes)
                scene.image[y0:y1, x0:x1] = part.image
                scene.quads += [quad + np.float32([x0, y0]) for quad in part.quads]
                scene.known += part.known
        return scene

    def pane(self, width: int, height: int, narrowest: float, widest: float) -> Scene:
        rng = self.rng
        photograph = self.photographs[rng.integers(len(self.photographs))]
        kind = rng.choice(["real", "drawn", "none"], p=[0.50, 0.40, 0.10])
        plate = photograph.plates[rng.integers(len(photograph.plates))]
        exact = kind != "real" or all(p.exact for p in photograph.plates)
        affine = self.view(plate.box, (width, height), (narrowest, widest), exact)
        scale = float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
        source = photograph.at(scale, erased=kind != "real")
        shrink = photograph.image.shape[1] / source.shape[1]
        to_source = np.hstack([affine[:, :2] * shrink, affine[:, 2:]])
        canvas = self.underlay(width, height)
        cv2.warpAffine(
            source, to_source, (width, height), canvas, borderMode=cv2.BORDER_TRANSPARENT
        )
        scene = Scene(canvas)
        for one in photograph.plates:
            if kind == "drawn":
                self.redraw(scene, one, affine)
            elif kind == "real":
                known = Known.CORNERS if one.exact else Known.BOX
                scene.add(move(affine, one.quad), known)
        for quad in photograph.unlabelled:
            scene.add(move(affine, quad), Known.NOTHING)
        self.decorate(scene)
        return scene

    def underlay(self, width: int, height: int) -> Picture:
        """The background around a photograph that is too small: another one, or one colour."""
        rng = self.rng
        if rng.random() < 0.2:
            edge = rng.integers(0, 200, 3) if rng.random() < 0.3 else 114
            return np.full((height, width, 3), edge, np.uint8)
        image = self.photographs[rng.integers(len(self.photographs))].smaller_erased[0]
        rows, columns = image.shape[:2]
        share = rng.uniform(0.5, 1.0)
        y, x = (
            rng.integers(0, int(rows * (1 - share)) + 1),
            rng.integers(0, int(columns * (1 - share)) + 1),
        )
        part = image[y : y + int(rows * share), x : x + int(columns * share)]
        return cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)

    def view(
        self,
        box: NDArray[np.float32],
        size: tuple[int, int],
        widths: tuple[float, float],
        exact: bool,
    ) -> NDArray[np.float64]:
        """The affine map of a view in which the plate has a random width and a random place."""
        rng = self.rng
        wanted = np.exp(rng.uniform(np.log(widths[0]), np.log(widths[1])))
        scale = float(np.clip(wanted / (box[2] - box[0]), 0.08, 3.0))
        wanted = scale * (box[2] - box[0])
        if exact and rng.random() < 0.3:
            angle = rng.uniform(-30, 30)
        else:
            angle = np.clip(rng.normal(0, 4 if exact else 1.5), -12, 12)
        edge = np.minimum(np.array([0.55, 0.3]) * wanted, np.array(size) / 2)
        to = rng.uniform(edge, np.array(size) - edge)
        centre = (box[:2] + box[2:]) / 2
        return view_map(rng, centre, to, scale, np.deg2rad(angle), bool(rng.random() < 0.5))

    def redraw(self, scene: Scene, old: Plate, affine: NDArray[np.float64]) -> None:
        """A drawn plate in the place, light and size of a real one."""
        rng, drawing = self.rng, self.drawing()
        quad = random_turn(rng, drawing.shape[1] / drawing.shape[0])
        width, height = old.box[2:] - old.box[:2]
        fit = np.sqrt((width * height) / (np.ptp(quad[:, 0]) * np.ptp(quad[:, 1])))
        centre = (old.box[:2] + old.box[2:]) / 2 + rng.normal(0, 0.04, 2) * [width, height]
        quad = quad * np.clip(fit, 0.7 * width, 1.3 * width) * rng.uniform(0.9, 1.2) + centre
        quad = move(affine, quad)
        least = 40 if rng.random() < 0.8 else 15  # grey on black, dirt, dusk
        spread = np.maximum(old.bright - old.dark, least) * rng.uniform(0.6, 1.3)
        dark = old.dark * rng.uniform(0.5, 1.2)
        paste(rng, scene.image, drawing, quad, dark, dark + spread)
        scene.add(quad, Known.CORNERS)

    def drawing(self) -> Picture:
        return self.plates[self.rng.integers(len(self.plates))]

    def decorate(self, scene: Scene) -> None:
        """Drawn plates and distractors at random places; they do not cover what is there."""
        rng = self.rng
        height, width = scene.image.shape[:2]
        for is_plate, chance in ((True, 0.12), (False, 0.4), (False, 0.25)):
            if rng.random() > chance:
                continue
            image = self.drawing() if is_plate else self.others[rng.integers(len(self.others))]
            quad = random_turn(rng, image.shape[1] / image.shape[0])
            wide = np.exp(rng.uniform(np.log(max(NARROWEST, 0.03 * width)), np.log(0.6 * width)))
            quad = (
                quad * wide + rng.uniform([0.1 * width, 0.1 * height], [0.9 * width, 0.9 * height])
            ).astype(np.float32)
            if any(overlap(quad, other) for other in scene.quads):
                continue
            light = (
                scene.image[int(height / 4) : int(height * 0.75) : 8, ::8].reshape(-1, 3).mean(0)
            )
            dark, bright = light * rng.uniform(0.1, 0.6), light * rng.uniform(1.0, 2.0) + 15
            paste(rng, scene.image, image, quad, dark, bright)
            if is_plate:
                scene.add(quad, Known.CORNERS)


def overlap(one: Quad, other: Quad) -> bool:
    """Whether the upright boxes around two plates touch."""
    gap = np.maximum(one.min(0), other.min(0)) - np.minimum(one.max(0), other.max(0))
    return bool((gap < 4).all())
