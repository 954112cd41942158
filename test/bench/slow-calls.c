/*
 * A filesystem whose calls take a millisecond more, as those to a file server do: a library to be loaded before the program
 * (`cc -O2 -shared -fPIC -o slow-calls.so slow-calls.c`, LD_PRELOAD). Delays what node asks of paths below $SLOW_ROOT by $SLOW_MICROSECONDS,
 * and at the end writes to $SLOW_COUNT how many calls there were.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 65536

static atomic_long calls;
static atomic_char slow[MOST_FILES];
static const char *root;
static size_t root_length;
static struct timespec delay;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  root = getenv("SLOW_ROOT");
  root_length = root == NULL ? 0 : strlen(root);
  const char *microseconds = getenv("SLOW_MICROSECONDS");
  delay.tv_nsec = (microseconds == NULL ? 1000 : atol(microseconds)) * 1000;
}

__attribute__((destructor)) static void end(void) {
  const char *file = getenv("SLOW_COUNT");
  FILE *out = file == NULL ? NULL : fopen(file, "w");
  if (out == NULL) return;
  fprintf(out, "%ld\n", atomic_load(&calls));
  fclose(out);
}

static void wait_a_while(void) {
  atomic_fetch_add(&calls, 1);
  nanosleep(&delay, NULL);
}

static int is_slow(const char *path) {
  return root != NULL && path != NULL && strncmp(path, root, root_length) == 0;
}

static int opened(const char *path, int file) {
  if (file >= 0 && file < MOST_FILES) atomic_store(&slow[file], is_slow(path));
  return file;
}

int open(const char *path, int flags, ...) {
  static __typeof__(&open) real;
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  if (real == NULL) real = REAL(open);
  if (is_slow(path)) wait_a_while();
  return opened(path, real(path, flags, mode));
}

int open64(const char *path, int flags, ...) {
  static __typeof__(&open64) real;
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  if (real == NULL) real = REAL(open64);
  if (is_slow(path)) wait_a_while();
  return opened(path, real(path, flags, mode));
}

ssize_t read(int file, void *buffer, size_t count) {
  static __typeof__(&read) real;
  if (real == NULL) real = REAL(read);
  if (file >= 0 && file < MOST_FILES && atomic_load(&slow[file])) wait_a_while();
  return real(file, buffer, count);
}

int close(int file) {
  static __typeof__(&close) real;
  if (real == NULL) real = REAL(close);
  if (file >= 0 && file < MOST_FILES && atomic_exchange(&slow[file], 0)) wait_a_while();
  return real(file);
}

/* libuv makes `statx` of it by itself. */
long syscall(long number, ...) {
  static __typeof__(&syscall) real;
  va_list rest;
  va_start(rest, number);
  long a = va_arg(rest, long), b = va_arg(rest, long), c = va_arg(rest, long), d = va_arg(rest, long), e = va_arg(rest, long),
       f = va_arg(rest, long);
  va_end(rest);
  if (real == NULL) real = REAL(syscall);
  if (number == SYS_statx && is_slow((const char *)b)) wait_a_while();
  return real(number, a, b, c, d, e, f);
}

int statx(int directory, const char *restrict path, int flags, unsigned int mask, struct statx *restrict found) {
  static __typeof__(&statx) real;
  if (real == NULL) real = REAL(statx);
  if (is_slow(path)) wait_a_while();
  return real(directory, path, flags, mask, found);
}

int scandir64(const char *path, struct dirent64 ***names, int (*select)(const struct dirent64 *),
              int (*order)(const struct dirent64 **, const struct dirent64 **)) {
  static __typeof__(&scandir64) real;
  if (real == NULL) real = REAL(scandir64);
  if (is_slow(path)) wait_a_while();
  return real(path, names, select, order);
}

int scandir(const char *path, struct dirent ***names, int (*select)(const struct dirent *),
            int (*order)(const struct dirent **, const struct dirent **)) {
  static __typeof__(&scandir) real;
  if (real == NULL) real = REAL(scandir);
  if (is_slow(path)) wait_a_while();
  return real(path, names, select, order);
}
