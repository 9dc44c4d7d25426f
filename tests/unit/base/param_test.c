#include <stdbool.h>
#include <stddef.h>

#include "base/param.h"
#include "captured.h"
#include "unit/check_main.h"

struct settings {
    const char *name, *file, *api_key, *mode, *url;
    int64_t count, wait_ms;
    bool verbose;
};
#define AT(member) .offset = offsetof(struct settings, member)

static const struct param test_rows[] = {
    { .name = "topic_name", .type = PARAM_TEXT, .fallback = "topic", .least = "1", AT(name),
      .meaning = "A name." },
    { .name = "policy", .type = PARAM_PATH, AT(file), .meaning = "A file." },
    { .name = "api_key", .type = PARAM_SECRET, .environment = "TEST_API_SECRET", AT(api_key),
      .meaning = "A secret." },
    { .name = "unknown_submission", .type = PARAM_CHOICE, .fallback = "fail", .choices = "fail|resubmit",
      AT(mode),
      .meaning = "What to do then." },
    { .name = "redis_url", .type = PARAM_URL, .fallback = "redis://127.0.0.1:6379",
      .choices = "redis|rediss|unix",
      .environment = "TEST_REDIS_URL", AT(url), .meaning = "Where Redis is." },
    { 0 },
};
static const struct param more_rows[] = {
    { .name = "max_in_flight", .type = PARAM_COUNT, .fallback = "64", .least = "1", .most = "4096", AT(count),
      .unit = "calls", .meaning = "How many calls may be open at once." },
    { .name = "drain_ms", .type = PARAM_MS, .fallback = "25s", .least = "0", .most = "10m", AT(wait_ms),
      .unit = "ms",
      .meaning = "How long." },
    { .name = "verbose", .type = PARAM_BOOL, .fallback = "false", AT(verbose), .meaning = "More words." },
    { 0 },
};
static const struct param *const tables[] = { test_rows, more_rows, NULL };

static const char *versions(void)
{
    return "somelibrary 1.2.3";
}

enum { ARGUMENTS_MAX = 8 };
struct call {
    const char *arguments[ARGUMENTS_MAX];       /* without the program's name */
    const char *environment[ARGUMENTS_MAX];     /* "NAME=value" */
    const char *file;                           /* content of the file that --config names; NULL: none */
    bool no_kafka, takes_words;
};
/* config_flag: --config=..., or NULL */
struct started { const struct call *call; const char *config_flag; };

static void write_file(char *path, const char *content)
{
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
}

/* Prints what came out, one setting a line. */
static void read_and_print(void *argument)
{
    const struct started *started = argument;
    const struct call *call = started->call;
    char *argv[ARGUMENTS_MAX + 3] = { (char *)"test", NULL };
    int argc = 1;
    if (started->config_flag)
        argv[argc++] = (char *)started->config_flag;
    for (int i = 0; i < ARGUMENTS_MAX && call->arguments[i]; i++)
        argv[argc++] = (char *)call->arguments[i];
    for (int i = 0; i < ARGUMENTS_MAX && call->environment[i]; i++)
        putenv((char *)call->environment[i]);

    struct param_words words = { 0 };
    const struct param_program program = {
        .name = "test", .summary = "does nothing.", .examples = "  test --max-in-flight=8",
        .versions = versions,
        .tables = tables, .words = call->takes_words ? &words : NULL,
    };
    struct settings settings = { 0 };
    struct param_properties kafka = { 0 };
    param_read(&program, argc, argv, &settings, call->no_kafka ? NULL : &kafka);
    printf("name=%s file=%s key=%s mode=%s url=%s count=%lld wait=%lld verbose=%d\n", settings.name,
           settings.file ? settings.file : "-", settings.api_key ? settings.api_key : "-", settings.mode,
           settings.url, (long long)settings.count, (long long)settings.wait_ms, settings.verbose);
    for (int i = 0; i < kafka.count; i++)
        printf("kafka %s=%s\n", kafka.rows[i].name, kafka.rows[i].value);
    for (int i = 0; i < words.count; i++)
        printf("word %s\n", words.rows[i]);
}

static void run(struct captured *captured, const struct call *call)
{
    char path[] = "/tmp/param_test_XXXXXX", flag[64];
    if (call->file)
        write_file(path, call->file);
    snprintf(flag, sizeof flag, "--config=%s", path);
    captured_run(captured, read_and_print, &(struct started){ call, call->file ? flag : NULL });
    if (call->file)
        unlink(path);
}

