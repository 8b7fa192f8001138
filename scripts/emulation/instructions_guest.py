# SPDX-License-Identifier: Apache-2.0
"""Runs inside the emulated machine of `scripts/instructions`: reads pictures, prints their cost.

With qemu's instruction counter the guest's clock advances by one nanosecond for each instruction,
so a millisecond of `perf_counter` is a million instructions. One JSON line for each picture.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

PICTURES = Path("/pictures")
WARM_UP = 2


def main() -> None:
    """Read every picture with Plategate, or with the outside reader that is named."""
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", HOME="/tmp")
    files = sorted(PICTURES.iterdir())
    outside = Path("/outside/command")
    if outside.exists():
        _outside(outside.read_text(encoding="utf-8").split(), files)
    else:
        asked = json.loads(Path("/vision.json").read_text(encoding="utf-8"))
        _plategate(files, asked["vision"], asked["every"])


def _plategate(files: list[Path], vision: dict[str, object], every: bool) -> None:
    import cv2

    from plategate.settings.vision import VisionSettings
    from plategate.vision.images import load_still
    from plategate.vision.pipeline import build_pipeline

    cv2.setNumThreads(1)
    pipeline = build_pipeline(VisionSettings.model_validate(vision), time.perf_counter)
    for sentence in pipeline.degraded:
        print("DEGRADED", sentence, flush=True)
    # A gate's stills have one shape, so the detector's interpreters are opened before the count.
    shapes = {load_still(file).image.shape: file for file in files}
    for file in {*files[:WARM_UP], *shapes.values()}:
        pipeline.read_still(load_still(file), every)
    for file in files:
        reading = pipeline.read_still(load_still(file), every)
        texts = [plate.reading.text for plate in reading.plates]
        _say(file, texts, dict(reading.milliseconds))


def _outside(command: list[str], files: list[Path]) -> None:
    process = subprocess.Popen(
        [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    for file in files:
        process.stdin.write(f"{file}\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        _say(file, [plate["text"] for plate in answer["plates"]], {"total": answer["wall_ms"]})
    process.stdin.close()
    process.wait()


def _say(file: Path, texts: list[str], millions: dict[str, float]) -> None:
    rounded = {stage: round(value, 2) for stage, value in millions.items()}
    line = {"file": file.name, "texts": texts, "millions": rounded}
    print("PICTURE", json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
