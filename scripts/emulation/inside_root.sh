# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by arm64_root and two_commands: running programs in a Debian root folder, also of another processor.

# know_arm64: let this kernel run arm64 programs through qemu-user.
# The F flag opens the interpreter now, so that it is found from inside any root.
know_arm64() {
    local binfmt=/proc/sys/fs/binfmt_misc
    mountpoint -q "$binfmt" || mount -t binfmt_misc binfmt_misc "$binfmt"
    [ -e "$binfmt/qemu-aarch64" ] || cat /usr/lib/binfmt.d/qemu-aarch64.conf >"$binfmt/register"
}

# inside ROOT COMMAND...: in the root, with devices and the network of this machine; nothing stays mounted.
inside() {
    # shellcheck disable=SC2016  # expanded by the inner shell
    unshare --mount --propagation private bash -euc '
        root=$1; shift
        for folder in proc sys dev; do mount --rbind "/$folder" "$root/$folder"; done
        mount -t tmpfs tmpfs "$root/tmp"
        cp -L /etc/resolv.conf "$root/etc/resolv.conf"
        mkdir -p "$root/etc/ssl/certs"
        cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
        exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_ROOT_USER_ACTION=ignore "$@"
    ' _ "$@"
}