#define DEFAULTS "name=topic file=- key=- mode=fail url=redis://127.0.0.1:6379 "
static const struct { struct call call; const char *want; } good_calls[] = {
    { { { NULL }, { NULL }, NULL, false, false }, DEFAULTS "count=64 wait=25000 verbose=0\n" },
    { { .arguments = { "--max-in-flight=8", "--drain-ms", "2m", "--verbose" } },
      DEFAULTS "count=8 wait=120000 verbose=1\n" },
    { { .arguments = { "--verbose", "false", "--drain-ms=250ms" } },
      DEFAULTS "count=64 wait=250 verbose=0\n" },
    { { .arguments = { "--max-in-flight=1" }, .environment = { "REELGATE_MAX_IN_FLIGHT=2" },
        .file = "max_in_flight = 3\n" },
      /* flag > environment */
      DEFAULTS "count=1 wait=25000 verbose=0\n" },
    { { .environment = { "REELGATE_MAX_IN_FLIGHT=2" }, .file = "max_in_flight = 3\n" },
      /* environment > file */
      DEFAULTS "count=2 wait=25000 verbose=0\n" },
    { { .environment = { "REELGATE_MAX_IN_FLIGHT=" }, .file = "# words\n\n  max_in_flight=3\r\n" },
      /* file > default */
      DEFAULTS "count=3 wait=25000 verbose=0\n" },
    { { .arguments = { "--max-in-flight=5", "--max-in-flight=6" } },
      DEFAULTS "count=6 wait=25000 verbose=0\n" },
    { { .environment = { "TEST_REDIS_URL=unix:///run/redis.sock" } },
      "name=topic file=- key=- mode=fail url=unix:///run/redis.sock count=64 wait=25000 verbose=0\n" },
    { { .environment = { "TEST_REDIS_URL=redis://a", "REELGATE_REDIS_URL=redis://b" } },
      "name=topic file=- key=- mode=fail url=redis://b count=64 wait=25000 verbose=0\n" },
    { { .environment = { "TEST_API_SECRET=s3" } },
      "name=topic file=- key=s3 mode=fail url=redis://127.0.0.1:6379 count=64 wait=25000 verbose=0\n" },
    { { .arguments = { "--kafka.linger.ms=5", "--kafka.acks", "all" },
        .file = "kafka.linger.ms = 9\nkafka.sasl.password = p=w\n" },
      DEFAULTS "count=64 wait=25000 verbose=0\nkafka linger.ms=5\nkafka sasl.password=p=w\n"
               "kafka acks=all\n" },
    { { .arguments = { "grant", "--max-in-flight=9", "u-1", "--", "--not-a-flag" }, .takes_words = true },
      DEFAULTS "count=9 wait=25000 verbose=0\nword grant\nword u-1\nword --not-a-flag\n" },
    { { .arguments = { "--policy=CMakeLists.txt" } },
      "name=topic file=CMakeLists.txt key=- mode=fail url=redis://127.0.0.1:6379 count=64 wait=25000 "
      "verbose=0\n" },
};

START_TEST(settings_come_from_where_they_should)
{
    struct captured captured;
    run(&captured, &good_calls[_i].call);
    ck_assert_str_eq(captured.err, "");
    ck_assert_str_eq(captured.out, good_calls[_i].want);
    ck_assert_int_eq(captured.status, 0);
}
END_TEST

