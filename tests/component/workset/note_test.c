/* Notes on a real broker: they ride along, say one thing once, and never come after their item's end. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "component/workset/crew.h"
#include "unit/check_main.h"

enum { HOUR_MS = 3600 * 1000, WAIT_MS = 30000, MANY = 60 };

static int wanted;
static bool has_live(struct crew *crew) { return crew->live >= wanted; }
static bool has_ended(struct crew *crew) { return crew->ended >= wanted; }
static bool has_noted(struct crew *crew) { return crew->noted >= wanted; }

static void until(struct crew *crew, bool (*what)(struct crew *crew), int count)
{
    wanted = count;
    ck_assert(crew_until(crew, what, WAIT_MS));
}

static struct crew *with_items(const char *prefix, int count)
{
    for (int i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        broker_publish(crew_topic(prefix, TOPIC_JOBS), 0, key, "{}");
    }
    struct crew *crew = crew_open(prefix, "0", HOUR_MS);
    until(crew, has_live, count);
    return crew;
}

static struct work_item *item(struct crew *crew, const char *key)
{
    ck_assert_ptr_nonnull(crew_job(crew, key));
    return &crew_job(crew, key)->item;
}

/* What of this value was committed about this key; NULL: about any. */
static int results(const char *prefix, const char *key, const char *value)
{
    struct seen_list list = broker_read_all(crew_topic(prefix, TOPIC_RESULTS));
    int count = 0;
    for (size_t i = 0; i < list.count; i++)
        count += (!key || strcmp(list.rows[i].key, key) == 0) && strcmp(list.rows[i].value, value) == 0;
    broker_seen_free(&list);
    return count;
}

static double committed(struct crew *crew)
{
    return metric_value(metrics_counter(crew->metrics, "reelgate_transactions_total", "end=\"committed\"", "x"));
}

START_TEST(asked_for_twice_it_is_told_once_and_the_item_lives_on)
{
    const char *prefix = crew_topics(1);
    struct crew *crew = with_items(prefix, 2);
    workset_note(crew->set, item(crew, "0"));
    workset_note(crew->set, item(crew, "0"));
    until(crew, has_noted, 1);               /* by itself: no other effect asks for a transaction */
    crew_turn_for(crew, 1500);
    ck_assert_int_eq(results(prefix, "0", "note"), 1);
    ck_assert_ptr_nonnull(crew_job(crew, "0"));
    workset_note(crew->set, item(crew, "0"));
    until(crew, has_noted, 2);
    crew_close(&crew);
    ck_assert_int_eq(results(prefix, "0", "note"), 2);
    ck_assert_int_eq(crew_committed(prefix), 0);
}
END_TEST

START_TEST(many_share_one_transaction)
{
    const char *prefix = crew_topics(1);
    struct crew *crew = with_items(prefix, MANY);
    double before = committed(crew);
    for (size_t i = 0; i < crew->count; i++)
        workset_note(crew->set, &crew->jobs[i]->item);
    until(crew, has_noted, MANY);
    crew_turn_for(crew, 100);
    ck_assert_double_le(committed(crew) - before, 2);        /* one of quiet watermarks may have come first */
    crew_close(&crew);
    ck_assert_int_eq(results(prefix, NULL, "note"), MANY);
}
END_TEST

START_TEST(an_end_outranks_its_items_note)
{
    const char *prefix = crew_topics(1);
    struct crew *crew = with_items(prefix, 3);
    for (const char *key = "012"; *key; key++)
        workset_note(crew->set, item(crew, (char[]){ *key, 0 }));
    workset_end(crew->set, item(crew, "1"), NULL);
    workset_note(crew->set, item(crew, "1"));                /* too late: nothing is said of it any more */
    until(crew, has_ended, 1);
    ck_assert_int_eq(crew->noted, 2);                        /* with the end's transaction */
    crew_close(&crew);
    ck_assert_int_eq(results(prefix, "1", "note"), 0);
    ck_assert_int_eq(results(prefix, NULL, "note"), 2);
}
END_TEST

START_TEST(an_aborted_transaction_tells_its_notes_again)
{
    const char *prefix = crew_topics(1);
    struct crew *crew = with_items(prefix, 2);
    workset_note(crew->set, item(crew, "0"));
    crew->note_refusals = 2;
    workset_end(crew->set, item(crew, "1"), NULL);
    until(crew, has_ended, 1);
    crew_close(&crew);
    ck_assert_int_eq(results(prefix, "0", "note"), 1);
    ck_assert_int_eq(results(prefix, "1", "done"), 1);
}
END_TEST

CHECK_MAIN("work set notes",
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, asked_for_twice_it_is_told_once_and_the_item_lives_on);
    tcase_add_test(tests, many_share_one_transaction);
    tcase_add_test(tests, an_end_outranks_its_items_note);
    tcase_add_test(tests, an_aborted_transaction_tells_its_notes_again);)
