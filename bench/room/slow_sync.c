// Preloaded before mongod: every disk sync takes 10 ms longer, as on the disks of many small machines.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <errno.h>

static void wait_a_little(void) {
  const struct timespec pause = {0, 10 * 1000 * 1000};
  if (strstr(program_invocation_short_name, "mongod")) nanosleep(&pause, NULL);
}
int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_a_little();
  return real(fd);
}
int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_a_little();
  return real(fd);
}
