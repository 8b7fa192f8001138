/* SPDX-License-Identifier: Apache-2.0
 * A /dev/gpiochip0 that only writes down what is asked of it; preloaded by test_lgpio_requests.
 *
 * gpiozero and lgpio are real above it. One line on stderr for every request for a line and for every
 * write; levels are always low.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define GPIO_REQUESTS 0xB4

#define OPENER(name)                                                   \
    int name(const char *path, int flags, ...) {                       \
        int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, #name); \
        va_list rest;                                                  \
        va_start(rest, flags);                                         \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;      \
        va_end(rest);                                                  \
        if (!strcmp(path, "/dev/gpiochip0"))                           \
            return memfd_create("gpiochip0", MFD_CLOEXEC);             \
        return next(path, flags, mode);                                \
    }
OPENER(open)
OPENER(open64)

static int tell_chip(struct gpiochip_info *info) {
    memset(info, 0, sizeof *info);
    strcpy(info->name, "gpiochip0");
    strcpy(info->label, "pinctrl-bcm2711");
    info->lines = 54;
    return 0;
}

static int note_request(struct gpio_v2_line_request *request) {
    unsigned long long flags = request->config.flags;
    fprintf(stderr, "line %u:%s%s%s%s%s", request->offsets[0],
            flags & GPIO_V2_LINE_FLAG_INPUT ? " input" : "",
            flags & GPIO_V2_LINE_FLAG_OUTPUT ? " output" : "",
            flags & GPIO_V2_LINE_FLAG_BIAS_PULL_UP ? " pulled up" : "",
            flags & GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN ? " pulled down" : "",
            flags & GPIO_V2_LINE_FLAG_BIAS_DISABLED ? " not pulled" : "");
    for (unsigned i = 0; i < request->config.num_attrs; i++)
        if (request->config.attrs[i].attr.id == GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)
            fprintf(stderr, " at %u", (unsigned)(request->config.attrs[i].attr.values & 1));
    fprintf(stderr, "\n");
    request->fd = memfd_create("line", MFD_CLOEXEC);
    return 0;
}

int ioctl(int handle, unsigned long request, ...) {
    int (*next)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (_IOC_TYPE(request) != GPIO_REQUESTS)
        return next(handle, request, argument);
    if (request == GPIO_GET_CHIPINFO_IOCTL)
        return tell_chip(argument);
    if (request == GPIO_V2_GET_LINE_IOCTL)
        return note_request(argument);
    if (request == GPIO_V2_GET_LINEINFO_IOCTL)
        ((struct gpio_v2_line_info *)argument)->flags = GPIO_V2_LINE_FLAG_OUTPUT;
    else if (request == GPIO_V2_LINE_SET_VALUES_IOCTL)
        fprintf(stderr, "set %u\n", (unsigned)((struct gpio_v2_line_values *)argument)->bits);
    else if (request == GPIO_V2_LINE_GET_VALUES_IOCTL)
        ((struct gpio_v2_line_values *)argument)->bits = 0;
    else
        fprintf(stderr, "unexpected request %lx\n", request);
    return 0;
}
