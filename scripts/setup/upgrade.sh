#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: sudo ./setup.sh upgrade [--offline DIR [--key FILE] [--unsigned] [--older] | --back] - install this copy's version on a gate.
#
# If the new version does not start, the version before is restored. --back: return to the version before.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/setup/common.sh

need_root upgrade
[ -n "$(linked current)" ] || fail "Plategate is not installed here" "sudo ./setup.sh install"
if [ "${1:-}" != --back ]; then
    exec bash scripts/setup/install.sh "$@"
fi
back=$(linked previous)
if [ -z "$back" ] || [ ! -f "$PREFIX/versions/$back/complete" ]; then
    fail "there is no version before this one"
fi
if ! reads_state_of "$back" "$(linked current)"; then
    fail "version $back cannot read the journal or the lists of $(linked current), which changed their format" \
        "install $back on another card, and restore a backup that it made: docs/owner/backup.md"
fi
step "returning from $(linked current) to $back"
"$PREFIX/versions/$back/venv/bin/plategate" check-config "$CONFIG" >/dev/null ||
    fail "version $back does not accept $CONFIG" "correct the lines named above, then run this again"
switch_link previous "$(linked current)"
activate_version "$back"
if has_systemd && ! gate_starts; then
    fail "version $back does not start" "run plategate doctor; it names the cause"
fi
settle_state
step "done: version $back"
