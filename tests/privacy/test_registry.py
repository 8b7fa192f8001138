# SPDX-License-Identifier: Apache-2.0
"""No store escapes the registry: each module that keeps something on the disk is accounted for."""

from __future__ import annotations

import ast
from pathlib import Path

import plategate
from plategate.privacy.registry import plate_stores
from tests.privacy.conftest import Device

PACKAGE = Path(plategate.__file__).parent
NO_PLATES = "keeps no plates"
# The module that creates tables or writes files of its own, and the store that erases from them.
# A new module is named here after its store has joined `privacy.registry`.
STORE_OF = {
    "access/occupancy.py": "visits",
    "list_service/preview.py": "list sources",
    "outbound/plate_store.py": "outbound",
    "access/store/changes.py": "lists",
    "access/store/database.py": "lists",
    "access/store/generation.py": "lists",
    "access/store/history.py": "lists",
    "access/store/layers.py": "lists",
    "access/store/vehicles.py": "lists",
    "access/sync/source_state.py": "list sources",
    "access/sync/sync.py": NO_PLATES,  # the digest of the copies in force
    "access/visits.py": "visits",
    "bundle.py": NO_PLATES,  # the key of the maker
    "console/accounts.py": NO_PLATES,
    "console/certificates.py": NO_PLATES,
    "console/code_display.py": NO_PLATES,
    "console/one_time_code.py": NO_PLATES,
    "console/database.py": "console",
    "console/visits.py": NO_PLATES,  # the key of links
    "gate/samples.py": "samples",
    "journal/database.py": "journal",
    "journal/evidence.py": "journal",
    "journal/holds.py": "journal",
    "outbound/chain_watch.py": "outbound",
    "outbound/dead_letters.py": "outbound",
    "outbound/notifications/memory.py": "outbound",
    "outbound/positions.py": "outbound",
    "plate_data/hashing.py": NO_PLATES,
    "plate_data/tombstones.py": NO_PLATES,
    "samples/store.py": "samples",
    "schedule/clock_trust.py": NO_PLATES,
    "settings/edit.py": NO_PLATES,
    "settings/last_good.py": NO_PLATES,
    "settings/overlay.py": NO_PLATES,
    "vision/choice.py": NO_PLATES,
}
# Files that a person asks for, at a place that he names; what the registry itself writes.
BY_REQUEST = ("commands/", "samples/export.py", "privacy/", "backup/", "rehearsal/", "reports/")


def keeping_modules() -> set[str]:
    """Modules that create SQLite tables or replace files."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        name = str(file.relative_to(PACKAGE))
        text = file.read_text(encoding="utf-8")
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if name != "storage.py" and ("CREATE TABLE" in text or "replace_file" in calls):
            found.add(name)
    return {name for name in found if not name.startswith(BY_REQUEST)}


def test_ok__every_module_that_keeps_something_is_accounted_for(device: Device) -> None:
    accounted = {n for n in keeping_modules() if n in STORE_OF or n.startswith("collector/")}
    assert sorted(keeping_modules() - accounted) == []
    names = {store.name for store in plate_stores(device.settings)}
    assert set(STORE_OF.values()) - {NO_PLATES} <= names


def test_ok__every_store_is_used() -> None:
    assert (
        sorted(STORE_OF.keys() - {str(f.relative_to(PACKAGE)) for f in PACKAGE.rglob("*.py")}) == []
    )
