#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: ./setup.sh demo | test | install | upgrade | bundle DIR | uninstall [--purge]
#
#   demo       rehearse the gate on real pictures with mock pins; changes nothing outside this folder
#              but missing Debian packages (tesseract-ocr, python3-venv)
#   test       run all checks and tests; installs what they need
#   install    (root, on the Pi) make this machine a gate; the others: see docs/install.md
#
# Every command may run again at any time. `demo` and `test` make .venv here: delete it to undo them.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '%s\n' "$*"; }
fail() { printf 'setup.sh: %s\n' "$*" >&2; exit 1; }

# Where the hand must do what we may not: one sentence, then stop.
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
    "${as_root[@]}" apt-get update -qq || true   # an old package list may still do
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >/dev/null || fail "apt-get could not install: ${missing[*]}"
}

# The newest interpreter that has a lock file; Debian's own comes before any other.
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
    say "making .venv with Python ${version:0:1}.${version:1} and the packages of $lock"
    # A .venv that was left half made, or belongs to another Python, is made anew.
    "$python" -m venv --clear .venv || fail "'$python -m venv .venv' failed"
    # imutils and sdnotify are built from source, with the setuptools of the lock and no other.
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
    exec .venv/bin/plategate run --rehearse tests/data/demo "$@"
    ;;
test)
    need_packages tesseract-ocr shellcheck nginx minisign openssl strace gcc libc6-dev systemd procps git
    make_venv
    export PATH="$PWD/.venv/bin:$PATH"
    scripts/check
    scripts/test
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
