/* What is read of an answer of Redis: all of it or nothing. And the bugs that tests plant into the scripts fit them. */
#include <string.h>

#include "base/planted.h"
#include "tokens/audit.h"
#include "tokens/batch.h"
#include "tokens/recovery.h"
#include "tokens/scripts.h"
#include "tokens/words.h"
#include "unit/check_main.h"

#define BALANCE "10 6 4 0"
#define QUOTE "1 gen4.5 v1"

/* ---- answers */

static const struct { enum call_kind kind; const char *answer; enum read_result read; } answers[] = {
    { CALL_RESERVE, "held 4 " BALANCE " 1700000000000 " QUOTE, READ_OK },
    { CALL_RESERVE, "held 4 " BALANCE " 1700000000000 " QUOTE " more", READ_BAD },
    { CALL_RESERVE, "held 4 " BALANCE " 1700000000000", READ_BAD },
    { CALL_RESERVE, "held -", READ_BAD },
    { CALL_RESERVE, "held 4x " BALANCE " 1700000000000 " QUOTE, READ_BAD },
    { CALL_RESERVE, "held 9007199254740992 " BALANCE " 1700000000000 " QUOTE, READ_BAD },    /* 2^53 */
    { CALL_RESERVE, "held 4 " BALANCE " 1700000000000 1 gen%2 v1", READ_BAD },
    { CALL_RESERVE, "refused 4 " BALANCE " 1700000000000 " QUOTE " {}", READ_OK },
    { CALL_RESERVE, "refused 4 " BALANCE " 1700000000000 " QUOTE, READ_BAD },
    { CALL_RESERVE, "waiting", READ_WAITING },
    { CALL_RESERVE, "unverified", READ_UNVERIFIED },
    { CALL_RESERVE, "", READ_BAD },
    { CALL_RESERVE, "holding", READ_BAD },
    { CALL_SETTLE, "done 4 0 " BALANCE " " BALANCE " 1700000000000 4 " BALANCE " 1700000000000 " QUOTE, READ_OK },
    { CALL_SETTLE, "done 4 0 " BALANCE, READ_BAD },
    { CALL_SETTLE, "ok", READ_BAD },
    { CALL_SETTLE, "unverified", READ_UNVERIFIED },
    { CALL_GRANT, "done 10 10 10 0 0 1700000000000", READ_OK },
    { CALL_GRANT, "done -10 0 0 0 0 1700000000000", READ_OK },
    { CALL_GRANT, "granted 10", READ_BAD },
    { CALL_LOOKUP, "held", READ_OK },
    { CALL_LOOKUP, "maybe", READ_BAD },
    { CALL_PROGRESS, "ok", READ_OK },
    { CALL_PROGRESS, "done", READ_BAD },
};

START_TEST(an_answer_is_read_whole_or_not_at_all)
{
    struct tokens_batch batch = { 0 };
    struct call call = { .kind = answers[_i].kind };
    ck_assert_int_eq(call_read(&batch, &call, answers[_i].answer), answers[_i].read);
    text_free(&batch.errors);
}
END_TEST

static const struct { const char *word, *text; } texts[] = {
    { "gen4.5", "gen4.5" }, { "%", "" }, { "a%20b", "a b" }, { "%25", "%" },
    { "", NULL }, { "a%2", NULL }, { "a%zz", NULL }, { "12345678", NULL },       /* one too many for its room */
};

START_TEST(a_word_is_what_was_put_or_nothing)
{
    char out[8];
    struct words words = { .at = texts[_i].word };
    words_text(&words, out, sizeof out);
    ck_assert_str_eq(out, texts[_i].text ? texts[_i].text : "");
    ck_assert_int_eq(words_end(&words), texts[_i].text != NULL);
}
END_TEST

