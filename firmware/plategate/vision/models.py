# SPDX-License-Identifier: Apache-2.0
"""Find the models folder, look up models in its MANIFEST.toml, and read its other TOML files."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plategate.errors import ModelError

MODELS_VARIABLE = "PLATEGATE_MODELS"
INSTALLED = Path("/usr/share/plategate/models")
MANIFEST = "MANIFEST.toml"


@dataclass(frozen=True)
class ModelFile:
    """One table of the manifest: path, SHA-256 and all keys of a model file."""

    path: Path
    sha256: str
    notes: dict[str, Any]


def models_folder(folder: Path | None = None) -> Path:
    """The models folder: `folder`, else $PLATEGATE_MODELS, the repository, the installation."""
    if folder is not None:
        return _checked(folder)
    if named := os.environ.get(MODELS_VARIABLE):
        return _checked(Path(named))
    repository = Path(__file__).resolve().parents[3] / "models"
    for candidate in (repository, INSTALLED):
        if (candidate / MANIFEST).is_file():
            return candidate
    raise ModelError(f"no {MANIFEST} in {repository} or {INSTALLED}")


def find_model(table: str, folder: Path | None = None) -> ModelFile:
    """The manifest's entry of a model ("plate_detector", "plate_reader", "tesseract", …)."""
    manifest = models_folder(folder) / MANIFEST
    try:
        notes = tomllib.loads(manifest.read_text(encoding="utf-8"))[table]
        path, sha256 = manifest.parent / str(notes["file"]), str(notes["sha256"])
    except OSError as error:
        raise ModelError(f"{manifest} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{manifest} is damaged: {error}") from error
    except (KeyError, TypeError) as error:
        raise ModelError(f"{manifest} has no [{table}] with file and sha256") from error
    return ModelFile(path, sha256, notes)


def variants_of(table: str, folder: Path | None = None) -> tuple[str, ...]:
    """The tables of the manifest whose `variant_of` names this one; ModelError as `find_model`."""
    manifest = models_folder(folder) / MANIFEST
    try:
        tables = tomllib.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{manifest} cannot be read: {error}") from error
    return tuple(
        name
        for name, notes in tables.items()
        if isinstance(notes, dict) and notes.get("variant_of") == table
    )


def _checked(folder: Path) -> Path:
    if not (folder / MANIFEST).is_file():
        raise ModelError(f"no {MANIFEST} in {folder}")
    return folder


def read_parameters(name: str, folder: Path | None = None) -> tuple[Path, dict[str, Any]]:
    """A TOML file of the models folder and its content; ModelError if missing or damaged."""
    path = models_folder(folder) / name
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing") from error
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is damaged: {error}") from error
