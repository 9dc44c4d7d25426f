#include "ledger/bucket.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/planted.h"
#include "base/xalloc.h"

const char *bucket_step_name(enum bucket_step step)
{
    static const char *const NAMES[] = {
        [BUCKET_NOT_MINE] = "not_mine", [BUCKET_CHECK] = "check", [BUCKET_BEGIN] = "begin", [BUCKET_PAUSE] = "pause",
        [BUCKET_SCAN] = "scan",
        [BUCKET_EMPTY] = "empty", [BUCKET_REPLAY] = "replay", [BUCKET_OPEN] = "open", [BUCKET_VERIFY] = "verify",
        [BUCKET_TAIL] = "tail", [BUCKET_ALARM] = "alarm",
    };
    return NAMES[step];
}

bool bucket_reads(const struct bucket *bucket)
{
    return bucket->step == BUCKET_SCAN || bucket->step == BUCKET_REPLAY || bucket->step == BUCKET_TAIL;
}

void bucket_forget(struct bucket *bucket)
{
    for (int i = 0; i < bucket->held_count; i++)
        event_clear(&bucket->held[i]);
    bucket->held_count = 0;
    if (bucket->step != BUCKET_REPLAY) {
        free(bucket->held);
        bucket->held = NULL;
    }
}

/* One writer of the step, one table of moves. CHECK and BEGIN may follow anything: a difference on the way starts over. */
void bucket_to(struct bucket *bucket, enum bucket_step step)
{
    static const unsigned FROM[] = {
        [BUCKET_NOT_MINE] = ~0U, [BUCKET_CHECK] = ~0U, [BUCKET_BEGIN] = ~0U,
        [BUCKET_PAUSE] = 1U << BUCKET_BEGIN,
        [BUCKET_SCAN] = 1U << BUCKET_PAUSE,
        [BUCKET_EMPTY] = 1U << BUCKET_PAUSE | 1U << BUCKET_SCAN,
        [BUCKET_REPLAY] = 1U << BUCKET_SCAN | 1U << BUCKET_EMPTY,
        [BUCKET_OPEN] = 1U << BUCKET_REPLAY,
        [BUCKET_VERIFY] = 1U << BUCKET_OPEN,
        [BUCKET_TAIL] = 1U << BUCKET_VERIFY | 1U << BUCKET_CHECK,
        [BUCKET_ALARM] = 1U << BUCKET_TAIL,
    };
    must(FROM[step] & 1U << bucket->step);
    bucket->step = step;
    bucket->emptying = false;
    if (step != BUCKET_REPLAY)
        bucket_forget(bucket);
}

static bool take_open(struct bucket *bucket, const char *nonce)
{
    if (bucket->step == BUCKET_SCAN && strcmp(nonce, bucket->recovery.line) != 0)
        bucket->from_zero = !planted(OLD_BRANCH_KEPT);
    else if (bucket->step == BUCKET_TAIL && strcmp(nonce, bucket->line) != 0)
        bucket_to(bucket, BUCKET_ALARM);
    return true;
}

/* An entry between journaled and H is applied again by its entity, and that is only safe while Redis still has the entity. It
 * forgets a generation a window after its end: after a tail that stood still for so long, skipping and applying twice look
 * alike, and only the whole journal on an empty bucket is right. */
static void look_at_age(struct bucket *bucket, const struct recovery_entry *entry)
{
    if (bucket->step == BUCKET_SCAN && entry->kind != ENTRY_GRANT && entry->at_ms < bucket->forgotten_before_ms)
        bucket->from_zero = true;
}

bool bucket_take(struct bucket *bucket, struct event *event, int64_t offset, const char **error)
{
    struct recovery_entry entry;
    must(bucket_reads(bucket));
    switch (entry_read(event, &entry, error)) {
    case ENTRY_READ_BROKEN:
        return false;
    case ENTRY_READ_OPEN:
        take_open(bucket, event->nonce);
        break;
    case ENTRY_READ_MONEY:
        look_at_age(bucket, &entry);
        if (bucket->step != BUCKET_REPLAY)
            break;
        must(bucket->held_count < BUCKET_REPLAY_MAX);
        if (!bucket->held)
            bucket->held = xcalloc(BUCKET_REPLAY_MAX, sizeof *bucket->held);
        bucket->held[bucket->held_count++] = *event;     /* taken with the memory its strings live in */
        event_init(event, EVENT_TOKENS_ENTRY);
        break;
    }
    if (bucket->step != BUCKET_ALARM)
        bucket->position = offset + 1;
    return true;
}

bool bucket_full(const struct bucket *bucket)
{
    return bucket->held_count == BUCKET_REPLAY_MAX;
}

bool bucket_at_high(const struct bucket *bucket)
{
    return bucket->position >= bucket->high;
}

enum trouble bucket_apply(struct bucket *bucket, struct tokens *tokens)
{
    struct recovery_entry entries[BUCKET_REPLAY_MAX];
    const char *error;

    for (int i = 0; i < bucket->held_count; i++)
        must(entry_read(&bucket->held[i], &entries[i], &error) == ENTRY_READ_MONEY);
    if (bucket->held_count == 0)
        return TROUBLE_NONE;
    bucket->recovery.replayed = bucket->position;
    enum trouble trouble = recovery_replay(tokens, &bucket->recovery, entries, (size_t)bucket->held_count);
    if (trouble == TROUBLE_NONE) {
        bucket->applied += bucket->held_count;
        bucket_forget(bucket);
    }
    return trouble;
}
