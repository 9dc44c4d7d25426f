#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "component/cli/world.h"
#include "unit/check_main.h"

static struct world world;

static void begin(void) { world_begin(&world); }
static void end(void) { world_end(&world); }
static void fresh(void) { world_fresh(&world); }

static void apply(void)
{
    struct ran ran;
    RUN(&world, &ran, "topics", "apply", "--partitions=2", "--journal-partitions=3");
    ck_assert_msg(ran.status == 0, "%s", ran.err);
}

static void says(const char *text, const char *words)
{
    ck_assert_msg(strstr(text, words), "\"%s\" is not in: %s", words, text);
}

/* ---- topics */

START_TEST(apply_makes_what_is_missing_and_check_finds_it_good)
{
    struct ran ran;
    RUN(&world, &ran, "topics", "check");
    ck_assert_int_eq(ran.status, 1);
    says(ran.err, "journal: does not exist");
    RUN(&world, &ran, "topics", "apply", "--partitions=2", "--journal-partitions=3", "--json");
    ck_assert_int_eq(ran.status, 0);
    says(ran.out, "journal\",\"exists\":true,\"created\":true,\"partitions\":3,\"replication\":1,"
                  "\"retentionMs\":-1");
    says(ran.out, "requests\",\"exists\":true,\"created\":true,\"partitions\":2,\"replication\":1,"
                  "\"retentionMs\":604800000," "\"retentionBytes\":-1,\"logAppendTime\":true");
    RUN(&world, &ran, "topics", "apply", "--json");
    ck_assert_int_eq(ran.status, 0);
    says(ran.out, "journal\",\"exists\":true,\"created\":false,\"partitions\":3");
    RUN(&world, &ran, "topics", "check");
    ck_assert_int_eq(ran.status, 0);
    RUN(&world, &ran, "topics", "check", "--replication=2");
    ck_assert_int_eq(ran.status, 1);
    says(ran.err, "has 1 replicas, must be at least 2");
}
END_TEST

static void make_topic(const char *name, int32_t partitions, const char *setting, const char *value)
{
    struct kafka_config config = broker_config("test-topics");
    struct kafka_client *client = kafka_client_open(&config);
    const struct kafka_topic_setting settings[] = { { setting, value } };
    const struct kafka_topic_plan plan = { .name = world_topic(&world, name), .partitions = partitions,
                                           .replication = 1,
                                           .settings = settings, .setting_count = 1 };
    char error[200] = "";
    ck_assert_msg(kafka_topic_create(client, &plan, 20000, error) == KAFKA_CREATED, "%s", error);
    kafka_client_close(&client);
}

START_TEST(topics_that_could_lose_money_are_refused)
{
    struct ran ran;
    make_topic("journal", 3, "retention.ms", "604800000");
    make_topic("jobs", 3, "cleanup.policy", "compact");
    make_topic("tasks", 2, "retention.ms", "3600000");
    make_topic("requests", 2, "message.timestamp.type", "CreateTime");
    RUN(&world, &ran, "topics", "apply", "--json");
    ck_assert_int_eq(ran.status, 1);
    says(ran.err, "journal: retention.ms is 604800000, must be -1");
    says(ran.err, "jobs: cleanup.policy is compact");
    says(ran.err, "tasks: retention.ms is 3600000");
    says(ran.err, "requests: message.timestamp.type is CreateTime");
    says(ran.err, "tasks: has 2 partitions and");
    says(ran.err, "5 things must be changed first");
    says(ran.out, "\"complaints\":[\"");
}
END_TEST

/* ---- publishing */

START_TEST(a_grant_is_published_as_billing_would)
{
    struct ran ran;
    apply();
    RUN(&world, &ran, "grant", "--user=u-1", "--amount=7", "--grant-id=g-1", "--description=welcome \"you\"",
        "--wait=false", "--json");
    ck_assert_msg(ran.status == 0, "%s", ran.err);
    ck_assert_str_eq(ran.out, "{\"grantId\":\"g-1\",\"userId\":\"u-1\",\"amount\":7}\n");
    struct seen_list list = world_first(&world, "grants");
    ck_assert_str_eq(list.rows[0].key, "u-1");
    ck_assert_str_eq(list.rows[0].value,
                     "{\"grantId\":\"g-1\",\"userId\":\"u-1\",\"amount\":7,\"description\":\"welcome "
                     "\\\"you\\\"\"}");
    broker_seen_free(&list);
}
END_TEST

