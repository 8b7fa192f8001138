# SPDX-License-Identifier: Apache-2.0
"""Check conditions outside the lane (clock, lists, sources, disk) and report each change once.

Runs in the records worker, because files on a slow card must not delay the main loop.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from plategate.access.control import ListCondition
from plategate.access.sync.source_state import source_problems
from plategate.gate.interfaces import GateComponents
from plategate.health.monitor import Health
from plategate.messages import ConditionChanged, Event, ListAged

TOO_OLD = "the list is older than the settings allow"


class Conditions:
    """Compares each condition with the last check; `list` is the last state of the allow list."""

    def __init__(
        self,
        components: GateComponents,
        health: Health,
        post: Callable[[Event], None],
        sources_dir: Path | None = None,
    ) -> None:
        self._components = components
        self._health = health
        self._post = post
        self._sources_dir = sources_dir
        self._clock_trusted = True
        self._list_problem: str | None = None
        self._sources: dict[str, str] = {}
        self._disk_problem: str | None = None
        self.list = ListCondition()

    def check(self) -> None:
        """Check every condition once."""
        self._check_clock()
        self._check_list()
        self._check_disk()
        if self._sources_dir is not None:
            self._check_sources(self._sources_dir)

    def _check_clock(self) -> None:
        trusted = self._components.clock_trusted()
        if trusted is not self._clock_trusted:
            self._clock_trusted = trusted
            self._report("clock_trusted" if trusted else "clock_untrusted")

    def _check_list(self) -> None:
        found = self.list = self._components.access.list_condition(self._components.clock.wall())
        problem = found.failure or (TOO_OLD if found.too_old else None)
        self._health.set_failure("list", problem)
        self._post(ListAged(found.too_old))
        if problem == self._list_problem:
            return
        self._list_problem = problem
        if problem is None:
            self._report("list_back")
        else:
            self._report("list_failed" if found.failure else "list_too_old", problem)

    def _check_disk(self) -> None:
        problem = self._components.journal.disk_problem()
        self._health.set_failure("disk", problem)
        if (problem is None) is not (self._disk_problem is None):
            self._report("disk_back" if problem is None else "disk_low", problem or "")
        self._disk_problem = problem

    def _check_sources(self, folder: Path) -> None:
        """A list that was downloaded and refused, or a source that does not answer."""
        found = source_problems(folder)
        for name, problem in found.items():
            if self._sources.get(name) != problem.sentence:
                what = "list_set_aside" if problem.set_aside else "list_unreachable"
                self._report(what, f"{name}: {problem.sentence}")
        for name in self._sources.keys() - found.keys():
            self._report("list_source_back", name)
        self._sources = {name: problem.sentence for name, problem in found.items()}

    def _report(self, what: str, detail: str = "") -> None:
        self._post(ConditionChanged(what, detail))
