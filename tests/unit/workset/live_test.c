/* The work set's bookkeeping: order, watermark, keys, ages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/xalloc.h"
#include "unit/check_main.h"
#include "worker/workset_live.h"

struct thing { struct work_item item; char key[16]; };

static struct thing *thing_make(const char *key, int32_t partition, int64_t offset, uint8_t flags)
{
    struct thing *thing = xcalloc(1, sizeof *thing);
    snprintf(thing->key, sizeof thing->key, "%s", key);
    thing->item = (struct work_item){ .offset = offset, .partition = partition, .flags = flags,
                                      .key = thing->key,
                                      .key_length = (uint8_t)strlen(thing->key) };
    return thing;
}

/* Items at these offsets, ending ones negative; position; the watermark that may be committed. */
static const struct { int64_t offsets[5]; int64_t position, want; } watermark_cases[] = {
    { { 0 }, 7, 7 },                         /* nothing live: the position, which counts commit markers */
    { { 3, 5 }, 7, 3 },                      /* the oldest holds it */
    { { -3, 5 }, 7, 5 },                     /* the transaction at hand ends the oldest */
    { { 3, -5 }, 7, 3 },                     /* one that ends out of order does not move it */
    { { -3, -5 }, 7, 7 },
    /* our own copy lies ahead of what was read: never beyond the position */
    { { -3, 9 }, 7, 7 },
    { { 9 }, 7, 7 },
    { { 7 }, 8, 7 },
};
START_TEST(the_watermark_is_the_oldest_that_stays)
{
    struct live_list list = { 0 };
    for (int i = 0; i < 5 && watermark_cases[_i].offsets[i]; i++) {
        int64_t offset = watermark_cases[_i].offsets[i];
        live_list_add(&list, &thing_make("k", 0, llabs(offset), offset < 0 ? WORK_ENDING : 0)->item);
    }
    ck_assert_int_eq(live_list_watermark(&list, watermark_cases[_i].position), watermark_cases[_i].want);
    while (list.oldest) {
        struct work_item *item = list.oldest;
        live_list_remove(&list, item);
        free(item);
    }
    ck_assert_uint_eq(list.count, 0);
    ck_assert_ptr_null(list.newest);
}
END_TEST

START_TEST(items_are_handed_out_once_in_order_of_offset)
{
    static const int64_t offsets[] = { 5, 2, 9, 7, 1 };
    struct live_list list = { 0 };
    for (int i = 0; i < ROWS(offsets); i++)
        live_list_add(&list, &thing_make("k", 0, offsets[i], 0)->item);
    /* a copy: live to its writer already */
    live_list_add(&list, &thing_make("k", 0, 3, WORK_LIVE)->item);
    struct work_item *nine = list.newest;
    ck_assert_int_eq(nine->offset, 9);
    live_list_remove(&list, nine);
    free(nine);
    static const int64_t want[] = { 1, 2, 5, 7 };
    for (int i = 0; i < ROWS(want); i++) {
        ck_assert_ptr_nonnull(list.unseen);
        ck_assert_int_eq(list.unseen->offset, want[i]);
        live_list_seen(&list, list.unseen);
    }
    ck_assert_ptr_null(list.unseen);
    live_list_add(&list, &thing_make("k", 0, 6, 0)->item);
    ck_assert_int_eq(list.unseen->offset, 6);
    while (list.oldest) {
        struct work_item *item = list.oldest;
        live_list_remove(&list, item);
        free(item);
    }
    ck_assert_ptr_null(list.unseen);
}
END_TEST

START_TEST(items_of_one_key_come_in_order_and_only_live_ones)
{
    struct live_table table = { 0 };
    struct thing *things[] = { thing_make("a", 0, 4, WORK_LIVE), thing_make("a", 0, 2, WORK_LIVE),
                               thing_make("a", 0, 1, 0),
                               thing_make("b", 0, 3, WORK_LIVE), thing_make("a", 1, 4, WORK_LIVE) };
    ck_assert_ptr_null(live_table_next(&table, "a", 1, NULL, NULL));
    ck_assert_ptr_null(live_table_at(&table, "a", 1, 0, 4));
    for (int i = 0; i < ROWS(things); i++)
        live_table_add(&table, &things[i]->item);
    struct work_item *first = live_table_next(&table, "a", 1, NULL, NULL);
    ck_assert_ptr_eq(first, &things[1]->item);
    ck_assert_ptr_eq(live_table_next(&table, "a", 1, first, NULL), &things[0]->item);
    ck_assert_ptr_eq(live_table_next(&table, "a", 1, &things[0]->item, NULL), &things[4]->item);
    ck_assert_ptr_null(live_table_next(&table, "a", 1, &things[4]->item, NULL));
    ck_assert_ptr_eq(live_table_next(&table, "a", 1, NULL, first), &things[0]->item);
    ck_assert_ptr_null(live_table_next(&table, "b", 1, NULL, &things[3]->item));
    ck_assert_ptr_eq(live_table_at(&table, "a", 1, 0, 1), &things[2]->item);
    ck_assert_ptr_null(live_table_at(&table, "a", 1, 1, 1));
    ck_assert_ptr_null(live_table_at(&table, "ab", 2, 0, 1));
    for (int i = 0; i < ROWS(things); i++) {
        live_table_remove(&table, &things[i]->item);
        free(things[i]);
    }
    ck_assert_uint_eq(table.count, 0);
    live_table_free(&table);
}
END_TEST

