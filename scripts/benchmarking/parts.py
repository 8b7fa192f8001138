# SPDX-License-Identifier: Apache-2.0
"""Builds the measured pipeline from the names of its components, including the tutorial recipe.

Times are processor times, so that other work on the machine is not counted.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import get_args

from plategate.errors import ModelError
from plategate.settings.vision import VisionSettings
from plategate.vision.build import build_readers
from plategate.vision.choice import load_choices
from plategate.vision.degraded import Degraded
from plategate.vision.pipeline import Pipeline, build_pipeline

_FIELDS = VisionSettings.model_fields
LOCALIZERS = (*get_args(_FIELDS["localizer"].annotation), "tutorial")
READERS = get_args(_FIELDS["reader"].annotation)


def choice_file(name: str) -> Path:
    """The file of a command line's --choice, which has to exist and to be whole."""
    file = Path(name)
    try:
        if not load_choices(file):
            raise argparse.ArgumentTypeError(
                f"{name}: no such file, or nothing in it; `plategate bench --write` writes one"
            )
    except ModelError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return file


def build(localizer: str, reader: str, choice: Path | None = None) -> Pipeline:
    """A pipeline of these components, with the choice of files that `plategate bench` wrote."""
    chosen: dict[str, object] = {"reader": reader}
    if choice is not None:
        chosen["choice_file"] = choice
    if localizer != "tutorial":
        chosen["localizer"] = localizer
        return build_pipeline(VisionSettings.model_validate(chosen), time.process_time)
    # Imported here: with it come libraries that no gate loads, and scripts/soak measures memory.
    from benchmarking.tutorial import TutorialLocalizer

    degraded = Degraded()
    settings = VisionSettings.model_validate(chosen)
    readers = build_readers(settings, degraded)
    return Pipeline([TutorialLocalizer()], readers, degraded=degraded, now_s=time.process_time)
