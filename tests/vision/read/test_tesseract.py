# SPDX-License-Identifier: Apache-2.0
"""Reading with the real Tesseract: text, polarity, engines, threads, degraded modes."""

import hashlib
import threading
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from plategate.errors import ReaderError
from plategate.values import CharacterReading, Image, PlateImage, PlateReading, PlateRegion
from plategate.vision.read import tesseract_engines
from plategate.vision.read.tesseract import (
    LINE_HEIGHT,
    SQUEEZED,
    VARIANTS,
    TesseractReader,
    is_light_on_dark,
    prepare_line,
)
from plategate.vision.read.tesseract_engines import parse_hocr

REGION = PlateRegion(((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0)), 1.0, "drawn")


def drawn_line(text: str, height: int = 48) -> Image:
    """`text` in a plain font, dark on light, cut to its line."""
    face, scale = cv2.FONT_HERSHEY_DUPLEX, height / 30
    (width, tall), _ = cv2.getTextSize(text, face, scale, 2)
    line = np.full((tall + 12, width + 24), 235, np.uint8)
    cv2.putText(line, text, (12, tall + 6), face, scale, (25,), 2, cv2.LINE_AA)
    return cv2.GaussianBlur(line, (3, 3), 0).astype(np.uint8)


def plate_of(*lines: Image) -> PlateImage:
    grey = lines[0] if lines else np.zeros((8, 8), np.uint8)
    return PlateImage(grey, lambda: lines, np.dstack([grey] * 3), REGION)


