# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by boot_first_day: an emulated arm64 board that starts from a card with a bare Debian, reached over SSH.
# Needs root, mmdebstrap, arch-test, qemu-user-static, qemu-system-arm, e2fsprogs, openssh-client, cpio, kmod, git,
# make, gcc-aarch64-linux-gnu, linux-kbuild-6.1, device-tree-compiler.
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/emulation/arm64_kernel.sh
. "$here/arm64_kernel.sh"
# shellcheck source=scripts/emulation/inside_root.sh
. "$here/inside_root.sh"

board=(-machine virt -cpu cortex-a72 -smp 1 -m 2048)

# make_card SUITE DIR: DIR/card.img is what Raspberry Pi Imager leaves: a system with SSH, a user who may use sudo, and no Plategate.
make_card() {
    local suite=$1 dir=$2 card=$2/card
    mkdir -p "$dir"
    know_arm64
    if [ ! -e "$card/etc/os-release" ]; then
        mmdebstrap --quiet --mode=root --variant=minbase --architectures=arm64 --aptopt='Acquire::Check-Valid-Until "false"' \
            --include=systemd-sysv,systemd,udev,dbus,kmod,python3,systemd-timesyncd,iproute2,procps,ca-certificates,busybox-static,openssh-server,sudo \
            "$suite" "$card" || fail "no Debian for arm64 in $card"
    fi
    [ -e "$dir/key" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
    echo '/dev/vda / ext4 noatime,errors=remount-ro 0 1' >"$card/etc/fstab"
    echo gate >"$card/etc/hostname"
    echo '127.0.0.1 localhost gate' >"$card/etc/hosts"
    echo 'nameserver 10.0.2.3' >"$card/etc/resolv.conf"
    printf '[Match]\nName=en* eth*\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n' >"$card/etc/systemd/network/10-wired.network"
    systemctl --root="$card" --quiet enable systemd-networkd.service ssh.service
    echo 'Acquire::Check-Valid-Until "false";' >"$card/etc/apt/apt.conf.d/99-valid-until"
    # Behind a proxy with a certificate of its own the card needs that certificate too.
    cp -L /etc/ssl/certs/ca-certificates.crt "$card/etc/ssl/certs/ca-certificates.crt"
    printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$card/etc/pip.conf"
    grep -q '^gate:' "$card/etc/passwd" || chroot "$card" useradd --create-home --shell /bin/bash gate
    echo 'gate ALL=(ALL) NOPASSWD: ALL' >"$card/etc/sudoers.d/gate"
    install -d -m 0700 -o 1000 -g 1000 "$card/home/gate/.ssh"
    install -m 0600 -o 1000 -g 1000 "$dir/key.pub" "$card/home/gate/.ssh/authorized_keys"
    { get_kernel "$dir" linux-headers-arm64 && make_simulator "$dir"; } || fail "no kernel with a GPIO simulator in $dir"
    make_kernel "$dir" "$card/bin/busybox" virtio_pci virtio_blk ext4 virtio_rng virtio_net configfs <<'MOUNT' || fail "no kernel in $dir"
while [ ! -b /dev/vda ]; do $b sleep 0.1; done
$b mount -t ext4 -o noatime /dev/vda /system
MOUNT
    rm -f "$dir/card.img"
    truncate -s 4G "$dir/card.img"
    mke2fs -q -t ext4 -d "$card" "$dir/card.img"
}

# wire_board ROOT: a service of the board that connects contacts to its lines, and site_lines for trials and a vehicle.
wire_board() {
    install -D -m 0755 "$here/site_lines" "$1/opt/site/site_lines"
    mkdir -p "$1/etc/systemd/system"
    cat >"$1/etc/systemd/system/site-lines.service" <<'UNIT'
[Unit]
Before=plategate-gate.service
[Service]
ExecStart=/opt/site/site_lines wire
[Install]
WantedBy=multi-user.target
UNIT
}

# make_device_tree DIR: DIR/board.dtb, without the lines of the emulated board, and with the revision of a Raspberry Pi 4,
# for which gpiozero asks.
make_device_tree() {
    local tree=$1/board.dtb
    qemu-system-aarch64 "${board[@]}" -machine "dumpdtb=$tree" >/dev/null 2>&1
    fdtput -r "$tree" /gpio-keys /pl061@9030000
    fdtput -c "$tree" /system
    fdtput -t x "$tree" /system linux,revision 0xc03114
}

# start_board DIR: switch it on and wait until it takes a command. Its clock advances by 1 ns with every instruction, and
# with the real time while it waits (see boot_timeline).
start_board() {
    local dir=$1
    port=$(free_port)
    make_device_tree "$dir"
    nice -n 5 qemu-system-aarch64 "${board[@]}" -dtb "$dir/board.dtb" -icount shift=0,sleep=on \
        -display none -monitor none -serial "file:$dir/console" -no-reboot \
        -kernel "$dir/vmlinuz" -initrd "$dir/initial.gz" -append "console=ttyAMA0 systemd.show_status=false" \
        -drive "file=$dir/card.img,format=raw,if=none,id=card,cache=writeback" -device virtio-blk-pci,drive=card \
        -netdev "user,id=net,hostfwd=tcp:127.0.0.1:$port-:22" -device virtio-net-pci,netdev=net \
        -device virtio-rng-pci </dev/null &
    machine=$!
    until on_board "$dir" true 2>/dev/null; do
        kill -0 "$machine" 2>/dev/null || fail "the emulator ended, see $dir/console"
        sleep 2
    done
}

# on_board DIR COMMAND: run it on the board over SSH, as the user of the card.
on_board() {
    ssh -i "$1/key" -p "$port" -o UserKnownHostsFile="$1/known" -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR \
        -o ConnectTimeout=300 -o ServerAliveInterval=60 -o ServerAliveCountMax=20 gate@127.0.0.1 "$2"
}

# stop_board: cut its power.
stop_board() {
    kill "$machine" 2>/dev/null || true
    wait "$machine" 2>/dev/null || true
}

# free_port: a port of this machine that nobody listens on.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
