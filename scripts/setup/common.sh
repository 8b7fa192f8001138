#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Functions and paths shared by install, upgrade, bundle and uninstall; sourced by them.
#
# /opt/plategate/versions/VERSION/   one installed version: venv/, models/, system/, docs/, complete
# /opt/plategate/current             symbolic link to the active version; replaced by one rename
# /opt/plategate/previous            the version before it; a failed upgrade returns to it

# Tests replace PREFIX and STATE.
PREFIX=${PLATEGATE_PREFIX:-/opt/plategate}
STATE=${PLATEGATE_STATE:-/var/lib/plategate}
# shellcheck disable=SC2034
CONFIG=/etc/plategate/settings.toml
UNITS=(
    plategate-gate.service plategate-sync.service plategate-sync.timer plategate-outbound.service
    plategate-console.service plategate-lists.socket plategate-lists.service plategate-backup.service plategate-backup.timer
    plategate-sync-preview.path plategate-sync-preview.service
    plategate-console-code.path plategate-console-code.service
)
# Files of a version's system/ folder and their targets, one pair a line.
SYSTEM_FILES=(
    "plategate-gate.service /etc/systemd/system/plategate-gate.service"
    "plategate-sync.service /etc/systemd/system/plategate-sync.service"
    "plategate-sync.timer /etc/systemd/system/plategate-sync.timer"
    "plategate-outbound.service /etc/systemd/system/plategate-outbound.service"
    "plategate-console.service /etc/systemd/system/plategate-console.service"
    "plategate-console-code.path /etc/systemd/system/plategate-console-code.path"
    "plategate-console-code.service /etc/systemd/system/plategate-console-code.service"
    "plategate-sync-preview.path /etc/systemd/system/plategate-sync-preview.path"
    "plategate-sync-preview.service /etc/systemd/system/plategate-sync-preview.service"
    "plategate-lists.socket /etc/systemd/system/plategate-lists.socket"
    "plategate-lists.service /etc/systemd/system/plategate-lists.service"
    "plategate-backup.service /etc/systemd/system/plategate-backup.service"
    "plategate-backup.timer /etc/systemd/system/plategate-backup.timer"
    "sysusers.d/plategate.conf /etc/sysusers.d/plategate.conf"
    "tmpfiles.d/plategate.conf /etc/tmpfiles.d/plategate.conf"
    "udev/60-plategate.rules /etc/udev/rules.d/60-plategate.rules"
    "system.conf.d/50-plategate.conf /etc/systemd/system.conf.d/50-plategate.conf"
    "journald.conf.d/50-plategate.conf /etc/systemd/journald.conf.d/50-plategate.conf"
)

step() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
# fail WHAT-WENT-WRONG WHAT-TO-DO
fail() {
    printf 'setup.sh: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'setup.sh: what to do: %s\n' "$2" >&2
    exit 1
}

# Name the place of an unexpected failure.
set -E
trap 'printf "setup.sh: stopped at %s line %s: %s\n" "${BASH_SOURCE[0]}" "$LINENO" "$BASH_COMMAND" >&2' ERR

# shellcheck source=scripts/setup/state.sh
. "$(dirname "${BASH_SOURCE[0]}")/state.sh"
# shellcheck source=scripts/setup/formats.sh
. "$(dirname "${BASH_SOURCE[0]}")/formats.sh"

need_root() { [ "$(id -u)" -eq 0 ] || fail "this needs root" "sudo ./setup.sh $1"; }

has_systemd() { [ -d /run/systemd/system ]; }

python_minor() { "${1:-python3}" -c 'import sys; print("%d%d" % sys.version_info[:2])'; }

# tree_version: version number plus a hash over everything that is installed from this source tree.
tree_version() {
    local number
    number=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml | head -n 1)
    printf '%s-%s' "$number" "$(list_tree | xargs -d '\n' sha256sum | sha256sum | cut -c1-10)"
}

# list_tree: every file that becomes part of an installation, one a line, sorted.
list_tree() {
    local path
    for path in LICENSE README.md docs firmware models pyproject.toml requirements scripts/setup setup.sh; do
        [ ! -e "$path" ] || find "$path" \
            \( -name __pycache__ -o -name '*.egg-info' -o -path models/training -o -path docs/pictures \) -prune \
            -o -type f -print
    done | LC_ALL=C sort
}

# make_wheelhouse DIR PYTHON: plategate and every locked package as wheels in DIR, with hashes verified.
make_wheelhouse() {
    local folder=$1 python=$2 minor source
    minor=$(python_minor "$python")
    local pip=("$python" -m pip --disable-pip-version-check --quiet)
    "${pip[@]}" install --require-hashes --no-deps -r requirements/lock-build.txt ||
        fail "the build tools could not be downloaded" "check the network, or install --offline from a bundle"
    # imutils and sdnotify exist as source only; they are built here with the locked tools.
    "${pip[@]}" wheel --require-hashes --no-deps --no-build-isolation --use-pep517 -w "$folder" \
        -r "requirements/device-py$minor.txt" ||
        fail "the packages of requirements/device-py$minor.txt could not be downloaded" \
            "check the network, or install --offline from a bundle"
    if [ "$minor" -lt 313 ]; then
        "${pip[@]}" wheel --require-hashes --no-deps -w "$folder" -r requirements/device-lgpio.txt ||
            fail "lgpio could not be downloaded" "check the network, or install --offline from a bundle"
    fi
    # Built from a copy, so that the source folder stays unchanged.
    source=$(mktemp -d)
    list_tree | xargs -d '\n' cp --parents -t "$source"
    "${pip[@]}" wheel --no-deps --no-build-isolation --use-pep517 -w "$folder" "$source" ||
        fail "plategate itself could not be built" "see the lines above; the source folder may be damaged"
    rm -rf "$source"
    (cd "$folder" && sha256sum -- *.whl >SHA256SUMS)
}