static const struct { const char *words[8]; const char *says; } wrong_words[] = {
    { { "grant", "--amount=1" }, "--user is missing" },
    { { "grant", "--user=u" }, "--amount is missing" },
    { { "grant", "--user=u", "--amount=0" }, "amount" },
    { { "grant", "--user=u u", "--amount=1" }, "\"u u\"" },
    { { "grant", "--user=u", "--amount=2147483649" }, "-2147483648 to 2147483648" },
    { { "grant", "u", "--amount=1" }, "unexpected word \"u\"" },
    { { "request", "--user=u" }, "--prompt is missing" },
    { { "request", "--user=u", "--prompt=" }, "prompt" },
    { { "request", "--user=u", "--prompt=x", "--image=ftp://a/b.png" }, "image" },
    { { "request", "--user=u", "--prompt=x", "--deadline=59" }, "60 to 86400" },
    { { "balance" }, "expected USER" },
    { { "balance", "a", "b" }, "got 2 words" },
    { { "status", "g" }, "--user is missing" },
    { { "topics", "destroy" }, "expected apply or check" },
    { { "healthcheck", "ftp://x" }, "must be http://" },
    { { "balance", "u", "--redis-url=redis://h:99999" }, "redis_url" },
    { { "audit", "--kafka.isolation.level=read_uncommitted" }, "isolation.level" },
    { { "rebuild", "all" }, "unexpected word \"all\"" },
    { { "rebuild", "--user=u", "--bucket=1" }, "give one of them" },
    { { "bless" }, "unknown verb \"bless\"" },
};

START_TEST(wrong_words_are_one_line_and_exit_2)
{
    struct ran ran;
    world_run(&world, &ran, wrong_words[_i].words);
    ck_assert_msg(ran.status == 2, "exit %d: %s", ran.status, ran.err);
    ck_assert_str_eq(ran.out, "");
    says(ran.err, wrong_words[_i].says);
    ck_assert_ptr_eq(strchr(ran.err, '\n'), ran.err + strlen(ran.err) - 1);
}
END_TEST

/* ---- waiting for the workers */

static void write_entry(const char *user, const char *value)
{
    world_write(&world, &(struct written){ .topic = "journal", .partition = bucket_of(user, strlen(user),
                                                                                      BUCKETS),
                                           .key = user, .ce_type = "reelgate.tokens.entry", .value = value });
}

#define AT ",\"at\":\"2026-11-23T10:00:00.000Z\"}"
#define GRANT_ENTRY \
    "{\"kind\":\"grant\",\"userId\":\"u-1\",\"grantId\":\"g-1\",\"amount\":7,\"description\":\"welcome\"," \
    "\"origin\":\"grants/0@0\",\"balance\":{\"granted\":7,\"available\":7,\"reserved\":0,\"spent\":0}" AT
#define RESERVE_ENTRY "{\"kind\":\"reserve\",\"userId\":\"u-1\",\"generationId\":\"v-1\",\"amount\":3," \
    "\"origin\":\"requests/0@0\",\"fingerprint\":\"f\",\"quote\":{\"model\":\"m\",\"units\":1,\"tokens\":3," \
    "\"policyVersion\":\"1\"},\"balance\":{\"granted\":7,\"available\":4,\"reserved\":3,\"spent\":0}" AT
#define COMMIT_ENTRY "{\"kind\":\"commit\",\"userId\":\"u-1\",\"generationId\":\"v-1\",\"amount\":3," \
    "\"description\":\"Video generation: v-1\",\"origin\":\"results/0@0\"," \
    "\"quote\":{\"model\":\"m\",\"units\":1,\"tokens\":3,\"policyVersion\":\"1\"}," \
    "\"balance\":{\"granted\":7,\"available\":4,\"reserved\":0,\"spent\":3}" AT

