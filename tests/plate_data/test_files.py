# SPDX-License-Identifier: Apache-2.0
"""A plate is found however it is written, never inside another one, and taken out cleanly."""

from __future__ import annotations

from pathlib import Path

import pytest

from plategate.errors import ListError
from plategate.plate_data.files import files_with
from plategate.plate_data.mention import Mention


@pytest.mark.parametrize(
    "text",
    [
        "MAB123",
        "m-ab 123",
        "Gast M·AB 123, bis Freitag",
        '{"plate":"MAB123"}',
        "М АВ 123",  # noqa: RUF001 -- Cyrillic letters
        "MÄB 123",
        "ersetzt M - AB - 123.",
        "MAB\n123",
    ],
)
def test_ok__a_plate_is_found_in_every_spelling(text: str) -> None:
    mention = Mention("MAB123")
    assert mention.is_in(text)
    assert not mention.is_in(mention.removed_from(text))


@pytest.mark.parametrize("text", ["MAB1234", "XMAB123", "MAB12", "M AB 12 3X", "", "123 MAB"])
def test_ok__another_plate_is_not_taken_for_it(text: str) -> None:
    mention = Mention("MAB123")
    assert not mention.is_in(text)
    assert mention.removed_from(text) == text


def test_ok__the_words_around_it_stay() -> None:
    mention = Mention("MAB123")
    assert mention.removed_from("für Müller, M-AB 123 (weiß)") == "für Müller, (erased) (weiß)"
    assert mention.removed_from("ﬁrst M-AB 123 Łódź M AB 123") == "ﬁrst (erased) Łódź (erased)"


@pytest.mark.parametrize("plate", ["", "m-ab", "M AB"])
def test_fail__only_canonical_plates_are_searched(plate: str) -> None:
    with pytest.raises(ListError, match="canonical form"):
        Mention(plate)


def test_ok__a_file_is_found_by_its_name_and_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "night-MAB123.jpg").write_bytes(b"a picture")
    (tmp_path / "utf16.csv").write_text("plate\nM-AB 123\n", encoding="utf-16")
    (tmp_path / "binary").write_bytes(bytes(2_000_000) + b"MAB123" + bytes(10))
    (tmp_path / "other.txt").write_text("MAB1234")
    (tmp_path / "picture.jpg").write_bytes(b"MAB123")
    names = [file.name for file in files_with(tmp_path, "MAB123")]
    assert names == ["binary", "night-MAB123.jpg", "utf16.csv"]
