/* Settings, as they come by file ('f', lines), command line ('a', one word a line) and environment ('e',
 * NAME=value lines): they are good and within what their rows allow, or refused in one line with exit status
 * 2. A secret is never shown.
 *
 * param_read ends the process. Here exit() comes back instead (linked with --wrap=exit), and what the reading
 * had allocated until then is freed by whom it was noted (--wrap of the x-functions and free). */
#include "base/param.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "fuzz/fuzz.h"
#include "redis/url.h"

enum { WORDS_MAX = 64, INPUT_BYTES_MAX = 8192, SAID_BYTES_MAX = 1 << 20, MEMORIES_MAX = 4096 };

struct settings {
    const char *text, *path, *secret, *choice, *url;
    int64_t count, wait_ms;
    bool flag;
};
#define AT(member) .offset = offsetof(struct settings, member)
static const struct param ROWS[] = {
    { .name = "topic_prefix", .type = PARAM_TEXT, .fallback = "reelgate.", .least = "1", AT(text),
      .meaning = "A text." },
    { .name = "policy", .type = PARAM_PATH, AT(path), .meaning = "A path." },
    { .name = "jwt_secret", .type = PARAM_SECRET, .environment = "JWT_SECRET", AT(secret), .meaning = "A secret." },
    { .name = "unknown_submission", .type = PARAM_CHOICE, .fallback = "fail", .choices = "fail|resubmit", AT(choice),
      .meaning = "A choice." },
    { .name = "redis_url", .type = PARAM_URL, .choices = "redis|rediss|unix", .environment = "REDIS_URL", AT(url),
      .meaning = "A URL." },
    { .name = "max_in_flight", .type = PARAM_COUNT, .fallback = "16", .least = "1", .most = "256", AT(count),
      .meaning = "A count." },
    { .name = "wait_ms", .type = PARAM_MS, .fallback = "30s", .least = "0", .most = "7d", AT(wait_ms),
      .unit = "ms", .meaning = "A time." },
    { .name = "verbose", .type = PARAM_BOOL, .fallback = "false", AT(flag), .meaning = "A flag." },
    { .name = NULL },
};
static const struct param *const TABLES[] = { ROWS, NULL };

/* ---- what is allocated during one reading */

void *__real_xmalloc(size_t size), *__wrap_xmalloc(size_t size);
void *__real_xcalloc(size_t count, size_t size), *__wrap_xcalloc(size_t count, size_t size);
void *__real_xrealloc(void *memory, size_t size), *__wrap_xrealloc(void *memory, size_t size);
char *__real_xstrdup(const char *string), *__wrap_xstrdup(const char *string);
char *__real_xstrndup(const char *string, size_t length), *__wrap_xstrndup(const char *string, size_t length);
void __real_free(void *memory), __wrap_free(void *memory);
_Noreturn void __real_exit(int status), __wrap_exit(int status);

static void *memories[MEMORIES_MAX];
static int memory_count;

static void *note(void *memory)
{
    must(memory_count < MEMORIES_MAX);
    return memories[memory_count++] = memory;
}

static void forget(const void *memory)
{
    for (int i = memory_count - 1; i >= 0; i--)
        if (memories[i] == memory) {
            memories[i] = memories[--memory_count];
            return;
        }
}

void *__wrap_xmalloc(size_t size) { return note(__real_xmalloc(size)); }
void *__wrap_xcalloc(size_t count, size_t size) { return note(__real_xcalloc(count, size)); }
char *__wrap_xstrdup(const char *string) { return note(__real_xstrdup(string)); }
char *__wrap_xstrndup(const char *string, size_t length) { return note(__real_xstrndup(string, length)); }

void *__wrap_xrealloc(void *memory, size_t size)
{
    forget(memory);
    return note(__real_xrealloc(memory, size));
}

void __wrap_free(void *memory)
{
    forget(memory);
    __real_free(memory);
}

/* ---- one reading, until it returns or would end the process */

static jmp_buf ended;
static bool reading;

_Noreturn void __wrap_exit(int status)
{
    if (!reading)
        __real_exit(status);
    reading = false;
    longjmp(ended, status + 1);
}

