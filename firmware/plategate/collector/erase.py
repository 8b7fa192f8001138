# SPDX-License-Identifier: Apache-2.0
"""Remove one plate from the fleet's database, for a person who asks for it.

Every event that names the plate, or its keyed hash, is reduced to what is kept for good; numbers
and counts stay. Run by an administrator: a collector may not change events.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plategate.collector.database import as_administrator
from plategate.errors import SettingsError
from plategate.plate_data.hashing import plate_hash, read_key
from plategate.plates.written import parse_plate

if TYPE_CHECKING:
    from plategate.collector.settings import CollectorSettings

# As a word of its own: A1 is no part of BA12.
NAMING = """
exists (select from unnest(%s::text[]) as text where data::text ~ ('\\m' || text || '\\M'))
"""
EVENTS = f"""
update plategate.events set data = plategate.without_plates(type, data) where {NAMING}
"""
COUNT = f"select count(*) from plategate.events where {NAMING}"
REJECTED = """
delete from plategate.rejected
where exists (select from unnest(%s::text[]) as text where position(text::bytea in payload) > 0)
"""


def erase_plate(
    settings: CollectorSettings,
    plate: str,
    key_file: Path | None,
    *,
    user: str | None,
    dry_run: bool,
) -> int:
    """The number of events that were reduced, or would be; raises SettingsError, StoreError.

    `key_file` is the `plate_key_file` of the gates that send hashes.
    """
    try:
        text = parse_plate(plate)
    except ValueError as error:
        raise SettingsError(f"{plate}: {error}") from error
    names = [text]
    if key_file is not None:
        names.append(plate_hash(text, read_key(key_file)))
    with as_administrator(settings.database, user) as connection:
        connection.execute("set role plategate_admin")
        if dry_run:
            row = connection.execute(COUNT, (names,)).fetchone()
            return int(row[0]) if row else 0
        with connection.transaction():
            connection.execute(REJECTED, (names,))
            return connection.execute(EVENTS, (names,)).rowcount
