#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: sudo ./setup.sh uninstall [--purge] - remove Plategate from this machine.
#
# Keeps /etc/plategate and /var/lib/plategate (settings, lists, journal); --purge removes them and the users as well.
# Debian packages stay, because other programs may use them.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/setup/common.sh

purge=""
case "${1:-}" in
"") ;;
--purge) purge=yes ;;
*) fail "unknown: $1" "sudo ./setup.sh uninstall [--purge]" ;;
esac
need_root uninstall

step "stopping the gate"
if has_systemd; then
    systemctl disable --quiet --now "${UNITS[@]}" 2>/dev/null || true
else
    systemctl disable --quiet "${UNITS[@]}" 2>/dev/null || true
fi
settle_state
step "removing the program and its system files"
for pair in "${SYSTEM_FILES[@]}"; do
    rm -f "${pair#* }"
done
# Remove these folders if they are empty now.
rmdir --ignore-fail-on-non-empty /etc/issue.d /etc/systemd/system.conf.d /etc/systemd/journald.conf.d 2>/dev/null || true
rm -f /usr/local/bin/plategate /usr/share/plategate /etc/issue.d/plategate.issue
rm -rf /run/plategate-code
rm -rf "$PREFIX"
if has_systemd; then
    systemctl daemon-reload
    systemctl daemon-reexec
fi
if [ -z "$purge" ]; then
    step "done; settings and data are kept in $(dirname "$CONFIG") and $STATE"
    exit 0
fi
step "removing settings, lists, journal and users"
rm -rf "$(dirname "$CONFIG")" "$STATE"
for user in plategate-console plategate-outbound plategate-sync plategate; do
    if getent passwd "$user" >/dev/null; then
        userdel "$user"
    fi
done
for group in plategate plategate-console plategate-outbound plategate-sync plategate-settings; do
    if getent group "$group" >/dev/null; then
        groupdel "$group"
    fi
done
step "done; everything is removed"
