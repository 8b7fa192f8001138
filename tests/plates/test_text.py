# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001
"""Guards the canonical form of plates, by which lists and readings are compared."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plategate.plates.text import (
    ALPHABET,
    LOOKALIKE_CLASSES,
    canonical,
    fold,
    lookalike_key,
)

quick = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ab 12-cde", "AB12CDE"),
        ("  b·ab\t123 ", "BAB123"),
        ("ＡＢ１２", "AB12"),
        ("А123ВС77", "A123BC77"),
        ("а123вс 77", "A123BC77"),
        ("ΙΖΗ-1234", "IZH1234"),
        ("TÖL AB 1", "TOLAB1"),
        ("Å1ø2", "A1O2"),
        ("٣٤", "34"),
        ("ЯЖ", ""),
        ("", ""),
    ],
)
def test_ok__canonical(text: str, expected: str) -> None:
    assert canonical(text) == expected


@quick
@given(st.text())
def test_ok__canonical_is_idempotent_and_stays_in_the_alphabet(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once
    assert set(once) <= set(ALPHABET)


@quick
@given(st.text())
def test_ok__the_case_of_a_canonical_text_does_not_matter(text: str) -> None:
    assert canonical(canonical(text).lower()) == canonical(text)


@quick
@given(st.text(ALPHABET))
def test_ok__canonical_text_is_unchanged(text: str) -> None:
    assert canonical(text) == text


def test_ok__fold_merges_only_o_with_0_and_i_with_1() -> None:
    assert fold("OI01DLQ") == "0101DLQ"
    kept = [c for c in ALPHABET if fold(c) == c]
    assert len(kept) == len(ALPHABET) - 2


@quick
@given(st.text(ALPHABET))
def test_ok__look_alikes_share_a_key(text: str) -> None:
    last = {char: chars[-1] for chars in LOOKALIKE_CLASSES for char in chars}
    for other in ("".join(last.get(c, c) for c in text), lookalike_key(text), fold(text)):
        assert lookalike_key(other) == lookalike_key(text)


def test_ok__look_alike_classes_do_not_overlap() -> None:
    joined = "".join(LOOKALIKE_CLASSES)
    assert len(set(joined)) == len(joined)
    assert {lookalike_key(char) for char in "0OQD"} == {"0"}
    assert lookalike_key("A") != lookalike_key("4")
