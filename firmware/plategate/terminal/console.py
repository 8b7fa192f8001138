# SPDX-License-Identifier: Apache-2.0
"""A rich console that shows control and direction characters of the data as escapes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from plategate.terminal import printable_lines


class Console(RichConsole):
    """As rich's console. Control sequences come from rich alone, never from the printed text."""

    @property
    def file(self) -> IO[str]:
        """The stream behind all proxies: a live display puts its own before the guarded stream."""
        stream = RichConsole.file.fget(self)  # type: ignore[attr-defined]
        while (behind := getattr(stream, "rich_proxied_file", None)) is not None:
            stream = behind
        return stream  # type: ignore[no-any-return]

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render to segments whose text is printable."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)
