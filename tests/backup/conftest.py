# SPDX-License-Identifier: Apache-2.0
"""A whole device with a plate in every store, and a stick for backups."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from plategate.backup import encryption
from plategate.cli import app
from tests.privacy.conftest import Device, device, fill  # noqa: F401 -- fixtures

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "SCRYPT_N", 2**10)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder for backups with the passphrase next to it."""
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


def call(gate: Device, *words: str, code: int = 0) -> str:
    passphrase = gate.folder.parent / "passphrase"
    done: Result = CliRunner().invoke(
        app,
        [*words, "--passphrase-file", str(passphrase), "--config", str(gate.config)],
    )
    assert done.exit_code == code, f"{done.output}{done.exception}"
    return f"{done.output}{done.exception or ''}"


def only_backup(stick: Path) -> str:
    (file,) = stick.glob("*.backup")
    return str(file)


def wipe(gate: Device) -> None:
    """An empty card: the state folder as an installation makes it, and no settings."""
    shutil.rmtree(gate.folder)
    shutil.rmtree(gate.config.parent)
    (gate.folder / "outbound").mkdir(parents=True)
    gate.config.parent.mkdir()