START_TEST(a_grant_waits_for_its_entry)
{
    struct ran ran;
    apply();
    struct running *running = world_start(&world, (const char *const[]){
        "grant", "--user=u-1", "--amount=7", "--grant-id=g-1", "--json", NULL });
    struct seen_list list = world_first(&world, "grants");
    broker_seen_free(&list);
    write_entry("u-1", GRANT_ENTRY);
    world_await(&running, &ran);
    ck_assert_msg(ran.status == 0, "%s", ran.err);
    ck_assert_str_eq(ran.out, "{\"grantId\":\"g-1\",\"userId\":\"u-1\",\"amount\":7,"
                              "\"balance\":{\"granted\":7,\"available\":7,\"reserved\":0,\"spent\":0}}\n");

    /* again: it is there */
    RUN(&world, &ran, "grant", "--user=u-1", "--amount=7", "--grant-id=g-1");
    ck_assert_int_eq(ran.status, 0);
    /* the same id, another amount */
    RUN(&world, &ran, "grant", "--user=u-1", "--amount=8", "--grant-id=g-1");
    ck_assert_int_eq(ran.status, 4);
    says(ran.err, "was given before with amount 7");
    RUN(&world, &ran, "grant", "--user=u-1", "--amount=8", "--grant-id=g-2", "--wait-ms=500ms");
    ck_assert_int_eq(ran.status, 7);
    says(ran.err, "is the ledger running?");
    says(ran.err, "--grant-id=g-2");
}
END_TEST

START_TEST(a_grant_that_became_a_dead_letter_says_why)
{
    struct ran ran;
    char partition[16], offset[24];
    apply();
    struct running *running = world_start(&world, (const char *const[]){
        "grant", "--user=u-1", "--amount=-7", "--grant-id=g-1", NULL });
    struct seen_list list = world_first(&world, "grants");
    snprintf(partition, sizeof partition, "%" PRId32, list.rows[0].partition);
    snprintf(offset, sizeof offset, "%" PRId64, list.rows[0].offset);
    char topic[160];
    snprintf(topic, sizeof topic, "%s", world_topic(&world, "grants"));
    const char *other[] = { "dlq-original-topic", topic, "dlq-original-partition", partition,
                            "dlq-original-offset", "999", "dlq-error-code", "another", NULL };
    const char *ours[] = { "dlq-original-topic", topic, "dlq-original-partition", partition,
                           "dlq-original-offset", offset,
                           "dlq-error-code", "below_zero", "dlq-error-message", "too little is there", NULL };
    world_write(&world, &(struct written){ "dead-letters", 0, "u-1", NULL, list.rows[0].value, other });
    world_write(&world, &(struct written){ "dead-letters", 0, "u-1", NULL, list.rows[0].value, ours });
    broker_seen_free(&list);
    world_await(&running, &ran);
    ck_assert_int_eq(ran.status, 4);
    ck_assert_str_eq(ran.out, "");
    says(ran.err, "refused, below_zero: too little is there");
}
END_TEST

#define RESULT(type) "{\"generationId\":\"v-1\",\"userId\":\"u-1\"," type "}"
#define ERROR(code) "\"error\":{\"code\":\"" code "\",\"message\":\"words\",\"context\":{}}"
static const struct { const char *type, *value, *printed; int status; } result_cases[] = {
    { "completed", RESULT("\"taskId\":\"t\",\"output\":[\"https://cdn/x.mp4\"],"
                          "\"outputExpiresAt\":\"2026-11-24T00:00:00Z\","
                          "\"requiredTokens\":3,\"timings\":{}"),
                              "completed v-1\noutput    https://cdn/x.mp4\n", 0 },
    { "rejected", RESULT(ERROR("insufficient_tokens")),
      "rejected v-1\nerror     insufficient_tokens: words\n", 3 },
    { "rejected", RESULT(ERROR("validation_error")), "rejected v-1\nerror     validation_error: words\n", 4 },
    { "failed", RESULT(ERROR("generation_error") ",\"charge\":0"),
      "failed v-1\nerror     generation_error: words\n", 5 },
    { "cancelled", RESULT(ERROR("generation_error") ",\"charge\":1"),
      "cancelled v-1\nerror     generation_error: words\n", 6 },
};

static void write_result(const char *type, const char *value)
{
    char ce_type[64];
    snprintf(ce_type, sizeof ce_type, "reelgate.generation.%s", type);
    world_write(&world, &(struct written){ "results", 0, "u-1", ce_type, value, NULL });
}

