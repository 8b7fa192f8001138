# SPDX-License-Identifier: Apache-2.0
"""Guards samples on a failing card: a damaged one hides no other and does not outlive its time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plategate.errors import StoreError
from plategate.samples.store import FOLDER, SampleStore
from tests.samples.test_samples import noise, sample


@pytest.fixture(
    params=[b"", b"\xff", b"[]", b"[" * 99_999, b'{"at": 1, "box": []}', "no time zone", "a number"]
)
def damaged(request: pytest.FixtureRequest, tmp_path: Path) -> SampleStore:
    """Two samples, then one that a failing card damaged."""
    store = SampleStore(tmp_path / FOLDER)
    for name in ("a", "x", "z"):
        store.add(sample(name, read="XY9"), noise())
    file = store.folder / "x.json"
    content = request.param
    if isinstance(content, str):
        values = json.loads(file.read_text())
        values |= {"at": "2026-06-01T10:00:00"} if content == "no time zone" else {"text": 5}
        content = json.dumps(values).encode()
    file.write_bytes(content)
    return store


def test_ok__a_damaged_sample_is_named_and_hides_no_other(damaged: SampleStore) -> None:
    assert [kept.id for kept in damaged.all()] == ["a", "z"]
    (named,) = damaged.damaged()
    assert "x.json: is not a sample" in named.reason
    with pytest.raises(StoreError, match=r"samples remove x"):
        damaged.find("x")


def test_ok__a_damaged_sample_does_not_outlive_the_limits(damaged: SampleStore) -> None:
    assert damaged.trim(2, 90, None) == 1
    assert [kept.id for kept in damaged.all()] == ["a", "z"]
    assert not damaged.picture("x").exists()


def test_ok__the_end_of_the_consent_deletes_damaged_samples_too(damaged: SampleStore) -> None:
    assert damaged.remove_all() == 3
    assert list(damaged.folder.iterdir()) == []


def test_ok__the_removal_of_a_plate_takes_what_may_show_it(damaged: SampleStore) -> None:
    assert damaged.remove_plate("KK1") == (0, 1)
    assert [kept.id for kept in damaged.all()] == ["a", "z"]
    assert not damaged.picture("x").exists()
