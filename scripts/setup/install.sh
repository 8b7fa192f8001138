#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: sudo ./setup.sh install [--offline DIR [--key FILE] [--unsigned] [--older]] - install the gate on this machine, or upgrade it.
#
# Raspberry Pi OS or Debian 12 or 13, 64 bit. Asks no questions; may be repeated at any time. Keeps settings and
# data. A bundle must be signed by the maker whose key this device knows (--key FILE names one), and not be older than the
# installed version; --unsigned and --older accept it nevertheless. Where a version is installed, use
# `sudo plategate install-bundle DIR` instead: it checks the bundle before it runs anything of it. If a new version does
# not start, the version before is restored. Undo: sudo ./setup.sh uninstall
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/setup/common.sh

offline=""
accepted=()
while [ $# -gt 0 ]; do
    case "$1" in
    --offline)
        [ -d "${2:-}" ] || fail "--offline needs a folder made by ./setup.sh bundle" "./setup.sh bundle DIR"
        offline=$(realpath "$2")
        shift 2
        ;;
    --unsigned | --older)
        accepted+=("$1")
        shift
        ;;
    --key)
        [ -f "${2:-}" ] || fail "--key needs the file of a public key" "minisign -R -s KEY -p KEY.pub"
        accepted+=("$1" "$(realpath "$2")")
        shift 2
        ;;
    *) fail "unknown: $1" "sudo ./setup.sh install [--offline DIR [--key FILE] [--unsigned] [--older]]" ;;
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
    [ "$(df --output=avail -m /opt | tail -n 1)" -ge 700 ] || fail "less than 700 MB are free on /opt" "free some space, then run this again"
    if [ -n "$offline" ]; then
        (cd "$offline/wheels" && sha256sum --quiet --check SHA256SUMS) ||
            fail "the bundle $offline is damaged" "copy it again, or create a new one with ./setup.sh bundle"
    fi
}

# take_bundle: continue with a copy of the bundle that only root can change, so that what is checked is what is installed.
# The installed version makes and checks it; the lines after that are for a first installation and for older versions.
take_bundle() {
    local present=$PREFIX/current/venv/bin/plategate medium=$offline code=0
    [[ $offline != "$(realpath -m "$PREFIX/incoming")/"* ]] || return 0
    if [ -x "$present" ] && "$present" install-bundle --help >/dev/null 2>&1; then
        exec "$present" install-bundle "$offline" "${accepted[@]}"
    fi
    step "copying the bundle"
    offline=$PREFIX/incoming/bundle
    rm -rf "$PREFIX/incoming"
    mkdir -p "$PREFIX"
    install -d -m 0700 "$PREFIX/incoming"
    trap 'rm -rf "$PREFIX/incoming"' EXIT
    cp -R --no-dereference --no-target-directory "$medium" "$offline" ||
        fail "$medium cannot be copied to $offline" "free some space, then run this again"
    check_bundle
    bash "$offline/plategate/setup.sh" install --offline "$offline" "${accepted[@]}" || code=$?
    exit "$code"
}

# The installed version checks the bundle: what the bundle brings cannot vouch for itself.
check_bundle() {
    local present=$PREFIX/current/venv/bin/plategate
    if [ ! -x "$present" ] || ! "$present" verify-bundle --help >/dev/null 2>&1; then
        note "no installed version can check the signature of the bundle"
        return
    fi
    "$present" verify-bundle "$offline" "${accepted[@]}" ||
        fail "the bundle $offline is not installed; the present version stays" "see the line above"
}

# Take the key of the first signed bundle, and note the release for later comparisons.
note_release() {
    [ -n "$offline" ] && [ -f "$offline/MANIFEST" ] || return 0
    "$PREFIX/versions/$version/venv/bin/plategate" verify-bundle "$offline" --pin --unsigned --older | sed 's/^/    /' ||
        fail "the bundle $offline is damaged" "copy it again, or create a new one with ./setup.sh bundle"
    grep '^# ' "$offline/MANIFEST" >"$PREFIX/versions/$version/release"
}

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
known_to_apt() { apt-cache show --no-all-versions "$1" >/dev/null 2>&1; }

