# SPDX-License-Identifier: Apache-2.0
"""Every store of the device that keeps plates, and what is done to one plate in all of them.

To add a store: a class with the methods of `plate_data.interfaces.PlateStore` next to its code, one
line in `plate_stores`, and a line in `tests/privacy/` that puts a plate into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from plategate.access.plate_stores import ListStore, SourceStore, VisitsPlateStore
from plategate.console.plate_store import ConsolePlateStore
from plategate.errors import GateError, StoreError, reason_of_own
from plategate.journal.plate_store import AskGate, JournalPlateStore
from plategate.outbound.plate_store import OutboundPlateStore
from plategate.plate_data.interfaces import EraseRequest, Erasure, Holding, KeptKind, PlateStore
from plategate.samples.plate_store import SamplePlateStore
from plategate.settings import Settings
from plategate.users import as_owner_of

_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class Everywhere(Generic[_Answer]):
    """What the stores answered, each with the name of its store, and which could not be read."""

    found: list[tuple[str, _Answer]] = field(default_factory=list)
    failed: list[tuple[str, Exception]] = field(default_factory=list)


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


def kept_everywhere(settings: Settings) -> Everywhere[KeptKind]:
    """What all stores keep of everybody."""
    return _everywhere(settings, lambda store: store.kept())


def find_everywhere(settings: Settings, plate: str) -> Everywhere[Holding]:
    """What all stores keep about a canonical plate."""
    return _everywhere(settings, lambda store: store.find(plate))


def _everywhere(
    settings: Settings, answers: Callable[[PlateStore], Iterable[_Answer]]
) -> Everywhere[_Answer]:
    """Ask every store; the others answer even if one cannot be read."""
    result: Everywhere[_Answer] = Everywhere()
    for store in plate_stores(settings):
        try:
            with as_owner_of(store.folder):
                result.found += [(store.name, each) for each in answers(store)]
        except GateError as error:
            result.failed.append((store.name, error))
        except OSError as error:
            result.failed.append((store.name, _named(error)))
    return result


def erase_everywhere(
    settings: Settings, asked: EraseRequest, ask: AskGate | None = None
) -> list[StoreErasure]:
    """Erase a plate from every store; if one fails, the others erase it all the same."""
    results = []
    for store in plate_stores(settings, ask):
        try:
            with as_owner_of(store.folder):
                results.append(StoreErasure(store.name, store.erase(asked)))
        except GateError as error:
            results.append(StoreErasure(store.name, error=error))
        except OSError as error:
            results.append(StoreErasure(store.name, error=_named(error)))
    return results


def _named(error: OSError) -> StoreError:
    return StoreError(f"{error.filename}: {reason_of_own(error)}")


def _no_gate(asked: EraseRequest, data: dict[str, Any]) -> dict[str, Any]:
    del asked, data
    raise StoreError("a gate runs and owns the journal; stop it, or ask it over its command socket")
