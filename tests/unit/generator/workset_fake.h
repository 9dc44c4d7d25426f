/* A work set, outbox, HTTP client, provider and clock in memory, for the rules that stand on them (linked
 * instead of the real ones). The log survives a rebalance as the topic does: what was committed, and
 * nothing else. */
#ifndef UNIT_WORKSET_FAKE_H
#define UNIT_WORKSET_FAKE_H

#include "runway/runway.h"
#include "worker/workset.h"

enum { FAKE_ITEMS_MAX = 512, FAKE_EVENTS_MAX = 4096, FAKE_CALLS_MAX = 2048 };

struct fake_item {                       /* one record of the topic and its marks */
    char json[2048], key[65];
    enum event_type type;
    int64_t offset, intent_at_ms;
    uint16_t attempts;
    bool done;
    struct work_item *live;              /* NULL: not in the set now */
};
struct fake_event { enum event_type type; enum topic topic; char generation[65]; char *json; };
enum fake_op { FAKE_CREATE, FAKE_LOOK, FAKE_CANCEL, FAKE_ORGANIZATION };
struct fake_call {
    enum fake_op op;
    bool answered;
    char subject[65];                    /* the prompt of a create, the task of a look or cancel */
    void *self, *tag;
    union { runway_create_done *create; runway_look_done *look; runway_cancel_done *cancel;
            runway_organization_done *organization; } done;
};

struct fake {
    struct fake_item items[FAKE_ITEMS_MAX]; int item_count;
    struct fake_event events[FAKE_EVENTS_MAX]; int event_count;      /* committed only */
    struct fake_call calls[FAKE_CALLS_MAX]; int call_count;
    bool hold_commits;                   /* the broker is away: effects stay queued */
    bool abort_next;                     /* the next transaction is written and then aborted */
    bool held;                           /* the partition is ours */
    bool paused;
    /* at the next revocation the transaction at hand may be committed or not */
    bool in_doubt;
    int64_t mono_ms, wall_ms;
    void (*on_step)(void);               /* what the network does while http_client_step waits; may be NULL */
};
extern struct fake fake;

void fake_reset(void);
/* Encodes event as a record of the topic; handed out by the next turn. */
struct fake_item *fake_put(const struct event *event);
/* everything that is not done is read again and handed out by the next turn */
void fake_assign(void);
void fake_revoke(bool lost);             /* calls revoking unless lost; then drop for every item */
void fake_pass(int64_t duration_ms);     /* both clocks */
/* committed events; generation NULL: of all */
int fake_count(enum event_type type, const char *generation);
const char *fake_json(enum event_type type, const char *generation); /* of the last one; NULL: none */
struct fake_call *fake_open_call(enum fake_op op);       /* the oldest that is not answered, or NULL */
int fake_calls(enum fake_op op, const char *subject);    /* how many there were; subject NULL: of all */

void fake_answer_create(struct fake_call *call, const struct runway_create_answer *answer);
void fake_answer_look(struct fake_call *call, const struct runway_look_answer *answer);
void fake_answer_cancel(struct fake_call *call, const struct runway_cancel_answer *answer);
void fake_answer_organization(struct fake_call *call, const struct runway_organization_answer *answer);

#endif
