/* Inside the work set only: its state. workset.c opens, turns and closes; workset_read.c turns records into
 * items and applies marks; workset_queue.c holds the effects that wait, workset_note.c the notes;
 * workset_commit.c runs their transaction; workset_rewrite.c moves old items to the end of their partition. */
#ifndef WORKER_WORKSET_PRIV_H
#define WORKER_WORKSET_PRIV_H

#include "base/backoff.h"
#include "kafka/admin.h"
#include "worker/unstable.h"
#include "worker/workset.h"
#include "worker/workset_live.h"

enum {
    EFFECTS_MAX = 2000,          /* in one transaction: it stays well within its time-out */
    EFFECTS_MANY = 200,          /* so many are worth a transaction at once */
    RECORDS_MAX = 2000,          /* read in one turn: timers and answers of the service wait meanwhile */
    HAND_OUT_MAX = 5000,         /* items handed out in one turn, after a restore */
    QUIET_MS = 2000,             /* between two commits of nothing but watermarks */
    NOTES_MS = 1000,             /* a note waits no longer for a transaction that is made anyway */
    NOTES_MAX = 1000,            /* in one transaction */
};

enum effect_kind { EFFECT_END, EFFECT_INTENT, EFFECT_CLOSE, EFFECT_REWRITE };
struct effect {
    struct effect *next, *previous;
    struct work_item *item;
    void *tag;
    struct kafka_record *original;       /* of a rewrite; owned */
    int64_t mark_offset;                 /* where the mark came to lie: known from the flush on */
    int64_t copy_offset;                 /* of a rewrite */
    int64_t written_at_ms;               /* wall clock */
    enum effect_kind kind;
    bool with;                           /* belongs to the transaction of the effect before it */
    bool silent;                         /* an end without outputs */
    /* in the transaction at hand, or in the one whose end is not known */
    bool sent;
};

struct bad_item {
    struct work_item item;
    struct kafka_record record;          /* owned, until its dead letter is committed */
    char code[40], message[320];
    char key[];
};

struct share {                           /* one partition of the topic */
    bool held;
    bool touched;                        /* by the transaction at hand */
    int64_t position;                    /* everything below was read; counts commit markers */
    /* the real high watermark at assignment: restored once position is there; -1: not known */
    int64_t barrier;
    int64_t committed;                   /* the group's offset as last committed; -1: none */
    struct live_list live;
    struct ages ages;
    /* offsets of our own copies that are still to be read back */
    int64_t *echoes; size_t echo_count, echo_capacity;
};

/* A transaction whose end is not known (its commit had no answer). One of its records tells: read_committed
 * gives it, or passes over it. */
struct doubt { bool open, seen; int32_t partition; int64_t offset; };

/* Live items of which something is to be said; of the first sent of them in the transaction at hand. NULL: it
 * has ended since. */
struct notes { struct work_item **items; size_t count, capacity, sent; int64_t due_at_ms; };

/* One pass over a partition's old items. */
struct rewriting {
    struct kafka_reader *reader;         /* open as long as queued effects hold its records */
    bool active;
    int32_t partition;
    int64_t until;                       /* offsets up to here are old */
    int64_t began_ms, next_ms;
    size_t queued;
};

struct workset_meters {
    struct metric *live, *restoring, *lag, *records;
    struct metric *committed, *aborted, *unknown, *rewritten, *transaction, *last;
    struct unstable_meters unstable;
};

struct workset {
    struct workset_stage stage;
    struct workset_config config;
    struct workset_meters meters;
    struct kafka_config kafka;
    char *group, *transactional_id;
    struct kafka_consumer *consumer;
    struct kafka_membership *membership;         /* of this assignment; NULL: nothing is assigned */
    struct kafka_producer *producer;
    struct kafka_client *client;
    struct outbox *outbox;
    const char *topic;                           /* full name; the outbox's */
    struct share *shares; int32_t share_count;
    struct live_table table;
    struct effect *first, *last; size_t queued;
    struct notes notes;
    struct doubt doubt;
    struct rewriting rewriting;
    struct backoff backoff; int64_t retry_at_ms;         /* transactions, and the producer */
    int64_t commit_at_ms;                                /* the next one's time, while few effects wait */
    int64_t quiet_at_ms, barrier_at_ms, meters_at_ms;
    bool warm;                                   /* the producer knows its topics */
    bool committing;                             /* inside a transaction: no second one */
    bool revoking;
    bool paused, reading_paused;
    bool stopped;
};

/* ---- workset_read.c */
extern const struct kafka_consumer_hooks WORKSET_HOOKS;      /* self is to be filled in */
void workset_read(struct workset *set);                      /* what is there, bounded; sets stopped */
void workset_hand_out(struct workset *set);                  /* items of restored partitions */
bool workset_restoring(const struct share *share);
struct share *workset_share(const struct workset *set, int32_t partition);       /* NULL: not held */
void workset_item_free(struct work_item *item);

/* ---- workset_queue.c */
struct effect *workset_queue(struct workset *set, struct work_item *item, enum effect_kind kind);
/* frees it; the item stays */
void workset_unqueue(struct workset *set, struct effect *effect);
void workset_unqueue_all(struct workset *set);

/* ---- workset_note.c */
void workset_note_forget(struct workset *set, struct work_item *item);       /* may be repeated */
void workset_notes_clear(struct workset *set);
int64_t workset_notes_at_ms(const struct workset *set);      /* when they go by themselves; INT64_MAX: none wait */
size_t workset_notes_take(struct workset *set);              /* for the transaction at hand: how many */
enum trouble workset_notes_write(struct workset *set);
void workset_notes_settled(struct workset *set, bool committed);

/* ---- workset_commit.c */
/* makes or renews the producer when its time has come */
bool workset_ready(struct workset *set);
/* one transaction; true: nothing went wrong */
bool workset_transact(struct workset *set, bool watermarks);
void workset_resolve(struct workset *set);                   /* a doubt, once the topic has answered it */
void workset_later(struct workset *set);

/* ---- workset_rewrite.c */
void workset_rewrite(struct workset *set);
void workset_rewrite_stop(struct workset *set);
enum trouble workset_write_copy(struct workset *set, struct effect *effect);

#endif
