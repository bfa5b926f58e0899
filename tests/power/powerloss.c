/* What a power cut could undo: a library, preloaded into a process that writes, which notes every change below the
 * directory POWERLOSS_ROOT in the file POWERLOSS_LOG before it happens, with the bytes that it replaces, and every
 * sync that makes changes durable. The test kills the process, rolls back what was not synced, and looks.
 *
 * sync_file_range is no barrier and is not noted. A file's content becomes durable by fsync or fdatasync of the file,
 * a name by fsync of its directory. What would vanish from the directory is kept as a hard link below
 * POWERLOSS_KEEP, so that it can be brought back.
 *
 * POWERLOSS_DEAF, if set, names a file (the last part of its path) whose syncs report success and do nothing,
 * as a disk with a lying cache does: the negative control.
 *
 * One note is one line of text, then the raw bytes it announces, written under one lock. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static char root[4096], keep[4096], deaf[256];
static unsigned long kept;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_ftruncate)(int, off_t);
static int (*real_open)(const char *, int, ...), (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *), (*real_unlinkat)(int, const char *, int);
static int (*real_mkdir)(const char *, mode_t), (*real_rmdir)(const char *);

__attribute__((constructor)) static void begin(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_open = dlsym(RTLD_NEXT, "open64");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
    real_mkdir = dlsym(RTLD_NEXT, "mkdir");
    real_rmdir = dlsym(RTLD_NEXT, "rmdir");
    const char *log_path = getenv("POWERLOSS_LOG"), *r = getenv("POWERLOSS_ROOT"), *k = getenv("POWERLOSS_KEEP");
    if (!log_path || !r || !k) return;
    snprintf(root, sizeof root, "%s", r);
    snprintf(keep, sizeof keep, "%s", k);
    const char *d = getenv("POWERLOSS_DEAF");
    if (d) snprintf(deaf, sizeof deaf, "%s", d);
    log_fd = real_open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void put(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t n = real_write(log_fd, at, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) abort(); /* a note that is lost would make the test pass for nothing */
        at += n, length -= n;
    }
}

static void note(const char *format, ...) {
    char line[9000];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    put(line, length);
}

static int below_root(const char *path) {
    size_t n = strlen(root);
    return log_fd >= 0 && !strncmp(path, root, n) && (path[n] == '/' || !path[n]);
}

/* The path of an open file, if it lies below the root. */
static int path_of(int fd, char *path) {
    if (log_fd < 0 || fd == log_fd) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, 4095);
    if (n <= 0) return 0;
    path[n] = 0;
    return below_root(path);
}

/* Notes the bytes that a write will replace and those that it writes. */
static void note_write(int fd, const void *bytes, size_t length, off_t at) {
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) return;
    char *old = malloc(length ? length : 1);
    ssize_t had = pread(fd, old, length, at);
    if (had < 0) had = 0; /* opened for writing only: nothing to read back; such files are new here */
    note("W %lu %ld %zu %zd %ld\n", (unsigned long)st.st_ino, (long)at, length, had, (long)st.st_size);
    put(old, had);
    put(bytes, length);
    free(old);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
    char path[4096];
    if (!path_of(fd, path)) return real_pwrite(fd, bytes, length, at);
    pthread_mutex_lock(&lock);
    note_write(fd, bytes, length, at);
    ssize_t n = real_pwrite(fd, bytes, length, at);
    pthread_mutex_unlock(&lock);
    return n;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

ssize_t write(int fd, const void *bytes, size_t length) {
    char path[4096];
    if (!path_of(fd, path)) return real_write(fd, bytes, length);
    pthread_mutex_lock(&lock);
    note_write(fd, bytes, length, lseek(fd, 0, SEEK_CUR));
    ssize_t n = real_write(fd, bytes, length);
    pthread_mutex_unlock(&lock);
    return n;
}

