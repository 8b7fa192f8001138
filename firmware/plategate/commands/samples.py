# SPDX-License-Identifier: Apache-2.0
"""`plategate samples on | off | list | correct | export | remove`: stills to measure the gate with.

Kept are stills that were unread or corrected. Everything outside the plate is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.commands.shared.lists import plate_argument, warn
from plategate.terminal import Config
from plategate.users import user_name

if TYPE_CHECKING:
    from plategate.samples.store import Sample, SampleStore

CONSENT = """\
From now on the gate keeps stills of vehicles whose plate it could not read, or that you correct.
Each shows one number plate, which is personal data; everything else in it is blurred beyond repair.
At most {stills} stills are kept, for at most {days} days. They stay on this device until you export
them. State them in your record of processing. `plategate samples off` deletes them."""
RELOAD = "sudo systemctl reload plategate-gate"


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    group = typer.Typer(help="Stills to measure and train readers with.", no_args_is_help=True)
    group.command("on")(switch_on)
    group.command("off")(switch_off)
    group.command("list")(show)
    group.command("correct")(correct)
    group.command("export")(export)
    group.command("remove")(remove)
    app.add_typer(group, name="samples")


def switch_on(
    who: Annotated[str, typer.Option(help="who consents; default: the user name")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    config: Config = None,
) -> None:
    """State your consent to keep samples, in settings.toml."""
    from plategate.settings import load_settings
    from plategate.settings.edit import edit_settings, settings_file, text_after

    found = load_settings(config).samples
    consent = f"{who or user_name()}, {datetime.now().astimezone():%Y-%m-%d}"
    file = settings_file(config)
    text_after(file.resolve(), {"samples.consent": consent})  # a profile may forbid it
    print(CONSENT.format(stills=found.stills_max, days=found.days))
    if not yes and not typer.confirm("Do you consent?"):
        raise typer.Exit(1)
    edit_settings(file, {"samples.consent": consent})
    print(f'{file}: samples.consent = "{consent}"; apply it with {RELOAD}')


def switch_off(config: Config = None) -> None:
    """Withdraw the consent and delete every sample."""
    from plategate.settings.edit import edit_settings, settings_file

    file = settings_file(config)
    edit_settings(file, {"samples.consent": ""})
    with _store(config) as store:
        removed = store.remove_all()
    print(f"{removed} samples deleted; {file}: samples.consent is empty; apply it with {RELOAD}")


def show(config: Config = None) -> None:
    """List the samples, oldest first."""
    from plategate.settings import load_settings

    settings = load_settings(config).samples
    with _store(config) as store:
        found, damaged = store.all(), store.damaged()
    for sample in found:
        print(_line(sample))
    for each in damaged:
        warn(each.reason)
    consent = settings.consent or "none, so no more are kept"
    unlabelled = sum(not sample.text for sample in found)
    print(
        f"{len(found)} of at most {settings.stills_max} samples, {unlabelled} without a text;"
        f" consent: {consent}"
    )


def correct(
    passage: Annotated[str, typer.Argument(help="the passage's id")],
    plate: Annotated[str, typer.Argument(help="what is on the plate")],
    why: Annotated[str, typer.Option(help="the reason; kept in the journal")] = "read wrong",
    config: Config = None,
) -> None:
    """Say what is on the plate of a passage, and keep its still; asks the running gate."""
    from plategate.remote.client import give_command
    from plategate.remote.protocol import ServiceName
    from plategate.settings import load_settings

    data = {"passage": passage, "text": plate_argument(plate)}
    socket = load_settings(config).commands.socket
    print(f"{passage}: {give_command(socket, ServiceName.SAMPLE, why, data=data).reason}")


def export(
    folder: Annotated[Path, typer.Argument(help="new folder for the pictures and plates.csv")],
    config: Config = None,
) -> None:
    """Copy the samples into a folder that `scripts/benchmark` reads."""
    from plategate.samples.export import export as write

    store = _samples(config)
    count = write(store, store.all(), folder)
    for each in store.damaged():
        warn(each.reason)
    print(f"{count} samples in {folder}; measure the gate with: scripts/benchmark {folder}")


def remove(
    passages: Annotated[list[str] | None, typer.Argument(help="ids as `list` shows them")] = None,
    plate: Annotated[str | None, typer.Option(help="every sample of this plate")] = None,
    everything: Annotated[bool, typer.Option("--all", help="every sample")] = False,
    config: Config = None,
) -> None:
    """Delete samples."""
    from plategate.errors import StoreError

    if sum((bool(passages), plate is not None, everything)) != 1:
        raise typer.BadParameter("name passages, or --plate, or --all")
    with _store(config) as store:
        if plate is not None:
            removed = sum(store.remove_plate(plate_argument(plate)))
        elif everything:
            removed = store.remove_all()
        else:
            ids = list(passages or ())
            if missing := [each for each in ids if not store.exists(each)]:
                raise StoreError(f"there is no sample {', '.join(missing)}; see `samples list`")
            removed = store.remove(ids)
    print(f"{removed} samples deleted")


def _samples(config: Path | None) -> SampleStore:
    from plategate.samples.store import FOLDER, SampleStore
    from plategate.settings import load_settings

    return SampleStore(load_settings(config).journal.dir / FOLDER)


@contextmanager
def _store(config: Path | None) -> Iterator[SampleStore]:
    """The samples; root acts as the user who owns them."""
    from plategate.users import as_owner_of

    store = _samples(config)
    with as_owner_of(store.folder):
        yield store


def _line(sample: Sample) -> str:
    at = sample.at.astimezone().strftime("%Y-%m-%d %H:%M")
    read, text = sample.read or "-", sample.text or "?"
    return f"{sample.id}  {at}  {sample.why:<9}  read {read:<10}  is {text}"
