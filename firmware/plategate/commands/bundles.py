# SPDX-License-Identifier: Apache-2.0
"""`plategate verify-bundle` and `install-bundle`: check a release bundle, and install its version.

The installed version copies the bundle to a folder of root, checks the copy with the key of this
device, and only then runs the `setup.sh` of that copy. Nothing on the medium is executed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

Bundle = Annotated[Path, typer.Argument(help="the bundle")]
Key = Annotated[
    Path | None, typer.Option(help="public key of the maker; default: the one of this device")
]
Unsigned = Annotated[bool, typer.Option("--unsigned", help="accept a bundle without a signature")]
Older = Annotated[
    bool, typer.Option("--older", help="accept a version older than the installed one")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command("verify-bundle")(verify_bundle)
    app.command("install-bundle")(install_bundle)


def verify_bundle(
    folder: Bundle,
    key: Key = None,
    unsigned: Unsigned = False,
    older: Older = False,
    pin: Annotated[
        bool,
        typer.Option("--pin", help="trust the bundle's key from now on, if this device knows none"),
    ] = False,
) -> None:
    """Check signature, files and age of a bundle; exit status 1 if it must not be installed."""
    from plategate.bundle import Accepted, check_bundle

    check_bundle(folder, Accepted(key, unsigned, older, pin), Path(sys.prefix).parent, print)


def install_bundle(
    folder: Bundle, key: Key = None, unsigned: Unsigned = False, older: Older = False
) -> None:
    """Check a bundle and install its version, as root; exit status 1 if that fails."""
    import os
    import subprocess

    from plategate.bundle import Accepted, check_bundle, private_copy
    from plategate.errors import BundleError

    version = Path(sys.prefix).parent.resolve()
    if not (version / "complete").exists():
        raise BundleError(f"{sys.prefix}: is no installed version; sudo ./setup.sh install")
    if os.geteuid() != 0:
        raise BundleError("only root can install: sudo plategate install-bundle DIR")
    if not folder.is_dir():
        raise BundleError(f"{folder}: is not a folder made by ./setup.sh bundle")
    with private_copy(folder, version.parents[1]) as copy:
        print(f"checking a copy of {folder}")

        def named(text: str) -> str:
            """The text with the bundle's folder in place of the copy, which is removed."""
            return text.replace(str(copy), str(folder))

        try:
            accepted = Accepted(key, unsigned, older)
            check_bundle(copy, accepted, version, lambda text: print(named(text)))
        except BundleError as error:
            raise BundleError(named(str(error))) from None
        setup = copy / "plategate" / "setup.sh"
        if not setup.is_file():
            raise BundleError(f"{folder}: has no plategate/setup.sh; create the bundle again")
        command = ["bash", str(setup), "install", "--offline", str(copy)]
        command += ["--key", str(key.absolute())] if key is not None else []
        command += ["--unsigned"] if unsigned else []
        command += ["--older"] if older else []
        sys.stdout.flush()
        code = subprocess.run(command, check=False).returncode
    if code:
        raise typer.Exit(1)
