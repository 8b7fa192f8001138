#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: sudo ./setup.sh install [--offline DIR] - make this machine a gate, or bring it up to date.
#
# Raspberry Pi OS or Debian 12 or 13, 64 bit. Asks nothing; may run again at any time. Keeps settings and
# data. A new version that does not come up is taken back by itself. Undo: sudo ./setup.sh uninstall
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/setup/common.sh

offline=""
while [ $# -gt 0 ]; do
    case "$1" in
    --offline)
        [ -d "${2:-}" ] || fail "--offline needs a folder made by ./setup.sh bundle" "./setup.sh bundle DIR"
        offline=$(realpath "$2")
        shift 2
        ;;
    *) fail "unknown: $1" "sudo ./setup.sh install [--offline DIR]" ;;
    esac
done
need_root install
export DEBIAN_FRONTEND=noninteractive

check_machine() {
    step "checking the machine"
    command -v apt-get >/dev/null || fail "this is not Debian or Raspberry Pi OS" "use Raspberry Pi OS 64 bit"
    case "$(dpkg --print-architecture)" in
    arm64 | amd64) ;;
    *) fail "$(dpkg --print-architecture) is not supported" "use the 64-bit system: there are no packages for 32 bit" ;;
    esac
    [ "$(df --output=avail -m /opt | tail -n 1)" -ge 700 ] || fail "less than 700 MB are free" "make room first"
    if [ -n "$offline" ]; then
        (cd "$offline/wheels" && sha256sum --quiet --check SHA256SUMS) ||
            fail "the bundle $offline is damaged" "copy it again, or make it anew with ./setup.sh bundle"
    fi
}

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
known_to_apt() { apt-cache show --no-all-versions "$1" >/dev/null 2>&1; }

