/* The scripts themselves, called as no C of ours would: hostile arguments, keys of a wrong type, accounts
 * that don't add up. Whatever happens, nothing is half done: the whole of Redis is compared byte for byte
 * (hazards R2, R3, R9). */
#include "bench.h"
#include "redis/redis.h"
#include "tokens/scripts.h"
#include "unit/check_main.h"

enum { VALUES = 24 };

struct direct_call { enum script script; size_t keys, count; const char *values[VALUES]; };

#define META "rg:{0}:meta"
#define USER "rg:{0}:user:u1"
#define GEN "rg:{0}:gen:"
#define DAY "rg:{0}:day:20251123"
#define VERIFIED ""                      /* replaced by the real one */

/* Each is good as it stands, on the state that prepare makes. */
static const struct direct_call good[] = {
    { SCRIPT_RESERVE, 4, 15, { META, USER, GEN "new", "rg:{0}:open", VERIFIED, "", "u1", "new",
                               "requests/0@9", "f1", "3",
                               "1 m p", "1763878493000", "", "3600000" } },
    { SCRIPT_SETTLE, 8, 18, { META, USER, GEN "held", "rg:{0}:open", "rg:{0}:view:held", DAY, "rg:{0}:top",
                              "rg:{0}:recent:u1", VERIFIED, "", "u1", "held", "results/0@9", "2",
                              "1763878493000", "failed", "{}", "604800000" } },
    { SCRIPT_GRANT, 4, 12, { META, USER, "rg:{0}:grant:new", DAY, VERIFIED, "", "u1", "new", "grants/0@9",
                             "5",
                             "1763878493000", "3600000" } },
    { SCRIPT_LOOKUP, 2, 5, { META, GEN "held", VERIFIED, "", "u1" } },
    { SCRIPT_PROGRESS, 5, 13, { META, GEN "held", "rg:{0}:view:held", "rg:{0}:recent:u1", DAY, VERIFIED, "",
                                "u1", "held",
                                "accepted", "{}", "1763878493000", "604800000" } },
};
enum { RESERVE, SETTLE, GRANT, LOOKUP, PROGRESS };

static struct redis *direct;
static char verified[200];

static void prepare(void)
{
    char error[200];
    bench_start();
    bench_grant("u1", "first", 1, 10);
    bench_reserve("u1", "held", 1, 4);
    snprintf(verified, sizeof verified, "%s", bench_ask("HGET " META " verified"));
    direct = redis_open(redis_server_url(bench.server), 2000, error);
    redis_scripts(direct, script_sources, SCRIPTS);
    ck_assert_int_eq(redis_connect(direct), TROUBLE_NONE);
}

static void clean(void)
{
    redis_close(&direct);
    bench_stop();
}

/* The answer, or the error's words after "ERR:". */
static const char *run(const struct direct_call *call)
{
    static char answer[600];
    struct redis_reply *reply;
    struct direct_call copy = *call;
    copy.values[call->keys] = verified;
    redis_append_script(direct, copy.script, copy.keys, copy.count, copy.values, NULL);
    ck_assert_int_eq(redis_receive(direct, &reply), TROUBLE_NONE);
    const char *text = redis_reply_text(reply, NULL);
    snprintf(answer, sizeof answer, "%s%s", redis_reply_kind(reply) == REDIS_ERROR ? "ERR:" : "", text ? text
             : "?");
    redis_reply_free(&reply);
    return answer;
}

static const char *const good_answers[] = { "held 3 ", "done 2 2 ", "done 5 15 ", "held", "ok" };

START_TEST(each_call_is_good_as_it_stands)
{
    const char *answer = run(&good[_i]);
    ck_assert_msg(strncmp(answer, good_answers[_i], strlen(good_answers[_i])) == 0, "%s", answer);
}
END_TEST

START_TEST(nothing_happens_under_another_verified)
{
    const char *before = bench_state();
    strcpy(verified, "a:b:1:c");
    ck_assert_str_eq(run(&good[_i]), "unverified");
    verified[0] = '\0';
    ck_assert_str_eq(run(&good[_i]), "unverified");
    ck_assert_str_eq(before, bench_state());
    bench_ask("HDEL " META " verified");
    before = bench_state();
    ck_assert_str_eq(run(&good[_i]), "unverified");
    ck_assert_str_eq(before, bench_state());
}
END_TEST

