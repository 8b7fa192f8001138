# SPDX-License-Identifier: Apache-2.0
"""Measure which file and which runtime of each network is cheapest on this machine.

Processor time of one thread; all candidates of a network run in turn, so that a change in the speed
of the machine affects all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from plategate.errors import ModelError
from plategate.vision.choice import ModelChoice
from plategate.vision.interpreter import Model, installed_runtimes, open_model
from plategate.vision.models import find_model, variants_of

NETWORKS = ("plate_detector", "plate_refiner", "plate_reader_small", "plate_reader")
WARM_UP, ROUNDS, RUNS = 3, 9, 4
# A file that reads less well has to cost at most this share of a better one to be chosen.
WORTHWHILE = 0.9


@dataclass(slots=True)
class MeasuredModel:
    """A file and a runtime for a network; `milliseconds` a run, None if it cannot be loaded."""

    network: str
    choice: ModelChoice
    milliseconds: float | None = None
    failure: str = ""
    chosen: bool = False
    measured_ms: list[float] = field(default_factory=list)


def measure(
    folder: Path | None = None, clock_s: Callable[[], float] = time.process_time
) -> Iterator[list[MeasuredModel]]:
    """The measured candidates of one network after the other; the chosen one is marked.

    A network that the manifest does not have is skipped. Raises ModelError where no runtime is
    installed.
    """
    runtimes = installed_runtimes()
    if not runtimes:
        raise ModelError("no TensorFlow Lite runtime is installed")
    for network in NETWORKS:
        try:
            files = {
                name: find_model(name, folder) for name in (network, *variants_of(network, folder))
            }
        except ModelError:
            continue
        candidates = [
            MeasuredModel(network, ModelChoice(name, runtime, file.sha256))
            for name, file in files.items()
            for runtime in runtimes
        ]
        _measure(candidates, folder, clock_s)
        yield candidates


def choose(candidates: list[MeasuredModel]) -> MeasuredModel | None:
    """The cheapest, unless it saves too little for its place in the list.

    The list begins with the shipped file in the preferred runtime; the variants follow in the order
    of the manifest, which names those that read better first.
    """
    best: MeasuredModel | None = None
    for one in candidates:
        if one.milliseconds is None:
            continue
        if best is None or one.milliseconds <= WORTHWHILE * (best.milliseconds or 0.0):
            best = one
    return best


def _measure(
    candidates: list[MeasuredModel], folder: Path | None, clock_s: Callable[[], float]
) -> None:
    models: list[tuple[MeasuredModel, Model, NDArray[np.float32]]] = []
    for one in candidates:
        file = find_model(one.choice.table, folder)
        try:
            model = open_model(file.path, file.sha256, runtime=one.choice.runtime)
            picture = noise(model.input_shape)
            _run(model, picture, WARM_UP)
        except ModelError as error:
            one.failure = str(error)
            continue
        models.append((one, model, picture))
    for _ in range(ROUNDS):
        for one, model, picture in models:
            started_s = clock_s()
            _run(model, picture, RUNS)
            one.measured_ms.append((clock_s() - started_s) / RUNS * 1000)
    for one, _, _ in models:
        one.milliseconds = median(one.measured_ms)
    best = choose(candidates)
    if best is not None:
        best.chosen = True


def noise(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Random numbers to run a network on, of mean 0 and deviation 1."""
    return np.random.default_rng(1).normal(0.0, 1.0, shape).astype(np.float32)


def _run(model: Model, picture: NDArray[np.float32], times: int) -> None:
    for _ in range(times):
        model.run(picture)