# write_manifest DIR: DIR/MANIFEST, with version and time of a bundle and the hash of each of its files.
write_manifest() {
    local made
    made=$(mktemp)
    {
        printf '# version %s\n' "$(tree_version)"
        printf '# number %s\n' "$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml | head -n 1)"
        printf '# made %s\n' "$(date -u +%Y-%m-%dT%H:%M:%S+00:00)"
        (
            cd "$1" || exit 1
            find . -type f ! -path ./MANIFEST ! -path ./MANIFEST.minisig ! -path ./release.pub -printf '%P\n' |
                LC_ALL=C sort | xargs -d '\n' sha256sum
        )
    } >"$made"
    install -m 0644 "$made" "$1/MANIFEST"
    rm -f "$made"
}

# linked NAME: the version that the link `current` or `previous` points to, or nothing.
linked() { [ ! -L "$PREFIX/$1" ] || basename "$(readlink "$PREFIX/$1")"; }

# switch_link NAME VERSION: replace the link atomically.
switch_link() {
    ln -sfn "versions/$2" "$PREFIX/.$1.new"
    mv -T "$PREFIX/.$1.new" "$PREFIX/$1"
    sync -f "$PREFIX"
}

# stop_services: nothing writes the state after this.
stop_services() {
    if has_systemd; then
        systemctl stop "${UNITS[@]}" 2>/dev/null || true
    fi
}

# activate_version VERSION [untouched]: copy the state where needed, switch the link, install units and other system
# files, restart. "untouched": the state of VERSION is still as it left it, and is not copied from the present version.
activate_version() {
    local version=$1 pair present units optional
    present=$(present_layout)
    if [ -n "$present" ] && [ "$present" != "$(layout_of "$version")" ]; then
        stop_services
        create_users "$version"
        [ "${2:-}" = untouched ] || arrange_state "$version"
    fi
    switch_link current "$version"
    for pair in "${SYSTEM_FILES[@]}"; do
        if [ -f "$PREFIX/versions/$version/system/${pair% *}" ]; then
            install -D -m 0644 "$PREFIX/versions/$version/system/${pair% *}" "${pair#* }"
        else
            remove_system_file "${pair#* }" # an older version does not have it
        fi
    done
    mkdir -p /usr/local/bin /usr/share
    ln -sfn "$PREFIX/current/venv/bin/plategate" /usr/local/bin/plategate
    ln -sfn "$PREFIX/current" /usr/share/plategate
    create_users "$version"
    systemd-tmpfiles --create /etc/tmpfiles.d/plategate.conf
    mapfile -t units < <(units_of "$version")
    systemctl enable --quiet "${units[@]}"
    if has_systemd; then
        systemctl daemon-reload
        # A container has no udev and no devices.
        { udevadm control --reload && udevadm trigger --subsystem-match=gpio; } 2>/dev/null || true
        systemctl reset-failed "${UNITS[@]}" 2>/dev/null || true
        systemctl restart --no-block "${units[@]}"
        # These run only where their owner has enabled them.
        for optional in plategate-console.service plategate-backup.timer; do
            ! systemctl is-enabled --quiet "$optional" || systemctl restart --no-block "$optional"
        done
    fi
}

# remove_system_file FILE: remove it; a unit is stopped first. What is enabled stays so: an upgrade brings it back.
remove_system_file() {
    case "$1" in
    *.service | *.socket | *.path | *.timer)
        if [ -f "$1" ] && has_systemd; then
            systemctl stop "${1##*/}" 2>/dev/null || true
        fi
        ;;
    esac
    rm -f "$1"
}

# units_of VERSION: the units of that version that are enabled and started, one a line.
units_of() {
    local unit
    for unit in plategate-gate.service plategate-sync.timer plategate-outbound.service plategate-lists.socket \
        plategate-sync-preview.path plategate-console-code.path; do
        [ ! -f "$PREFIX/versions/$1/system/$unit" ] || printf '%s\n' "$unit"
    done
}

# create_users VERSION: the users and groups of that version.
create_users() {
    systemd-sysusers "$PREFIX/versions/$1/system/sysusers.d/plategate.conf"
    [ "$(layout_of "$1")" = owners ] || return 0
    # Version 0.1 had put plategate-sync into the group that reads the journal now.
    [ "$(id -gn plategate-sync)" = plategate-sync ] || usermod -g plategate-sync plategate-sync
    # Whoever could read the settings as a member of that group still can.
    local member
    for member in $(getent group plategate | cut -d: -f4 | tr ',' ' '); do
        if [ "$member" = plategate-sync ]; then
            gpasswd --delete plategate-sync plategate >/dev/null
        else
            usermod -aG plategate-settings "$member"
        fi
    done
}

# gate_starts: succeed if the gate becomes ready within 180 s and stays ready for 10 s.
gate_starts() {
    local waited=0 restarts
    until [ "$(systemctl show -P ActiveState plategate-gate.service)" = active ]; do
        [ "$waited" -lt 180 ] || return 1
        # Three restarts: waiting longer will not help.
        [ "$(systemctl show -P NRestarts plategate-gate.service)" -lt 3 ] || return 1
        sleep 1
        waited=$((waited + 1))
    done
    restarts=$(systemctl show -P NRestarts plategate-gate.service)
    sleep 10
    [ "$(systemctl show -P ActiveState plategate-gate.service)" = active ] &&
        [ "$(systemctl show -P NRestarts plategate-gate.service)" = "$restarts" ]
}
