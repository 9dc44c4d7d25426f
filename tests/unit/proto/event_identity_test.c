/* What names a fact: ce_id, subject and fingerprint. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/event.h"
#include "proto/sha256.h"

/* The vectors of FIPS 180-4's examples, and the lengths around a block's end against coreutils. */
static const struct { const char *unit; size_t times; const char *wanted; } digest_cases[] = {
    { "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
    { "a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
    { "a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a" },
    { "a", 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34" },
    { "a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
};

START_TEST(digest_is_sha256)
{
    size_t unit = strlen(digest_cases[_i].unit), length = unit * digest_cases[_i].times;
    char *bytes = malloc(length + 1), hex[2 * SHA256_BYTES + 1];
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < length; i++)
        bytes[i] = digest_cases[_i].unit[i % unit];
    uint8_t digest[SHA256_BYTES];
    sha256(bytes, length, digest);
    for (int i = 0; i < SHA256_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    ck_assert_str_eq(hex, digest_cases[_i].wanted);
    free(bytes);
}
END_TEST

/* RFC 4231's cases 1, 2 and 6: a key shorter than a block, a short word for a key, and one longer than a
 * block. */
static const struct { const char *unit; size_t times; const char *bytes, *wanted; } keyed_cases[] = {
    { "\x0b", 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "Jefe", 1, "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { "\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
};

START_TEST(keyed_digest_is_hmac)
{
    char key[131], hex[2 * SHA256_BYTES + 1];
    size_t unit = strlen(keyed_cases[_i].unit), length = unit * keyed_cases[_i].times;
    for (size_t i = 0; i < length; i++)
        key[i] = keyed_cases[_i].unit[i % unit];
    uint8_t digest[SHA256_BYTES];
    sha256_keyed((struct sha256_key){ key, length }, keyed_cases[_i].bytes, strlen(keyed_cases[_i].bytes),
                 digest);
    for (int i = 0; i < SHA256_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    ck_assert_str_eq(hex, keyed_cases[_i].wanted);
}
END_TEST

static struct event event_of(enum event_type type)
{
    struct event event;
    event_init(&event, type);
    event.generation_id = "gen-1";
    event.user_id = "user-1";
    return event;
}

static const struct {
    enum event_type type;
    const char *generation, *grant, *kind, *nonce, *origin, *wanted;
} id_cases[] = {
    { EVENT_GENERATION_ACCEPTED, "g1", NULL, NULL, NULL, NULL, "g1/generation.accepted" },
    { EVENT_GENERATION_COMPLETED, "g1", NULL, NULL, NULL, "ignored/0@1", "g1/generation.completed" },
    { EVENT_GENERATION_REJECTED, "g1", NULL, NULL, NULL, "r/0@1", "g1/generation.rejected/r/0@1" },
    { EVENT_TOKENS_GRANTED, NULL, "t1", NULL, NULL, NULL, "t1/tokens.granted" },
    { EVENT_TOKENS_ENTRY, "g1", NULL, "commit", NULL, NULL, "g1/tokens.entry/commit" },
    { EVENT_TOKENS_ENTRY, "g1", NULL, "release", NULL, NULL, "g1/tokens.entry/release" },
    { EVENT_TOKENS_ENTRY, NULL, "g1", "grant", NULL, NULL,
      "g1/tokens.entry/grant" }, /* same id, other fact */
    { EVENT_TOKENS_ENTRY, NULL, NULL, "open", "n1", NULL, "n1/tokens.entry/open" },
};

START_TEST(id_is_made_from_the_fact)
{
    struct event event;
    event_init(&event, id_cases[_i].type);
    event.generation_id = id_cases[_i].generation;
    event.grant_id = id_cases[_i].grant;
    event.kind = id_cases[_i].kind;
    event.nonce = id_cases[_i].nonce;
    struct text id = { 0 };
    text_add_string(&id, "from before");
    event_ce_id(&event, id_cases[_i].origin, &id);
    ck_assert_str_eq(id.bytes, id_cases[_i].wanted);
    text_free(&id);
}
END_TEST

static const struct { enum event_type type; const char *task; double progress; const char *wanted; } told_cases[] = {
    { EVENT_GENERATION_PROGRESSED, "t1", 0.29, "gen-1/generation.progressed/29" },
    { EVENT_GENERATION_PROGRESSED, "t1", 1, "gen-1/generation.progressed/100" },
    { EVENT_GENERATION_SUBMISSION_SETTLED, "t1", -1, "gen-1/generation.submission_settled/t1" },
    { EVENT_GENERATION_SUBMISSION_SETTLED, NULL, -1, "gen-1/generation.submission_settled/none" },
};

START_TEST(what_may_be_said_again_is_named_by_what_it_says)
{
    struct event event = event_of(told_cases[_i].type);
    struct text id = { 0 };
    event.task_id = told_cases[_i].task;
    event.progress = told_cases[_i].progress;
    event_ce_id(&event, NULL, &id);
    ck_assert_str_eq(id.bytes, told_cases[_i].wanted);
    text_free(&id);
}
END_TEST

START_TEST(subject_is_the_generation_or_the_grant)
{
    struct event event = event_of(EVENT_GENERATION_ACCEPTED);
    ck_assert_str_eq(event_subject(&event), "gen-1");
    event.generation_id = NULL;
    event.grant_id = "grant-1";
    ck_assert_str_eq(event_subject(&event), "grant-1");
    event.grant_id = NULL;
    ck_assert_ptr_null(event_subject(&event));
}
END_TEST

static void change_prompt(struct event *event)    { event->prompt = "a red fox "; }
static void change_model(struct event *event)     { event->model = "veo3.1"; }
static void change_ratio(struct event *event)     { event->ratio = "720:1280"; }
static void change_image(struct event *event)     { event->image = "https://a.example/b.png"; }
static void change_duration(struct event *event)  { event->duration_seconds = 5; }
static void change_seed(struct event *event)      { event->seed = 0; }
static void change_deadline(struct event *event)  { event->deadline_seconds = 600; }
static void change_project(struct event *event)   { event->project_id = "p"; }
static void (*const changes[])(struct event *) = {
    change_prompt,   change_model, change_ratio,    change_image,
    change_duration, change_seed,  change_deadline, change_project,
};

START_TEST(each_of_the_requests_own_fields_counts)
{
    struct event event = event_of(EVENT_GENERATION_REQUESTED);
    event.prompt = "a red fox";
    char before[65], after[65];
    event_fingerprint(&event, before);
    changes[_i](&event);
    event_fingerprint(&event, after);
    ck_assert_str_ne(before, after);
    ck_assert_uint_eq(strlen(after), 64);
}
END_TEST

START_TEST(the_ids_do_not_count)
{
    struct event event = event_of(EVENT_GENERATION_REQUESTED);
    event.prompt = "a red fox";
    char before[65], after[65];
    event_fingerprint(&event, before);
    event.generation_id = "gen-2";
    event.user_id = "user-2";
    event_fingerprint(&event, after);
    ck_assert_str_eq(before, after);
    /* printf '{"prompt":"a red fox"}' | sha256sum: whoever reads the journal can check it */
    ck_assert_str_eq(before, "8580d60439313925558e1bf13b3d4e10d1a83fba4b563907321c32680ace1dca");
}
END_TEST

START_TEST(a_request_without_prompt_has_a_fingerprint_too)
{
    struct event event = event_of(EVENT_GENERATION_REQUESTED);
    char fingerprint[65];
    event_fingerprint(&event, fingerprint);
    ck_assert_uint_eq(strlen(fingerprint), 64);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("event_identity");
    TCase *identity = tcase_create("identity");
    tcase_add_loop_test(identity, digest_is_sha256, 0, sizeof digest_cases / sizeof digest_cases[0]);
    tcase_add_loop_test(identity, keyed_digest_is_hmac, 0, sizeof keyed_cases / sizeof keyed_cases[0]);
    tcase_add_loop_test(identity, id_is_made_from_the_fact, 0, sizeof id_cases / sizeof id_cases[0]);
    tcase_add_loop_test(identity, what_may_be_said_again_is_named_by_what_it_says, 0,
                        sizeof told_cases / sizeof told_cases[0]);
    tcase_add_test(identity, subject_is_the_generation_or_the_grant);
    tcase_add_loop_test(identity, each_of_the_requests_own_fields_counts, 0,
                        sizeof changes / sizeof changes[0]);
    tcase_add_test(identity, the_ids_do_not_count);
    tcase_add_test(identity, a_request_without_prompt_has_a_fingerprint_too);
    suite_add_tcase(suite, identity);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
