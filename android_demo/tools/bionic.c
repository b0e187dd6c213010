/* What Android's C library has and that of desktop Linux has not, for Android's libraries on the latter.

   It stands in for libc.so, libm.so, libdl.so, liblog.so and libandroid.so, and is preloaded: the streams of Android's
   C library are places in an array, which nobody else would take for streams. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

int *__errno(void) { return &errno; }

size_t __strlen_chk(const char *text, size_t size) {
    (void)size;
    return strlen(text);
}

char *__gnu_strerror_r(int error, char *buffer, size_t size) { return strerror_r(error, buffer, size); }

/* The level of the API alone: TFLite leaves XNNPACK out below level 20, and where it is not told. */
int __system_property_get(const char *name, char *value) {
    strcpy(value, strcmp(name, "ro.build.version.sdk") == 0 ? LEVEL : "");
    return (int)strlen(value);
}

void android_set_abort_message(const char *message) { fprintf(stderr, "%s\n", message); }

int __android_log_vprint(int priority, const char *tag, const char *format, va_list arguments) {
    (void)priority;
    fprintf(stderr, "%s: ", tag);
    int count = vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    return count;
}

int __android_log_print(int priority, const char *tag, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int count = __android_log_vprint(priority, tag, format, arguments);
    va_end(arguments);
    return count;
}

int __android_log_write(int priority, const char *tag, const char *text) {
    return __android_log_print(priority, tag, "%s", text);
}

/* stdin, stdout, stderr, of this size each on 64-bit processors. */
#define STREAM_BYTES 152
char __sF[3 * STREAM_BYTES];

static FILE *ours(FILE *stream) {
    FILE *const streams[] = {stdin, stdout, stderr};
    ptrdiff_t place = (char *)stream - __sF;
    return place >= 0 && place < (ptrdiff_t)sizeof __sF ? streams[place / STREAM_BYTES] : stream;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int vfprintf(FILE *stream, const char *format, va_list arguments) {
    return NEXT(vfprintf)(ours(stream), format, arguments);
}

int fprintf(FILE *stream, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int count = vfprintf(stream, format, arguments);
    va_end(arguments);
    return count;
}

int fputs(const char *text, FILE *stream) { return NEXT(fputs)(text, ours(stream)); }

int fputc(int byte, FILE *stream) { return NEXT(fputc)(byte, ours(stream)); }

int fflush(FILE *stream) { return NEXT(fflush)(ours(stream)); }

size_t fwrite(const void *data, size_t size, size_t count, FILE *stream) {
    return NEXT(fwrite)(data, size, count, ours(stream));
}