START_TEST(with_replicas_the_ids_are_compared_too)
{
    struct direct_call call = good[_i];
    call.values[call.keys + 1] = "ids";
    const char *answer = run(&call);
    ck_assert_msg(strncmp(answer, good_answers[_i], strlen(good_answers[_i])) == 0, "%s", answer);
    /* a promotion kept the connection open */
    snprintf(verified, sizeof verified, "%040d:%040d:1:%032d", 1, 2, 3);
    bench_ask("HSET " META " verified %s", verified);
    const char *before = bench_state();
    ck_assert_str_eq(run(&call), "unverified");
    ck_assert_str_eq(before, bench_state());
}
END_TEST

static const struct { int call; size_t value; const char *const *texts; } hostile[] = {
#define TEXTS(...) (const char *const[]){ __VA_ARGS__, NULL }
#define NO_NUMBER "", " ", "x", "nan", "inf", "-inf", "0x10", "1e3", "1.0", "+1", " 1", "1 ", "01", "1\n", \
                  "--1", "1,0", \
                  "9007199254740993", "99999999999999999999"
    { RESERVE, 10, TEXTS(NO_NUMBER, "0", "-5", "2147483649") },              /* tokens */
    { RESERVE, 12, TEXTS(NO_NUMBER, "0", "-1") },                            /* time */
    { RESERVE, 14, TEXTS(NO_NUMBER, "0", "-1") },                            /* window */
    { RESERVE, 8, TEXTS("", "requests", "requests/0", "requests/0@", "requests/x@1", "requests/0@1 ", "@1") },
    { RESERVE, 6, TEXTS("") },                                               /* user, generation */
    { RESERVE, 7, TEXTS("") },
    { SETTLE, 13, TEXTS(NO_NUMBER, "-5", "ALL") },                           /* charge */
    { SETTLE, 14, TEXTS(NO_NUMBER, "-1") },
    { SETTLE, 17, TEXTS(NO_NUMBER, "0", "-1") },
    { SETTLE, 12, TEXTS("", "results/0@-1") },
    { GRANT, 9, TEXTS(NO_NUMBER, "0", "-0", "2147483649", "-2147483649", "-", "- 5") },      /* amount */
    { GRANT, 10, TEXTS(NO_NUMBER, "-1") },
    { GRANT, 11, TEXTS(NO_NUMBER, "0") },
    { GRANT, 8, TEXTS("", "grants/0@nan") },
    { PROGRESS, 11, TEXTS(NO_NUMBER, "-1") },
    { PROGRESS, 12, TEXTS(NO_NUMBER, "0") },
};

START_TEST(a_hostile_argument_is_an_error_and_moves_nothing)
{
    const char *before = bench_state();
    for (const char *const *text = hostile[_i].texts; *text; text++) {
        struct direct_call call = good[hostile[_i].call];
        call.values[hostile[_i].value] = *text;
        const char *answer = run(&call);
        ck_assert_msg(strncmp(answer, "ERR:", 4) == 0 && strstr(answer, "ARGUMENT"), "'%s': %s", *text,
                      answer);
    }
    ck_assert_str_eq(before, bench_state());
    ck_assert_msg(strncmp(run(&good[hostile[_i].call]), "ERR:", 4) != 0, "the good one must still work");
}
END_TEST

/* Money's keys: an error, and nothing moved. Views: the money moves, the odd key stays as it is (a view's own
 * is replaced). */
static const struct { int call; size_t key; bool money; } wrong_types[] = {
    { RESERVE, 0, true }, { RESERVE, 1, true }, { RESERVE, 2, true }, { RESERVE, 3, true },
    { SETTLE, 0, true }, { SETTLE, 1, true }, { SETTLE, 2, true }, { SETTLE, 3, true },
    { SETTLE, 4, false }, { SETTLE, 5, false }, { SETTLE, 6, false }, { SETTLE, 7, false },
    { GRANT, 0, true }, { GRANT, 1, true }, { GRANT, 2, true }, { GRANT, 3, false },
    { LOOKUP, 0, true }, { LOOKUP, 1, true },
    { PROGRESS, 0, true }, { PROGRESS, 1, true }, { PROGRESS, 2, false }, { PROGRESS, 3, false },
        { PROGRESS, 4, false },
};

START_TEST(a_key_of_a_wrong_type_never_leaves_half_a_step)
{
    const struct direct_call *call = &good[wrong_types[_i].call];
    const char *key = call->values[wrong_types[_i].key];
    bench_ask("DEL %s", key);
    ck_assert_str_eq(bench_ask("RPUSH %s odd", key), "1");
    const char *before = bench_state();
    const char *answer = run(call);
    if (wrong_types[_i].money) {
        ck_assert_msg(strncmp(answer, "ERR:", 4) == 0 && strstr(answer, "WRONGTYPE"), "%s", answer);
        ck_assert_str_eq(before, bench_state());
        return;
    }
    const char *want = good_answers[wrong_types[_i].call];
    ck_assert_msg(strncmp(answer, want, strlen(want)) == 0, "%s", answer);
    const char *type = bench_ask("TYPE %s", key);
    ck_assert_msg(strcmp(type, "list") == 0 || strstr(key, ":view:"), "%s is %s", key, type);
}
END_TEST

