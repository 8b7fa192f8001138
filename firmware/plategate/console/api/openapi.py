# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document of the API, made from the table of routes at the first request."""

from __future__ import annotations

import re
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from plategate.console.api.call import ApiRoute
from plategate.console.api.problems import MEDIA_TYPE, SCHEMA
from plategate.console.api.routes import ROUTES
from plategate.console.api.schemas import SCHEMAS
from plategate.remote.protocol import REQUEST_ID

REFERENCE = "#/components/schemas/{model}"
DESCRIPTION = """\
What the pages of the console show and do, for programs. Every call needs a token with the scope
that it names: `Authorization: Bearer TOKEN`. Cookies do not count. Errors are problem documents
(RFC 9457). docs/integrator/api.md has examples.
"""
_AUTHORIZATION_PROBLEMS = (401, 403, 429, 503)
_BODY_PROBLEMS = (408, 413, 415)


def document_response(prefix: str) -> Response:
    """The document of the API below `prefix`."""
    return JSONResponse(openapi_document(prefix))


@cache
def openapi_document(prefix: str) -> dict[str, Any]:
    """The document as JSON types."""
    schemas: dict[str, Any] = {**SCHEMAS, "Problem": SCHEMA}
    paths: dict[str, dict[str, Any]] = {}
    for row in ROUTES:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Plategate",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": prefix}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _operation(row: ApiRoute, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": row.handler.__name__,
        "summary": row.summary,
        "description": f"Scope: {row.scope}" if row.scope else "Any token",
        "security": [{"token": []}],
        "parameters": [*_in_path(row.path), *_in_header(row), *_in_query(row.query, schemas)],
        "responses": {
            **{str(status): _answer(status, content) for status, content in row.answers.items()},
            **{str(status): _problem(status) for status in _problems_of(row)},
        },
    }
    if row.files:
        schema = {"type": "string", "format": "binary"}
        file = {media_type: {"schema": schema} for media_type in row.files}
        operation["requestBody"] = {"required": True, "content": file}
    if row.body is not None:
        schemas[row.body.__name__] = _schema_of(row.body, schemas)
        content = {"application/json": {"schema": _reference(row.body.__name__)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _problems_of(row: ApiRoute) -> list[int]:
    found = {*_AUTHORIZATION_PROBLEMS, *row.problems, 400}
    if "{" in row.path:
        found.add(404)
    if row.body is not None or row.files:
        found.update(_BODY_PROBLEMS)
    return sorted(found)


def _answer(status: int, content: str | tuple[str, ...]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if isinstance(content, str):
        answer["content"] = {"application/json": {"schema": _reference(content)}}
    elif content:
        answer["content"] = {media_type: {} for media_type in content}
    return answer


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": _reference("Problem")}},
    }


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 100},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _in_header(row: ApiRoute) -> list[dict[str, Any]]:
    patterns = {"Idempotency-Key": f"^{REQUEST_ID.pattern}$"}
    return [
        {
            "name": name,
            "in": "header",
            "required": required,
            "description": description,
            "schema": {
                "type": "string",
                "pattern": patterns.get(name, "^[0-9]{1,15}-[0-9]{1,15}$"),
            },
        }
        for name, description, required in row.headers
    ]


def _in_query(model: type[BaseModel] | None, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if model is None:
        return []
    found = _schema_of(model, schemas)
    parameters = []
    for name, schema in found["properties"].items():
        parameter = {"name": name, "in": "query", "required": name in found.get("required", ())}
        if description := schema.pop("description", None):
            parameter["description"] = description
        parameters.append(parameter | {"schema": _without_null(schema)})
    return parameters


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: a field that may be None is one that may be left out."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    left = {key: value for key, value in schema.items() if key not in ("anyOf", "default", "title")}
    if schema.get("default") is not None:
        left["default"] = schema["default"]
    return left | kinds[0] if kinds else left


def _schema_of(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of a model; models within it go to `schemas`."""
    found = model.model_json_schema(ref_template=REFERENCE)
    schemas.update(found.pop("$defs", {}))
    return found


def _reference(name: str) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=name)}