install_packages() {
    step "Debian packages"
    local wanted=(python3 python3-venv tesseract-ocr procps) missing=() package
    # chrony and ntpsec serve as well as systemd-timesyncd.
    installed chrony || installed ntpsec || wanted+=(systemd-timesyncd)
    # Only in the Raspberry Pi archive; the Pi camera needs them.
    for package in python3-picamera2 python3-lgpio; do
        known_to_apt "$package" && wanted+=("$package")
    done
    for package in "${wanted[@]}"; do
        installed "$package" || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        note "all installed"
        return
    fi
    note "installing ${missing[*]}"
    if [ -n "$offline" ]; then
        compgen -G "$offline/debs/*.deb" >/dev/null ||
            fail "missing: ${missing[*]}, and the bundle has no packages" "create it on the same Debian release as this machine"
        apt-get install -y -qq --no-install-recommends --no-download "$offline"/debs/*.deb >/dev/null ||
            fail "the packages of the bundle do not fit" "create it on the same Debian release as this machine"
        return
    fi
    apt-get update -qq || note "the package index could not be updated; continuing with the old one"
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "apt-get could not install: ${missing[*]}" "run: apt-get install ${missing[*]}  and see its messages"
}

build_version() {
    local folder=$PREFIX/versions/$version minor wheels
    step "version $version"
    if [ -f "$folder/complete" ]; then
        note "already installed"
        return
    fi
    minor=$(python_minor)
    [ -f "requirements/device-py$minor.txt" ] ||
        fail "Python ${minor:0:1}.${minor:1} is not supported" "use Debian 12 (3.11) or 13 (3.13)"
    # Remove what an interrupted run left.
    rm -rf "$folder"
    mkdir -p "$folder"
    note "creating the Python environment"
    python3 -m venv --system-site-packages "$folder/venv" || fail "python3 -m venv failed" "apt-get install python3-venv"
    if [ -n "$offline" ]; then
        wheels=$offline/wheels
    else
        wheels=$(mktemp -d)
        note "downloading the packages of requirements/device-py$minor.txt"
        make_wheelhouse "$wheels" "$folder/venv/bin/python"
    fi
    install_wheels "$folder" "$wheels"
    [ -n "$offline" ] || rm -rf "$wheels"
    cp -r firmware/system "$folder/system"
    mkdir -p "$folder/models" "$folder/docs"
    find models -maxdepth 1 -type f -exec cp -t "$folder/models" {} +
    [ ! -d models/tessdata ] || cp -r models/tessdata "$folder/models/"
    find docs -name '*.md' -exec cp --parents -t "$folder" {} +
    check_models "$folder"
    sync
    touch "$folder/complete"
}

install_wheels() {
    local folder=$1 wheels=$2
    note "installing $(find "$wheels" -name '*.whl' | wc -l) packages"
    # --ignore-installed: do not use the system's copies instead.
    "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
        --ignore-installed "$wheels"/*.whl || fail "the packages do not fit this machine" "create the bundle with this Python version on this architecture"
    # Where Debian's lgpio is installed, use it: it matches Debian's Python.
    if installed python3-lgpio; then
        "$folder/venv/bin/python" -m pip uninstall --quiet --yes lgpio 2>/dev/null || true
    fi
    "$folder/venv/bin/plategate" --help >/dev/null || fail "plategate does not start" "see the lines above"
}

check_models() {
    [ -f "$1/models/MANIFEST.toml" ] || { note "no trained models in this copy: the gate will run without them"; return; }
    note "checking the models against their hashes"
    "$1/venv/bin/python" - "$1/models" <<'PYTHON' || fail "a model is damaged" "download this copy of Plategate again"
import hashlib, pathlib, sys, tomllib
folder = pathlib.Path(sys.argv[1])
wrong = 0
for name, model in tomllib.loads((folder / "MANIFEST.toml").read_text()).items():
    if not isinstance(model, dict) or "sha256" not in model:
        continue
    file = folder / model["file"]
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != model["sha256"]:
        print(f"setup.sh: {name}: {file} is missing or does not match MANIFEST.toml", file=sys.stderr)
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
        note "writing the default settings to $CONFIG: nothing opens until a list is imported"
        install -m 0640 firmware/system/settings.toml "$CONFIG"
    fi
    "$PREFIX/versions/$version/venv/bin/plategate" check-config "$CONFIG" >/dev/null ||
        fail "version $version does not accept $CONFIG; nothing was changed" "correct the lines named above, then run this again"
}

activate() {
    local before earlier
    before=$(linked current)
    earlier=$(linked previous)
    step "activating version $version"
    if [ -n "$before" ] && [ "$before" != "$version" ]; then
        keep_databases "$before" "$version"
        switch_link previous "$before"
    fi
    activate_version "$version"
    if has_systemd; then
        systemctl daemon-reexec # enables the hardware watchdog
        systemctl enable --quiet --now systemd-timesyncd.service 2>/dev/null || true
        if gate_starts; then
            note "the gate is running"
        else
            roll_back "$before" "$earlier"
        fi
    else
        systemctl enable --quiet systemd-timesyncd.service 2>/dev/null || true
        note "systemd is not running here; the gate starts at the next boot"
    fi
}

# roll_back BEFORE EARLIER: restore version BEFORE, with EARLIER as its previous version, and fail.
roll_back() {
    journalctl -u plategate-gate.service -n 15 --no-pager -o cat | sed 's/^/    | /'
    if [ -z "$1" ] || [ "$1" = "$version" ]; then
        run_doctor
        fail "the gate does not start" "correct what is red above, then run: systemctl restart plategate-gate"
    fi
    step "version $version does not start: restoring $1"
    return_databases
    activate_version "$1" untouched
    if gate_starts; then
        settle_state
        rm -rf "${PREFIX:?}/versions/$version" "$PREFIX/previous"
        [ -z "$2" ] || switch_link previous "$2"
        fail "version $version was removed; $1 is running" "report the lines above; the gate works as before"
    fi
    fail "neither $version nor $1 starts" "run plategate doctor; it names the cause"
}

# Keep the active version and the one before it.
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

run_doctor() {
    step "running plategate doctor"
    "$PREFIX/current/venv/bin/plategate" doctor --config "$CONFIG" ||
        note "correct what is red above: the gate does not work without it"
}

# Measure which file and runtime of each network is cheapest on this machine, as the user of the gate.
choose_models() {
    step "measuring the models on this machine"
    if runuser -u plategate -- "$PREFIX/current/venv/bin/plategate" bench --write --config "$CONFIG" >/dev/null; then
        ! has_systemd || systemctl try-restart plategate-gate.service
    else
        note "not measured: the shipped files are used"
    fi
}

[ -z "$offline" ] || take_bundle
check_machine
version=$(tree_version)
install_packages
build_version
install_settings
note_release
activate
settle_state
forget_databases
remove_old_versions
choose_models
run_doctor
step "done: version $version"
