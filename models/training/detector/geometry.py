# SPDX-License-Identifier: Apache-2.0
"""Plates in space: where the corners of a turned plate fall, and how they move with a picture."""

from enum import IntEnum

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Quad = NDArray[np.float32]  # 4 x 2, clockwise from the plate's top left


class Known(IntEnum):
    """What is known about a labelled plate."""

    NOTHING = 0  # cut by the edge or too small: neither plate nor background
    BOX = 1
    CORNERS = 2


def turned_plate(aspect: float, yaw: float, pitch: float, roll: float, distance: float) -> Quad:
    """Corners of a plate of width 1, seen from `distance` widths, turned by angles in radians."""
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float64)
    corners *= [0.5, 0.5 / aspect, 0]
    cos, sin = np.cos, np.sin
    about_y = np.array([[cos(yaw), 0, sin(yaw)], [0, 1, 0], [-sin(yaw), 0, cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, cos(pitch), -sin(pitch)], [0, sin(pitch), cos(pitch)]])
    about_z = np.array([[cos(roll), -sin(roll), 0], [sin(roll), cos(roll), 0], [0, 0, 1]])
    seen = corners @ (about_z @ about_x @ about_y).T
    flat = seen[:, :2] * (distance / (distance + seen[:, 2:]))
    return flat.astype(np.float32)


def random_turn(rng: Generator, aspect: float) -> Quad:
    """Mostly the gentle angles of a gate; one in four up to 45 degrees aside, 30 degrees rolled."""
    if rng.random() < 0.25:
        yaw, pitch, roll = rng.uniform(-45, 45), rng.uniform(-25, 25), rng.uniform(-30, 30)
    else:
        yaw, pitch, roll = np.clip(rng.normal(0, [16, 8, 4.5]), -45, 45)
    return turned_plate(aspect, *np.deg2rad([yaw, pitch, roll]), rng.uniform(2.5, 12))


def quad_of_box(box: NDArray[np.float32]) -> Quad:
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def move(affine: NDArray[np.float64], quad: Quad) -> Quad:
    """Corners after an affine 2 x 3 map; a mirroring map keeps them clockwise from the top left."""
    moved = (quad @ affine[:, :2].T + affine[:, 2]).astype(np.float32)
    return moved[[1, 0, 3, 2]] if np.linalg.det(affine[:, :2]) < 0 else moved


def view_map(
    rng: Generator,
    centre: NDArray[np.float32],
    to: NDArray[np.float32],
    scale: float,
    angle: float,
    flip: bool,
) -> NDArray[np.float64]:
    """The affine map that brings `centre` to `to`, scaled, rolled, a little out of shape."""
    stretch, shear = np.exp(rng.normal(0, 0.07)), rng.normal(0, 0.03)
    cos, sin = np.cos(angle), np.sin(angle)
    linear = (
        scale * np.array([[cos, -sin], [sin, cos]]) @ np.array([[stretch, shear], [0, 1 / stretch]])
    )
    if flip:
        linear[:, 0] *= -1
    return np.hstack([linear, (to - linear @ centre)[:, None]])
