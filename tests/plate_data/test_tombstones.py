# SPDX-License-Identifier: Apache-2.0
"""Proofs of erasure name no plate, survive, and tell which plates were erased."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plategate.errors import StoreError
from plategate.plate_data.tombstones import FILE_NAME, ErasedPlates, Tombstones

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_ok__an_erased_plate_is_known_by_its_hash_alone(tmp_path: Path) -> None:
    Tombstones(tmp_path / "new").add("MAB123", NOW, "owner", "request of 1 June")
    erased = ErasedPlates(tmp_path / "new")
    assert "MAB123" in erased
    assert "MAB124" not in erased
    assert erased.sentence.startswith("1 plate was left out")
    assert not any(b"MAB123" in file.read_bytes() for file in (tmp_path / "new").iterdir())


def test_ok__a_plate_is_readmitted(tmp_path: Path) -> None:
    stones = Tombstones(tmp_path)
    stones.add("MAB123", NOW, "owner", "")
    stones.add("MAB123", NOW + timedelta(days=1), "owner", "")
    assert len(stones.all()) == 1
    assert stones.lift("MAB123")
    assert not stones.lift("MAB123")
    assert "MAB123" not in ErasedPlates(tmp_path)


def test_ok__erasures_at_the_same_time_lose_no_proof(tmp_path: Path) -> None:
    plates = [f"MAB{number:03}" for number in range(48)]
    with ThreadPoolExecutor(8) as commands:
        made = commands.map(lambda plate: Tombstones(tmp_path).add(plate, NOW, "root", ""), plates)
    assert {each.plate for each in made} == {each.plate for each in Tombstones(tmp_path).all()}


def test_ok__only_later_proofs_count(tmp_path: Path) -> None:
    Tombstones(tmp_path).add("MAB123", NOW, "owner", "")
    assert "MAB123" in ErasedPlates(tmp_path, since=NOW)
    assert "MAB123" not in ErasedPlates(tmp_path, since=NOW + timedelta(seconds=1))


def test_ok__without_proofs_nothing_is_made(tmp_path: Path) -> None:
    assert "MAB123" not in ErasedPlates(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_fail__a_damaged_line_is_named(tmp_path: Path) -> None:
    Tombstones(tmp_path).add("MAB123", NOW, "owner", "")
    with (tmp_path / FILE_NAME).open("a", encoding="utf-8") as stream:
        stream.write("{half a li\n")
    with pytest.raises(StoreError, match=r"erased\.jsonl: line 2 is not a proof"):
        ErasedPlates(tmp_path)