START_TEST(a_request_is_followed_to_its_end)
{
    struct ran ran;
    apply();
    struct running *running = world_start(&world, (const char *const[]){
        "request", "--user=u-1", "--prompt=a red balloon", "--generation-id=v-1", "--duration=5",
            "--ratio=1280:720", NULL });
    struct seen_list list = world_first(&world, "requests");
    ck_assert_str_eq(list.rows[0].value,
                     "{\"generationId\":\"v-1\",\"userId\":\"u-1\",\"prompt\":\"a red balloon\","
                                         "\"durationSeconds\":5,\"ratio\":\"1280:720\"}");
    broker_seen_free(&list);
    write_result("failed", "{\"generationId\":\"v-0\",\"userId\":\"u-1\"," ERROR("generation_error")
                           ",\"charge\":0}");
    write_result("accepted", RESULT("\"requiredTokens\":3,\"quote\":{\"model\":\"m\",\"units\":1,"
                                    "\"tokens\":3,"
                                    "\"policyVersion\":\"1\"},\"balance\":{\"granted\":7,\"available\":4,"
                                    "\"reserved\":3,\"spent\":0}"));
    write_result("submitted", RESULT("\"taskId\":\"t\",\"provider\":\"runway\""));
    write_result(result_cases[_i].type, result_cases[_i].value);
    world_await(&running, &ran);
    ck_assert_msg(ran.status == result_cases[_i].status, "exit %d: %s%s", ran.status, ran.out, ran.err);
    ck_assert_int_eq(strncmp(ran.out, result_cases[_i].printed, strlen(result_cases[_i].printed)), 0);
    says(ran.err, "accepted, waiting for the provider");
    says(ran.err, "submitted, rendering");
}
END_TEST

START_TEST(a_cancel_is_published_and_not_waited_for)
{
    struct ran ran;
    apply();
    RUN(&world, &ran, "cancel", "v-1", "--user=u-1", "--json");
    ck_assert_msg(ran.status == 0, "%s", ran.err);
    says(ran.out, "{\"generationId\":\"v-1\",\"userId\":\"u-1\",\"origin\":\"");
    struct seen_list list = world_first(&world, "requests");
    ck_assert_str_eq(list.rows[0].value, "{\"generationId\":\"v-1\",\"userId\":\"u-1\"}");
    broker_seen_free(&list);
}
END_TEST

/* ---- the books */

START_TEST(a_statement_is_the_users_entries_newest_last)
{
    struct ran ran;
    apply();
    write_entry("u-1", GRANT_ENTRY);
    write_entry("u-1", "{\"kind\":\"grant\",\"userId\":\"u-2\",\"grantId\":\"other\",\"amount\":1,"
                       "\"origin\":\"grants/0@1\","
                       "\"balance\":{\"granted\":1,\"available\":1,\"reserved\":0,\"spent\":0}" AT);
    write_entry("u-1", RESERVE_ENTRY);
    write_entry("u-1", COMMIT_ENTRY);
    RUN(&world, &ran, "statement", "u-1", "--limit=2", "--json");
    ck_assert_msg(ran.status == 0, "%s", ran.err);
    ck_assert_ptr_eq(strstr(ran.out, "{\"userId\":\"u-1\",\"count\":3,\"entries\":[{"), ran.out);
    const char *reserve = strstr(ran.out, "\"kind\":\"reserve\",\"generationId\":\"v-1\",\"amount\":3");
    const char *commit = strstr(ran.out, "\"kind\":\"commit\",\"generationId\":\"v-1\",\"amount\":3,"
                                         "\"description\":\"Video generation: v-1\"");
    ck_assert(reserve && commit && reserve < commit);
    ck_assert_ptr_null(strstr(ran.out, "\"grant\""));
    says(ran.err, "1 older entries are not shown");
}
END_TEST

/* HSET of a row of u-1's bucket: kind "user:", "gen:", "grant:" with the id, then the fields. */
static void redis_set(const char *row, const char *fields)
{
    char command[400];
    snprintf(command, sizeof command, "HSET rg:{%" PRId32 "}:%s %s", bucket_of("u-1", 3, BUCKETS), row,
             fields);
    redis_server_ask(world.redis, command);
}

