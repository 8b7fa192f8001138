# SPDX-License-Identifier: Apache-2.0
"""Who runs a command, and how root writes state as the user to whom the state belongs.

Root must not write where another user could have put a link, and what root creates could not be
replaced by its owner later.
"""

from __future__ import annotations

import getpass
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plategate.errors import StoreError, reason_of


def user_name() -> str:
    """The person behind sudo, else the user of the process."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def step_down_to_owner(folder: Path) -> None:
    """Become, for good, the owner of `folder` or of its nearest existing parent, if root.

    Raises StoreError when root lacks the capability to do so.
    """
    owner = _other_owner(folder)
    if owner is None:
        return
    try:
        _set_groups(owner)
        os.setresgid(owner.pw_gid, owner.pw_gid, owner.pw_gid)
        os.setresuid(owner.pw_uid, owner.pw_uid, owner.pw_uid)
    except PermissionError as error:
        raise _cannot(owner, folder, error) from error


@contextmanager
def as_owner_of(folder: Path) -> Iterator[None]:
    """Act in this block as the owner of `folder` or of its nearest existing parent, if root."""
    owner = _other_owner(folder)
    if owner is None:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    try:
        _set_groups(owner)
        # The real user as well: access(2), which SQLite calls, checks that one. The saved user is
        # root, to come back.
        os.setresgid(owner.pw_gid, owner.pw_gid, group)
        os.setresuid(owner.pw_uid, owner.pw_uid, 0)
    except PermissionError as error:
        raise _cannot(owner, folder, error) from error
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(group, group, group)
        os.setgroups(groups)


def _other_owner(folder: Path) -> pwd.struct_passwd | None:
    """The owner, if this process is root and the owner is not."""
    if os.geteuid() != 0:
        return None
    existing = next(
        path for path in (folder.absolute(), *folder.absolute().parents) if path.exists()
    )
    uid = existing.lstat().st_uid
    if uid == 0:
        return None
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise StoreError(f"{existing}: belongs to user {uid}, who does not exist") from None


def _set_groups(owner: pwd.struct_passwd) -> None:
    os.setgroups(os.getgrouplist(owner.pw_name, owner.pw_gid))


def _cannot(owner: pwd.struct_passwd, folder: Path, error: OSError) -> StoreError:
    return StoreError(f"{folder}: cannot act as its owner {owner.pw_name}: {reason_of(error)}")
