/* SPDX-License-Identifier: Apache-2.0
 * Usage: LD_PRELOAD of camera_virtual; gives libcamera plain memory where the kernel has no dma-buf.
 *
 * libcamera's allocators open /dev/udmabuf or /dev/dma_heap and turn memory into dma-buf handles. Its
 * virtual camera is read and written by the processor alone, so an anonymous memory file serves.
 * For tests on machines whose kernel lacks both; never on a Pi.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int wanted(const char *path) {
    return path && (!strcmp(path, "/dev/udmabuf") || !strncmp(path, "/dev/dma_heap/", 14));
}

static mode_t mode_of(int flags, va_list *rest) {
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(*rest, mode_t) : 0;
}

#define OPENER(name)                                                                 \
    int name(const char *path, int flags, ...) {                                     \
        int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);               \
        va_list rest;                                                                \
        va_start(rest, flags);                                                       \
        mode_t mode = mode_of(flags, &rest);                                         \
        va_end(rest);                                                                \
        return wanted(path) ? next("/dev/null", O_RDWR | O_CLOEXEC) : next(path, flags, mode); \
    }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name)                                                              \
    int name(int folder, const char *path, int flags, ...) {                         \
        int (*next)(int, const char *, int, ...) = dlsym(RTLD_NEXT, #name);          \
        va_list rest;                                                                \
        va_start(rest, flags);                                                       \
        mode_t mode = mode_of(flags, &rest);                                         \
        va_end(rest);                                                                \
        return wanted(path) ? next(folder, "/dev/null", O_RDWR | O_CLOEXEC)          \
                            : next(folder, path, flags, mode);                       \
    }
OPENER_AT(openat)
OPENER_AT(openat64)

static int from_heap(struct dma_heap_allocation_data *asked) {
    int memory = memfd_create("dma-heap", MFD_CLOEXEC);
    if (memory < 0 || ftruncate(memory, asked->len) < 0)
        return -1;
    asked->fd = memory;
    return 0;
}

int ioctl(int handle, unsigned long request, ...) {
    int (*next)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (request == UDMABUF_CREATE)
        return fcntl(((struct udmabuf_create *)argument)->memfd, F_DUPFD_CLOEXEC, 0);
    if (request == DMA_HEAP_IOCTL_ALLOC)
        return from_heap(argument);
    if (request == DMA_BUF_IOCTL_SYNC || _IOC_TYPE(request) == DMA_BUF_BASE)
        return 0;
    return next(handle, request, argument);
}
