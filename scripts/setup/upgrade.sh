#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: sudo ./setup.sh upgrade [--offline DIR | --back] - put this copy's version in force on a gate.
#
# Goes back by itself where the new version does not come up. --back: the version before this one.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/setup/common.sh

need_root upgrade
[ -n "$(linked current)" ] || fail "there is nothing to upgrade here" "sudo ./setup.sh install"
if [ "${1:-}" != --back ]; then
    exec bash scripts/setup/install.sh "$@"
fi
back=$(linked previous)
if [ -z "$back" ] || [ ! -f "$PREFIX/versions/$back/complete" ]; then
    fail "there is no version before this one to go back to"
fi
step "going back from $(linked current) to $back"
"$PREFIX/versions/$back/venv/bin/plategate" check-config "$CONFIG" >/dev/null ||
    fail "$CONFIG does not fit version $back" "mend the lines named above, then run this again"
switch_link previous "$(linked current)"
put_in_force "$back"
if has_systemd && ! comes_up; then
    fail "version $back does not come up" "plategate doctor  says what is missing"
fi
step "done: version $back"
