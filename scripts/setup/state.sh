#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Move the state between its two layouts; sourced by common.sh. May be cut at any moment and run again.
#
# "owners"  gate/gate, gate/shared and lists, one folder for each user (since 0.2)
# "flat"    everything in /var/lib/plategate, in one group (0.1)
#
# The layout of the version that the link `current` names is authoritative. arrange_state copies from it to the layout
# of another version, which is then made current; settle_state removes the other layout. A cut before the link is
# switched leaves the old version with its files untouched, a cut after it the new version with its own. Databases are
# copied, not moved or linked, because a new version may change their format and then fail to start.

# Where each flat name goes: name (a pattern) and target folder, one pair a line.
FLAT_NAMES=(
    "journal.sqlite* gate/gate"
    "journal.damaged-* gate/gate"
    "grants.reserve* gate/gate"
    "evidence gate/gate"
    "crashes gate/gate"
    "settings.good.toml gate/gate"
    "clock-stamp gate/gate"
    "edges.log gate/gate"
    "visits.sqlite* gate/shared"
    "visits.damaged* gate/shared"
    "lists.sqlite* lists"
    "lists.damaged* lists"
    "sources lists"
)
OWNER_FOLDERS=(gate lists)
# Tests replace the owners; in production they are those of sysusers.d/plategate.conf.
GATE_OWNER=${GATE_OWNER:-plategate:plategate}
LISTS_OWNER=${LISTS_OWNER:-plategate-sync:plategate}

# layout_of VERSION: the layout that this installed version uses.
layout_of() {
    if grep -q '/plategate/lists ' "$PREFIX/versions/$1/system/tmpfiles.d/plategate.conf" 2>/dev/null; then
        echo owners
    else
        echo flat
    fi
}

# flat_files: names and target folders of the flat files that exist, one pair a line. -shm files are rebuilt by SQLite.
flat_files() {
    local pair pattern file
    for pair in "${FLAT_NAMES[@]}"; do
        pattern=${pair% *}
        for file in "$STATE"/$pattern; do
            [ -e "$file" ] && [[ $file != *-shm ]] && printf '%s %s\n' "$(basename "$file")" "${pair#* }"
        done
    done
    return 0
}

# present_layout: the authoritative layout, or nothing where there is no state yet.
present_layout() {
    local current
    current=$(linked current)
    if [ -n "$current" ]; then
        layout_of "$current"
    elif [ -d "$STATE/lists" ] || [ -d "$STATE/gate" ]; then
        echo owners # after an uninstall
    elif [ -n "$(flat_files)" ]; then
        echo flat
    fi
}

# arrange_state VERSION: give VERSION a copy of the present state in its layout. The gate must be stopped.
arrange_state() {
    local from to work=$STATE/.arranging needed free
    from=$(present_layout)
    to=$(layout_of "$1")
    if [ -z "$from" ] || [ "$from" = "$to" ]; then
        return 0
    fi
    step "copying the state to the folders of version $1"
    rm -rf "$work"
    needed=$(($(du -sm "$STATE" | cut -f1) + 20))
    free=$(df --output=avail -m "$STATE" | tail -n 1)
    [ "$free" -ge "$needed" ] || fail "$STATE needs $needed MB to copy the state, $free MB are free" "free some space"
    mkdir -m 0700 "$work"
    if [ "$to" = owners ]; then
        flat_to_owners "$work"
    else
        owners_to_flat "$work"
    fi
    sync -f "$STATE"
    rm -rf "$work"
}

flat_to_owners() {
    local work=$1 name folder
    mkdir -p "$work/gate/gate" "$work/gate/shared" "$work/lists/sources"
    while read -r name folder; do
        cp -a --reflink=auto "$STATE/$name" "$work/$folder/"
    done < <(flat_files)
    own "$GATE_OWNER" 640 00750 "$work/gate"
    own "$LISTS_OWNER" 640 02750 "$work/lists"
    sync -f "$STATE"
    for folder in "${OWNER_FOLDERS[@]}"; do
        rm -rf "${STATE:?}/$folder"
        mv -T "$work/$folder" "$STATE/$folder"
    done
}

owners_to_flat() {
    local work=$1 file
    for file in "$STATE"/gate/gate/* "$STATE"/gate/shared/* "$STATE"/lists/*; do
        if [ -e "$file" ] && [[ $file != *-shm ]]; then
            cp -a --reflink=auto "$file" "$work/"
        fi
    done
    for file in "$work"/*; do
        case "${file##*/}" in
        sources) own "$LISTS_OWNER" 660 02770 "$file" ;;
        *) own "$GATE_OWNER" 660 02750 "$file" ;;
        esac
    done
    sync -f "$STATE"
    for file in "$work"/*; do
        [ -e "$file" ] || continue
        rm -rf "${STATE:?}/${file##*/}" "${STATE:?}/${file##*/}-shm"
        mv -T "$file" "$STATE/${file##*/}"
    done
}

# own OWNER FILE-MODE FOLDER-MODE PATH: give a tree to its owner; links in it are not followed. The mode of a folder
# needs five digits: with fewer chmod leaves an old set-group-ID bit.
own() {
    chown -R --no-dereference "$1" "$4"
    find "$4" -type f -exec chmod "$2" {} +
    find "$4" -type d -exec chmod "$3" {} +
}

# settle_state: remove the layout that the current version does not use.
settle_state() {
    local current name folder
    current=$(linked current)
    [ -n "$current" ] || return 0
    rm -rf "$STATE/.arranging"
    if [ "$(layout_of "$current")" = owners ]; then
        while read -r name folder; do
            rm -rf "${STATE:?}/$name" "${STATE:?}/$name-shm"
        done < <(flat_files)
        for name in "$STATE"/*; do
            case "${name##*/}" in
            gate | lists | outbound | console | privacy | '*') ;;
            *) note "not known to Plategate, left in place: $name" ;;
            esac
        done
    else
        for folder in "${OWNER_FOLDERS[@]}"; do
            rm -rf "${STATE:?}/$folder"
        done
    fi
    sync -f "$STATE"
}