static const char *const broken_accounts[] = {
    "granted 10 available 6 reserved 4 spent 1", "granted 10 available 7 reserved 4 spent 0",
    "granted x available 6 reserved 4 spent 0", "granted 10 available 6 reserved -4 spent 8",
    "granted 10 available 0x6 reserved 4 spent 0", "granted 1e1 available 6 reserved 4 spent 0",
    "granted 10 available 99999999999999999999 reserved 4 spent 0",
};

START_TEST(an_account_that_does_not_add_up_is_not_touched)
{
    for (int call = RESERVE; call <= GRANT; call++) {
        bench_ask("HSET " USER " %s", broken_accounts[_i]);
        const char *before = bench_state();
        const char *answer = run(&good[call]);
        ck_assert_msg(strncmp(answer, "ERR:", 4) == 0 && strstr(answer, "ACCOUNT does not add up"), "%s",
                      answer);
        ck_assert_str_eq(before, bench_state());
    }
}
END_TEST

START_TEST(a_missing_field_is_an_account_that_does_not_add_up)
{
    bench_ask("HDEL " USER " reserved");
    const char *before = bench_state();
    ck_assert_msg(strstr(run(&good[RESERVE]), "ACCOUNT does not add up"), "a lost field was taken for zero");
    ck_assert_str_eq(before, bench_state());
}
END_TEST

/* A user's words must not get into an error reply, where they could pass for protocol (R9). */
START_TEST(no_users_text_in_an_error)
{
    for (int i = RESERVE; i <= GRANT; i++) {
        struct direct_call call = good[i];
        call.values[call.keys + 2] = "SECRETUSER\r\n+OK";
        call.values[call.keys + 3] = "SECRETID";
        call.values[call.keys + 4] = "SECRETORIGIN";
        const char *answer = run(&call);
        ck_assert_msg(strncmp(answer, "ERR:", 4) == 0 && !strstr(answer, "SECRET"), "%s", answer);
    }
}
END_TEST

/* Cluster: a script touches only what it declares. Redis itself says so when told to. */
START_TEST(only_declared_keys_are_touched)
{
    ck_assert_str_eq(bench_ask("ACL SETUSER narrow on nopass allcommands"), "OK");
    ck_assert_str_eq(bench_ask("ACL SETUSER narrow resetkeys %%RW~" META), "OK");
    for (size_t i = 1; i < good[_i].keys; i++)
        ck_assert_str_eq(bench_ask("ACL SETUSER narrow ~%s", good[_i].values[i]), "OK");
    struct redis_reply *reply;
    redis_append(direct, 3, (const char *[]){ "AUTH", "narrow", "" }, NULL);
    ck_assert_int_eq(redis_receive(direct, &reply), TROUBLE_NONE);
    ck_assert_int_eq(redis_reply_kind(reply), REDIS_STATUS);
    redis_reply_free(&reply);
    const char *answer = run(&good[_i]);
    ck_assert_msg(strncmp(answer, good_answers[_i], strlen(good_answers[_i])) == 0, "%s", answer);
}
END_TEST

CHECK_MAIN("tokens-script", tcase_add_checked_fixture(tests, prepare, clean); tcase_set_timeout(tests, 30);
           tcase_add_loop_test(tests, each_call_is_good_as_it_stands, 0, ROWS(good));
           tcase_add_loop_test(tests, nothing_happens_under_another_verified, 0, ROWS(good));
           tcase_add_loop_test(tests, with_replicas_the_ids_are_compared_too, 0, ROWS(good));
           tcase_add_loop_test(tests, a_hostile_argument_is_an_error_and_moves_nothing, 0, ROWS(hostile));
           tcase_add_loop_test(tests, a_key_of_a_wrong_type_never_leaves_half_a_step, 0, ROWS(wrong_types));
           tcase_add_loop_test(tests, an_account_that_does_not_add_up_is_not_touched, 0,
                               ROWS(broken_accounts));
           tcase_add_test(tests, a_missing_field_is_an_account_that_does_not_add_up);
           tcase_add_test(tests, no_users_text_in_an_error);
           tcase_add_loop_test(tests, only_declared_keys_are_touched, 0, ROWS(good));)
