/* A batch from within: calls.c appends and reads its calls, batch.c moves them. */
#ifndef TOKENS_BATCH_H
#define TOKENS_BATCH_H

#include "tokens/internal.h"

enum call_kind { CALL_RESERVE, CALL_SETTLE, CALL_GRANT, CALL_LOOKUP, CALL_PROGRESS };

struct call {
    enum call_kind kind;
    int32_t bucket;
    size_t error;                        /* of a reserve: place of the recorded error in batch->errors */
    union {
        struct reserve_answer reserve;
        struct settle_answer settle;
        struct grant_answer grant;
        enum lookup_outcome lookup;
    } answer;
};

/* What the next reply in the pipeline belongs to. */
enum expected_kind { EXPECT_GUARD, EXPECT_CALL, EXPECT_WAIT };
struct expected { enum expected_kind kind; size_t index; struct redis *node; };      /* index: of buckets, of calls */

struct batch_bucket { int32_t bucket; char verified[VERIFIED_BYTES]; };     /* what this batch ran under */

struct tokens_batch {
    struct tokens *tokens;
    struct call *calls;
    size_t call_count, call_room;
    struct expected *expected;
    size_t expected_count, expected_room;
    struct batch_bucket *buckets;
    size_t bucket_count, bucket_room;
    struct text errors;
    uint64_t epoch, first;               /* connections, and number of the first reply on them */
    bool begun, asked, failed, received, sealed;
};

enum read_result { READ_OK, READ_UNVERIFIED, READ_WAITING, READ_BAD };

/* Readies the pipeline for one call of this user: connection, bucket, guard. Returns the call to fill; *ready
 * is false when the batch has failed and nothing is to be appended. */
struct call *batch_call(struct tokens_batch *batch, enum call_kind kind, const char *user_id, bool *ready);
/* Begins the arguments of every money script: meta. verified and the replicas' flag follow the other keys. */
void batch_arguments(const struct tokens_batch *batch, const struct call *call, struct arguments *arguments);
void batch_arguments_verified(const struct tokens_batch *batch, const struct call *call,
                              struct arguments *arguments);
void batch_append(struct tokens_batch *batch, enum script script, const struct arguments *arguments);
/* In answers.c: one script's answer into its call. */
enum read_result call_read(struct tokens_batch *batch, struct call *call, const char *answer);

#endif