install_packages() {
    step "Debian packages"
    local wanted=(python3 python3-venv tesseract-ocr procps) missing=() package
    # Any other time service is as good as this one.
    installed chrony || installed ntpsec || wanted+=(systemd-timesyncd)
    # Only Raspberry Pi's archive has these; without them there is no Pi camera.
    for package in python3-picamera2 python3-lgpio; do
        known_to_apt "$package" && wanted+=("$package")
    done
    for package in "${wanted[@]}"; do
        installed "$package" || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        note "all there"
        return
    fi
    note "installing ${missing[*]}"
    if [ -n "$offline" ]; then
        compgen -G "$offline/debs/*.deb" >/dev/null ||
            fail "missing: ${missing[*]}, and the bundle has no packages" "make it on the same Debian as this one"
        apt-get install -y -qq --no-install-recommends --no-download "$offline"/debs/*.deb >/dev/null ||
            fail "the packages of the bundle do not fit" "make the bundle on the same Debian as this one"
        return
    fi
    apt-get update -qq || note "the package lists could not be brought up to date; going on with the old ones"
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "apt-get could not install: ${missing[*]}" "run: apt-get install ${missing[*]}  and read what it says"
}

build_version() {
    local folder=$PREFIX/versions/$version minor wheels
    step "version $version"
    if [ -f "$folder/complete" ]; then
        note "is installed already"
        return
    fi
    minor=$(python_minor)
    [ -f "requirements/device-py$minor.txt" ] ||
        fail "Python ${minor:0:1}.${minor:1} is not supported" "use Debian 12 (3.11) or 13 (3.13)"
    # What an earlier run left half made is of no use.
    rm -rf "$folder"
    mkdir -p "$folder"
    note "making the Python environment"
    python3 -m venv --system-site-packages "$folder/venv" || fail "no venv could be made" "apt-get install python3-venv"
    if [ -n "$offline" ]; then
        wheels=$offline/wheels
    else
        wheels=$(mktemp -d)
        note "fetching the packages of requirements/device-py$minor.txt"
        make_wheelhouse "$wheels" "$folder/venv/bin/python"
    fi
    install_wheels "$folder" "$wheels"
    [ -n "$offline" ] || rm -rf "$wheels"
    cp -r firmware/system "$folder/system"
    mkdir -p "$folder/models" "$folder/docs"
    find models -maxdepth 1 -type f -exec cp -t "$folder/models" {} +
    [ ! -d models/tessdata ] || cp -r models/tessdata "$folder/models/"
    find docs -maxdepth 1 -name '*.md' -exec cp -t "$folder/docs" {} +
    check_models "$folder"
    sync
    touch "$folder/complete"
}

install_wheels() {
    local folder=$1 wheels=$2
    note "installing $(find "$wheels" -name '*.whl' | wc -l) packages"
    # --ignore-installed: copies that the system has must not be taken for ours.
    "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
        --ignore-installed "$wheels"/*.whl || fail "the packages do not fit this machine" "bundle for this Python and machine"
    # Debian's own lgpio belongs to Debian's Python and comes first where it is there.
    if installed python3-lgpio; then
        "$folder/venv/bin/python" -m pip uninstall --quiet --yes lgpio 2>/dev/null || true
    fi
    "$folder/venv/bin/plategate" --help >/dev/null || fail "plategate does not start" "read the lines above"
}

check_models() {
    [ -f "$1/models/MANIFEST.toml" ] || { note "no trained models in this copy: the gate will run without"; return; }
    note "checking the models against their hashes"
    "$1/venv/bin/python" - "$1/models" <<'PYTHON' || fail "a model is damaged" "fetch this copy of Plategate again"
import hashlib, pathlib, sys, tomllib
folder = pathlib.Path(sys.argv[1])
wrong = 0
for name, model in tomllib.loads((folder / "MANIFEST.toml").read_text()).items():
    if not isinstance(model, dict) or "sha256" not in model:
        continue
    file = folder / model["file"]
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != model["sha256"]:
        print(f"setup.sh: {name}: {file} is missing or is not the one of the manifest", file=sys.stderr)
        wrong += 1
sys.exit(wrong > 0)
PYTHON
}

install_settings() {
    step "settings"
    mkdir -p "$(dirname "$CONFIG")"
    if [ -f "$CONFIG" ]; then
        note "keeping $CONFIG"
    else
        note "putting the default settings into $CONFIG: nothing opens until a list is imported"
        install -m 0640 firmware/system/settings.toml "$CONFIG"
    fi
    "$PREFIX/versions/$version/venv/bin/plategate" check-config "$CONFIG" >/dev/null ||
        fail "$CONFIG does not fit version $version; nothing was changed" "mend the lines named above, then run this again"
}

activate() {
    local before earlier
    before=$(linked current)
    earlier=$(linked previous)
    step "putting version $version in force"
    if [ -n "$before" ] && [ "$before" != "$version" ]; then
        switch_link previous "$before"
    fi
    put_in_force "$version"
    if has_systemd; then
        systemctl daemon-reexec # takes the hardware watchdog over
        systemctl enable --quiet --now systemd-timesyncd.service 2>/dev/null || true
        if comes_up; then
            note "the gate is up"
        else
            come_back "$before" "$earlier"
        fi
    else
        systemctl enable --quiet systemd-timesyncd.service 2>/dev/null || true
        note "systemd does not run here; the gate starts at the next boot"
    fi
}

# come_back BEFORE EARLIER: as if this version had never been there.
come_back() {
    journalctl -u plategate-gate.service -n 15 --no-pager -o cat | sed 's/^/    | /'
    if [ -z "$1" ] || [ "$1" = "$version" ]; then
        look_over
        fail "the gate does not come up" "mend what is red above; systemctl restart plategate-gate  tries again"
    fi
    step "version $version does not come up: going back to $1"
    put_in_force "$1"
    if comes_up; then
        rm -rf "${PREFIX:?}/versions/$version" "$PREFIX/previous"
        [ -z "$2" ] || switch_link previous "$2"
        fail "version $version was taken back; $1 is running" "report the lines above; the gate works as before"
    fi
    fail "neither $version nor $1 comes up" "plategate doctor  says what is missing"
}

# The version in force and the one before it stay.
remove_old_versions() {
    local folder name
    for folder in "$PREFIX"/versions/*/; do
        name=$(basename "$folder")
        if [ "$name" != "$(linked current)" ] && [ "$name" != "$(linked previous)" ]; then
            note "removing the old version $name"
            rm -rf "$folder"
        fi
    done
}

look_over() {
    step "looking over the whole"
    "$PREFIX/current/venv/bin/plategate" doctor --config "$CONFIG" ||
        note "what is red above keeps the gate from its work"
}

check_machine
version=$(tree_version)
install_packages
build_version
install_settings
activate
remove_old_versions
look_over
step "done: version $version"
