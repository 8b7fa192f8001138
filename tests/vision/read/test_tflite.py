# SPDX-License-Identifier: Apache-2.0
"""The TFLite reader: readings from network outputs, confidence, and the shipped model."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plategate.errors import ModelError
from plategate.values import PlateImage, PlateRegion
from plategate.vision.models import find_model, models_folder
from plategate.vision.read import tflite as read_tflite
from plategate.vision.read.ctc import softmax
from plategate.vision.read.tflite import VARIANTS, Decoded, TfliteReader, Variant, prepare, reading

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
REGION = PlateRegion(((0, 0), (9, 0), (9, 9), (0, 9)), 1.0, "test")


def probabilities_of(*steps: dict[str, float], alphabet: str = ALPHABET) -> np.ndarray:
    """Probabilities by step; the remainder goes to the blank."""
    rows = np.full((len(steps), len(alphabet) + 1), 1e-9)
    for row, named in zip(rows, steps, strict=True):
        for char, chance in named.items():
            row[alphabet.index(char) + 1] = chance
        row[0] = 1 - sum(named.values())
    return rows


def decoded(*variants: np.ndarray) -> list[Decoded]:
    return [Decoded.of(one) for one in variants]


def plate_of(grey: np.ndarray) -> PlateImage:
    return PlateImage(grey, tuple, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), REGION)


def test_ok__repeats_need_a_blank_between() -> None:
    one = reading(decoded(probabilities_of({"A": 0.99}, {"A": 0.99})), ALPHABET, "tflite")
    two = reading(decoded(probabilities_of({"A": 0.99}, {}, {"A": 0.99})), ALPHABET, "tflite")
    assert one is not None and one.text == "A"
    assert two is not None and two.text == "AA"


def test_ok__a_weak_character_has_alternatives() -> None:
    probabilities = probabilities_of({"B": 0.99}, {}, {"8": 0.6, "B": 0.38}, {}, {"K": 0.99})
    found = reading(decoded(probabilities), ALPHABET, "tflite")
    assert found is not None and found.text == "B8K"
    weak = found.characters[1]
    assert found.confidence == weak.confidence < 0.65
    assert weak.alternatives[0][0] == "B"
    assert weak.alternatives[0][1] == pytest.approx(0.38, abs=0.02)
    assert min(found.characters[0].confidence, found.characters[2].confidence) > 0.95
    assert found.alternatives[0].text == "BBK"


def test_ok__a_doubtful_extra_character_lowers_its_neighbours() -> None:
    probabilities = probabilities_of({"A": 0.99}, {}, {"1": 0.4}, {}, {"C": 0.99}, {}, {"D": 0.99})
    found = reading(decoded(probabilities), ALPHABET, "tflite")
    assert found is not None and found.text == "ACD"
    sure = [character.confidence for character in found.characters]
    assert sure[0] < 0.7 and sure[1] < 0.7 and sure[2] > 0.9


def test_ok__variants_that_disagree_lower_the_confidence() -> None:
    one = probabilities_of({"B": 0.99}, {}, {"8": 0.97}, {}, {"K": 0.99})
    two = probabilities_of({"B": 0.99}, {}, {"3": 0.8}, {}, {"K": 0.99})
    alone, both = (
        reading(decoded(*variants), ALPHABET, "tflite") for variants in ([one], [one, two])
    )
    assert alone is not None and both is not None
    assert alone.text == both.text == "B8K"
    assert both.confidence < 0.6 and alone.confidence > 0.9
    assert both.alternatives[0].text == "B3K"
    assert both.characters[0].confidence > 0.9


# With the runtime of Debian 12 on arm64 the smallest numbers round to 0, as set here.
share = st.floats(0, 0.2, allow_subnormal=False)


@given(
    variant=st.builds(
        Variant,
        left=share,
        right=share,
        top=share,
        bottom=share,
        shear=st.floats(-0.3, 0.3, allow_subnormal=False),
        turn=st.floats(-5, 5, allow_subnormal=False),
    ),
    height=st.integers(4, 60),
    width=st.integers(4, 200),
)
def test_ok__every_variant_keeps_part_of_the_plate(
    variant: Variant, height: int, width: int
) -> None:
    part = variant.cut(np.zeros((height, width), np.uint8))
    assert min(part.shape) >= 2 and part.dtype == np.uint8


def test_ok__shear_moves_the_foot_of_a_stroke_and_keeps_its_middle() -> None:
    grey = np.full((41, 121), 200, np.uint8)
    grey[:, 60] = 0
    seen = Variant(shear=0.2).cut(grey)
    assert seen[20].argmin() == 60
    assert seen[40].argmin() - seen[0].argmin() == pytest.approx(0.2 * 40, abs=1)


def test_ok__turn_is_counter_clockwise() -> None:
    grey = np.full((41, 121), 200, np.uint8)
    grey[20] = 0
    seen = Variant(turn=3).cut(grey)
    rise = seen[:, 10].argmin() - seen[:, 110].argmin()
    assert rise == pytest.approx(100 * np.tan(np.deg2rad(3)), abs=1)


def test_ok__no_character_is_none() -> None:
    assert reading(decoded(probabilities_of({}, {}, {})), ALPHABET, "tflite") is None


def test_ok__dark_and_bright_plates_are_normalised_alike() -> None:
    rng = np.random.default_rng(2)
    bright = rng.integers(0, 200, (60, 200)).astype(np.uint8)
    dark = (bright // 4 + 10).astype(np.uint8)
    day, night = prepare(bright, 160, 48), prepare(dark, 160, 48)
    assert day.shape == (1, 48, 160, 1) and abs(float(day.mean())) < 1e-4
    assert float(np.abs(day - night).max()) < 1.0


def test_fail__manifest_without_the_reader(tmp_path: Path) -> None:
    (tmp_path / "MANIFEST.toml").write_text("")
    with pytest.raises(ModelError, match="plate_reader"):
        TfliteReader(tmp_path)


def test_fail__model_differs_from_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "MANIFEST.toml").write_text(
        f'[plate_reader]\nfile = "a.tflite"\nsha256 = "{"0" * 64}"\nalphabet = "{ALPHABET}"\n'
    )
    (tmp_path / "a.tflite").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="damaged"):
        TfliteReader(tmp_path)


def test_fail__alphabet_of_another_length(tmp_path: Path) -> None:
    file = find_model("plate_reader", models_folder())
    (tmp_path / "MANIFEST.toml").write_text(
        f'[plate_reader]\nfile = "{file.path}"\nsha256 = "{file.sha256}"\nalphabet = "AB"\n'
    )
    reader = TfliteReader(tmp_path)
    with pytest.raises(ModelError, match="alphabet"):
        reader.read(plate_of(np.zeros((48, 160), np.uint8)))


@pytest.fixture(scope="module")
def shipped() -> TfliteReader:
    return TfliteReader()


def drawn(*lines: str) -> np.ndarray:
    """A clean plate with one or two lines of thick strokes."""
    height = 96 if len(lines) == 1 else 180
    grey = np.full((height, 420 if len(lines) == 1 else 260), 235, np.uint8)
    cv2.rectangle(grey, (3, 3), (grey.shape[1] - 4, height - 4), 20, 2)
    for number, line in enumerate(lines):
        base = 76 + 84 * number
        cv2.putText(grey, line, (24, base), cv2.FONT_HERSHEY_SIMPLEX, 2.2, 15, 7, cv2.LINE_AA)
    return grey


def test_ok__shipped_model_reads_one_line(shipped: TfliteReader) -> None:
    found = shipped.read(plate_of(drawn("AK 4729 T")))
    assert found is not None and found.text == "AK4729T"
    assert found.reader == "tflite"


def test_ok__shipped_model_reads_two_lines_top_first(shipped: TfliteReader) -> None:
    found = shipped.read(plate_of(drawn("KLH", "4729")))
    assert found is not None and found.text == "KLH4729"


@pytest.mark.parametrize(
    ("shown", "variants", "text"),
    [
        ([0.99], 1, "A"),  # sure at once
        ([0.6, 0.6, 0.99, 0.99, 0.99], len(VARIANTS), "A"),  # never sure
        ([0.75, 1.0, 1.0], 3, "A"),  # sure with the third variant
        ([0.19], 1, None),  # hopeless at once
        ([0.55, 0.0], 2, None),  # hopeless after the second variant
        ([0.0], 1, None),  # nothing there
    ],
)
def test_ok__variants_are_read_until_one_is_confident(
    shipped: TfliteReader,
    monkeypatch: pytest.MonkeyPatch,
    shown: list[float],
    variants: int,
    text: str | None,
) -> None:
    taken: list[np.ndarray] = []

    def probabilities(grey: np.ndarray) -> np.ndarray:
        taken.append(grey)
        return probabilities_of({}, {"A": shown[len(taken) - 1]}, {})

    monkeypatch.setattr(shipped, "probabilities", probabilities)
    found = shipped.read(plate_of(drawn("A")))
    assert (found and found.text) == text
    assert len(taken) == variants
    assert len({one.tobytes() for one in taken}) == variants


@pytest.mark.parametrize(("most", "taken"), [(None, len(VARIANTS)), (1, 1), (2, 2)])
def test_ok__at_most_so_many_variants_are_read(
    shipped: TfliteReader, monkeypatch: pytest.MonkeyPatch, most: int | None, taken: int
) -> None:
    shown: list[np.ndarray] = []

    def probabilities(grey: np.ndarray) -> np.ndarray:
        shown.append(grey)
        return probabilities_of({}, {"A": 0.85}, {})

    monkeypatch.setattr(shipped, "probabilities", probabilities)
    shipped.read(plate_of(drawn("A")), most)
    assert len(shown) == taken


def test_ok__a_plate_that_is_read_again_with_more_variants_is_not_read_from_the_start(
    shipped: TfliteReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[np.ndarray] = []

    def probabilities(grey: np.ndarray) -> np.ndarray:
        shown.append(grey)
        return probabilities_of({}, {"A": 0.6 if len(shown) % 2 else 0.8}, {})

    monkeypatch.setattr(shipped, "probabilities", probabilities)
    plate, other = plate_of(drawn("A")), plate_of(drawn("A"))
    at_once = shipped.read(plate, 2)
    alone = shipped.read(other, 1)
    assert len(shown) == 3 and alone is not None and at_once is not None
    assert shipped.read(other, 2) == at_once != alone
    assert len(shown) == 4
    assert shipped.read(other, 1) == alone  # with fewer it is
    assert len(shown) == 5


def test_ok__empty_picture_has_no_text(shipped: TfliteReader) -> None:
    assert shipped.read(plate_of(np.full((48, 160), 90, np.uint8))) is None
    assert shipped.read(plate_of(np.zeros((2, 2), np.uint8))) is None


def test_ok__the_picture_is_not_modified(shipped: TfliteReader) -> None:
    grey = drawn("AK 4729 T")
    before = grey.copy()
    shipped.read(plate_of(grey))
    assert np.array_equal(grey, before)


def test_ok__reads_without_importing_training_libraries() -> None:
    source = Path(read_tflite.__file__).read_text(encoding="utf-8")
    assert "torch" not in source


def test_ok__fewer_beams_keep_the_likeliest_texts() -> None:
    probabilities = softmax(np.random.default_rng(5).normal(0, 2.0, (12, 6)).astype(np.float32))
    few, many = Decoded.of(probabilities, 4), Decoded.of(probabilities, 8)
    assert len(few.hypotheses) == 4 < len(many.hypotheses)
    assert few.hypotheses[0].classes == many.hypotheses[0].classes