def chequered(height: int, width: int) -> Image:
    rows, columns = np.indices((height, width))
    return ((rows // 3 + columns // 3) % 2 * 200).astype(np.uint8)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> TesseractReader:
    """A reader with stock data, so that its text does not change with every training."""
    return TesseractReader(models_without_tesseract(tmp_path_factory.mktemp("models")))


def models_without_tesseract(folder: Path) -> Path:
    (folder / "MANIFEST.toml").write_text("", encoding="utf-8")
    return folder


def text_of(reading: PlateReading | None) -> str | None:
    return None if reading is None else reading.text


def test_ok__clean_line_is_read_with_confidences(stock: TesseractReader) -> None:
    reading = stock.read(plate_of(drawn_line("KX63 HNP")))
    assert reading is not None
    assert reading.text == "KX63HNP"
    assert reading.reader == stock.name == "tesseract"
    assert all(0.0 < c.confidence <= 1.0 for c in reading.characters)
    for char in reading.characters:
        assert char.confidence + sum(p for _, p in char.alternatives) <= 1.0 + 1e-9
        assert char.char not in dict(char.alternatives)


def test_ok__light_characters_on_a_dark_background_read_the_same(stock: TesseractReader) -> None:
    line = drawn_line("KX63 HNP")
    assert text_of(stock.read(plate_of(255 - line))) == "KX63HNP"
    assert is_light_on_dark(255 - line)
    assert not is_light_on_dark(line)


def test_ok__two_lines_are_read_top_line_first(stock: TesseractReader) -> None:
    reading = stock.read(plate_of(drawn_line("KX63"), drawn_line("HNP")))
    assert text_of(reading) == "KX63HNP"


def test_ok__a_low_line_is_not_part_of_the_registration(stock: TesseractReader) -> None:
    plate = plate_of(drawn_line("ICT", height=20), drawn_line("KX63 HNP"))
    assert text_of(stock.read(plate)) == "KX63HNP"


def test_ok__empty_lines_are_none(stock: TesseractReader) -> None:
    assert stock.read(plate_of()) is None
    assert stock.read(plate_of(np.full((40, 200), 200, np.uint8))) is None
    assert stock.read(plate_of(np.zeros((0, 50), np.uint8))) is None
    assert stock.read(plate_of(np.zeros((300, 3), np.uint8))) is None


def test_ok__input_is_not_modified(stock: TesseractReader) -> None:
    line = 255 - drawn_line("AB12")
    before = line.copy()
    stock.read(plate_of(line))
    assert np.array_equal(line, before)


def test_ok__every_variant_is_a_new_readable_line() -> None:
    for line in (drawn_line("KX63 HNP"), np.zeros((2, 40), np.uint8), chequered(40, 2)):
        before = line.copy()
        for variant in VARIANTS:
            seen = variant(line)
            assert seen is not line
            assert seen.ndim == 2
            assert min(seen.shape) > 0
        assert np.array_equal(line, before)


def test_ok__the_plate_model_reads_further_variants_of_a_doubtful_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = TesseractReader()
    sure = iter((0.5, 0.7, 0.6, 0.65, 0.6, 0.5, 0.95))

    def read_line(line: Image) -> tuple[CharacterReading, ...]:
        return (CharacterReading("A", next(sure)),)

    monkeypatch.setattr(reader, "_engine", SimpleNamespace(read_line=read_line))
    plate = plate_of(drawn_line("A"))
    first = reader.read(plate)
    assert first is not None
    assert first.confidence == 0.7
    second = reader.read(plate)
    assert second is not None
    assert second.confidence == 0.95


def test_ok__a_line_of_any_height_is_scaled_to_the_networks_input(stock: TesseractReader) -> None:
    for height in (9, 36, 120):
        prepared = prepare_line(chequered(height, height * 4))
        assert prepared is not None
        assert prepared.shape == (LINE_HEIGHT, LINE_HEIGHT * 4)
    long = prepare_line(chequered(36, 300))
    assert long is not None
    assert long.shape == (LINE_HEIGHT, SQUEEZED)


def test_ok__both_engines_read_the_same_text(tmp_path: Path) -> None:
    models = models_without_tesseract(tmp_path)
    plate = plate_of(drawn_line("KX63 HNP"))
    for engine in ("tesserocr", "pytesseract"):
        reader = TesseractReader(models, engine=engine)  # type: ignore[arg-type]
        assert text_of(reader.read(plate)) == "KX63HNP", engine


def test_ok__threads_read_at_the_same_time(stock: TesseractReader) -> None:
    texts = ("KX63HNP", "WN94EAB", "HK55TRE")
    found: dict[str, str | None] = {}

    def read(text: str) -> None:
        found[text] = text_of(stock.read(plate_of(drawn_line(text))))

    threads = [threading.Thread(target=read, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {text: text for text in texts}


def test_ok__a_missing_model_is_a_reported_degraded_mode(stock: TesseractReader) -> None:
    assert stock.degraded is not None
    assert "stock eng" in stock.degraded


@pytest.mark.parametrize("text", ["KX63 HNP", "B 152 FTO", "MH12DE1433"])
def test_ok__the_shipped_model_is_whole_and_reads_clean_lines(text: str) -> None:
    reader = TesseractReader()
    assert reader.degraded is None
    assert text_of(reader.read(plate_of(drawn_line(text)))) == text.replace(" ", "")


def test_fail__damaged_model_is_not_loaded(tmp_path: Path) -> None:
    data = b"not a model"
    (tmp_path / "tessdata").mkdir()
    (tmp_path / "tessdata" / "plates.traineddata").write_bytes(data + b"?")
    table = "[tesseract]\nfile = 'tessdata/plates.traineddata'\nsha256 = '{}'\n"
    manifest = table.format(hashlib.sha256(data).hexdigest())
    (tmp_path / "MANIFEST.toml").write_text(manifest, encoding="utf-8")
    degraded = TesseractReader(tmp_path).degraded
    assert degraded is not None
    assert "damaged" in degraded


def test_fail__no_language_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesseract_engines, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    with pytest.raises(ReaderError, match="tesseract-ocr-eng"):
        TesseractReader(models_without_tesseract(tmp_path))


def test_fail__no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tesserocr", None)
    models = models_without_tesseract(tmp_path)
    degraded = TesseractReader(models).degraded
    assert degraded is not None
    assert "process for every line" in degraded
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReaderError, match="tesseract-ocr"):
        TesseractReader(models)


def test_ok__a_deferred_reader_loads_tesseract_when_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tesserocr", None)
    models = models_without_tesseract(tmp_path)
    with monkeypatch.context() as without_programs:
        without_programs.setenv("PATH", str(tmp_path))
        deferred = TesseractReader(models, deferred=True)
        with pytest.raises(ReaderError, match="tesseract-ocr"):
            deferred.read(plate_of(drawn_line("KX63 HNP")))
    reading = deferred.read(plate_of(drawn_line("KX63 HNP")))
    assert reading is not None and reading.text == "KX63HNP"
    assert deferred.degraded is not None and "process for every line" in deferred.degraded


def test_ok__hocr_characters_are_unescaped() -> None:
    page = (
        "<span class='ocrx_word' title='x_wconf 95'>"
        "<span class='ocrx_cinfo' title='x_bboxes 1 2 3 4; x_conf 99.031418'>A</span>"
        "<span class='ocrx_cinfo' title='x_bboxes 5 2 8 4; x_conf -3.5'>&amp;</span></span>"
    )
    assert parse_hocr(page) == [("A", 99.031418), ("&", -3.5)]
