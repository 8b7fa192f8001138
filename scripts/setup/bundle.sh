#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: ./setup.sh bundle DIR [--sign KEY] - collect everything that `install --offline DIR` needs on a machine without network.
# Example: ./setup.sh bundle /media/usb/plategate    (on a machine with the same Debian and the same processor)
#
# --sign KEY: sign it with a secret key of minisign (`minisign -G -s KEY -p KEY.pub`); gates that know the public key then
# install no other bundle.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/setup/common.sh

[ -n "${1:-}" ] || fail "bundle needs a folder" "./setup.sh bundle DIR [--sign KEY]"
key=""
case "${2:-}" in
"") ;;
--sign)
    key=${3:-}
    [ -f "$key" ] || fail "--sign needs a secret key of minisign" "minisign -G -s KEY -p KEY.pub"
    [ -f "$key.pub" ] || fail "$key.pub is missing" "minisign -R -s $key -p $key.pub"
    command -v minisign >/dev/null || fail "minisign is not installed" "apt-get install minisign"
    key=$(realpath "$key")
    ;;
*) fail "unknown: $2" "./setup.sh bundle DIR [--sign KEY]" ;;
esac
mkdir -p "$1"
folder=$(realpath "$1")
[ -z "$(find "$folder" -mindepth 1 -print -quit)" ] || fail "$folder is not empty" "name a new or empty folder"
mkdir -p "$folder/wheels" "$folder/plategate"

step "Python packages"
tools=$(mktemp -d)
python3 -m venv "$tools" || fail "python3 -m venv failed" "apt-get install python3-venv"
make_wheelhouse "$folder/wheels" "$tools/bin/python"
rm -rf "$tools"

step "Debian packages"
if [ "$(id -u)" -eq 0 ]; then
    mkdir -p "$folder/debs/partial"
    wanted=(python3-venv tesseract-ocr procps systemd-timesyncd)
    for package in python3-picamera2 python3-lgpio; do
        apt-cache show --no-all-versions "$package" >/dev/null 2>&1 && wanted+=("$package")
    done
    # With all dependencies, even those installed here: an empty status file makes apt download them all.
    : >"$folder/status"
    apt-get install -y -qq --no-install-recommends --download-only -o Dir::Cache::archives="$folder/debs" \
        -o Dir::State::status="$folder/status" "${wanted[@]}" >/dev/null ||
        fail "the Debian packages could not be downloaded" "apt-get update, then run this again"
    rm -rf "$folder/debs/partial" "$folder/debs/lock" "$folder/status"
else
    note "skipped, because only root can download them; install tesseract-ocr and python3-venv on the other machine"
fi

step "this copy of Plategate"
list_tree | xargs -d '\n' cp --parents -t "$folder/plategate"
step "manifest"
write_manifest "$folder"
if [ -n "$key" ]; then
    cp "$key.pub" "$folder/release.pub"
    minisign -S -s "$key" -m "$folder/MANIFEST" -t "plategate bundle $(sed -n 's/^# version //p' "$folder/MANIFEST")" ||
        fail "minisign did not sign the bundle" "see its message above"
    note "signed; gates take the key from their first signed bundle, then accept no other"
else
    note "not signed: a gate that has a version installed needs --unsigned to take it"
fi
step "done: $(du -sh "$folder" | cut -f1) in $folder"
note "on a gate: sudo plategate install-bundle DIR"
note "on a machine without Plategate: sudo DIR/plategate/setup.sh install --offline DIR"
