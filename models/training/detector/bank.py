# SPDX-License-Identifier: Apache-2.0
"""A stock of drawn plates, and of lettering and shapes that are no plates, for pasting into scenes.

Run as a script it draws the stock:  python -m detector.bank --work WORK --plates 6000
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from synthesis.plates import render_plate

HEIGHT = 96  # plates are kept this high
WORDS = """
Taxi Police TDI turbo 4x4 Hybrid For Sale www.garage.com 24h Open Parking only Exit Hotel Bar
Cafe 2019-07-14 21:03:55 CAM 02 Lane 1 km/h Quattro GTI Baby on board Diesel Auto Service STOP
Market -50% Restaurant I love Rent a car Pizza Caution Hyundai Suzuki Toyota Apotheke
"""
FACES = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
)


def colour(rng: Generator) -> tuple[int, int, int]:
    blue, green, red = rng.integers(0, 256, 3)
    return int(blue), int(green), int(red)


def two_colours(rng: Generator) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Ground and ink: half the time any two, else dark on light or light on dark, like plates."""
    if rng.random() < 0.5:
        return colour(rng), colour(rng)
    light, dark = (rng.integers(low, low + 70, 3).tolist() for low in (185, 0))
    return (tuple(light), tuple(dark)) if rng.random() < 0.6 else (tuple(dark), tuple(light))


def lettering(rng: Generator) -> NDArray[np.uint8]:
    """One to three lines of words on one colour: shop signs, stickers, camera overlays."""
    scale, face = rng.uniform(0.8, 1.4), FACES[rng.integers(len(FACES))]
    lines = [
        " ".join(rng.choice(WORDS.split(), rng.integers(1, 5))) for _ in range(rng.integers(1, 4))
    ]
    if rng.random() < 0.4:
        lines = [line.upper() for line in lines]
    widths = [cv2.getTextSize(line, face, scale, 2)[0][0] for line in lines]
    image = np.empty((int(44 * scale) * len(lines) + 16, max(widths) + 24, 3), np.uint8)
    image[:], ink = two_colours(rng)
    weight = int(rng.integers(1, 5))
    for row, line in enumerate(lines):
        at = (12, int(44 * scale) * (row + 1))
        cv2.putText(image, line, at, face, scale, ink, weight, cv2.LINE_AA)
    return image


def grille(rng: Generator) -> NDArray[np.uint8]:
    """Parallel bars, lit from above."""
    pitch, height = int(rng.integers(6, 24)), 96
    image = np.empty((height, int(rng.integers(80, 380)), 3), np.uint8)
    image[:] = rng.integers(0, 70, 3)
    for at in range(0, max(image.shape), pitch):
        bar = slice(at, at + max(1, int(pitch * rng.uniform(0.2, 0.7))))
        if pitch % 2:
            image[bar] = rng.integers(60, 255, 3)
        else:
            image[:, bar] = rng.integers(60, 255, 3)
    return image


def badge(rng: Generator) -> NDArray[np.uint8]:
    """A round or cornered sign with a sign or a number in it; the corners repeat its rim."""
    side = 96
    image = np.empty((side, int(side * rng.uniform(0.8, 1.6)), 3), np.uint8)
    rim, face = colour(rng), colour(rng)
    image[:] = rim
    middle = (image.shape[1] // 2, side // 2)
    cv2.ellipse(image, middle, (middle[0] - 8, side // 2 - 8), 0, 0, 360, face, -1, cv2.LINE_AA)
    text = str(rng.choice(["30", "50", "P", "AUDI", "!", "VW", "H", "80", "BMW", "S"]))
    at = (middle[0] - 14 * len(text), middle[1] + 14)
    cv2.putText(image, text, at, FACES[0], 1.3, colour(rng), 3, cv2.LINE_AA)
    return image


def plate(rng: Generator) -> NDArray[np.uint8]:
    image = render_plate(rng).image
    width = round(image.shape[1] * HEIGHT / image.shape[0])
    return cv2.resize(image, (width, HEIGHT), interpolation=cv2.INTER_AREA)


def distractor(rng: Generator) -> NDArray[np.uint8]:
    kinds = (lettering, lettering, lettering, grille, badge)
    image = kinds[rng.integers(len(kinds))](rng)
    scale = min(1.0, 96 / image.shape[0])
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def save(path: Path, images: list[NDArray[np.uint8]]) -> None:
    shapes = [image.shape[:2] for image in images]
    np.savez(path, shapes=shapes, pixels=np.concatenate([image.ravel() for image in images]))


def load(path: Path) -> list[NDArray[np.uint8]]:
    stock = np.load(path)
    pixels, start, images = stock["pixels"], 0, []
    for height, width in stock["shapes"]:
        images.append(pixels[start : start + height * width * 3].reshape(height, width, 3))
        start += height * width * 3
    return images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--plates", type=int, default=6000)
    parser.add_argument("--distractors", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    others = [distractor(rng) for _ in range(arguments.distractors)]
    save(arguments.work / "distractors.npz", others)
    plates = []
    for index in range(arguments.plates):
        plates.append(plate(rng))
        if index % 500 == 0:
            print(f"{index} of {arguments.plates} plates", flush=True)
    if plates:
        save(arguments.work / "plates.npz", plates)


if __name__ == "__main__":
    main()