/* Every refusal: exit status 2, nothing on stdout, one line that holds these words and not that one. */
static const struct { struct call call; const char *says[3]; const char *never; } bad_calls[] = {
    { { .arguments = { "--max-in-flight=0" } }, { "max_in_flight", "\"0\"", "1 to 4096" }, NULL },
    { { .arguments = { "--max-in-flight=4097" } }, { "max_in_flight", "\"4097\"", "--max-in-flight" }, NULL },
    { { .arguments = { "--max-in-flight=99999999999999999999" } }, { "1 to 4096" }, NULL },
    { { .arguments = { "--max-in-flight=8 " } }, { "\"8 \"" }, NULL },
    { { .arguments = { "--max-in-flight=+8" } }, { "\"+8\"" }, NULL },
    { { .arguments = { "--max-in-flight=" } }, { "\"\"" }, NULL },
    { { .arguments = { "--max-in-flight=a\nb" } }, { "\"a\\nb\"" }, NULL },
    { { .arguments = { "--max-in-flight" } }, { "--max-in-flight needs a value" }, NULL },
    { { .environment = { "REELGATE_MAX_IN_FLIGHT=many" } }, { "REELGATE_MAX_IN_FLIGHT", "\"many\"" }, NULL },
    { { .file = "\n\nmax_in_flight = many\n" }, { ":3)", "\"many\"" }, NULL },
    { { .arguments = { "--drain-ms=11m" } }, { "drain_ms", "0 to 10m" }, NULL },
    { { .arguments = { "--drain-ms=5w" } }, { "250ms, 30s" }, NULL },
    /* overflows 64 bits */
    { { .arguments = { "--drain-ms=106751991168d" } }, { "drain_ms" }, NULL },
    { { .arguments = { "--verbose=yes" } }, { "verbose", "true|false" }, NULL },
    { { .arguments = { "--unknown-submission=retry" } }, { "fail|resubmit", "\"retry\"" }, NULL },
    { { .arguments = { "--unknown-submission=fail|resubmit" } }, { "unknown_submission" }, NULL },
    { { .arguments = { "--topic-name=" } }, { "topic_name", "not empty" }, NULL },
    { { .arguments = { "--policy=no/such/file" } }, { "policy", "no/such/file" }, NULL },
    { { .arguments = { "--policy=common" } }, { "a file that can be read" }, NULL },            /* a folder */
    { { .arguments = { "--redis-url=http://127.0.0.1" } }, { "redis://...|rediss://..." }, NULL },
    { { .arguments = { "--redis-url=redis://" } }, { "redis_url" }, NULL },
    { { .arguments = { "--redis-url=redis://a b" } }, { "redis_url" }, NULL },
    { { .arguments = { "--redis-url=red://:hunter2@127.0.0.1" } }, { "(redacted)@127.0.0.1" }, "hunter2" },
    { { .arguments = { "--max-inflight=8" } }, { "max_inflight", "did you mean max_in_flight?" }, NULL },
    { { .arguments = { "--topic-nmae=8" } }, { "did you mean topic_name?" }, NULL },
    { { .arguments = { "--entirely-different=8" } }, { "see --help" }, "did you mean" },
    { { .file = "drain = 5\n" }, { "unknown setting \"drain\"", "drain_ms" }, NULL },
    { { .file = "just words\n" }, { ":1:", "name = value" }, NULL },
    { { .arguments = { "--api-key=hunter2" } }, { "--api-key-file" }, "hunter2" },
    { { .arguments = { "--kafka.sasl.password=hunter2" } }, { "kafka.sasl.password", "file" }, "hunter2" },
    { { .arguments = { "--kafka.linger.ms=5" }, .no_kafka = true }, { "kafka.linger.ms" }, NULL },
    { { .arguments = { "--api-key-file=no/such/file" } }, { "no/such/file" }, NULL },
    { { .environment = { "TEST_API_SECRET_FILE=no/such/file" } }, { "TEST_API_SECRET_FILE" }, NULL },
    { { .arguments = { "--config=no/such/file" } }, { "no/such/file" }, NULL },
    { { .environment = { "REELGATE_CONFIG=no/such/file" } }, { "no/such/file" }, NULL },
    { { .arguments = { "--config" } }, { "--config" }, NULL },
    { { .arguments = { "word" } }, { "word" }, NULL },
    { { .arguments = { "-x" } }, { "-x" }, NULL },
    { { .arguments = { "--check-config", "--max-in-flight=0" } }, { "max_in_flight" }, NULL },
};

START_TEST(a_wrong_setting_is_one_line_and_exit_2)
{
    struct captured captured;
    run(&captured, &bad_calls[_i].call);
    ck_assert_int_eq(captured.status, 2);
    ck_assert_str_eq(captured.out, "");
    ck_assert_int_eq(strncmp(captured.err, "test: ", 6), 0);
    ck_assert_ptr_eq(strchr(captured.err, '\n'), captured.err + strlen(captured.err) - 1);
    for (int i = 0; i < 3 && bad_calls[_i].says[i]; i++)
        ck_assert_msg(strstr(captured.err, bad_calls[_i].says[i]), "\"%s\" is not in: %s",
                      bad_calls[_i].says[i], captured.err);
    if (bad_calls[_i].never)
        ck_assert_msg(!strstr(captured.err, bad_calls[_i].never), "\"%s\" is in: %s", bad_calls[_i].never,
                      captured.err);
}
END_TEST