/* Against the plainest model there is: an array. Keys collide on purpose (few of them), the table grows and
 * shrinks. */
START_TEST(the_table_agrees_with_an_array)
{
    enum { MOST = 3000, STEPS = 60000, KEYS = 700 };
    static struct thing *there[MOST];
    size_t count = 0;
    int64_t next_offset = 1;
    struct live_table table = { 0 };
    for (int step = 0; step < STEPS; step++) {
        bool grow = (step / 10000) % 2 == 0;
        char key[16];
        snprintf(key, sizeof key, "g%d", (int)(random_u64() % KEYS));
        if (count < MOST && (count == 0 || random_u64() % 100 < (grow ? 70u : 30u))) {
            there[count] = thing_make(key, 0, next_offset++, WORK_LIVE);
            live_table_add(&table, &there[count++]->item);
        } else {
            size_t at = random_u64() % count;
            live_table_remove(&table, &there[at]->item);
            free(there[at]);
            there[at] = there[--count];
        }
        const struct work_item *want = NULL;
        for (size_t i = 0; step % 20 == 0 && i < count; i++)
            if (strcmp(there[i]->key, key) == 0 && (!want || there[i]->item.offset < want->offset))
                want = &there[i]->item;
        if (step % 20 == 0)
            ck_assert_ptr_eq(live_table_next(&table, key, strlen(key), NULL, NULL), want);
        ck_assert_uint_eq(table.count, count);
    }
    while (count) {
        struct thing *last = there[--count];
        ck_assert_ptr_eq(live_table_at(&table, last->key, strlen(last->key), 0, last->item.offset),
                         &last->item);
        live_table_remove(&table, &last->item);
        free(last);
    }
    ck_assert_uint_le(table.capacity, 64);
    live_table_free(&table);
}
END_TEST

START_TEST(a_live_item_costs_at_most_a_hundred_bytes)
{
    enum { MANY = 100000 };
    struct live_table table = { 0 };
    struct thing *things = xcalloc(MANY, sizeof *things);
    for (int i = 0; i < MANY; i++) {
        snprintf(things[i].key, sizeof things[i].key, "g%d", i);
        things[i].item = (struct work_item){ .offset = i, .key = things[i].key,
                                             .key_length = (uint8_t)strlen(things[i].key),
                                                 .flags = WORK_LIVE };
        live_table_add(&table, &things[i].item);
    }
    ck_assert_uint_le(sizeof(struct work_item) + table.capacity * sizeof *table.slots / MANY, 100);
    ck_assert_ptr_eq(live_table_next(&table, "g77777", 6, NULL, NULL), &things[77777].item);
    live_table_free(&table);
    free(things);
}
END_TEST

START_TEST(ages_tell_old_from_young_with_few_samples)
{
    struct ages ages = { .grain_ms = 10 };
    ck_assert_int_eq(ages_until(&ages, 1000), -1);
    for (int64_t offset = 0; offset < 1000; offset++)
        ages_note(&ages, offset, 10000 + offset);
    ck_assert_uint_le(ages.count, 101);
    ck_assert_int_eq(ages_until(&ages, 9999), -1);
    int64_t until = ages_until(&ages, 10500);
    ck_assert_int_ge(until, 500);            /* nothing old is passed over ... */
    ck_assert_int_le(until, 510);            /* ... and nothing is called old by more than the grain */
    ck_assert_uint_le(ages.count, 51);       /* what is old is one sample */
    ck_assert_int_eq(ages_until(&ages, 10500), until);
    /* the last record counts, also when no other follows */
    ck_assert_int_eq(ages_until(&ages, 90000), 999);
    ages_free(&ages);
}
END_TEST

CHECK_MAIN("work set bookkeeping",
    tcase_add_loop_test(tests, the_watermark_is_the_oldest_that_stays, 0, ROWS(watermark_cases));
    tcase_add_test(tests, items_are_handed_out_once_in_order_of_offset);
    tcase_add_test(tests, items_of_one_key_come_in_order_and_only_live_ones);
    tcase_add_test(tests, the_table_agrees_with_an_array);
    tcase_add_test(tests, a_live_item_costs_at_most_a_hundred_bytes);
    tcase_add_test(tests, ages_tell_old_from_young_with_few_samples);)
