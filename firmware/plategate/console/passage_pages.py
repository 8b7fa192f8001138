# SPDX-License-Identifier: Apache-2.0
"""The pages of what came: search passages, explain one of them, pictures, figures."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import SequenceMatcher
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from plategate.catalogue import texts_of
from plategate.console.figures import MOST_PASSAGES, figures_of, first_moment
from plategate.console.gate_pages import give
from plategate.console.guard import (
    LONGEST_SEARCH,
    RefusedRequest,
    or_sentence,
    text_field,
)
from plategate.console.site import PageRequest
from plategate.errors import ConsoleError
from plategate.remote.protocol import AnswerResult, ServiceName
from plategate.values import Result

ON_PAGE = 25
LONGEST_PLATE = 40


def passages(asked: PageRequest) -> Response:
    """Passages, newest first, by plate and result."""
    query = asked.query
    searched = text_field(query, "plate", LONGEST_SEARCH)
    result = query.get("result", "")
    if result not in (*Result, ""):
        raise RefusedRequest(400, "search")
    try:
        found = asked.site.lanes.passages(
            ON_PAGE, searched, result or None, query.get("before", "")
        )
    except ConsoleError:
        raise RefusedRequest(400, "search") from None
    return asked.site.render(
        asked,
        "passages.html",
        503 if found.fails and not found.items else 200,
        found=found.items,
        more=found.more,
        journal_fails=found.fails,
        searched=searched,
        result=result,
        results=list(Result),
    )


def passage(asked: PageRequest) -> Response:
    """One passage: pictures, reading, rule, nearest listed plates, times, events."""
    return _passage_page(asked)


def keep_sample(asked: PageRequest) -> Response:
    """Keep the still of a passage that was read wrong, with what is on the plate, for training."""
    passage_id = asked.request.path_params["passage_id"]
    text = text_field(asked.form, "text", LONGEST_PLATE)
    if not text:
        raise RefusedRequest(400, "sample_text")
    data = {"passage": passage_id, "text": text}
    answer = give(asked, ServiceName.SAMPLE, why="read wrong", detail=passage_id, data=data)
    if answer.result in (AnswerResult.ACCEPTED, AnswerResult.REPEATED):
        return RedirectResponse(f"/passages/{quote(passage_id)}?kept=1#sample", status_code=303)
    return _passage_page(asked, answer.reason, 409)


def _passage_page(asked: PageRequest, refused: str = "", status: int = 200) -> Response:
    known = asked.site.lanes.passage(asked.request.path_params["passage_id"])
    if known is None or known[1][0].kind != "passage":
        raise RefusedRequest(404, "not_found")
    lane, found = known
    document = found[0].document
    read = document["reading"]["text"] if document["reading"] else ""
    nearest, lists_fail = or_sentence(lambda: lane.gate.nearest(found[0]))
    texts = texts_of(asked.language)
    order = [key.removeprefix("stage.") for key in texts if key.startswith("stage.")]
    times = document["milliseconds"]
    return asked.site.render(
        asked,
        "passage.html",
        status,
        passage=document,
        lane=lane.name,
        consent=lane.source.read().settings.samples.consent,
        kept=asked.query.get("kept") == "1",
        refused=refused,
        pictures=[kind for kind, _ in found[0].evidence],
        nearest=[(name.value, entry, differences(read, entry.plate)) for name, entry in nearest],
        lists_fail=lists_fail,
        stages=[*(s for s in order if s in times), *(s for s in times if s not in order)],
        events=[item.document for item in found[1:]],
    )


def figures(asked: PageRequest) -> Response:
    """Passages by day, reasons, and time to the relay; no plates."""
    site = asked.site
    now = datetime.fromtimestamp(site.now(), UTC)
    found = site.lanes.passages_since(first_moment(now, site.zone), MOST_PASSAGES)
    shown = figures_of((item.document for item in found), now, site.zone)
    return site.render(asked, "figures.html", figures=shown)


def picture(asked: PageRequest) -> Response:
    """A picture of a passage."""
    path = asked.request.path_params
    known = asked.site.lanes.passage(path["passage_id"])
    found = None if known is None else known[0].gate.picture(known[1][0], path["kind"])
    if found is None:
        raise RefusedRequest(404, "not_found")
    content, media_type = found
    return Response(
        content, media_type=media_type, headers={"Cache-Control": "private, max-age=300"}
    )


def differences(read: str, listed: str) -> list[tuple[str, str, bool]]:
    """The pieces of a reading and of a listed plate side by side, and whether they are equal."""
    matcher = SequenceMatcher(None, read, listed, autojunk=False)
    return [(read[a:b], listed[c:d], tag == "equal") for tag, a, b, c, d in matcher.get_opcodes()]
