# SPDX-License-Identifier: Apache-2.0
"""`plategate configure`: ask the installer about the site, try each answer, write settings.toml.

Nothing is written before the last question; Ctrl-C leaves the file as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from plategate.terminal import Config

if TYPE_CHECKING:
    from plategate.configure.checks import HardwareChecks
    from plategate.configure.dialog import Dialog
    from plategate.configure.draft import Draft

INTRODUCTION = """\
Enter takes the answer in brackets, which is what is set now. Nothing is written before you agree at
the end; Ctrl-C leaves {file} as it is."""
BUSY = """\
The gate runs and has claimed lines and camera. To try the answers, stop it first:
    sudo systemctl stop plategate-gate"""
NEXT = """\
Next:
    sudo systemctl restart plategate-gate
    sudo plategate doctor
    sudo plategate list add "YOUR PLATE"     # then drive up"""


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("configure")(configure)


def configure(
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="try the answers on the hardware")
    ] = True,
    config: Config = None,
) -> None:
    """Ask about the site, try each answer on the hardware, write settings.toml."""
    from plategate.configure.checks import HardwareChecks
    from plategate.configure.dialog import Dialog
    from plategate.configure.draft import Draft
    from plategate.settings.edit import settings_file

    draft = Draft(settings_file(config))
    run(draft, Dialog(), HardwareChecks(), check)


def run(draft: Draft, dialog: Dialog, checks: HardwareChecks, check: bool) -> None:
    """The whole dialog; raises typer.Abort where it is ended early, and then writes nothing."""
    from plategate.configure.site import SiteQuestions
    from plategate.configure.wiring import Wiring

    dialog.say(INTRODUCTION.format(file=draft.file))
    if check and checks.gate_runs(draft.settings):
        dialog.say(BUSY)
        check = not dialog.confirm("Go on without trying the answers?", True)
        if check:
            raise typer.Exit(1)
    site = SiteQuestions(draft, dialog, checks)
    site.lane()
    Wiring(draft, dialog, checks, check).ask()
    site.camera(check)
    site.source()
    site.privacy()
    _finish(draft, dialog)


def _finish(draft: Draft, dialog: Dialog) -> None:
    """Show what changes, and write it if the installer agrees."""
    from plategate.errors import SettingsError

    try:
        draft.check()
    except SettingsError as error:
        dialog.say(f"\nThese settings are not complete yet: {error}")
        dialog.say("The gate will run without relay until that is fixed.")
    lines = draft.changed_lines()
    if not lines:
        dialog.say(f"\n{draft.file} already says all this; nothing was written.")
        return
    dialog.say("\nChanges:")
    for line in lines:
        dialog.say(f"  {line}")
    if not dialog.confirm(f"Write {draft.file}?", True):
        dialog.say("Nothing was written.")
        raise typer.Exit(1)
    draft.write()
    dialog.say(f"{draft.file} is written.\n{NEXT}")