START_TEST(an_address_that_is_none_is_told)
{
    char error[200] = "";
    const struct tokens_config config = { .redis_url = "ftp://x", .timeout_ms = 1, .dedupe_window_ms = 1,
                                          .refusal_window_ms = 1 };
    struct tokens *tokens = tokens_open(&config, error);
    ck_assert_ptr_null(tokens);
    ck_assert_str_ne(error, "");
    tokens_close(&tokens);                   /* of what was not opened */
}
END_TEST

/* Nobody listens there: each question is to be asked again, and none answers with what it does not know. */
START_TEST(without_redis_every_question_is_a_retry)
{
    char error[200] = "";
    const struct tokens_config config = { .redis_url = "redis://127.0.0.1:1", .timeout_ms = 500, .dedupe_window_ms = 1,
                                          .refusal_window_ms = 1 };
    struct tokens *tokens = tokens_open(&config, error);
    struct balance balance;
    struct tokens_generation generation;
    struct open_holds holds;
    const struct audit_visitor visitor = { 0 };
    bool found = true, verified = true;
    tokens_partitions(tokens, 4);
    const uint64_t epoch = tokens->epoch;
    tokens_partitions(tokens, 4);            /* the same count again drops nothing that is under way */
    ck_assert_uint_eq(tokens->epoch, epoch);
    ck_assert_int_eq(tokens_balance(tokens, "u", &balance, &verified), TROUBLE_RETRY);
    ck_assert_int_eq(tokens_generation(tokens, "u", "g", &generation, &found), TROUBLE_RETRY);
    ck_assert_int_eq(tokens_open_holds(tokens, 0, 0, &holds), TROUBLE_RETRY);
    ck_assert_int_eq(tokens_audit_generation(tokens, 0, "g", &visitor), TROUBLE_RETRY);
    ck_assert_int_eq(tokens_ask_verified(tokens, 0, &verified), TROUBLE_RETRY);
    ck_assert(!verified);
    tokens_close(&tokens);
}
END_TEST

/* ---- planted bugs: the text that each takes out is there, once; else apply() must()s */

static int chosen = PLANTED_BUGS;
bool __wrap_planted_bug(enum planted_bug bug);
bool __wrap_planted_bug(enum planted_bug bug) { return (int)bug == chosen; }

static int scripts_changed(int bug)
{
    int changed = 0;
    chosen = bug;
    const char *const *sources = tokens_script_sources();
    for (int i = 0; i < SCRIPTS; i++)
        changed += strcmp(sources[i], script_sources[i]) != 0;
    return changed;
}

static const int in_scripts[] = {
    PLANTED_VERIFY_WITHOUT_NONCE, PLANTED_VERIFY_WITHOUT_SERVER, PLANTED_JOURNALED_UNGUARDED, PLANTED_HOLD_FREED_BY_CLOCK,
    PLANTED_DOUBLE_RELEASE, PLANTED_SETTLED_TWICE, PLANTED_DECIDED_ANEW, PLANTED_DUPLICATE_ANSWERED,
    PLANTED_BALANCE_NOT_ASKED,
};

START_TEST(a_planted_bug_fits_its_script) { ck_assert_int_eq(scripts_changed(in_scripts[_i]), 1); }
END_TEST

START_TEST(without_one_the_scripts_are_as_they_are) { ck_assert_int_eq(scripts_changed(PLANTED_BUGS), 0); }
END_TEST

CHECK_MAIN("tokens/answers",
    tcase_add_loop_test(tests, an_answer_is_read_whole_or_not_at_all, 0, ROWS(answers));
    tcase_add_loop_test(tests, a_word_is_what_was_put_or_nothing, 0, ROWS(texts));
    tcase_add_test(tests, an_address_that_is_none_is_told);
    tcase_add_test(tests, without_redis_every_question_is_a_retry);
    tcase_add_loop_test(tests, a_planted_bug_fits_its_script, 0, ROWS(in_scripts));
    tcase_add_test(tests, without_one_the_scripts_are_as_they_are);)
