# SPDX-License-Identifier: Apache-2.0
"""`plategate privacy report | export | erase | readmit | hold | release | held`.

What is kept, for how long and why; everything about one plate; erase it everywhere; keep a disputed
passage. `erase` runs as root, because the stores belong to several users.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plategate.commands.shared.lists import plate_argument, warn
from plategate.errors import printable
from plategate.terminal import Config
from plategate.users import user_name

if TYPE_CHECKING:
    from plategate.journal.holds import Hold
    from plategate.plate_data.interfaces import EraseRequest
    from plategate.privacy.registry import Everywhere
    from plategate.settings import Settings

# A large journal on a slow card; the gate works meanwhile.
ERASE_WITHIN_S = 600.0

Plate = Annotated[str, typer.Argument(help="the plate, spaced in any way")]
Passage = Annotated[str, typer.Argument(help="the passage's id")]
Why = Annotated[str, typer.Option("--why", help="the reason; kept in the journal")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    group = typer.Typer(help="What is kept about people, and their rights.", no_args_is_help=True)
    group.command("report")(report)
    group.command("export")(export)
    group.command("erase")(erase)
    group.command("readmit")(readmit)
    group.command("hold")(hold)
    group.command("release")(release)
    group.command("held")(held)
    app.add_typer(group, name="privacy")


def report(config: Config = None, as_json: AsJson = False) -> None:
    """Show what is kept, for how long and why, and the profile in force."""
    from plategate.privacy.registry import kept_everywhere
    from plategate.settings import load_settings
    from plategate.settings.privacy import profiles

    settings = load_settings(config)
    answers = kept_everywhere(settings)
    kept = answers.found
    profile = profiles().get(settings.privacy.profile)
    if as_json:
        document = {
            "schema": 1,
            "profile": settings.privacy.profile,
            "sources": list(profile.sources) if profile else [],
            "kept": [
                {"store": store, "what": k.what, "why": k.why, "how_long": k.how_long,
                 "count": k.count}
                for store, k in kept
            ],
        }  # fmt: skip
        print(json.dumps(document, ensure_ascii=False))
        _name_failed(answers)
        return
    if profile is None:
        print("profile: custom ([journal] alone decides; see privacy.profile)")
    else:
        print(f"profile: {settings.privacy.profile} ({profile.name}); not legal advice. Sources:")
        for source in profile.sources:
            print(f"  {source}")
    for store, kind in kept:
        count = "" if kind.count is None else f" ({kind.count} now)"
        print()
        print(printable(f"{store}: {kind.what}{count}"))
        print(printable(f"  why       {kind.why}"))
        print(printable(f"  how long  {kind.how_long}"))
    _name_failed(answers)


def export(
    plate: Plate,
    folder: Annotated[
        Path | None, typer.Argument(help="new folder for about.txt, .json, .pdf and the pictures")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show everything that is kept about a plate, or write it to a folder."""
    from plategate.clock import SystemClock
    from plategate.privacy import dossier
    from plategate.privacy.registry import find_everywhere, kept_everywhere
    from plategate.settings import load_settings

    settings, text = load_settings(config), plate_argument(plate)
    answers = find_everywhere(settings, text)
    found = answers.found
    document = dossier.document_of(
        text, found, SystemClock().wall(), kept_everywhere(settings).found, answers.failed
    )
    if folder is not None:
        for file in dossier.write_dossier(document, found, folder):
            print(file)
        print(f"{len(found)} items about {text}")
    elif as_json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        print(dossier.as_text(document), end="")
    _name_failed(answers)


