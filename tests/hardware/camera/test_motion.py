# SPDX-License-Identifier: Apache-2.0
"""A car is motion; noise, a leaf, a change of light and a parked car are not."""

from __future__ import annotations

import numpy as np
import pytest

from plategate.hardware.camera.motion import MotionDetector
from plategate.messages import Level
from plategate.settings.triggers import MotionSettings
from plategate.values import Image

NOISE = np.random.default_rng(7)
FRAME_S = 0.2


def scene(car_x: int | None = None, brightness: int = 90, leaf: bool = False) -> Image:
    """A grey yard with sensor noise, a car of 120 x 80 pixels, or a leaf."""
    picture = NOISE.normal(brightness, 4, (180, 320))
    if car_x is not None:
        picture[70:150, max(0, car_x) : max(0, car_x + 120)] = 30
    if leaf:
        picture[40:48, 60:68] = 200
    return np.clip(picture, 0, 255).astype(np.uint8)


class Yard:
    def __init__(self, **settings: object) -> None:
        self.detector = MotionDetector(MotionSettings.model_validate({"enabled": True, **settings}))
        self.now_s = 0.0

    def see(self, *pictures: Image) -> list[Level]:
        levels = []
        for picture in pictures:
            levels.append(self.detector.feed(picture, self.now_s))
            self.now_s += FRAME_S
        return levels


@pytest.fixture
def yard() -> Yard:
    made = Yard()
    made.see(*[scene() for _ in range(10)])
    return made


def test_ok__noise_is_no_motion(yard: Yard) -> None:
    assert set(yard.see(*[scene() for _ in range(100)])) == {Level.INACTIVE}


def test_ok__car_that_drives_in_is_motion_from_the_second_frame(yard: Yard) -> None:
    levels = yard.see(*[scene(car_x=x) for x in range(-80, 120, 20)])
    assert levels[0] is Level.INACTIVE
    assert Level.ACTIVE in levels[:4]
    assert levels[-1] is Level.ACTIVE


def test_ok__leaf_is_no_motion(yard: Yard) -> None:
    assert set(yard.see(*[scene(leaf=True) for _ in range(20)])) == {Level.INACTIVE}


def test_ok__one_flash_is_no_motion(yard: Yard) -> None:
    assert set(yard.see(scene(car_x=50), scene(), scene())) == {Level.INACTIVE}


def test_ok__light_that_changes_everywhere_is_no_motion(yard: Yard) -> None:
    assert set(yard.see(*[scene(brightness=160) for _ in range(20)])) == {Level.INACTIVE}


def test_ok__motion_ends_when_the_car_has_gone(yard: Yard) -> None:
    yard.see(*[scene(car_x=50) for _ in range(5)])
    assert yard.see(*[scene() for _ in range(5)])[-1] is Level.INACTIVE


def test_ok__parked_car_becomes_background() -> None:
    yard = Yard(forget_s=5)
    yard.see(*[scene() for _ in range(10)])
    levels = yard.see(*[scene(car_x=50) for _ in range(100)])
    assert Level.ACTIVE in levels
    assert levels[-1] is Level.INACTIVE


def test_ok__only_the_zone_counts() -> None:
    yard = Yard(zone=(0.6, 0.0, 0.4, 1.0))
    yard.see(*[scene() for _ in range(10)])
    assert set(yard.see(*[scene(car_x=20) for _ in range(10)])) == {Level.INACTIVE}
    assert Level.ACTIVE in yard.see(*[scene(car_x=180) for _ in range(10)])


def test_ok__picture_is_not_modified(yard: Yard) -> None:
    picture = scene()
    before = picture.copy()
    yard.see(picture)
    assert (picture == before).all()
