# SPDX-License-Identifier: Apache-2.0
"""The picamera2 driver: its calls, the freshness of stills, and the detection of hangs.

Needs no camera: a fake has exactly the calls that the driver makes. The real library runs in
scripts/emulation/camera_virtual.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from plategate.errors import CameraError
from plategate.hardware.camera.picamera2 import PiCamera, open_picamera
from plategate.hardware.gpio.relay import IrLamp
from plategate.settings.camera import CameraSettings
from plategate.settings.pins import OutputPin
from tests.hardware.conftest import ManualClock, history

from .fake_picamera2 import FRAME_S, FakePicamera2


def settings(**changes: Any) -> CameraSettings:
    return CameraSettings.model_validate({"width": 320, "height": 240, "profile": "day", **changes})


class Rig:
    def __init__(self, clock: ManualClock, chosen: CameraSettings, **more: Any) -> None:
        self.devices: list[FakePicamera2] = []
        self.scene = 0.02
        self.camera = PiCamera(
            settings=chosen, clock=clock, opener=lambda _: self._open(clock), **more
        )
        self.camera.start()

    def _open(self, clock: ManualClock) -> FakePicamera2:
        self.devices.append(FakePicamera2(clock, self.scene))
        return self.devices[-1]

    @property
    def device(self) -> FakePicamera2:
        return self.devices[-1]


@pytest.fixture
def rig(clock: ManualClock) -> Rig:
    return Rig(clock, settings())


def test_ok__one_configuration_with_fixed_exposure(clock: ManualClock) -> None:
    rig = Rig(clock, settings(day={"exposure_us": 2500, "gain": 2.0}, focus_m=4.0))
    assert rig.device.configuration["main"] == {"size": (320, 240), "format": "RGB888"}
    assert rig.device.configuration["lores"] == {"size": (640, 360), "format": "YUV420"}
    assert rig.device.configuration["queue"] is False
    assert rig.device.controls == {
        "AeEnable": False, "ExposureTime": 2500, "AnalogueGain": 2.0, "AwbEnable": True,
        "FrameDurationLimits": (33333, 33333), "AfMode": 0, "LensPosition": 0.25,
        "ScalerCrop": (576, 0, 3456, 2592),
    }  # fmt: skip


def test_ok__unknown_controls_are_left_out(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    class FixedFocus(FakePicamera2):
        def __init__(self) -> None:
            super().__init__(clock)
            for name in ("AfMode", "LensPosition", "ScalerCrop"):
                del self.camera_controls[name]

    device = FixedFocus()
    PiCamera(settings=settings(focus_m=4.0), clock=clock, opener=lambda _: device).start()
    assert "LensPosition" not in device.controls
    assert "this camera does not support AfMode, LensPosition" in caplog.text


def test_ok__roi_keeps_proportions(clock: ManualClock) -> None:
    rig = Rig(clock, settings(roi=(0.25, 0.5, 0.5, 0.5)))
    assert rig.device.controls["ScalerCrop"] == (1440, 1296, 1728, 1296)


def test_ok__burst_is_fresh_in_order_and_releases_every_frame(clock: ManualClock, rig: Rig) -> None:
    trigger_s = clock.now_s + 0.010
    stills = list(rig.camera.burst(4, trigger_s))
    assert [s.sequence for s in stills] == [1, 2, 3, 4]
    exposed = [s.exposed_at_s for s in stills]
    assert all(at_s is not None and at_s > trigger_s for at_s in exposed)
    assert exposed == sorted(exposed)  # type: ignore[type-var]
    assert stills[0].image.shape == (240, 320, 3)
    assert stills[0].captured_at is not None
    assert rig.device.unreleased == 0


def test_fail__frame_exposed_before_the_trigger_is_not_used(clock: ManualClock, rig: Rig) -> None:
    # The sensor's stamp is 2 ms after the trigger, but exposure began 4 ms before the stamp.
    trigger_s = clock.now_s - 0.002
    still = next(rig.camera.burst(1, trigger_s))
    assert still.exposed_at_s == pytest.approx(trigger_s + 0.002 + FRAME_S - 0.004007)


def test_fail__camera_without_time_stamps_is_rejected(clock: ManualClock, rig: Rig) -> None:
    rig.device.stamps = False
    with pytest.raises(CameraError, match="their age cannot be proven"):
        next(rig.camera.burst(1, clock.now_s))
    assert rig.device.unreleased == 0


def test_ok__saturated_still_shortens_the_next_exposures_until_the_burst_ends(
    clock: ManualClock,
) -> None:
    rig = Rig(clock, settings(day={"exposure_us": 10_000}, bracket=0.4))
    rig.device.scene = 0.1
    greys = [int(still.image.max()) for still in rig.camera.burst(4, clock.now_s)]
    assert greys == [255, 255, 160, 160]  # 10 000, 4000, 1600 us
    assert [c["ExposureTime"] for c in rig.device.control_calls[1:]] == [4000, 1600, 10_000]


def test_ok__burst_ended_early_restores_the_exposure(clock: ManualClock) -> None:
    rig = Rig(clock, settings(day={"exposure_us": 10_000}))
    rig.device.scene = 0.1
    stills = rig.camera.burst(4, clock.now_s)
    next(stills)
    next(stills)
    stills.close()
    assert rig.device.controls["ExposureTime"] == 10_000


def test_ok__saturated_still_of_a_camera_without_exposure_control(clock: ManualClock) -> None:
    rig = Rig(clock, settings(day={"exposure_us": 10_000}))
    rig.device.scene = 0.1
    del rig.device.camera_controls["ExposureTime"]
    assert len(list(rig.camera.burst(2, clock.now_s))) == 2


@pytest.mark.parametrize(("rotation", "shape"), [(90, (320, 240, 3)), (180, (240, 320, 3))])
def test_ok__rotation(clock: ManualClock, rotation: int, shape: tuple[int, ...]) -> None:
    rig = Rig(clock, settings(rotation=rotation))
    assert next(rig.camera.burst(1, clock.now_s)).image.shape == shape


def test_fail__hang_in_a_burst_is_detected_in_seconds_and_a_restart_works(
    clock: ManualClock, rig: Rig
) -> None:
    assert rig.camera.fault() is None
    rig.device.hanging = True
    began_s = clock.now_s
    with pytest.raises(CameraError, match="no fresh picture within 3 s"):
        list(rig.camera.burst(2, clock.now_s))
    assert clock.now_s - began_s < 3.5
    assert rig.camera.fault() == "no fresh picture within 3 s"
    rig.camera.close()
    assert rig.devices[0].closed
    rig.camera.start()
    assert rig.camera.fault() is None
    assert len(list(rig.camera.burst(2, clock.now_s))) == 2


def test_fail__missing_frames_between_bursts_are_detected(clock: ManualClock, rig: Rig) -> None:
    rig.device.frame().release()
    clock.advance(2.9)
    assert rig.camera.fault() is None
    clock.advance(0.2)
    assert rig.camera.fault() == "no frame from the camera for 3 s"


def test_fail__close_during_a_burst_ends_it(clock: ManualClock, rig: Rig) -> None:
    stills = rig.camera.burst(3, clock.now_s)
    next(stills)
    rig.camera.close()
    with pytest.raises(CameraError, match="closed during a burst"):
        next(stills)


def test_ok__night_profile_comes_with_a_delay_and_uses_the_lamp(
    clock: ManualClock, factory: Any
) -> None:
    lamp = IrLamp(OutputPin(pin=22), factory=factory, clock=clock, call_later=clock.call_later)
    rig = Rig(clock, settings(profile="auto", switch_after_s=5), ir_lamp=lamp)
    line = factory.pin(22)
    list(rig.camera.burst(1, clock.now_s))
    assert history(line) == [False]
    rig.device.scene = 0.001  # dusk
    while rig.device.controls["ExposureTime"] == 4000:
        rig.device.frame().release()
        assert clock.now_s < 1100
    assert 1005 < clock.now_s < 1008
    assert rig.device.controls["AwbEnable"] is False
    stills = rig.camera.burst(2, clock.now_s)
    assert next(stills).exposed_at_s > 1005  # type: ignore[operator]
    assert line.state
    stills.close()
    assert history(line) == [False, True, False]


def test_ok__lamp_of_an_unfinished_burst_is_switched_off(clock: ManualClock, factory: Any) -> None:
    lamp = IrLamp(OutputPin(pin=22), factory=factory, clock=clock, call_later=clock.call_later)
    with lamp.lit(clock.now_s) as lit_s:
        assert lit_s == clock.now_s
        clock.advance(20)
        assert history(factory.pin(22)) == [False, True, False]


def test_ok__grey_frame_for_motion(clock: ManualClock, rig: Rig) -> None:
    assert rig.camera.grey_frame is None
    rig.device.frame().release()
    assert rig.camera.grey_frame is not None
    assert rig.camera.grey_frame.shape == (360, 640)


def snapshot_of(rig: Rig, whole: bool) -> Any:
    """The snapshot that another thread takes while frames arrive."""
    with ThreadPoolExecutor(1) as threads:
        taken = threads.submit(lambda: rig.camera.snapshot(whole=whole, within_s=60.0))
        while not taken.done():
            rig.device.frame().release()
    return taken.result()


def test_ok__a_snapshot_is_the_next_frame_of_either_stream(clock: ManualClock) -> None:
    rig = Rig(clock, settings(rotation=90))
    assert snapshot_of(rig, whole=False).shape == (640, 360, 3)
    assert snapshot_of(rig, whole=True).shape == (320, 240, 3)
    assert rig.device.unreleased == 0


def test_fail__no_frame_is_no_snapshot(rig: Rig) -> None:
    with pytest.raises(CameraError, match="no frame within 0"):
        rig.camera.snapshot(whole=True, within_s=0.0)


def test_ok__a_new_region_is_set_on_the_running_sensor(rig: Rig) -> None:
    rig.camera.use_region((0.25, 0.5, 0.5, 0.5))
    assert rig.device.controls["ScalerCrop"] == (1440, 1296, 1728, 1296)
    rig.camera.close()
    rig.camera.start()
    assert rig.device.controls["ScalerCrop"] == (1440, 1296, 1728, 1296)


def test_fail__missing_picamera2_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraError, match="apt install python3-picamera2"):
        open_picamera(0)


def test_fail__absent_camera_is_reported(clock: ManualClock) -> None:
    def absent(number: int) -> Any:
        raise CameraError("camera 0 cannot be opened: list index out of range")

    camera = PiCamera(settings=settings(), clock=clock, opener=absent)
    with pytest.raises(CameraError, match="camera 0 cannot be opened"):
        camera.start()
    assert camera.fault() == "the camera is not running"
    camera.close()
