# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document is the API: schemathesis makes requests of it, right and wrong ones, and
compares each answer of a real server with it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.schemas import OpenApiSchema

from plategate.access.store.lists import ListName
from plategate.clock import SystemClock
from plategate.console import sessions
from plategate.console.api import call
from plategate.console.api.app import PREFIX
from plategate.console.api.openapi import openapi_document
from plategate.console.api.problems import PROBLEMS
from plategate.console.api.routes import ROUTES
from plategate.console.tokens import Scope
from plategate.gate import preview
from plategate.rehearsal.camera import RehearsalCamera
from plategate.values import Result
from plategate.vision.images import load_still
from tests.console.bed import ConsoleBed, a_passage
from tests.console.serving import served

STREAM = "/events/stream"  # never ends; see test_stream
DOCUMENT = openapi_document(PREFIX)
OPERATIONS = [(row.method, row.path) for row in ROUTES if row.path != STREAM]
EXAMPLES = 25
PICTURE = next((Path(__file__).parents[2] / "data" / "demo").glob("*.jpg"))


@pytest.fixture
def served_schema(
    bed: ConsoleBed, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[OpenApiSchema, dict[str, str]]]:
    """The document of a server with some content, and the header of a token of all scopes."""
    # Every request gets the answer of its call, none that of the limits.
    monkeypatch.setattr(call, "CALLS_AT_ONCE", 1e9)
    monkeypatch.setattr(sessions, "FREE_FAILURES", 10**9)
    monkeypatch.setattr(preview, "WHOLE_EVERY_S", 0.0)
    monkeypatch.setattr(preview, "SMALL_EVERY_S", 0.0)
    bed.clock_s = time.time()
    clock = SystemClock()
    camera = RehearsalCamera(clock, load_still)
    camera.show(PICTURE)
    view = preview.Preview(camera, clock)
    stills = view.serve(bed.settings.commands.preview_socket)
    assert stills is not None
    bed.services = {**view.services()}
    bed.import_list(ListName.ALLOW, "plate,holder\nQQ1234ZZ,Ann\n")
    bed.add(a_passage("one", "QQ1234ZZ", Result.GRANTED))
    bed.add_event("fault", "the arm did not move")
    authorization = bed.program(*Scope).headers["authorization"]
    with served(bed) as address:
        yield (
            schemathesis.openapi.from_url(f"{address}{PREFIX}/openapi.json"),
            {"Authorization": authorization},
        )
    stills.close()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=str)
def test_ok__every_answer_is_as_the_document_says(
    served_schema: tuple[OpenApiSchema, dict[str, str]],
    method: str,
    path: str,
    mode: GenerationMode,
) -> None:
    schema, token = served_schema
    operation = schema[path][method]
    if mode is GenerationMode.NEGATIVE and not list(operation.iter_parameters()):
        return  # nothing that could be wrong

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=token)

    check()


def test_ok__the_document_has_every_call_with_its_scope_and_its_problems() -> None:
    paths = DOCUMENT["paths"]
    found = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert found == {(row.method, row.path) for row in ROUTES}
    names = [paths[row.path][row.method.lower()]["operationId"] for row in ROUTES]
    assert len(set(names)) == len(names)
    for row in ROUTES:
        operation = paths[row.path][row.method.lower()]
        assert str(row.scope) in operation["description"]
        assert {"401", "403", "429"} <= operation["responses"].keys()
        assert {int(status) for status in operation["responses"]} - {200, 204} <= {
            *PROBLEMS.values()
        }


def test_ok__every_reference_of_the_document_leads_somewhere() -> None:
    references = set(re.findall(r"'#/components/schemas/(\w+)'", str(DOCUMENT)))
    assert len(references) > 15
    assert references <= DOCUMENT["components"]["schemas"].keys()


def test_ok__the_document_is_open_to_tools_without_a_token(bed: ConsoleBed) -> None:
    answer = bed.browser().get(f"{PREFIX}/openapi.json")
    assert (answer.status_code, answer.json()["openapi"]) == (200, "3.1.0")
    assert bed.settings.lane.name not in str(DOCUMENT["info"])
