# SPDX-License-Identifier: Apache-2.0
"""`plategate verify-bundle DIR`: check a release bundle with the key of this device.

`setup.sh` asks the installed version to do so before it installs a bundle.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("verify-bundle")(verify_bundle)


def verify_bundle(
    folder: Annotated[Path, typer.Argument(help="the bundle")],
    key: Annotated[
        Path | None, typer.Option(help="public key of the maker; default: the one of this device")
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="accept a bundle without a signature")
    ] = False,
    older: Annotated[
        bool, typer.Option("--older", help="accept a version older than the installed one")
    ] = False,
    pin: Annotated[
        bool,
        typer.Option("--pin", help="trust the bundle's key from now on, if this device knows none"),
    ] = False,
) -> None:
    """Check signature, files and age of a bundle; exit status 1 if it must not be installed."""
    from plategate import bundle
    from plategate.errors import BundleError, printable, reason_of
    from plategate.storage import replace_file

    has_signature = (folder / bundle.SIGNATURE).exists()
    chosen = key or (bundle.PINNED_KEY if bundle.PINNED_KEY.exists() else None)
    if pin and chosen is None and has_signature:
        chosen = folder / bundle.KEY
    if not has_signature and not unsigned:
        raise BundleError(
            f"{folder}: the bundle is not signed; get a signed one, or accept it with --unsigned"
        )
    if has_signature and chosen is None and not unsigned:
        raise BundleError(
            f"this device knows no key of a maker; name one with --key, such as {folder}/"
            f"{bundle.KEY} after comparing it with its maker"
        )
    signer = None
    if has_signature and chosen is not None:
        try:
            signer = bundle.check_signature(folder, chosen)
            print(f"signed by key {signer}")
        except BundleError as error:
            if not unsigned:
                raise
            print(printable(f"the signature does not count (--unsigned): {error}"))
    if not (folder / bundle.MANIFEST).exists():
        print(f"{folder}: has no {bundle.MANIFEST}; nothing was checked")
        return
    found = bundle.release_of(folder / bundle.MANIFEST)
    if not older:
        bundle.check_age(found, Path(sys.prefix).parent / bundle.RELEASE)
    print(f"{bundle.check_files(folder)} files are as their maker wrote them")
    print(f"version {found.version}, made {found.made:%Y-%m-%d %H:%M}")
    if pin and signer is not None and chosen == folder / bundle.KEY:
        try:
            replace_file(bundle.PINNED_KEY, chosen.read_bytes(), mode=0o644)
        except OSError as error:
            raise BundleError(f"{bundle.PINNED_KEY}: {reason_of(error)}") from error
        print(f"from now on bundles need a signature of this key ({bundle.PINNED_KEY})")
