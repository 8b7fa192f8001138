# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by arm64_root and two_commands: run programs in a Debian root folder, also of another architecture.

# know_arm64: let this kernel run arm64 programs through qemu-user.
# The F flag opens the interpreter now, so that it works inside any root.
know_arm64() {
    local binfmt=/proc/sys/fs/binfmt_misc
    mountpoint -q "$binfmt" || mount -t binfmt_misc binfmt_misc "$binfmt"
    [ -e "$binfmt/qemu-aarch64" ] || cat /usr/lib/binfmt.d/qemu-aarch64.conf >"$binfmt/register"
}

# inside ROOT COMMAND...: run it in the root, with this machine's devices and network; nothing stays mounted.
# Before 8.2, qemu-user shows arm64 programs the /proc/cpuinfo of the host. TFLite's XNNPACK reads there the
# kind of its cores, finds none and crashes; these programs therefore get the cpuinfo of one Cortex-A72.
inside() {
    # shellcheck disable=SC2016  # expanded by the inner shell
    unshare --mount --propagation private bash -euc '
        root=$1; shift
        for folder in proc sys dev; do mount --rbind "/$folder" "$root/$folder"; done
        mount -t tmpfs tmpfs "$root/tmp"
        if [ "$(chroot "$root" uname -m)" = aarch64 ] && ! chroot "$root" cat /proc/cpuinfo | grep -q "^CPU part"; then
            printf "%s\n" "processor : 0" "BogoMIPS : 100.00" \
                "Features : fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid" "CPU implementer : 0x41" \
                "CPU architecture: 8" "CPU variant : 0x0" "CPU part : 0xd08" "CPU revision : 3" "" >"$root/tmp/cpuinfo"
            mount --bind "$root/tmp/cpuinfo" "$root/proc/cpuinfo"
            rm "$root/tmp/cpuinfo"
        fi
        cp -L /etc/resolv.conf "$root/etc/resolv.conf"
        mkdir -p "$root/etc/ssl/certs"
        cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
        exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_ROOT_USER_ACTION=ignore "$@"
    ' _ "$@"
}