static char said[2][SAID_BYTES_MAX];     /* on stdout and stderr */

/* The exit status, or -1 when it returned. */
static int read_settings(const struct param_program *program, int argc, char **argv, struct settings *settings)
{
    FILE *real_out = stdout, *real_err = stderr;
    struct param_properties properties = { 0 };
    stdout = fmemopen(said[0], SAID_BYTES_MAX, "w");
    stderr = fmemopen(said[1], SAID_BYTES_MAX, "w");
    must(stdout && stderr);
    int status = setjmp(ended) - 1;
    if (status == -1) {
        reading = true;
        param_read(program, argc, argv, settings, &properties);
        reading = false;
    }
    fclose(stdout);
    fclose(stderr);
    stdout = real_out;
    stderr = real_err;
    return status;
}

/* ---- what must be true of it */

static void check_good(const struct settings *settings)
{
    must(settings->text && *settings->text);
    must(strcmp(settings->choice, "fail") == 0 || strcmp(settings->choice, "resubmit") == 0);
    must(settings->count >= 1 && settings->count <= 256);
    must(settings->wait_ms >= 0 && settings->wait_ms <= INT64_C(7) * 24 * 3600 * 1000);
    if (settings->url) {
        struct redis_url url;
        char error[200] = "";
        must(redis_url_parse(settings->url, &url, error) || error[0] != '\0');
        must(!strchr(error, '\n'));
    }
}

static void check_refusal(const char *line)
{
    must(strncmp(line, "fuzz: ", 6) == 0);
    must(strcspn(line, "\n") == strlen(line) - 1);       /* one line, and it is ended */
}

/* Set as a secret before each reading: shown nowhere, unless the input itself says it somewhere else. */
static const char SECRET[] = "canary-of-the-settings";

static void check_secret(const uint8_t *bytes, size_t length)
{
    if (!memmem(bytes, length, SECRET, sizeof SECRET - 1))
        must(!strstr(said[0], SECRET) && !strstr(said[1], SECRET));
}

/* ---- the input's three ways */

static int split(char *input, char **words, int count_max)
{
    int count = 0;
    for (char *line; count < count_max && (line = strsep(&input, "\n"));)
        words[count++] = line;
    return count;
}

static char *file_of(const char *bytes, size_t length)
{
    static char flag[64];
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("settings", MFD_CLOEXEC);
    must(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, bytes, length, 0) == (ssize_t)length);
    snprintf(flag, sizeof flag, "--config=/proc/self/fd/%d", fd);
    return flag;
}

static void set_environment(char **lines, int count)
{
    clearenv();
    for (int i = 0; i < count; i++) {
        char *equals = strchr(lines[i], '=');
        if (!equals || equals == lines[i])
            continue;
        *equals = '\0';
        setenv(lines[i], equals + 1, 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static char input[INPUT_BYTES_MAX + 1];
    char *lines[WORDS_MAX], name[] = "fuzz", *argv[WORDS_MAX + 2] = { name };
    int argc = 1;
    if (length < 2 || length > INPUT_BYTES_MAX)
        return 0;
    memcpy(input, bytes, length);
    input[length] = '\0';
    clearenv();
    setenv("JWT_SECRET", SECRET, 1);
    if (bytes[0] == 'f') {
        argv[argc++] = file_of(input + 1, length - 1);
    } else if (bytes[0] == 'a') {
        argc += split(input + 1, argv + 1, WORDS_MAX);
    } else {
        set_environment(lines, split(input + 1, lines, WORDS_MAX));
    }
    struct param_words words = { 0 };
    struct param_program program = { .name = "fuzz", .summary = "s", .tables = TABLES,
                                     .words = length % 2 ? &words : NULL };
    struct settings settings = { 0 };
    memset(said[0], 0, strlen(said[0]));
    memset(said[1], 0, strlen(said[1]));
    int status = read_settings(&program, argc, argv, &settings);
    must(status == -1 || status == 0 || status == 2);
    if (status == -1)
        check_good(&settings);
    if (status == 2)
        check_refusal(said[1]);
    check_secret(bytes, length);
    while (memory_count > 0)
        __real_free(memories[--memory_count]);
    return 0;
}