START_TEST(secrets_come_from_files)
{
    char path[] = "/tmp/param_secret_XXXXXX", flag[80], variable[80], line[80];
    write_file(path, "from the file\n");
    snprintf(flag, sizeof flag, "--api-key-file=%s", path);
    snprintf(variable, sizeof variable, "REELGATE_API_KEY_FILE=%s", path);
    snprintf(line, sizeof line, "api_key_file = %s\n", path);
    const struct call calls[] = {
        { .arguments = { flag } }, { .environment = { variable } }, { .file = line },
        { .arguments = { flag }, .environment = { "TEST_API_SECRET=from the environment" } },
    };
    for (int i = 0; i < ROWS(calls); i++) {
        struct captured captured;
        run(&captured, &calls[i]);
        ck_assert_int_eq(captured.status, 0);
        ck_assert_ptr_nonnull(strstr(captured.out, " key=from the file "));
    }
    unlink(path);
}
END_TEST

START_TEST(help_begins_with_examples_and_names_every_setting)
{
    struct captured captured;
    run(&captured, &(struct call){ .arguments = { "--max-in-flight=0", "--help" } });
    ck_assert_int_eq(captured.status, 0);
    ck_assert_str_eq(captured.err, "");
    const char *examples = strstr(captured.out, "Examples\n  test --max-in-flight=8\n");
    const char *rows = strstr(captured.out, "Settings\n");
    ck_assert(examples && rows && examples < rows);
    static const char *const says[] = {
        "--topic-name=TEXT", "--policy=FILE", "--api-key-file=FILE", "--unknown-submission=CHOICE",
            "--redis-url=URL",
        "--max-in-flight=N", "--drain-ms=DURATION", "--verbose=true|false", "REELGATE_MAX_IN_FLIGHT",
        "REELGATE_API_KEY or TEST_API_SECRET, or either with _FILE", "Default 64; 1 to 4096 calls.",
        "Default 25s; 0 to 10m. ",
        "No default; a file that can be read.", "--kafka.PROPERTY=VALUE", "fail|resubmit",
    };
    for (int i = 0; i < ROWS(says); i++)
        ck_assert_msg(strstr(rows, says[i]), "help does not say: %s", says[i]);
}
END_TEST

START_TEST(version_names_ours_and_the_libraries)
{
    struct captured captured;
    run(&captured, &(struct call){ .arguments = { "--version" } });
    ck_assert_int_eq(captured.status, 0);
    ck_assert_str_eq(captured.out, "test " REELGATE_VERSION "\nsomelibrary 1.2.3\n");
}
END_TEST

START_TEST(a_good_configuration_is_said_so)
{
    struct captured captured;
    run(&captured, &(struct call){ .arguments = { "--check-config" } });
    ck_assert_int_eq(captured.status, 0);
    ck_assert_str_eq(captured.out, "test: configuration is good\n");
}
END_TEST

START_TEST(the_printed_configuration_hides_secrets_and_can_be_read_again)
{
    struct captured first, second;
    run(&first, &(struct call){
        .arguments = { "--print-config", "--redis-url=redis://:hunter2@10.0.0.1/", "--max-in-flight=5",
                       "--kafka.acks=all" },
        .environment = { "TEST_API_SECRET=hunter2" }, .file = "kafka.ssl.key.password = hunter2\n" });
    ck_assert_int_eq(first.status, 0);
    ck_assert_ptr_null(strstr(first.out, "hunter2"));
    static const char *const says[] = {
        "# from --max-in-flight\nmax_in_flight = 5\n", "# api_key = (redacted)\n", "# policy is not set\n",
            "drain_ms = 25s\n",
        "# redis_url = redis://(redacted)@10.0.0.1/\n", "kafka.acks = all\n",
            "# kafka.ssl.key.password = (redacted)\n",
    };
    for (int i = 0; i < ROWS(says); i++)
        ck_assert_msg(strstr(first.out, says[i]), "%s is not in %s", says[i], first.out);
    run(&second, &(struct call){ .file = first.out });
    ck_assert_str_eq(second.err, "");
    ck_assert_str_eq(second.out, DEFAULTS "count=5 wait=25000 verbose=0\nkafka acks=all\n");
}
END_TEST

CHECK_MAIN("param",
    tcase_add_loop_test(tests, settings_come_from_where_they_should, 0, ROWS(good_calls));
    tcase_add_loop_test(tests, a_wrong_setting_is_one_line_and_exit_2, 0, ROWS(bad_calls));
    tcase_add_test(tests, secrets_come_from_files);
    tcase_add_test(tests, help_begins_with_examples_and_names_every_setting);
    tcase_add_test(tests, version_names_ours_and_the_libraries);
    tcase_add_test(tests, a_good_configuration_is_said_so);
    tcase_add_test(tests, the_printed_configuration_hides_secrets_and_can_be_read_again);)
