# SPDX-License-Identifier: Apache-2.0
"""Every store of the device that keeps plates, and what is done to one plate in all of them.

To add a store: a class with the methods of `plate_data.interfaces.PlateStore` next to its code, one
line in `plate_stores`, and a line in `tests/privacy/` that puts a plate into it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from plategate.access.plate_stores import ListStore, SourceStore, VisitsPlateStore
from plategate.console.plate_store import ConsolePlateStore
from plategate.errors import GateError, StoreError
from plategate.journal.plate_store import AskGate, JournalPlateStore
from plategate.outbound.plate_store import OutboundPlateStore
from plategate.plate_data.interfaces import EraseRequest, Erasure, Holding, KeptKind, PlateStore
from plategate.samples.plate_store import SamplePlateStore
from plategate.settings import Settings
from plategate.users import as_owner_of


@dataclass(frozen=True, slots=True)
class StoreErasure:
    """What was erased from one store; `error` says why it failed."""

    store: str
    erasure: Erasure = field(default_factory=Erasure)
    error: Exception | None = None


def plate_stores(settings: Settings, ask: AskGate | None = None) -> tuple[PlateStore, ...]:
    """All stores, in the order in which they erase: uses of entries before the entries.

    `ask` reaches a running gate; without it the journal is erased only while no gate runs.
    """
    return (
        VisitsPlateStore(settings.access),
        ListStore(settings.access),
        JournalPlateStore(settings.journal, ask or _no_gate),
        SamplePlateStore(settings.samples, settings.journal),
        SourceStore(settings.sync),
        OutboundPlateStore(settings.outbound),
        ConsolePlateStore(settings.console),
    )


def kept_everywhere(settings: Settings) -> list[tuple[str, KeptKind]]:
    """What all stores keep of everybody, with the name of the store."""
    found = []
    for store in plate_stores(settings):
        with as_owner_of(store.folder):
            found += [(store.name, kind) for kind in store.kept()]
    return found


def find_everywhere(settings: Settings, plate: str) -> list[tuple[str, Holding]]:
    """What all stores keep about a canonical plate, with the name of the store."""
    found = []
    for store in plate_stores(settings):
        with as_owner_of(store.folder):
            found += [(store.name, holding) for holding in store.find(plate)]
    return found


def erase_everywhere(
    settings: Settings, asked: EraseRequest, ask: AskGate | None = None
) -> list[StoreErasure]:
    """Erase a plate from every store; a store that fails does not keep the others from it."""
    results = []
    for store in plate_stores(settings, ask):
        try:
            with as_owner_of(store.folder):
                results.append(StoreErasure(store.name, store.erase(asked)))
        except (GateError, OSError) as error:
            results.append(StoreErasure(store.name, error=error))
    return results


def _no_gate(asked: EraseRequest, data: dict[str, Any]) -> dict[str, Any]:
    del asked, data
    raise StoreError("a gate runs and owns the journal; stop it, or ask it over its command socket")
