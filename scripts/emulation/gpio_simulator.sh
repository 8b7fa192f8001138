# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by gpio_build and arm64_kernel.sh: the kernel's GPIO simulator, which Debian does not build, as a module.

# build_simulator HEADERS BUILD FILE [MAKE-VARIABLE...]: write the module for the kernel of these headers to FILE.
# Fetches Debian's linux-source-6.1. The simulator and its interrupts are two files of it; the one line that is changed calls an
# exported function in place of one that is not exported.
build_simulator() {
    local headers=$1 build=$2 file=$3
    shift 3
    rm -rf "$build" && mkdir -p "$build"
    (
        cd "$build" || exit 1
        apt-get download -qq linux-source-6.1
        dpkg-deb --fsys-tarfile linux-source-6.1_*.deb |
            tar -xO ./usr/src/linux-source-6.1.tar.xz |
            tar -xJ --strip-components=1 linux-source-6.1/drivers/gpio linux-source-6.1/kernel/irq
        cp drivers/gpio/gpio-sim.c gpio-sim-core.c
        cp drivers/gpio/*.h .
        sed 's/handle_simple_irq(irq_to_desc(irqnum))/generic_handle_irq_safe(irqnum)/' kernel/irq/irq_sim.c >irq_sim.c
        printf 'obj-m := gpio-sim.o\ngpio-sim-y := gpio-sim-core.o irq_sim.o\n' >Kbuild
    ) && make -s -C "$headers" M="$build" "$@" modules && cp "$build/gpio-sim.ko" "$file" && rm -rf "$build"
}
