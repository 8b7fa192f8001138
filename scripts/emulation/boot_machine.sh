# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by boot_arm64 and boot_timeline: start the emulated arm64 board from the images of arm64_image.
# Needs qemu-system-arm. Sets `machine` to its process; the guest's console output goes to IMAGES/console.

# start_machine IMAGES STATE [OPTION...]: STATE is its writable disk.
start_machine() {
    local images=$1 state=$2
    shift 2
    : >"$images/console"
    qemu-system-aarch64 -machine virt -cpu cortex-a72 -smp 2 -m 1024 \
        -display none -monitor none -serial "file:$images/console" -no-reboot \
        -kernel "$images/vmlinuz" -initrd "$images/initial.gz" \
        -append "console=ttyAMA0 quiet systemd.show_status=false ${APPEND:-}" \
        -drive "file=$images/system.img,format=raw,if=none,id=system,readonly=on" -device virtio-blk-pci,drive=system \
        -drive "file=$state,format=raw,if=none,id=state" -device virtio-blk-pci,drive=state \
        -device virtio-rng-pci "$@" </dev/null &
    machine=$!
}

# until_console IMAGES PATTERN SECONDS: wait for a line of the console.
until_console() {
    local waited=0
    until grep -qaE "$2" "$1/console"; do
        kill -0 "$machine" 2>/dev/null || return 1
        [ "$waited" -lt "$3" ] || return 1
        sleep 1
        waited=$((waited + 1))
    done
}

# cut_machine: cut its power.
cut_machine() {
    kill -KILL "$machine" 2>/dev/null || true
    wait "$machine" 2>/dev/null || true
}
