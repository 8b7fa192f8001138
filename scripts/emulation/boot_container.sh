#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Boot a Debian root with systemd as process 1 in a container; sourced by the boot_* scripts. Needs root.
#
# A container shares the kernel with its host. Killing it is a power cut for every process, but data that were
# written and not synced survive. boot_arm64 tests a power cut of the disk.

EMULATION=${EMULATION:-/var/tmp/plategate-emulation}

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# make_root SUITE DIR: a minimal Debian of this machine's architecture with systemd.
make_root() {
    [ -e "$2/etc/os-release" ] && return
    mmdebstrap --quiet --mode=root --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=ca-certificates,python3,python3-venv,systemd-sysv,systemd,udev,dbus,iproute2,procps,tesseract-ocr \
        "$1" "$2"
    echo 'Acquire::Check-Valid-Until "false";' >"$2/etc/apt/apt.conf.d/99-valid-until"
    echo gate >"$2/etc/hostname"
    : >"$2/etc/machine-id"
    # Behind a proxy with a certificate of its own the root needs that certificate too.
    cp -L /etc/ssl/certs/ca-certificates.crt "$2/etc/ssl/certs/ca-certificates.crt"
    cp -L /etc/resolv.conf "$2/etc/resolv.conf"
}

# start_container DIR: boot it in the background and wait until systemd has finished.
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

# leader DIR: the host's process that is process 1 of the container.
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

# in_container DIR COMMAND...: run a command in the container, as root.
in_container() {
    local root=$1 first
    shift
    first=$(leader "$root") || return 125
    nsenter --target "$first" --mount --uts --ipc --net --pid -- /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM=dumb \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PIP_ROOT_USER_ACTION=ignore \
        PIP_CERT=/etc/ssl/certs/ca-certificates.crt "$@"
}

# cut_power DIR: kill every process in the container at once, with SIGKILL.
cut_power() {
    local nspawn
    nspawn=$(cat "$1.pid")
    kill -KILL "$(leader "$1")" 2>/dev/null || true
    kill -KILL "$nspawn" 2>/dev/null || true
    wait "$nspawn" 2>/dev/null || true
}

# stop_container DIR: power off normally.
stop_container() {
    in_container "$1" systemctl poweroff --no-wall 2>/dev/null || true
    wait "$(cat "$1.pid")" 2>/dev/null || true
}
