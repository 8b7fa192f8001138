# SPDX-License-Identifier: Apache-2.0
"""A rich console that shows control and direction characters of the data as escapes."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from plategate.terminal import printable_lines


class Console(RichConsole):
    """As rich's console. Control sequences come from rich alone, never from the printed text."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render to segments whose text is printable."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)