int ftruncate64(int fd, off_t size) {
    char path[4096];
    if (!path_of(fd, path)) return real_ftruncate(fd, size);
    pthread_mutex_lock(&lock);
    struct stat st;
    fstat(fd, &st);
    size_t cut = st.st_size > size ? st.st_size - size : 0;
    char *old = malloc(cut ? cut : 1);
    ssize_t had = cut ? pread(fd, old, cut, size) : 0;
    note("T %lu %ld %zd %ld\n", (unsigned long)st.st_ino, (long)size, had > 0 ? had : 0, (long)st.st_size);
    put(old, had > 0 ? had : 0);
    free(old);
    int result = real_ftruncate(fd, size);
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

/* The sync happens before it is noted: a process killed in between has synced more than the log says, never less. */
static int synced(int fd, int (*sync)(int)) {
    char path[4096];
    if (!path_of(fd, path)) return sync(fd);
    pthread_mutex_lock(&lock);
    int result = sync(fd);
    struct stat st;
    if (!result && !fstat(fd, &st)) {
        if (S_ISDIR(st.st_mode)) note("D %s\n", path);
        else note("S %lu\n", (unsigned long)st.st_ino);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
/* A lying disk lies to both: were the store's own now and then fsync heard, a slow run would lose nothing. */
static int is_deaf(int fd) {
    char path[4096];
    return deaf[0] && path_of(fd, path) && !strcmp(strrchr(path, '/') + 1, deaf);
}
int fsync(int fd) { return is_deaf(fd) ? 0 : synced(fd, real_fsync); }
int fdatasync(int fd) { return is_deaf(fd) ? 0 : synced(fd, real_fdatasync); }

int open64(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    if (!below_root(path) || !(flags & (O_CREAT | O_TRUNC))) return real_open(path, flags, mode);
    pthread_mutex_lock(&lock);
    int had_errno, existed = !access(path, F_OK);
    int fd = real_open(path, flags & ~O_TRUNC, mode);
    had_errno = errno;
    if (fd >= 0 && !existed) note("C %s\n", path);
    pthread_mutex_unlock(&lock);
    if (fd >= 0 && (flags & O_TRUNC)) ftruncate64(fd, 0);
    errno = had_errno;
    return fd;
}
int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open64(path, flags, mode);
}

/* Keeps a file that is about to lose its name; 0 if there is none. */
static unsigned long keep_link(const char *path) {
    char target[4200];
    snprintf(target, sizeof target, "%s/%lu", keep, ++kept);
    return link(path, target) ? 0 : kept;
}

int rename(const char *from, const char *to) {
    if (!below_root(from) && !below_root(to)) return real_rename(from, to);
    pthread_mutex_lock(&lock);
    unsigned long replaced = keep_link(to);
    note("R %lu %s\n%s\n", replaced, from, to);
    int result = real_rename(from, to);
    pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path) {
    if (!below_root(path)) return real_unlink(path);
    pthread_mutex_lock(&lock);
    unsigned long gone = keep_link(path);
    if (gone) note("U %lu %s\n", gone, path);
    int result = real_unlink(path);
    pthread_mutex_unlock(&lock);
    return result;
}

int unlinkat(int dir, const char *name, int flags) {
    char path[8200];
    if (!path_of(dir, path)) return real_unlinkat(dir, name, flags);
    strcat(strcat(path, "/"), name);
    pthread_mutex_lock(&lock);
    unsigned long gone = flags & AT_REMOVEDIR ? 0 : keep_link(path);
    if (flags & AT_REMOVEDIR) note("X %s\n", path);
    else if (gone) note("U %lu %s\n", gone, path);
    int result = real_unlinkat(dir, name, flags);
    pthread_mutex_unlock(&lock);
    return result;
}

int mkdir(const char *path, mode_t mode) {
    if (!below_root(path)) return real_mkdir(path, mode);
    pthread_mutex_lock(&lock);
    int result = real_mkdir(path, mode), had_errno = errno;
    if (!result) note("M %s\n", path);
    pthread_mutex_unlock(&lock);
    errno = had_errno;
    return result;
}

int rmdir(const char *path) {
    if (!below_root(path)) return real_rmdir(path);
    pthread_mutex_lock(&lock);
    note("X %s\n", path);
    int result = real_rmdir(path);
    pthread_mutex_unlock(&lock);
    return result;
}
