# SPDX-License-Identifier: Apache-2.0
"""Forged requests, fuzzed secrets and guessing at a real server: nobody gets in, nothing moves."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from plategate.console import guard
from plategate.console.sessions import FREE_FAILURES

from .attacks import ATTACKS, Attack, fuzzed, succeeded
from .bed import PASSWORD, ConsoleBed
from .serving import served
from .victims import Victims, prepare

FUZZED = 400  # scripts/console_drills tries 10,000
KINDS = {
    "CSRF", "other origin", "replayed", "expired", "wrong role", "path traversal",
    "header injection", "oversized", "slow",
}  # fmt: skip


@pytest.fixture
def victims(bed: ConsoleBed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Victims]:
    monkeypatch.setattr(guard, "FORM_WITHIN_S", 1.0)
    with served(bed) as address:
        yield prepare(bed, address)


def test_ok__there_are_forty_attacks_of_every_kind() -> None:
    assert len(ATTACKS) >= 40
    assert {attack.kind for attack in ATTACKS} == KINDS
    assert min(Counter(attack.kind for attack in ATTACKS).values()) >= 3


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_fail__forged_requests_get_nothing_and_move_nothing(victims: Victims, kind: str) -> None:
    attacks: list[Attack] = [attack for attack in ATTACKS if attack.kind == kind]
    found = {attack.name[:60]: succeeded(victims, attack) for attack in attacks}
    assert {name: how for name, how in found.items() if how} == {}


def test_ok__the_same_requests_with_everything_right_succeed(victims: Victims) -> None:
    """Otherwise the attacks could fail for another reason."""
    form = {"csrf": victims.forms["owner"], "command": "open", "why": "parcel", "id": "good"}
    assert b"200 OK" in victims.request("POST", "/command", "owner", form)
    assert len(victims.bed.commands) == 1
    assert b"QQ7SECRET" in victims.request("GET", "/passages", "viewer")
    answer = victims.request(
        "GET", "/api/v1/passages", Authorization=f"Bearer {victims.tokens['people']}"
    )
    assert b"QQ7SECRET" in answer


def test_fail__fuzzed_cookies_and_tokens_let_nobody_in(victims: Victims) -> None:
    chance = random.Random(1)
    cookies, tokens = Counter[int](), Counter[int]()
    with httpx.Client(base_url=victims.address) as program:
        for _ in range(FUZZED):
            cookie = fuzzed(victims.cookies["owner"], chance)
            answer = program.get("/audit", headers={"cookie": f"plategate={cookie}"})
            cookies[answer.status_code] += 1
            token = fuzzed(victims.tokens["people"], chance)
            given = {"authorization": f"Bearer {token}"}
            tokens[program.get("/api/v1/passages", headers=given).status_code] += 1
    assert set(cookies) <= {303, 400}
    assert set(tokens) <= {400, 401, 429}


def test_fail__guessing_passwords_is_answered_a_few_times_only(victims: Victims) -> None:
    answers: Counter[int] = Counter()
    headers = {"origin": victims.address, "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=victims.address, headers=headers) as program:
        for n in range(60):
            guess = PASSWORD if n == 59 else f"guess number {n}"
            form = {"name": "anna", "password": guess}
            answers[program.post("/login", data=form).status_code] += 1
    assert answers == {403: FREE_FAILURES, 429: 60 - FREE_FAILURES}
