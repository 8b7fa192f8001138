# SPDX-License-Identifier: Apache-2.0
"""Guards the measured choice of model files: it is used, kept across a restart, never harmful."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from plategate.cli import app
from plategate.errors import ModelError
from plategate.settings.vision import VisionSettings
from plategate.vision import bench
from plategate.vision.bench import NETWORKS, MeasuredModel, choose, measure
from plategate.vision.choice import ModelChoice, load_choices, open_chosen, write_choices
from plategate.vision.images import load_still
from plategate.vision.interpreter import installed_runtimes
from plategate.vision.models import find_model, variants_of
from plategate.vision.pipeline import build_pipeline

MODELS = Path(__file__).parents[2] / "models"
DEMO = Path(__file__).parents[1] / "data" / "demo"
RUNTIME = installed_runtimes()[0]


def choice(table: str, runtime: str = RUNTIME) -> ModelChoice:
    return ModelChoice(table, runtime, find_model(table).sha256)


def test_ok__integer_files_are_variants_of_their_networks() -> None:
    assert variants_of("plate_reader") == ("plate_reader_dyn8", "plate_reader_int8")
    assert variants_of("plate_reader_small") == ("plate_reader_small_int8",)
    assert variants_of("plate_refiner") == ("plate_refiner_int8",)
    assert variants_of("plate_detector") == ("plate_detector_int8",)


def test_ok__choices_survive_writing_and_reading(tmp_path: Path) -> None:
    file = tmp_path / "state" / "models.toml"
    choices = {"plate_reader": choice("plate_reader_int8")}
    write_choices(file, choices, {"machine": 'a "quoted" \\ name'})
    assert load_choices(file) == choices
    assert load_choices(tmp_path / "none.toml") == {}
    assert load_choices(None) == {}


def test_ok__the_chosen_file_is_opened(tmp_path: Path) -> None:
    file, _ = open_chosen("plate_reader", choices={"plate_reader": choice("plate_reader_int8")})
    assert file.path.name == "plate_reader_int8.tflite"
    write_choices(tmp_path / "m.toml", {"plate_reader": choice("plate_reader_int8")}, {})
    settings = VisionSettings(choice_file=tmp_path / "m.toml")
    pipeline = build_pipeline(settings)
    assert pipeline.degraded == ()
    best = pipeline.read_still(load_still(DEMO / "01-day-1.jpg")).best
    assert best is not None and best.reading.text == "B839HAR"


@pytest.mark.parametrize(
    "wrong",
    [
        ModelChoice("plate_reader_int8", RUNTIME, "0" * 64),  # another version of the file
        ModelChoice("plate_reader_int8", "no_such_runtime", find_model("plate_reader_int8").sha256),
        ModelChoice("plate_detector", RUNTIME, find_model("plate_detector").sha256),
        ModelChoice("no_such_table", RUNTIME, ""),
    ],
)
def test_fail__a_choice_that_does_not_fit_is_logged_and_leaves_the_shipped_file(
    wrong: ModelChoice, caplog: pytest.LogCaptureFixture
) -> None:
    file, _ = open_chosen("plate_reader", choices={"plate_reader": wrong})
    assert file.path.name == "plate_reader.tflite"
    assert "the measured choice is not used" in caplog.text


@pytest.mark.parametrize(
    "content", ["", "model = 3", "[model]\nplate_reader = 1", "[model.x", "\0"]
)
def test_fail__a_damaged_file_is_named_and_plates_are_read(tmp_path: Path, content: str) -> None:
    file = tmp_path / "models.toml"
    file.write_text(content)
    with pytest.raises(ModelError, match=r"models\.toml is damaged; run `plategate bench --write`"):
        load_choices(file)
    pipeline = build_pipeline(VisionSettings(choice_file=file))
    assert any("models.toml is damaged" in sentence for sentence in pipeline.degraded)
    assert pipeline.read_still(load_still(DEMO / "01-day-1.jpg")).best is not None


def test_ok__every_network_is_measured_with_all_its_files() -> None:
    ticks = count()
    found = {group[0].network: group for group in measure(MODELS, lambda: float(next(ticks)))}
    assert tuple(found) == NETWORKS
    for network, group in found.items():
        tables = {one.choice.table for one in group}
        assert tables == {network, *variants_of(network)}
        assert [one.chosen for one in group].count(True) == 1


def test_ok__only_the_runs_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    drawn = bench.noise

    def slow(shape: tuple[int, ...]) -> NDArray[np.float32]:
        nonlocal now
        now += 1.0
        return drawn(shape)

    monkeypatch.setattr(bench, "noise", slow)
    for group in measure(MODELS, lambda: now):
        assert {one.milliseconds for one in group} <= {0.0, None}
    assert now > 0.0


def test_ok__the_shipped_file_stays_unless_another_is_clearly_cheaper() -> None:
    def measured(*milliseconds: float | None) -> str:
        group = [
            MeasuredModel("n", ModelChoice(f"t{number}", RUNTIME, ""), value)
            for number, value in enumerate(milliseconds)
        ]
        best = choose(group)
        return best.choice.table if best else "none"

    assert measured(10.0, 9.8) == "t0"
    assert measured(10.0, 5.0, 4.9) == "t1"
    assert measured(10.0, 5.0, 4.0) == "t2"
    assert measured(10.0, 9.0) == "t1"
    assert measured(None, 9.0, 8.9) == "t1"
    assert measured(None) == "none"


def test_ok__bench_writes_its_choice_and_a_network_that_is_missing_is_passed_over(
    tmp_path: Path,
) -> None:
    models = tmp_path / "models"
    shutil.copytree(MODELS, models, ignore=shutil.ignore_patterns("training", "tessdata"))
    for file in models.glob("plate_refiner*.tflite"):
        file.unlink()
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[vision]\nmodels_dir = "{models}"\nchoice_file = "{tmp_path}/chosen.toml"\n'
    )
    done = CliRunner().invoke(app, ["bench", "--write", "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert "plate_refiner.tflite cannot be read" in done.output
    assert set(load_choices(tmp_path / "chosen.toml")) == set(NETWORKS) - {"plate_refiner"}