static void redis_as_the_journal_says(void)
{
    redis_set("user:u-1", "granted 7 available 4 reserved 0 spent 3");
    redis_set("gen:v-1", "user u-1 state settled tokens 3 committed 3 released 0");
    redis_set("grant:g-1", "user u-1 state done amount 7 origin grants/0@0");
}

START_TEST(the_audit_compares_the_journal_with_redis)
{
    struct ran ran;
    apply();
    /* nothing at all adds up */
    RUN(&world, &ran, "audit", "--settle-ms=0", "--json");
    ck_assert_msg(ran.status == 0, "%s%s", ran.out, ran.err);
    write_entry("u-1", GRANT_ENTRY);
    write_entry("u-1", RESERVE_ENTRY);
    write_entry("u-1", COMMIT_ENTRY);
    redis_as_the_journal_says();
    RUN(&world, &ran, "audit", "--settle-ms=0", "--json");
    ck_assert_msg(ran.status == 0, "%s%s", ran.out, ran.err);
    says(ran.out, "\"entries\":3,\"buckets\":3,\"users\":1,\"generations\":1,\"openHolds\":0,"
                  "\"liveItems\":0,\"granted\":7,\"available\":4," "\"reserved\":0,\"spent\":3");
    says(ran.out, "\"differences\":[]}");

    /* a grant nobody journaled */
    redis_set("user:u-1", "available 5 granted 8");
    RUN(&world, &ran, "audit", "--settle-ms=0", "--json");
    ck_assert_int_eq(ran.status, 1);
    says(ran.out, "\"kind\":\"balance_differs\"");
    redis_as_the_journal_says();
    write_entry("u-1", COMMIT_ENTRY);                                                    /* written twice */
    RUN(&world, &ran, "audit", "--settle-ms=0");
    ck_assert_int_eq(ran.status, 1);
    says(ran.out, "entry_repeated");
    says(ran.out, "differences 1\n");
}
END_TEST

START_TEST(an_open_hold_needs_a_live_item)
{
    static const char job[] = "{\"generationId\":\"v-1\",\"userId\":\"u-1\",\"prompt\":\"p\","
                              "\"model\":\"m\",\"requiredTokens\":3,"
        "\"acceptedAt\":\"2026-11-23T10:00:00Z\",\"deadlineAt\":\"2026-11-23T11:00:00Z\"}";
    struct ran ran;
    apply();
    write_entry("u-1", GRANT_ENTRY);
    write_entry("u-1", RESERVE_ENTRY);
    redis_set("user:u-1", "granted 7 available 4 reserved 3 spent 0");
    redis_set("gen:v-1", "user u-1 state reserved tokens 3");
    redis_set("grant:g-1", "user u-1 state done amount 7 origin grants/0@0");
    RUN(&world, &ran, "audit", "--settle-ms=0");
    ck_assert_int_eq(ran.status, 1);
    says(ran.out, "hold_without_item, bucket");
    says(ran.out, "differences 1\n");
    world_write(&world, &(struct written){ "jobs", 1, "v-1", "reelgate.generation.job", job, NULL });
    RUN(&world, &ran, "audit", "--settle-ms=0");
    ck_assert_msg(ran.status == 0, "%s%s", ran.out, ran.err);
    world_write(&world, &(struct written){ "jobs", 1, "v-1", NULL, "",
                                           (const char *[]){ "mark", "intent", "item", "0", NULL } });
    RUN(&world, &ran, "audit", "--settle-ms=0");
    ck_assert_int_eq(ran.status, 0);
    world_write(&world, &(struct written){ "jobs", 1, "v-1", NULL, "",
                                           (const char *[]){ "mark", "done", "item", "0", NULL } });
    RUN(&world, &ran, "audit", "--settle-ms=0");
    ck_assert_int_eq(ran.status, 1);
    says(ran.out, "neither a job nor a task is live");
}
END_TEST

START_TEST(the_audit_looks_again_before_it_tells)
{
    struct ran ran;
    apply();
    write_entry("u-1", GRANT_ENTRY);
    struct running *running = world_start(&world, (const char *const[]){ "audit", "--settle-ms=20s", NULL });
    clock_sleep_ms(1500);                /* time for a first look, which differs */
    write_entry("u-1", RESERVE_ENTRY);
    write_entry("u-1", COMMIT_ENTRY);
    redis_as_the_journal_says();
    world_await(&running, &ran);
    ck_assert_msg(ran.status == 0, "%s%s", ran.out, ran.err);
    says(ran.err, "looking again");
    says(ran.out, "spent       3\ndifferences 0\n");
}
END_TEST

