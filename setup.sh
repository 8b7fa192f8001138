#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: ./setup.sh demo [--console] | test | install | upgrade | bundle DIR | uninstall [--purge]
#
#   demo       run the gate on real pictures with mock pins; changes nothing outside this folder except that it
#              installs missing Debian packages (tesseract-ocr, python3-venv); --console serves its web page
#   test       install what checks and tests need, then run them all
#   install    (root, on the Pi) install the gate on this machine; for the other commands see docs/installer/install.md
#
# Every command may be repeated at any time. `demo` and `test` create .venv here; delete it to undo them.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '%s\n' "$*"; }
fail() { printf 'setup.sh: %s\n' "$*" >&2; exit 1; }

# need_packages NAME...: install missing Debian packages, or stop with the command that root must run.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || fail "please install: ${missing[*]} (this system has no apt-get)"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || fail "please run: sudo apt-get install ${missing[*]}"
        as_root=(sudo -n)
    fi
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq || true   # an old package index may be enough
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >/dev/null || fail "apt-get could not install: ${missing[*]}"
    # The tests start their own servers; those of the packages need not run.
    for package in nginx mosquitto postgresql prometheus; do
        case " ${missing[*]} " in
        *" $package "*)
            "${as_root[@]}" systemctl disable --quiet --now "$package" 2>/dev/null ||
                "${as_root[@]}" service "$package" stop >/dev/null 2>&1 || true
            ;;
        esac
    done
}

# find_python: an interpreter with a lock file, preferring the system's python3.
find_python() {
    local candidate version
    for candidate in python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
        version=$("$candidate" -c 'import sys; print("%d%d" % sys.version_info[:2])' 2>/dev/null) || continue
        if [ -f "requirements/lock-py$version.txt" ]; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11, 3.12 or 3.13 is needed; found: $(python3 --version 2>&1 || echo none)"
}

make_venv() {
    local python version lock stamp wanted
    command -v python3 >/dev/null || need_packages python3
    python=$(find_python)
    version=$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])')
    lock=requirements/lock-py$version.txt
    stamp=.venv/installed
    wanted=$(cat "$lock" pyproject.toml | sha256sum)
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && .venv/bin/python -c 'import plategate' 2>/dev/null && return
    "$python" -c 'import ensurepip' 2>/dev/null || need_packages python3-venv
    say "creating .venv with Python ${version:0:1}.${version:1} and the packages of $lock"
    # --clear replaces a half-made .venv or one of another Python.
    "$python" -m venv --clear .venv || fail "'$python -m venv .venv' failed"
    # imutils and sdnotify are built from source, with the locked setuptools only.
    local pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation)
    "${pip[@]}" --require-hashes --no-deps -r requirements/lock-build.txt || fail "the build tools could not be installed"
    "${pip[@]}" --require-hashes --no-deps -r "$lock" || fail "the packages of $lock could not be installed"
    "${pip[@]}" --no-deps --editable . || fail "plategate itself could not be installed"
    printf '%s' "$wanted" >"$stamp"
}

case "${1:-}" in
demo)
    need_packages tesseract-ocr
    make_venv
    shift
    if [ "${1:-}" = --console ]; then
        shift
        exec .venv/bin/plategate console --rehearse tests/data/demo "$@"
    fi
    exec .venv/bin/plategate run --rehearse tests/data/demo "$@"
    ;;
test)
    need_packages tesseract-ocr shellcheck nginx minisign openssl strace gcc libc6-dev systemd procps git mount \
        fonts-roadgeek fonts-opendin fonts-b612 fonts-liberation fonts-dejavu-core mosquitto postgresql chromium prometheus
    make_venv
    export PATH="$PWD/.venv/bin:$PATH"
    scripts/check
    # Fail on a test that is skipped without being listed in tests/skips.toml.
    STRICT_SKIPS=1 scripts/test
    ;;
install | upgrade | bundle | uninstall)
    [ -f "scripts/setup/$1.sh" ] || fail "scripts/setup/$1.sh is missing from this copy"
    command=$1
    shift
    exec bash "scripts/setup/$command.sh" "$@"
    ;;
*)
    sed -n '3,11s/^# \{0,1\}//p' "$0"
    [ "${1:-}" = --help ] || [ "${1:-}" = -h ] || exit 2
    ;;
esac
