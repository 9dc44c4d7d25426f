/* The work set (design section 6): items that take seconds to minutes and end out of order; the topic itself
 * is the durable set. An item is its offset, its key the generation. One transaction carries its outputs, a
 * done mark and the partition's watermark. On assignment a partition is restoring until its real high
 * watermark has been read; only then are its items handed out. No other state anywhere.
 *
 * Notes (an event about an item that lives on) wait for a transaction instead of asking for one.
 *
 * The service allocates its own item with struct work_item as first member. Effects (end, intent, close) are
 * queued; each turn commits all queued ones in one transaction and runs them again when it aborts, until the
 * partition is lost. */
#ifndef WORKER_WORKSET_H
#define WORKER_WORKSET_H

#include "worker/health.h"
#include "worker/outbox.h"
#include "worker/settings.h"

struct workset;

struct work_item {                           /* read by services, written by the work set only */
    int64_t offset;
    int64_t intent_at_ms;                    /* wall clock of the open intent's record; 0: none open */
    int32_t partition;
    uint16_t attempts;                       /* intents that were not closed as "no task was made" */
    uint8_t flags;
    const char *key; uint8_t key_length;     /* the generationId; points into the service's own item */
    struct work_item *older, *newer;         /* by offset, within the partition */
};

struct workset_stage {
    const char *program, *group;         /* group NULL: made from the program's name (worker_group) */
    enum topic reads;
    const enum topic *writes; int write_count;
    void *self;
    /* A live record (no mark, with a value). Allocate (xmalloc) an item that holds all that is needed later,
     * with .key set. NULL: can't be understood, error says why; the set writes a dead letter and a done mark.
     * One plain block: an item whose done mark is found while restoring is freed without another call.
     * Rewritten copies are read here too. */
    struct work_item *(*read)(void *self, const struct kafka_record *record, struct decode_error *error);
    /* The item may be acted on: its partition is restored, no done mark was found. Also for every later item.
     * The set does not judge duplicates: ask workset_find for an older item of this key. item->intent_at_ms
     * set: an open intent of a former owner (or of ours before the partition was lost for a moment). */
    void (*live)(void *self, struct work_item *item);
    /* The partition is lost: forget the item (the set frees it after this call). Nothing may be written for
     * it any more. */
    void (*drop)(void *self, struct work_item *item);
    /* Called in the transaction, perhaps several times: write the outputs of this end with the outbox. tag:
     * as given. */
    enum trouble (*write)(void *self, struct work_item *item, void *tag, struct outbox *outbox);
    /* committed; the set frees the item after this call */
    void (*ended)(void *self, struct work_item *item, void *tag);
    /* the intent is committed: now the POST may start */
    void (*intended)(void *self, struct work_item *item);
    /* the close mark is committed: attempts is back by one */
    void (*closed)(void *self, struct work_item *item);
    /* Called in the transaction, perhaps several times: write what is to be said of this live item now. */
    enum trouble (*note)(void *self, struct work_item *item, struct outbox *outbox);
    /* A partition has become ours, before any of its items; or is ours no longer, after drop for the last of
     * them. Either may be NULL. */
    void (*assigned)(void *self, int32_t partition);
    void (*revoked)(void *self, int32_t partition);
    /* Partitions are about to be taken away: finish what is quick (call workset_commit as needed), then
     * return within revoke_ms. May be NULL. */
    void (*revoking)(void *self);
};
struct workset_config {
    const struct worker_settings *worker;
    struct metrics *metrics;
    struct health *health;
    /* 1 h: an older item without an open intent is rewritten at the end */
    int64_t rewrite_after_ms;
    /* 100: while there is little to commit, transactions begin no sooner than this after the last one's end, so
     * that what happens meanwhile shares one; the first after a rest goes at once. 0: never waits */
    int64_t commit_every_ms;
};

struct workset *workset_open(const struct workset_config *config, const struct workset_stage *stage);
/* Reads what is there (bounded), restores, hands out items, commits queued effects, rewrites old items,
 * commits quiet watermarks. Waits for nothing but Kafka's answers: a transaction (some ms), a new producer
 * (up to 1 s), a rebalance (until the committed offsets are known). Call it when workset_wake_fd is readable,
 * and at least once a second. NONE, or RESTART: end with exit status 3. Beats health. */
enum trouble workset_turn(struct workset *set);
/* Until the next turn that has queued effects to commit: at most most_ms. For the loop's own wait. */
int64_t workset_wait_ms(const struct workset *set, int64_t now_ms, int64_t most_ms);
/* Commits queued effects now (used by revoking and drain). true: nothing is left queued. */
bool workset_commit(struct workset *set);
/* commits what is queued, leaves the group; drop for every item */
void workset_close(struct workset **set);
/* readable when a turn has something to do; never read it yourself */
int workset_wake_fd(struct workset *set);
bool workset_restored(const struct workset *set);        /* every assigned partition acts */
size_t workset_live(const struct workset *set);
void workset_pause(struct workset *set, bool paused);    /* drain: read no more */

/* The oldest item with this key other than except (may be NULL), or NULL. Only items that live() has
 * handed out and that are not ended yet; an end that waits for its transaction counts as live: ask
 * workset_queued. */
struct work_item *workset_find(const struct workset *set, const char *key, size_t key_length,
                               const struct work_item *except);
/* next live item of its key */
struct work_item *workset_next_same(const struct workset *set, const struct work_item *item);

/* ---- effects: queued until committed, also when the end of a transaction is not known for a while (its
 * answer got lost: it is then read from the topic). One item has at most one queued effect (must). */
/* tag is handed to write and ended */
void workset_end(struct workset *set, struct work_item *item, void *tag);
/* Ends also with item, in the same transaction, without outputs of its own (ended is called for it with tag
 * NULL). item's end must be queued already. */
void workset_end_with(struct workset *set, struct work_item *item, struct work_item *also);
/* committed: intent_at_ms and attempts move, intended */
void workset_intent(struct workset *set, struct work_item *item);
/* Of an open intent, or of an attempt that is over and is known now to have come to nothing.
 * committed: intent_at_ms 0, attempts - 1, closed */
void workset_close_intent(struct workset *set, struct work_item *item);
bool workset_queued(const struct work_item *item);
/* Asks for a note about a live item: with the next transaction, or after a second by itself. A hint: asked for
 * twice it is one; lost when the item ends first, the partition goes, or very many wait; after a change of
 * owner perhaps told twice. */
void workset_note(struct workset *set, struct work_item *item);
/* In drop only: this item's effect was being committed when the partition was lost, and nobody here knows how
 * that ended. */
bool workset_doubtful(const struct work_item *item);

#endif
