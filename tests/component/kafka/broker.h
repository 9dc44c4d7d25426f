/* The broker that the component tests run against (REELGATE_TEST_KAFKA), topics of their own on it, and an
 * independent read_committed reader. A test that can't reach it fails. */
#ifndef TESTS_KAFKA_BROKER_H
#define TESTS_KAFKA_BROKER_H

#include "kafka/admin.h"

struct kafka_config broker_config(const char *client_id);
/* A name that no other run uses: "t-<label>-<random>". Lent until the next call with the same slot (0..3). */
const char *broker_name(const char *label, int slot);
void broker_topic(const char *topic, int32_t partitions);            /* made and known to the broker */

void broker_grow(const char *topic, int32_t partitions);             /* to so many, known to the broker */

/* All committed records of a topic up to its real watermark. */
struct seen {
    char *key, *value; size_t key_length, value_length;
    int32_t partition; int64_t offset;
    char mark[16];
};
struct seen_list { struct seen *rows; size_t count; };
struct seen_list broker_read_all(const char *topic);
void broker_seen_free(struct seen_list *list);

/* Publishes outside of any transaction; the offset. */
int64_t broker_publish(const char *topic, int32_t partition, const char *key, const char *value);

#endif