/* What the ledger does then is for tests/system/test_recovery.py; here is nobody who does it. */
START_TEST(a_rebuild_takes_verified_away_and_waits_for_the_ledger)
{
    struct ran ran;
    apply();
    write_entry("u-1", GRANT_ENTRY);
    char command[100];
    int32_t bucket = bucket_of("u-1", 3, BUCKETS);
    for (int b = 0; b < BUCKETS; b++) {
        snprintf(command, sizeof command, "HSET rg:{%d}:meta verified x line 00 journaled 1 partitions 3", b);
        redis_server_ask(world.redis, command);
    }
    RUN(&world, &ran, "rebuild", "--user=u-1", "--wait-ms=300ms", "--json");
    ck_assert_int_eq(ran.status, 7);
    says(ran.err, "1 of 1 buckets wait: is the ledger running?");
    says(ran.out, "{\"buckets\":1,\"verified\":0,\"journalOffsets\":1,\"durationMs\":");
    snprintf(command, sizeof command, "HKEYS rg:{%d}:meta", bucket);
    ck_assert_str_eq(redis_server_ask(world.redis, command), "nonce");
    snprintf(command, sizeof command, "HKEYS rg:{%d}:meta", (bucket + 1) % BUCKETS);
    ck_assert_str_eq(redis_server_ask(world.redis, command), "verified line journaled partitions");
    RUN(&world, &ran, "rebuild", "--wait=false");
    ck_assert_msg(ran.status == 0, "%s", ran.err);
    says(ran.out, "rebuilt   0 of 3 buckets");
    ck_assert_str_eq(redis_server_ask(world.redis, command), "nonce");
    RUN(&world, &ran, "rebuild", "--bucket=3");
    ck_assert_int_eq(ran.status, 2);
    says(ran.err, "--bucket = 3 is not there: the journal has 3 partitions");
}
END_TEST

START_TEST(who_is_away_is_named)
{
    struct ran ran;
    RUN(&world, &ran, "balance", "u-1", "--kafka-bootstrap-servers=127.0.0.1:1", "--timeout-ms=500ms");
    ck_assert_int_eq(ran.status, 7);
    says(ran.err, "Kafka at 127.0.0.1:1 does not answer");
    apply();
    RUN(&world, &ran, "balance", "u-1", "--redis-url=redis://127.0.0.1:1", "--timeout-ms=500ms");
    ck_assert_int_eq(ran.status, 7);
    says(ran.err, "Redis did not answer");
    RUN(&world, &ran, "healthcheck", "http://127.0.0.1:1/healthz");
    ck_assert_int_eq(ran.status, 1);
    says(ran.out, "unhealthy");
}
END_TEST

CHECK_MAIN("cli",
    tcase_add_unchecked_fixture(tests, begin, end);
    tcase_add_checked_fixture(tests, fresh, NULL);
    tcase_add_test(tests, apply_makes_what_is_missing_and_check_finds_it_good);
    tcase_add_test(tests, topics_that_could_lose_money_are_refused);
    tcase_add_test(tests, a_grant_is_published_as_billing_would);
    tcase_add_loop_test(tests, wrong_words_are_one_line_and_exit_2, 0, ROWS(wrong_words));
    tcase_add_test(tests, a_grant_waits_for_its_entry);
    tcase_add_test(tests, a_grant_that_became_a_dead_letter_says_why);
    tcase_add_loop_test(tests, a_request_is_followed_to_its_end, 0, ROWS(result_cases));
    tcase_add_test(tests, a_cancel_is_published_and_not_waited_for);
    tcase_add_test(tests, a_statement_is_the_users_entries_newest_last);
    tcase_add_test(tests, the_audit_compares_the_journal_with_redis);
    tcase_add_test(tests, an_open_hold_needs_a_live_item);
    tcase_add_test(tests, the_audit_looks_again_before_it_tells);
    tcase_add_test(tests, a_rebuild_takes_verified_away_and_waits_for_the_ledger);
    tcase_add_test(tests, who_is_away_is_named);)
