# SPDX-License-Identifier: Apache-2.0
"""Measures start time and memory of the pipeline in a new process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path


def footprint(
    pictures: list[Path], localizer: str, reader: str, choice: Path | None = None
) -> dict[str, float]:
    """Processor seconds until the pipeline is ready, and peak resident megabytes."""
    names = [str(picture.absolute()) for picture in pictures]
    chosen = "" if choice is None else str(choice.absolute())
    command = [sys.executable, "-m", "benchmarking.footprint", localizer, reader, chosen, *names]
    folder = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    """The code of the new process."""
    from benchmarking.parts import build
    from plategate.vision.images import load_still

    localizer, reader, choice, *names = sys.argv[1:]
    pipeline = build(localizer, reader, Path(choice) if choice else None)
    ready_s = time.process_time()
    empty_mb = _resident_mb()
    for name in names:
        pipeline.read_still(load_still(Path(name)))
    print(json.dumps({"start_s": ready_s, "loaded_mb": empty_mb, "peak_mb": _resident_mb()}))


def _resident_mb() -> float:
    """Peak resident memory of this process; getrusage would include its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
