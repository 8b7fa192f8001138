#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copies of the databases while an upgrade changes their format; sourced by common.sh.
#
# A version names the formats of its databases in system/formats. If those of the new version differ, each database is
# copied before it starts, and put back if it does not start: the version before could not read what the new one wrote.
# The copies exist until the new version runs, because an erasure of a plate does not reach them.

KEPT=$STATE/.before-upgrade

# formats_of VERSION: its databases and their formats, one a line. Versions without the file have format 1.
formats_of() {
    local file=$PREFIX/versions/$1/system/formats
    if [ -f "$file" ]; then
        grep -v '^#' "$file"
    else
        printf '%s 1\n' gate/gate/journal.sqlite lists/lists.sqlite
    fi
}

# reads_state_of VERSION OTHER: succeed if VERSION knows the formats that OTHER writes.
reads_state_of() { [ "$(formats_of "$1")" = "$(formats_of "$2")" ]; }

# keep_databases FROM TO: copy the databases of version FROM if TO changes their format. Stops the services.
keep_databases() {
    local file part needed=20 free
    rm -rf "$KEPT" "$KEPT.new"
    ! reads_state_of "$1" "$2" || return 0
    step "version $2 changes the format of the databases: copying them"
    while read -r file _; do
        for part in "$STATE/$file" "$STATE/$file-wal"; do
            [ ! -f "$part" ] || needed=$((needed + $(stat -c %s "$part") / 1000000))
        done
    done < <(formats_of "$1")
    free=$(df --output=avail -m "$STATE" | tail -n 1)
    [ "$free" -ge "$needed" ] || fail "$STATE needs $needed MB to copy the databases, $free MB are free" "free some space"
    stop_services
    mkdir -m 0700 "$KEPT.new"
    while read -r file _; do
        mkdir -p "$KEPT.new/$(dirname "$file")"
        copy_database "$STATE/$file" "$KEPT.new/$file"
    done < <(formats_of "$1")
    sync -f "$STATE"
    mv -T "$KEPT.new" "$KEPT"
    sync -f "$STATE"
}

# return_databases: put the copies back where the new version has changed the databases. Stops the services.
return_databases() {
    local file
    [ -d "$KEPT" ] || return 0
    step "putting the databases back"
    stop_services
    while read -r file; do
        rm -f "$STATE/$file-wal" "$STATE/$file-shm"
        copy_database "$KEPT/$file" "$STATE/$file.part"
        mv -T "$STATE/$file.part" "$STATE/$file"
        [ ! -f "$STATE/$file.part-wal" ] || mv -T "$STATE/$file.part-wal" "$STATE/$file-wal"
    done < <(cd "$KEPT" && find . -name '*.sqlite' -printf '%P\n')
    sync -f "$STATE"
    forget_databases
}

# forget_databases: the present version runs; the copies are not needed any more.
forget_databases() { rm -rf "$KEPT" "$KEPT.new"; }

# copy_database FROM TO: the database and its log, with their owner; nobody may have it open.
copy_database() {
    [ -f "$1" ] || return 0
    cp -a --reflink=auto "$1" "$2"
    [ ! -f "$1-wal" ] || cp -a --reflink=auto "$1-wal" "$2-wal"
}
