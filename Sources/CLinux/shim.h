#pragma once
// What Swift's Glibc module leaves out.
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/vfs.h>

static inline void martlet_set_thread_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
static inline int martlet_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
static inline int martlet_inotify(void) { return inotify_init1(IN_NONBLOCK | IN_CLOEXEC); }
// In C the function and the struct share the name statfs. -1 on failure, with errno.
static inline long martlet_file_system_type(const char *path) {
  struct statfs info;
  return statfs(path, &info) == 0 ? (long)(info.f_type & 0xffffffff) : -1;
}
