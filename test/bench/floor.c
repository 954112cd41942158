/*
 * The least that a full check asks of the system, and nothing else: every link is opened, read and closed, every blob is lstat'ed, and
 * as many blobs as there are manifests are read. No directory is listed, nothing is parsed, hashed or remembered.
 *
 *     find TREE -name link > links; find TREE -name data > blobs
 *     cc -O2 -pthread test/bench/floor.c -o floor && ./floor 2 links blobs 23600
 *
 * The first argument is the number of threads, the last the number of manifests. Run it twice: the first time warms the caches.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct paths {
  char **at;
  long count;
};

static struct paths links, blobs;
static long threads, manifests;

static struct paths readPaths(const char *file) {
  struct paths paths = {NULL, 0};
  char line[4096];
  FILE *stream = fopen(file, "r");
  if (stream == NULL) {
    perror(file);
    exit(2);
  }
  while (fgets(line, sizeof line, stream) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    if ((paths.count & (paths.count - 1)) == 0)
      paths.at = realloc(paths.at, (size_t)(paths.count == 0 ? 1 : paths.count * 2) * sizeof *paths.at);
    paths.at[paths.count++] = strdup(line);
  }
  fclose(stream);
  return paths;
}

static void readFile(const char *path, char *buffer, size_t size) {
  int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0 || read(file, buffer, size) < 0 || close(file) < 0) {
    perror(path);
    exit(2);
  }
}

static void *work(void *first) {
  char buffer[8192];
  struct stat status;
  for (long i = (long)first; i < links.count; i += threads) readFile(links.at[i], buffer, 257);
  for (long i = (long)first; i < blobs.count; i += threads) lstat(blobs.at[i], &status);
  for (long i = (long)first; i < manifests && i < blobs.count; i += threads) readFile(blobs.at[i], buffer, sizeof buffer);
  return NULL;
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "usage: floor THREADS LINKS BLOBS MANIFESTS\n");
    return 2;
  }
  threads = atol(arguments[1]);
  links = readPaths(arguments[2]);
  blobs = readPaths(arguments[3]);
  manifests = atol(arguments[4]);
  pthread_t *started = calloc((size_t)threads, sizeof *started);
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (long i = 0; i < threads; i++) pthread_create(&started[i], NULL, work, (void *)i);
  for (long i = 0; i < threads; i++) pthread_join(started[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%.3f s\n", (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
  return 0;
}
