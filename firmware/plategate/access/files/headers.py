# SPDX-License-Identifier: Apache-2.0
"""Find the row of a table that names its columns, and map English and German names to our own.

An unknown column is an error, since what is in it may limit who may pass; the owner may map it or
ignore it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plategate.access.files.rows import LONGEST_NAME, TableError
from plategate.errors import printable

IGNORED = "-"
FIRST_NAME, LAST_NAME = "first name", "last name"
SEARCHED_ROWS = 10  # filled rows; a title may stand above the names of the columns

_NAMES = {
    "plate": "number plate, license plate, licence plate, plates, registration,"
    " registration number, registration no, reg, reg no, reg number, vrm, vrn, kennzeichen,"
    " kfz kennzeichen, kfz,"
    " autokennzeichen, pkw kennzeichen, nummernschild, amtliches kennzeichen, amtl kennzeichen",
    "holder": "name, full name, owner, driver, resident, tenant, person, inhaber, halter,"
    " fahrzeughalter, besitzer, fahrer, bewohner, mieter, eigentuemer, vor und nachname",
    FIRST_NAME: "given name, firstname, vorname",
    LAST_NAME: "surname, family name, lastname, nachname, familienname, zuname",
    "group": "company, flat, apartment, unit, department, gruppe, firma, wohnung, wohnungsnummer,"
    " abteilung, wohneinheit",
    "note": "notes, comment, comments, remark, remarks, bemerkung, bemerkungen, notiz, notizen,"
    " kommentar, anmerkung, hinweis",
    "from": "valid from, start, start date, von, ab, gueltig ab, gueltig von, beginn",
    "until": "to, valid until, valid to, till, end, end date, expires, expiry, expiry date, bis,"
    " gueltig bis, ende, ablauf, ablaufdatum",
    "hours": "times, time window, zeiten, zeitfenster, uhrzeiten",
    "entries": "number of entries, einfahrten, anzahl einfahrten",
}
_KNOWN = {
    name: column
    for column, others in _NAMES.items()
    for name in (column, *(other.strip() for other in others.split(",")))
}
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "-": " ", "_": " ", ".": " ", "/": " "})


@dataclass(frozen=True, slots=True)
class Header:
    """The row that names the columns, and which field each column of the table is.

    `columns` has "" for a column without name and IGNORED for one that the owner ignores.
    """

    line: int
    columns: tuple[str, ...]
    names: tuple[str, ...]  # as written

    def sentence(self) -> str | None:
        """How the names were understood; None if they are our own."""
        pairs = [
            f"{printable(name, LONGEST_NAME)} is {'ignored' if column == IGNORED else column}"
            for name, column in zip(self.names, self.columns, strict=True)
            if column and name.strip().lower() != column
        ]
        return f"columns: {', '.join(pairs)}" if pairs else None


def find_header(
    rows: Sequence[tuple[int, Sequence[str]]], given: Mapping[str, str]
) -> Header | None:
    """The first of some rows in which a cell names the plate; None if there is none.

    `given` maps names as the owner wrote them to our own, or to IGNORED. Raises TableError for an
    unknown column and for two columns of the same meaning.
    """
    known = _KNOWN | {_plain(name): column for name, column in given.items()}
    for line, cells in rows:
        columns = tuple(known.get(_plain(cell), "") for cell in cells)
        if "plate" in columns:
            _check(line, cells, columns)
            return Header(line, columns, tuple(cells))
    return None


def parse_column_options(options: Sequence[str]) -> dict[str, str]:
    """Mappings such as `THEIRS=note` or `THEIRS=-`; raises ValueError that says what is wrong."""
    found = {}
    for option in options:
        name, _, column = option.rpartition("=")
        if not name.strip() or (column != IGNORED and column not in _NAMES):
            known = ", ".join(_NAMES)
            raise ValueError(f"{option!r}: write NAME=COLUMN with one of {known}, or NAME=-")
        found[name] = column
    return found


def _check(line: int, cells: Sequence[str], columns: Sequence[str]) -> None:
    for cell, column in zip(cells, columns, strict=True):
        if not column and cell.strip():
            reason = (
                "unknown column; name it as in docs/owner/lists.md, or use"
                f' --column "{cell.strip()}=note" to keep it as a note,'
                f' --column "{cell.strip()}=-" to ignore it'
            )
            raise TableError(line, cell.strip(), None, reason)
        same = [c for c, other in zip(cells, columns, strict=True) if other == column]
        if column and column != IGNORED and len(same) > 1:
            reason = f"{len(same)} columns are {column}: {', '.join(map(repr, same))}"
            if column == "plate":
                reason += "; write one plate per row"
            else:
                reason += '; ignore one with --column "NAME=-"'
            raise TableError(line, "", None, reason)


def _plain(name: str) -> str:
    """A name without capitals, umlauts, punctuation and surplus spaces."""
    return " ".join(name.casefold().translate(_UMLAUTS).replace("ß", "ss").strip(" :*#").split())
