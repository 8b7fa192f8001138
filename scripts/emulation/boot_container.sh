#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Boot a Debian root with systemd as process 1 in a container; sourced by the boot_* scripts. Needs root.
#
# A container shares the kernel with its host: killing it is a power cut for every process, but what was
# written and not yet synced is still there. A power cut of the disk is what boot_arm64 is for.

EMULATION=${EMULATION:-/var/tmp/plategate-emulation}

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# make_root SUITE DIR: a Debian of this machine's kind with systemd, as debootstrap would leave it.
make_root() {
    [ -e "$2/etc/os-release" ] && return
    mmdebstrap --quiet --mode=root --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=ca-certificates,python3,python3-venv,systemd-sysv,systemd,udev,dbus,iproute2,procps,tesseract-ocr \
        "$1" "$2"
    echo 'Acquire::Check-Valid-Until "false";' >"$2/etc/apt/apt.conf.d/99-valid-until"
    echo gate >"$2/etc/hostname"
    : >"$2/etc/machine-id"
    # Whoever reaches the index through a proxy with a certificate of its own needs that inside too.
    cp -L /etc/ssl/certs/ca-certificates.crt "$2/etc/ssl/certs/ca-certificates.crt"
    cp -L /etc/resolv.conf "$2/etc/resolv.conf"
}

# start_container DIR: boot it in the background and wait until systemd is done.
start_container() {
    local root=$1 waited=0 options=()
    read -ra options <<<"${CONTAINER_OPTIONS:-}"
    systemd-nspawn --quiet --directory="$root" --machine="$(basename "$root")" --register=no --keep-unit \
        "${options[@]}" --boot systemd.unit=multi-user.target </dev/null >"$root.console" 2>&1 &
    echo $! >"$root.pid"
    until in_container "$root" test -S /run/systemd/private 2>/dev/null; do
        waited=$((waited + 1))
        [ "$waited" -lt 300 ] || fail "$root does not boot, see $root.console"
        sleep 0.1
    done
}

# leader DIR: the process outside that is process 1 inside.
leader() {
    local nspawn child
    nspawn=$(cat "$1.pid") || return 1
    for child in $(pgrep --parent "$nspawn"); do
        if [ "$(cat "/proc/$child/comm" 2>/dev/null)" = systemd ]; then
            echo "$child"
            return 0
        fi
    done
    return 1
}

# in_container DIR COMMAND...: run it inside, as root.
in_container() {
    local root=$1 first
    shift
    first=$(leader "$root") || return 125
    nsenter --target "$first" --mount --uts --ipc --net --pid -- /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM=dumb \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PIP_ROOT_USER_ACTION=ignore \
        PIP_CERT=/etc/ssl/certs/ca-certificates.crt "$@"
}

# cut_power DIR: every process inside ends at once, without a signal that it could handle.
cut_power() {
    local nspawn
    nspawn=$(cat "$1.pid")
    kill -KILL "$(leader "$1")" 2>/dev/null || true
    kill -KILL "$nspawn" 2>/dev/null || true
    wait "$nspawn" 2>/dev/null || true
}

# stop_container DIR: an orderly power-off.
stop_container() {
    in_container "$1" systemctl poweroff --no-wall 2>/dev/null || true
    wait "$(cat "$1.pid")" 2>/dev/null || true
}
