# SPDX-License-Identifier: Apache-2.0
"""Everything that is kept about one plate, as text, JSON and a PDF, for the person who asks.

The answer to a request for information (Art. 15 GDPR). Pictures are copied next to the documents.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plategate.durable_files import replace_file
from plategate.errors import StoreError, printable, reason_of
from plategate.output_files import new_folder
from plategate.plate_data.interfaces import Holding, KeptKind
from plategate.reports.render import as_pdf
from plategate.reports.sections import Document, Section

SCHEMA = 1
PICTURES = "pictures"
# Items of the PDF: one page, two lines each. The JSON file has everything.
PDF_ITEMS = 20
_ITEM_MAX = 190  # characters of an item of the PDF
# Of no use to a person, or shown otherwise.
_LEFT_OUT = frozenset(
    {"characters", "alternatives", "corners", "evidence", "folded", "digest", "schema", "salt",
     "milliseconds", "sighting", "words", "kind", "made_in", "localizer"}
)  # fmt: skip

_FIRST = (
    "triggered_at", "at", "verdict.result", "verdict.reason", "verdict.plate", "reading.text",
    "what", "plate", "holder", "owner", "note",
)  # fmt: skip


def document_of(
    plate: str,
    found: list[tuple[str, Holding]],
    at: datetime,
    kept: list[tuple[str, KeptKind]],
    failed: Iterable[tuple[str, Exception]] = (),
) -> dict[str, Any]:
    """Everything as JSON types; `kept` says why and how long each store keeps it.

    `failed` are the stores that could not be read, with the reason.
    """
    return {
        "schema": SCHEMA,
        "plate": plate,
        "at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "found": [
            {
                "store": store,
                "what": holding.what,
                "data": holding.document,
                "pictures": [file.name for file in holding.files],
            }
            for store, holding in found
        ],
        "kept": [
            {"store": store, "what": kind.what, "why": kind.why, "how_long": kind.how_long}
            for store, kind in kept
        ],
        "not_read": [{"store": store, "reason": str(error)} for store, error in failed],
    }


def as_text(document: dict[str, Any]) -> str:
    """The same for a person to read."""
    lines = [f"Plate {document['plate']}, {document['at']}", ""]
    lines += _incomplete(document)
    if not document["found"] and not document["not_read"]:
        lines.append("Nothing is kept about this plate.")
    for number, item in enumerate(document["found"], 1):
        lines.append(f"{number}. {item['store']}: {item['what']}")
        lines += [f"   {printable(fact)}" for fact in _facts(item["data"])]
        lines += [f"   picture: {PICTURES}/{name}" for name in item["pictures"]]
        lines.append("")
    lines += ["", "What is kept, why and how long", ""]
    lines += [
        f"{kind['store']}: {kind['what']}. Why: {kind['why']}. How long: {kind['how_long']}."
        for kind in document["kept"]
    ]
    return "\n".join(lines) + "\n"


def pdf_of(document: dict[str, Any]) -> bytes:
    """The same on one page; what does not fit is in the JSON file, and the page says so."""
    items = [
        _shortened(f"{item['store']}, {item['what']}: {', '.join(_facts(item['data']))}")
        for item in document["found"]
    ]
    sentences = _incomplete(document)
    sentences += [f"As of {document['at']}. {len(items)} items are kept about this plate."]
    if len(items) > PDF_ITEMS:
        sentences.append(f"The last {PDF_ITEMS} are shown; the file about.json has all.")
    section = Section("What is kept", (*sentences, *items[-PDF_ITEMS:]))
    return as_pdf(Document("en", f"Plate {document['plate']}", (section,)))


def write_dossier(
    document: dict[str, Any], found: list[tuple[str, Holding]], folder: Path
) -> list[Path]:
    """Write about.txt, about.json, about.pdf and the pictures to a new folder; returns the files.

    Raises StoreError if the folder holds anything already, or cannot be written.
    """
    content = {
        "about.txt": as_text(document).encode(),
        "about.json": json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n",
        "about.pdf": pdf_of(document),
    }
    pictures = [file for _, holding in found for file in holding.files]
    try:
        with new_folder(folder, mode=0o700):
            for name, data in content.items():
                replace_file(folder / name, data, mode=0o600)
            if pictures:
                (folder / PICTURES).mkdir()
            for file in pictures:
                shutil.copyfile(file, folder / PICTURES / file.name)
    except OSError as error:
        raise StoreError(f"{error.filename or folder}: {reason_of(error)}") from error
    return [folder / name for name in content]


def _incomplete(document: dict[str, Any]) -> list[str]:
    """A sentence for each store that could not be read."""
    return [
        printable(f"NOT COMPLETE: {each['store']} could not be read: {each['reason']}")
        for each in document["not_read"]
    ]


def _facts(data: dict[str, Any]) -> list[str]:
    """The values of a document, each with its name, what a person asks for first."""
    found = dict(_values(data))
    order = [name for name in _FIRST if name in found]
    return [f"{name}: {found[name]}" for name in [*order, *(n for n in found if n not in order)]]


def _values(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Names and values; empty ones are left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _LEFT_OUT:
                yield from _values(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _values(inner, f"{name}.{number}")
    elif value not in (None, ""):
        yield name, str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= _ITEM_MAX else text[: _ITEM_MAX - 3] + "..."
