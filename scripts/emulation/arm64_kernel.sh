# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by arm64_image and first_day_machine.sh: Debian's arm64 kernel and a small initial file system.
# Needs root, mmdebstrap, cpio, kmod; for the GPIO simulator also make, gcc-aarch64-linux-gnu, linux-kbuild-6.1.
# shellcheck source=scripts/emulation/gpio_simulator.sh
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/gpio_simulator.sh"

# get_kernel OUT [PACKAGE...]: OUT/kernel gets Debian's kernel, its modules, and further packages.
get_kernel() {
    local kernel=$1/kernel more=("${@:2}")
    [ -d "$kernel/boot" ] || mmdebstrap --quiet --mode=root --variant=extract --architectures=arm64 \
        --aptopt='Acquire::Check-Valid-Until "false"' --include="$(IFS=,; echo "linux-image-arm64${more[*]:+,${more[*]}}")" \
        bookworm "$kernel"
}

# make_simulator OUT: OUT/gpio-sim.ko for that kernel, whose headers get_kernel has fetched (linux-headers-arm64).
make_simulator() {
    local out kernel release headers
    out=$(realpath "$1")
    [ ! -e "$out/gpio-sim.ko" ] || return 0
    kernel=$out/kernel
    release=$(basename "$kernel"/lib/modules/*)
    headers=$kernel/usr/src/linux-headers-$release
    # The headers name their other half by its path on an installed system, and bring build programs for arm64.
    sed -i "s#include /usr/src/#include $kernel/usr/src/#" "$headers/Makefile"
    rm -rf "$kernel/usr/lib/linux-kbuild-6.1"
    ln -s /usr/lib/linux-kbuild-6.1 "$kernel/usr/lib/linux-kbuild-6.1"
    build_simulator "$headers" "$out/build" "$out/gpio-sim.ko" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc
}

# make_kernel OUT BUSYBOX MODULE... <COMMANDS: OUT gets vmlinuz and initial.gz. The initial file system loads the
# modules, and OUT/gpio-sim.ko if it exists, runs the COMMANDS, which mount the system at /system ($b is busybox), and starts it.
make_kernel() {
    local out=$1 busybox=$2 kernel=$1/kernel initial=$1/initial release wanted file
    shift 2
    get_kernel "$out"
    release=$(basename "$kernel"/lib/modules/*)
    cp "$kernel/boot/vmlinuz-$release" "$out/vmlinuz"
    [ -e "$busybox" ] || { echo "make_kernel: $busybox is missing: the root needs busybox-static" >&2; return 1; }
    rm -rf "$initial"
    mkdir -p "$initial"/{bin,dev,proc,sys,modules,system}
    # Modules in order of their dependencies.
    depmod -b "$kernel" "$release"
    for wanted in "$@"; do
        modprobe -d "$kernel" -S "$release" --show-depends "$wanted" 2>/dev/null | sed -n 's/^insmod //p'
    done | awk '!seen[$1]++ { print $1 }' | while read -r file; do
        cp "$file" "$initial/modules/"
        basename "$file" >>"$initial/modules/order"
    done
    if [ -e "$out/gpio-sim.ko" ]; then
        cp "$out/gpio-sim.ko" "$initial/modules/"
        echo gpio-sim.ko >>"$initial/modules/order"
    fi
    cp "$busybox" "$initial/bin/busybox"
    ln -s busybox "$initial/bin/sh"
    cat - >"$initial/mount-system"
    cat >"$initial/init" <<'INIT'
#!/bin/sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev; $b mount -t proc proc /proc; $b mount -t sysfs sys /sys
for m in $($b cat /modules/order); do $b insmod /modules/$m; done
. /mount-system
for d in dev proc sys; do $b mount --move /$d /system/$d; done
exec $b switch_root /system /sbin/init
INIT
    chmod +x "$initial/init"
    (cd "$initial" && find . | cpio --create --format=newc --quiet | gzip -1) >"$out/initial.gz"
}
