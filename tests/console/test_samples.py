# SPDX-License-Identifier: Apache-2.0
"""Guards: a passage that was read wrong is kept for training with consent, its plate in no log."""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest

from plategate.console.accounts import Role
from plategate.console.app import build_app
from plategate.console.lanes import SettingsSource
from plategate.gate.samples import SampleKeeper
from plategate.settings import Settings

from .bed import ConsoleBed, a_passage, form_values


@pytest.fixture
def sampled(bed: ConsoleBed) -> Iterator[ConsoleBed]:
    """A console of a gate that keeps samples, with one passage."""
    samples = bed.settings.samples.model_copy(update={"consent": "Anna, 1 May"})
    settings: Settings = bed.settings.model_copy(update={"samples": samples})
    bed.app = build_app(settings, now=lambda: bed.clock_s, source=SettingsSource(lambda: settings))
    bed.site = bed.app.state.site
    bed.services = {**SampleKeeper(lambda: settings).services()}
    bed.add(a_passage("one", "QQ1234ZZ"))
    return bed


def test_ok__the_still_is_kept_with_what_a_person_read(sampled: ConsoleBed) -> None:
    browser = sampled.logged_in(Role.GUARD)
    page = html.unescape(browser.get("/passages/one").text)
    assert "keep for training" in page
    assert "Consent: Anna, 1 May" in page
    form = {**form_values(browser, "/passages/one"), "text": "QQ 1234 ZX"}
    answer = browser.post("/passages/one/sample", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/passages/one?kept=1#sample")
    (kept,) = SampleKeeper(lambda: sampled.settings)._store.all()
    assert (kept.id, kept.text) == ("one", "QQ1234ZX")
    assert "QQ1234ZX" not in "".join(map(str, sampled.site.sessions.audit()))


@pytest.mark.parametrize(("text", "status"), [("", 400), ("???", 409)])
def test_fail__what_is_no_plate_is_not_kept(sampled: ConsoleBed, text: str, status: int) -> None:
    browser = sampled.logged_in(Role.OWNER)
    form = {**form_values(browser, "/passages/one"), "text": text}
    assert browser.post("/passages/one/sample", data=form).status_code == status


def test_fail__without_consent_nothing_can_be_kept(bed: ConsoleBed) -> None:
    bed.add(a_passage("one", "QQ1234ZZ"))
    page = bed.logged_in(Role.OWNER).get("/passages/one").text
    assert "samples on" in page
    assert "/passages/one/sample" not in page
    assert "keep for training" not in bed.logged_in(Role.VIEWER).get("/passages/one").text
