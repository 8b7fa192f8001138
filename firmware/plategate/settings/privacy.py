# SPDX-License-Identifier: Apache-2.0
"""The [privacy] table: the profile of a country, which limits what [journal] and [samples] keep.

privacy_profiles.toml has the values of each profile and where they come from. They are not legal
advice; docs/owner/privacy.md says what they are good for.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from plategate.settings.base import SettingsModel
from plategate.settings.journal import JournalSettings, SamplesSettings
from plategate.settings.state_paths import PRIVACY_STATE, StatePath

CUSTOM = "custom"
CUSTOM_ADVICE = 'or set profile = "custom" and write down your reasons'
STILLS = "both"  # the value of journal.evidence that keeps stills
PROFILES_FILE = Path(__file__).with_name("privacy_profiles.toml")
# From the least to the most that is kept.
ORDERS: dict[str, tuple[object, ...]] = {
    "evidence": ("none", "plate", "both"),
    "unknown_pictures": (False, True),
    "blur_stills": (True, False),
    "delete_at_match": (True, False),
}


class PrivacySettings(SettingsModel):
    """How long personal data are kept, by country."""

    profile: Literal["custom", "de", "at", "ch", "fr", "gb", "lu"] = Field(
        "custom",
        description="the profile whose limits [journal] observes; custom: [journal] alone decides",
    )
    dir: StatePath = Field(
        PRIVACY_STATE, description="folder of the proofs of erasure and their key"
    )


@dataclass(frozen=True, slots=True)
class Profile:
    """The limits of one country for [journal], and the sources of these limits."""

    name: str
    journal: dict[str, Any]
    sources: tuple[str, ...]


@cache
def profiles() -> dict[str, Profile]:
    """All profiles by their value of privacy.profile."""
    tables = tomllib.loads(PROFILES_FILE.read_text(encoding="utf-8"))
    return {
        code: Profile(table["name"], table["journal"], tuple(table["sources"]))
        for code, table in tables.items()
    }


def with_profile(raw: Any) -> Any:
    """Settings before their check, with the values of the profile where the tables have none.

    Raises ValueError where [journal] or [samples] keep more than the profile allows. Anything
    malformed is left to the check of the fields.
    """
    privacy = raw.get("privacy") if isinstance(raw, dict) else None
    name = privacy.profile if isinstance(privacy, PrivacySettings) else None
    if isinstance(privacy, dict):
        name = privacy.get("profile")
    profile = profiles().get(name) if isinstance(name, str) else None
    if profile is None:
        return raw
    journal, samples = _table(raw, "journal"), _table(raw, "samples")
    if journal is None or samples is None:
        return raw
    days = min(SamplesSettings().days, profile.journal["evidence_days"])
    limits = [("journal", journal, profile.journal), ("samples", samples, {"days": days})]
    for table, values, allowed in limits:
        for key, limit in allowed.items():
            if key in values and _keeps_more(key, values[key], limit):
                raise ValueError(
                    f"{table}.{key} = {_toml(values[key])} keeps more than privacy.profile ="
                    f' "{name}" allows ({_toml(limit)}); remove the key, {CUSTOM_ADVICE}'
                )
    if samples.get("consent") and profile.journal["evidence"] != STILLS:
        raise ValueError(
            f'samples.consent: samples are stills, of which privacy.profile = "{name}" allows'
            f" none; leave it empty, {CUSTOM_ADVICE}"
        )
    filled = {"journal": {**profile.journal, **journal}, "samples": {"days": days, **samples}}
    return {**raw, **filled}


def _table(raw: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The keys that a table sets; None if it is malformed."""
    table = raw.get(name, {})
    if isinstance(table, JournalSettings | SamplesSettings):
        table = table.model_dump(exclude_unset=True)
    return table if isinstance(table, dict) else None


def _keeps_more(key: str, value: Any, limit: Any) -> bool:
    order = ORDERS.get(key)
    if order is not None:
        return value in order and order.index(value) > order.index(limit)
    return isinstance(value, int | float) and value > limit


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
