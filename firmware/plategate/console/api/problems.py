# SPDX-License-Identifier: Apache-2.0
"""Errors of the API as problem documents (RFC 9457), which name the field and its value."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.responses import JSONResponse

from plategate.errors import printable

MEDIA_TYPE = "application/problem+json"
LONGEST_VALUE = 80  # characters of a wrong value that are repeated

# Name (the last part of `type`) and status of every problem.
PROBLEMS = {
    "invalid_input": 400,
    "invalid_token": 401,
    "missing_scope": 403,
    "no_owner": 403,
    "not_allowed": 403,
    "not_found": 404,
    "wrong_method": 405,
    "too_slow": 408,
    "not_followed": 409,
    "refused": 409,
    "cursor_expired": 409,
    "too_large": 413,
    "wrong_content_type": 415,
    "key_used": 409,
    "too_many_requests": 429,
    "failed": 500,
    "unavailable": 503,
}

SCHEMA = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:plategate:problem:[a-z_]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong and what to do"},
        "errors": {
            "type": "array",
            "description": "the fields that are wrong",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {
                    "field": {"type": "string", "examples": ["query.limit", "body.expires_at"]},
                    "value": {"type": "string", "description": "what was sent, shortened"},
                    "detail": {"type": "string"},
                },
            },
        },
        "answer": {"$ref": "#/components/schemas/CommandAnswer"},
    },
}


class Problem(Exception):
    """Ends a call with a problem document; `name` is one of PROBLEMS."""

    def __init__(
        self, name: str, detail: str, *, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.name, self.detail, self.headers, self.members = name, detail, headers, members

    def response(self) -> JSONResponse:
        """The document as a response."""
        status = PROBLEMS[self.name]
        document = {
            "type": f"urn:plategate:problem:{self.name}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": self.detail,
            **self.members,
        }
        return JSONResponse(document, status, self.headers, MEDIA_TYPE)


def wrong_field(field: str, value: object, detail: str) -> Problem:
    """The problem of one wrong field."""
    return _invalid([_error(field, value, detail)])


def refused_field(field: str, value: object, detail: str) -> Problem:
    """The problem of one field whose value is not allowed now, or not for this caller."""
    error = _error(field, value, detail)
    return Problem("refused", f"{error['field']}: {error['detail']}", errors=[error])


def wrong_fields(where: str, error: ValidationError) -> Problem:
    """The problem of everything that pydantic refuses in the query or in the body."""
    return _invalid(
        [
            _error(
                ".".join([where, *map(str, each["loc"])]),
                None if each["type"] == "missing" else each["input"],
                each["msg"].removeprefix("Value error, "),
            )
            for each in error.errors(include_url=False, include_context=False)
        ]
    )


def _invalid(errors: list[dict[str, str]]) -> Problem:
    first = errors[0]
    shown = f" = {first['value']!r}" if "value" in first else ""
    return Problem("invalid_input", f"{first['field']}{shown}: {first['detail']}", errors=errors)


def _error(field: str, value: object, detail: str) -> dict[str, str]:
    error = {"field": printable(field, LONGEST_VALUE), "detail": printable(detail, 200)}
    if value is not None:
        shown = value if isinstance(value, str) else repr(value)
        error["value"] = printable(shown[: 2 * LONGEST_VALUE], LONGEST_VALUE)
    return error
