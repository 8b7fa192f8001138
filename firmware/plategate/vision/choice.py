# SPDX-License-Identifier: Apache-2.0
"""Which file and which runtime each network uses on this machine, as `plategate bench` measured it.

A network may have variants in MANIFEST.toml (`variant_of`), such as the same weights computed in
int8. Which one is cheaper depends on the processor and on the installed runtimes.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plategate.durable_files import replace_file
from plategate.errors import ModelError, reason_of_own
from plategate.vision.interpreter import Model, open_model
from plategate.vision.models import ModelFile, find_model, variants_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The manifest table and the runtime to use for a network; `sha256` is that of the file."""

    table: str
    runtime: str
    sha256: str


Choices = Mapping[str, ModelChoice]
NO_CHOICES: Choices = {}


def load_choices(file: Path | None) -> dict[str, ModelChoice]:
    """The choices in a file written by `write_choices`, by network; none if there is no file.

    Raises ModelError for a damaged file.
    """
    if file is None:
        return {}
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))["model"]
        return {
            name: ModelChoice(str(chosen["table"]), str(chosen["runtime"]), str(chosen["sha256"]))
            for name, chosen in tables.items()
        }
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {reason_of_own(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{file} is damaged; run `plategate bench --write` again") from error


def write_choices(file: Path, choices: Choices, notes: Mapping[str, str]) -> None:
    """Replace the file durably; `notes` are kept for the reader. Raises OSError."""
    lines = ["# Written by `plategate bench --write`. Delete it to use the shipped files."]
    lines += [f'{key} = "{_quoted(value)}"' for key, value in notes.items()]
    for name, chosen in sorted(choices.items()):
        lines += [
            "",
            f"[model.{name}]",
            f'table = "{chosen.table}"',
            f'runtime = "{chosen.runtime}"',
            f'sha256 = "{chosen.sha256}"',
        ]
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, ("\n".join(lines) + "\n").encode())


def open_chosen(
    table: str, folder: Path | None = None, threads: int = 1, choices: Choices = NO_CHOICES
) -> tuple[ModelFile, Model]:
    """Load the network of a manifest table, or the variant and runtime chosen for it.

    A choice that cannot be used any more is logged, and the shipped file is loaded. Raises
    ModelError.
    """
    chosen = choices.get(table)
    if chosen is not None:
        try:
            return _open_choice(chosen, table, folder, threads)
        except ModelError as error:
            logger.warning("%s: the measured choice is not used: %s", table, error)
    file = find_model(table, folder)
    return file, open_model(file.path, file.sha256, threads)


def _open_choice(
    chosen: ModelChoice, table: str, folder: Path | None, threads: int
) -> tuple[ModelFile, Model]:
    if chosen.table not in (table, *variants_of(table, folder)):
        raise ModelError(f"{chosen.table} is no variant of it")
    file = find_model(chosen.table, folder)
    if file.sha256 != chosen.sha256:
        raise ModelError(f"{file.path.name} was replaced since; run `plategate bench --write`")
    return file, open_model(file.path, file.sha256, threads, runtime=chosen.runtime)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
