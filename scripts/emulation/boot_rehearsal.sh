#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Set up the gate in rehearsal in a root with Plategate, or before its installation; sourced by the boot_* scripts.

# set_up_rehearsal ROOT: settings, pictures and vehicles; the gate's unit keeps everything except its program.
set_up_rehearsal() {
    local root=$1 here
    here=$(dirname "${BASH_SOURCE[0]}")
    install -D -m 0640 "$here/rehearsal.toml" "$root/etc/plategate/settings.toml"
    mkdir -p "$root/opt/rehearsal/pictures"
    cp "$here"/../../tests/data/demo/*.jpg "$root/opt/rehearsal/pictures/"
    cp "$here"/../../tests/data/demo/*.csv "$here/rehearsed_gate.py" "$root/opt/rehearsal/"
    mkdir -p "$root/etc/systemd/system/plategate-gate.service.d"
    cat >"$root/etc/systemd/system/plategate-gate.service.d/rehearsal.conf" <<'UNIT'
[Service]
ExecStart=
ExecStart=/opt/plategate/current/venv/bin/python /opt/rehearsal/rehearsed_gate.py
Environment=PLATEGATE_CONFIG=/etc/plategate/settings.toml
UNIT
}

# allowed_plates: the number of entries of the rehearsal's allow list.
allowed_plates() {
    tail -n +2 "$(dirname "${BASH_SOURCE[0]}")/../../tests/data/demo/allow.csv" | grep -c .
}