def erase(
    plate: Plate,
    why: Why,
    config: Config = None,
    held_too: Annotated[
        bool, typer.Option("--held", help="erase passages on hold too, and end their hold")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Erase a plate from every store, and keep a proof that does not name it.

    Sources and backups do not bring the plate back; `readmit` or `list add` does.
    """
    from plategate.clock import SystemClock
    from plategate.plate_data.files import files_with
    from plategate.plate_data.interfaces import EraseRequest
    from plategate.plate_data.mention import Mention
    from plategate.plate_data.tombstones import Tombstones
    from plategate.privacy.registry import erase_everywhere, find_everywhere, plate_stores
    from plategate.settings import load_settings

    settings, text = load_settings(config), plate_argument(plate)
    reason = _reason(Mention(text).removed_from(why))
    answers = find_everywhere(settings, text)
    print(f"{text}: {len(answers.found)} items are kept")
    for store, error in answers.failed:
        print(printable(f"{store}: cannot be read: {error}"))
    if not yes and not typer.confirm("Erase them? This cannot be undone."):
        raise typer.Exit(1)
    stones = Tombstones(settings.privacy.dir)
    stone = stones.add(text, SystemClock().wall(), user_name(), reason)
    asked = EraseRequest(text, user_name(), reason, settings.privacy.dir, held_too)
    failed = False
    for result in erase_everywhere(settings, asked, _ask_gate(settings)):
        for what, count in result.erasure.counts.items():
            print(f"{result.store}: {count} {what} erased")
        for remark in result.erasure.remarks:
            print(printable(f"{result.store}: {remark}"))
        if result.error is not None:
            failed = True
            print(printable(f"{result.store}: NOT erased: {result.error}"))
    _remove_copies(settings)
    folders = {store.folder for store in plate_stores(settings)}
    left = [file for folder in sorted(folders) for file in files_with(folder, text)]
    for file in dict.fromkeys(left):
        print(f"still has the plate: {file}")
    _copy_proofs(settings)
    if failed or left:
        print("not everything is erased; give the command again when the cause is gone")
        raise typer.Exit(1)
    print(f"erased; proof {stone.plate} in {stones.file}")


def readmit(plate: Plate, config: Config = None) -> None:
    """Let sources and imports bring an erased plate again."""
    from plategate.plate_data.tombstones import Tombstones
    from plategate.settings import load_settings

    text = plate_argument(plate)
    if not Tombstones(load_settings(config).privacy.dir).lift(text):
        print(f"{text} was not erased")
        raise typer.Exit(1)
    print(f"{text} may come in again with the next sync or import")


def hold(passage: Passage, why: Why, config: Config = None) -> None:
    """Keep a passage with its pictures beyond its time, because of a dispute."""
    _give("hold_passage", passage, why, config)


def release(passage: Passage, why: Why, config: Config = None) -> None:
    """End a hold: the passage is deleted at the end of its time."""
    _give("end_hold", passage, why, config)


def held(config: Config = None) -> None:
    """List the passages on hold."""
    found = _holds(config)
    for each in found:
        since = each.at.astimezone().strftime("%Y-%m-%d")
        print(printable(f"{each.passage_id}  since {since}  {each.who}: {each.why}"))
    if not found:
        print("no passage is on hold")


def _holds(config: Config) -> list[Hold]:
    from plategate.commands.shared.journal import settings_journal
    from plategate.journal.holds import all_holds

    with settings_journal(config) as (journal, _):
        return journal.read(all_holds)


def _name_failed(answers: Everywhere[Any]) -> None:
    """Name the stores that could not be read, and end with status 1."""
    for store, error in answers.failed:
        warn(printable(f"{store}: cannot be read, so what it keeps is missing here: {error}"))
    if answers.failed:
        raise typer.Exit(1)


def _remove_copies(settings: Settings) -> None:
    """Remove the copies that a backup or a restoration left when it was killed."""
    from plategate.backup.scratch import remove_left
    from plategate.storage import storage_errors

    with storage_errors(settings.privacy.dir):
        remove_left(settings.privacy.dir)


def _copy_proofs(settings: Settings) -> None:
    """Put the proof next to the backups too, where their folder is mounted."""
    from plategate.backup.folder import copy_proofs
    from plategate.errors import BackupError, GateError

    folder = settings.backup.dir
    if folder is None:
        return
    try:
        if not folder.is_dir():
            raise BackupError(f"{folder} is not mounted")
        copy_proofs(settings.privacy.dir, folder)
    except (GateError, OSError) as error:
        print(
            printable(f"backups: the proof is not next to them: {error}; the next backup adds it")
        )


def _give(word: str, passage: str, why: str, config: Config) -> None:
    """Ask the running gate; without one, change the journal as its owner."""
    from contextlib import closing

    from plategate.clock import SystemClock
    from plategate.gate.privacy import PrivacyServices
    from plategate.journal import open_journal
    from plategate.journal.opening import is_owned
    from plategate.remote.client import give_command, new_request
    from plategate.remote.protocol import ServiceName
    from plategate.settings import load_settings
    from plategate.users import as_owner_of

    settings, name, data = load_settings(config), ServiceName(word), {"passage": passage}
    why = _reason(why)
    if is_owned(settings.journal.dir):
        print(give_command(settings.commands.socket, name, why, data=data).reason)
        return
    _holds(config)  # StoreError where there is no journal, as none must be created
    request = new_request(name, why=why, who=user_name(), via="cli", data=data)
    with as_owner_of(settings.journal.dir), closing(open_journal(settings.journal)) as journal:
        services = PrivacyServices(journal, SystemClock(), settings.lane.name).services()
        sentence, _ = services[name](request)
    print(sentence)


def _reason(why: str) -> str:
    """The reason, checked as a running gate does, before anything is changed."""
    from plategate.errors import CommandError
    from plategate.remote.protocol import TEXTS, text_of

    try:
        return text_of("why", why, TEXTS["why"])
    except CommandError as error:
        raise typer.BadParameter(str(error)) from None


def _ask_gate(settings: Settings) -> Any:
    from plategate.remote.client import give_command
    from plategate.remote.protocol import ServiceName

    def ask(asked: EraseRequest, data: dict[str, Any]) -> dict[str, Any]:
        answer = give_command(
            settings.commands.socket,
            ServiceName.ERASE,
            asked.why,
            data=data,
            within_s=ERASE_WITHIN_S,
        )
        return answer.data or {}

    return ask
