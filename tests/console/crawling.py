# SPDX-License-Identifier: Apache-2.0
"""Every page of the console, from its table of routes, and what an HTML parser finds in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import httpx
from starlette.routing import Route
from starlette.testclient import TestClient

import plategate.console
from plategate.access.store.lists import ListName
from plategate.settings import Settings
from plategate.settings.overlay import owner_fields

from .bed import ConsoleBed

ENDLESS = {"/aim/stream"}  # a stream of pictures
LINKS = {"href", "src", "action", "formaction", "hx-get", "hx-post"}
OWN_ADDRESS = re.compile(r"/(?!/)|#\w+$")
QUERY = re.compile(r"query\)?(?:\.get\(|, )\"(\w+)\"")
PARAMETER = re.compile(r"{(\w+)}")
LIKE_A_PAGE = {"application/xhtml+xml", "application/xml", "text/xml", "image/svg+xml"}
# Elements that no page has: what could load or run something.
NEVER = {"iframe", "object", "embed", "base", "applet", "frame", "math", "noscript", "template"}


@dataclass
class Form:
    """A form of a page: where it goes, its fields that are typed, and those that are given."""

    action: str
    method: str
    typed: set[str] = field(default_factory=set)
    given: dict[str, str] = field(default_factory=dict)


class Markup(HTMLParser):
    """What is wrong with a page, its texts and its forms."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.forms: list[Form] = []
        self.texts: list[str] = []
        self._is_script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.texts += values.values()
        if len(values) < len(attrs) or tag in NEVER:
            self.wrong.append(f"<{tag}> {attrs}")
        for name, value in values.items():
            is_link = name in LINKS and tag != "use"
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.wrong.append(f"<{tag} {name}={value!r}>")
            if is_link and not OWN_ADDRESS.match(value):
                self.wrong.append(f"<{tag} {name}={value!r}>")
        if tag == "script":
            self._is_script = True
            if not values.get("src", "").startswith("/static/"):
                self.wrong.append(f"<script {attrs}>")
        self._note_form(tag, values)

    def _note_form(self, tag: str, values: dict[str, str]) -> None:
        if tag == "form":
            self.forms.append(Form(values["action"], values.get("method", "get")))
        name = values.get("name", "")
        if not self.forms or not name or tag not in ("input", "select", "textarea", "button"):
            return
        kind = values.get("type", "text")
        if tag == "textarea" or (tag == "input" and kind in ("text", "search", "password", "date")):
            self.forms[-1].typed.add(name)
        elif kind != "file":
            self.forms[-1].given.setdefault(name, values.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        self._is_script = self._is_script and tag != "script"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._is_script and data.strip():
            self.wrong.append(f"a script in the page: {data[:60]!r}")


def paths(bed: ConsoleBed, hostile: str) -> Iterator[str]:
    """The address of every page, with each value of the parameters in it.

    A page with a parameter that is not known here raises KeyError: add its values.
    """
    passages = [item.document["id"] for _, item in bed.site.lanes.passages(99).items]
    plates = [entry.plate for name in ListName for entry in bed.site.gate.entries(name, "", 0, 99)]
    visits = bed.site.visits.all()
    values = {
        "passage_id": passages,
        "kind": ["plate", "still"],
        "key": list(owner_fields(Settings)),
        "name": ["state-0", "state-1", "vehicles"],
        "number": [str(number) for number in range(1, 9)],
        "list": list(ListName),
        "plate": plates,
        "form": ["csv", "json", "xlsx"],
        "token": [bed.site.visits.token_of(visit) for visit in visits],
    }
    for template in sorted(templates(bed, "GET") - ENDLESS):
        names = PARAMETER.findall(template)
        for chosen in itertools.product(*([*values[name], hostile] for name in names)):
            path = template
            for name, value in zip(names, chosen, strict=True):
                path = path.replace(f"{{{name}}}", quote(value, safe=""))
            yield path


def templates(bed: ConsoleBed, method: str) -> set[str]:
    """The addresses in the table of routes that answer a method."""
    routes = (route for route in bed.app.routes if isinstance(route, Route))
    return {route.path for route in routes if method in (route.methods or ())}


def query_names() -> set[str]:
    """The names of the parameters that pages read from the address line, as their code has them."""
    files = Path(plategate.console.__file__).parent.glob("*.py")
    return {name for file in files for name in QUERY.findall(file.read_text(encoding="utf-8"))}


def html_kind(answer: httpx.Response) -> bool:
    """Whether a browser takes an answer for a page; no browser takes another kind for one."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    assert answer.headers["x-content-type-options"] == "nosniff", answer.url
    assert kind not in LIKE_A_PAGE, (answer.url, kind)
    return kind == "text/html"


def html_of(browser: TestClient, path: str) -> str | None:
    """A page; None for an answer that is none."""
    answer = browser.get(path)
    return answer.text if html_kind(answer) else None
