#include "unit/generator/workset_fake.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"

enum effect { NOTHING, END, INTENT, CLOSE };
struct queued { struct work_item *item, *also[8]; int also_count; enum effect effect; void *tag; };

struct workset { struct workset_stage stage; struct queued queue[FAKE_ITEMS_MAX]; int queue_count; };

struct fake fake;
static struct workset the_set;
static const enum event_type *reading;           /* the type of the record at hand, as its header would say */
static struct fake_event written[64];            /* by the transaction at hand */
static int written_count;

/* ---- the clock */

int64_t __wrap_clock_mono_ms(void);
int64_t __wrap_clock_wall_ms(void);
int64_t __wrap_clock_mono_ms(void) { return fake.mono_ms; }
int64_t __wrap_clock_wall_ms(void) { return fake.wall_ms; }

void fake_pass(int64_t duration_ms)
{
    fake.mono_ms += duration_ms;
    fake.wall_ms += duration_ms;
}

/* ---- the outbox */

enum trouble outbox_event(struct outbox *outbox, const struct event *event, enum topic topic,
                          const struct kafka_header *traceparent, const char *origin)
{
    (void)outbox, (void)traceparent, (void)origin;
    struct text json = { 0 };
    event_encode(event, &json);
    must(written_count < 64);
    struct fake_event *out = &written[written_count++];
    *out = (struct fake_event){ .type = event->type, .topic = topic, .json = json.bytes };
    snprintf(out->generation, sizeof out->generation, "%s", event->generation_id);
    return TROUBLE_NONE;
}

static void settle(bool committed)
{
    for (int i = 0; i < written_count; i++) {
        if (committed) {
            must(fake.event_count < FAKE_EVENTS_MAX);
            fake.events[fake.event_count++] = written[i];
        } else {
            free(written[i].json);
        }
    }
    written_count = 0;
}

void record_source(const struct kafka_record *record, enum topic topic, struct event_source *source)
{
    const char *type = EVENTS[*reading].ce_type;
    *source = (struct event_source){ .value = record->value, .length = record->value_length, .topic = topic,
                                     .ce_type = type, .ce_type_length = strlen(type),
                                     .content_type = "application/json", .content_type_length = 16 };
}

void record_traceparent(const struct kafka_record *record, struct kafka_header *header)
{
    (void)record;
    static const char parent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    *header = (struct kafka_header){ .name = "traceparent", .value = parent, .length = sizeof parent - 1 };
}

/* ---- the log */

void fake_reset(void)
{
    for (int i = 0; i < fake.event_count; i++)
        free(fake.events[i].json);
    fake = (struct fake){ .held = true, .mono_ms = 1000000, .wall_ms = INT64_C(1700000000000) };
}

struct fake_item *fake_put(const struct event *event)
{
    struct text json = { 0 };
    must(fake.item_count < FAKE_ITEMS_MAX);
    struct fake_item *item = &fake.items[fake.item_count];
    event_encode(event, &json);
    must(json.length < sizeof item->json);
    *item = (struct fake_item){ .type = event->type, .offset = fake.item_count++ * 2 };
    memcpy(item->json, json.bytes, json.length + 1);
    snprintf(item->key, sizeof item->key, "%s", event->generation_id);
    text_free(&json);
    return item;
}

static void hand_out(struct workset *set)
{
    for (int i = 0; fake.held && i < fake.item_count; i++) {
        struct fake_item *item = &fake.items[i];
        if (item->done || item->live || fake.paused)
            continue;
        const struct kafka_record record = { .partition = 3, .offset = item->offset, .key = item->key,
                                             .key_length = strlen(item->key), .value = item->json,
                                             .value_length = strlen(item->json) };
        struct decode_error error;
        reading = &item->type;
        item->live = set->stage.read(set->stage.self, &record, &error);
        ck_assert_msg(item->live != NULL, "%s", error.message);
        item->live->partition = 3;
        item->live->offset = item->offset;
        item->live->attempts = item->attempts;
        item->live->intent_at_ms = item->intent_at_ms;
    }
    for (int i = 0; i < fake.item_count; i++)
        if (fake.items[i].live && !(fake.items[i].live->flags & 1)) {
            fake.items[i].live->flags |= 1;
            set->stage.live(set->stage.self, fake.items[i].live);
        }
}

static struct fake_item *item_of(const struct work_item *live)
{
    return &fake.items[live->offset / 2];
}

void fake_assign(void)
{
    fake.held = true;
}

void fake_revoke(bool lost)
{
    struct workset *set = &the_set;
    if (!lost && set->stage.revoking)
        set->stage.revoking(set->stage.self);
    fake.held = false;
    for (int i = 0; i < set->queue_count && fake.in_doubt; i++)
        set->queue[i].item->flags |= 4;
    fake.in_doubt = false;
    set->queue_count = 0;
    for (int i = 0; i < fake.item_count; i++)
        if (fake.items[i].live) {
            set->stage.drop(set->stage.self, fake.items[i].live);
            free(fake.items[i].live);
            fake.items[i].live = NULL;
        }
}

/* ---- the set */

struct workset *workset_open(const struct workset_config *config, const struct workset_stage *stage)
{
    (void)config;
    the_set = (struct workset){ .stage = *stage };
    return &the_set;
}

void workset_close(struct workset **set)
{
    if (fake.held)
        fake_revoke(false);
    *set = NULL;
}

static void apply_end(struct workset *set, const struct queued *queued)
{
    set->stage.ended(set->stage.self, queued->item, queued->tag);
    for (int i = 0; i < queued->also_count; i++)
        set->stage.ended(set->stage.self, queued->also[i], NULL);
    for (int i = -1; i < queued->also_count; i++) {
        struct work_item *item = i < 0 ? queued->item : queued->also[i];
        item_of(item)->done = true;
        item_of(item)->live = NULL;
        free(item);
    }
}

static void apply(struct workset *set, const struct queued *queued)
{
    struct work_item *item = queued->item;
    item->flags &= (uint8_t)~2u;
    switch (queued->effect) {
    case END:
        apply_end(set, queued);
        return;
    case INTENT:
        item->attempts++;
        item->intent_at_ms = fake.wall_ms;
        break;
    case CLOSE:
        item->attempts--;
        item->intent_at_ms = 0;
        break;
    case NOTHING:
        unreachable();
    }
    item_of(item)->attempts = item->attempts;
    item_of(item)->intent_at_ms = item->intent_at_ms;
    (queued->effect == INTENT ? set->stage.intended : set->stage.closed)(set->stage.self, item);
}

/* Flag 8: a note about it waits. */
static bool write_notes(struct workset *set, bool clear)
{
    bool any = false;
    for (int i = 0; i < fake.item_count; i++) {
        struct work_item *item = fake.items[i].live;
        if (!item || !(item->flags & 8))
            continue;
        any = true;
        if (clear)
            item->flags &= (uint8_t)~8u;
        else if (set)
            set->stage.note(set->stage.self, item, NULL);
    }
    return any;
}

static bool transact(struct workset *set)
{
    static struct queued now[FAKE_ITEMS_MAX];
    if (fake.hold_commits)
        return false;
    int count = set->queue_count;
    memcpy(now, set->queue, sizeof now[0] * (size_t)count);
    for (int i = 0; i < count; i++)
        if (now[i].effect == END)
            set->stage.write(set->stage.self, now[i].item, now[i].tag, NULL);
    write_notes(set, false);
    if (fake.abort_next) {
        fake.abort_next = false;
        settle(false);
        return false;
    }
    settle(true);
    write_notes(set, true);
    set->queue_count = 0;
    for (int i = 0; i < count; i++)
        apply(set, &now[i]);
    return true;
}

bool workset_commit(struct workset *set)
{
    while (set->queue_count > 0)
        if (!transact(set))
            return false;
    return true;
}

enum trouble workset_turn(struct workset *set)
{
    hand_out(set);
    if (fake.held && (set->queue_count > 0 || write_notes(NULL, false)))
        transact(set);
    return TROUBLE_NONE;
}

int64_t workset_wait_ms(const struct workset *set, int64_t now_ms, int64_t most_ms)
{
    (void)now_ms;
    return set->queue_count > 0 && !fake.hold_commits ? 0 : most_ms;
}

static struct queued *add(struct workset *set, struct work_item *item, enum effect effect)
{
    must(!(item->flags & 2));
    item->flags |= 2;
    item->flags &= (uint8_t)~8u;
    struct queued *queued = &set->queue[set->queue_count++];
    *queued = (struct queued){ .item = item, .effect = effect };
    return queued;
}

void workset_end(struct workset *set, struct work_item *item, void *tag) { add(set, item, END)->tag = tag; }
void workset_intent(struct workset *set, struct work_item *item) { add(set, item, INTENT); }

void workset_close_intent(struct workset *set, struct work_item *item)
{
    must(item->intent_at_ms != 0 || item->attempts > 0);
    add(set, item, CLOSE);
}

void workset_end_with(struct workset *set, struct work_item *item, struct work_item *also)
{
    must(!(also->flags & 2));
    also->flags |= 2;
    for (int i = 0; i < set->queue_count; i++)
        if (set->queue[i].item == item) {
            set->queue[i].also[set->queue[i].also_count++] = also;
            return;
        }
    unreachable();
}

void workset_note(struct workset *set, struct work_item *item)
{
    (void)set;
    item->flags |= item->flags & 2 ? 0 : 8;
}

bool workset_queued(const struct work_item *item) { return item->flags & 2; }
bool workset_doubtful(const struct work_item *item) { return item->flags & 4; }
int workset_wake_fd(struct workset *set) { (void)set; return -1; }
void workset_pause(struct workset *set, bool paused) { (void)set; fake.paused = paused; }

bool workset_restored(const struct workset *set)
{
    (void)set;
    for (int i = 0; fake.held && i < fake.item_count; i++)
        if (!fake.items[i].done && !fake.items[i].live)
            return false;
    return true;
}

size_t workset_live(const struct workset *set)
{
    (void)set;
    size_t live = 0;
    for (int i = 0; i < fake.item_count; i++)
        live += fake.items[i].live != NULL;
    return live;
}

static struct work_item *find(const char *key, size_t length, int64_t after, const struct work_item *except)
{
    for (int i = 0; i < fake.item_count; i++) {
        struct work_item *item = fake.items[i].live;
        if (item && (item->flags & 1) && item->offset > after && item != except &&
            item->key_length == length &&
            memcmp(item->key, key, length) == 0)
            return item;
    }
    return NULL;
}

struct work_item *workset_find(const struct workset *set, const char *key, size_t key_length,
                               const struct work_item *except)
{
    (void)set;
    return find(key, key_length, -1, except);
}

struct work_item *workset_next_same(const struct workset *set, const struct work_item *item)
{
    (void)set;
    return find(item->key, item->key_length, item->offset, NULL);
}

/* ---- the provider */

struct http_client *http_client_open(void) { return (struct http_client *)&fake; }
void http_client_close(struct http_client **client) { *client = NULL; }
struct runway *runway_open(const struct runway_config *config, struct http_client *http)
{
    (void)config, (void)http;
    return (struct runway *)&fake;
}
void runway_close(struct runway **runway) { *runway = NULL; }

void http_client_step(struct http_client *client, const int *fds, size_t fd_count, int timeout_ms)
{
    (void)client, (void)fds;
    if (fake.on_step)
        fake.on_step();
    else if (fd_count == 0)
        fake_pass(timeout_ms);           /* nothing else to wait for: the whole time passes */
}

static struct fake_call *call(enum fake_op op, const char *subject, void *self, void *tag)
{
    must(fake.call_count < FAKE_CALLS_MAX);
    struct fake_call *made = &fake.calls[fake.call_count++];
    *made = (struct fake_call){ .op = op, .self = self, .tag = tag };
    snprintf(made->subject, sizeof made->subject, "%s", subject);
    return made;
}

void runway_create(struct runway *runway, const struct runway_request *request, runway_create_done *done,
                   void *self,
                   void *tag)
{
    (void)runway;
    call(FAKE_CREATE, request->prompt, self, tag)->done.create = done;
}

void runway_look(struct runway *runway, const char *task_id, runway_look_done *done, void *self, void *tag)
{
    (void)runway;
    call(FAKE_LOOK, task_id, self, tag)->done.look = done;
}

void runway_cancel(struct runway *runway, const char *task_id, runway_cancel_done *done, void *self,
                   void *tag)
{
    (void)runway;
    call(FAKE_CANCEL, task_id, self, tag)->done.cancel = done;
}

void runway_organization(struct runway *runway, runway_organization_done *done, void *self, void *tag)
{
    (void)runway;
    call(FAKE_ORGANIZATION, "", self, tag)->done.organization = done;
}

static struct fake_call *answering(struct fake_call *call, enum fake_op op)
{
    ck_assert_ptr_nonnull(call);
    must(call->op == op && !call->answered);
    call->answered = true;
    return call;
}

void fake_answer_create(struct fake_call *call, const struct runway_create_answer *answer)
{
    answering(call, FAKE_CREATE)->done.create(call->self, call->tag, answer);
}

void fake_answer_look(struct fake_call *call, const struct runway_look_answer *answer)
{
    answering(call, FAKE_LOOK)->done.look(call->self, call->tag, answer);
}

void fake_answer_cancel(struct fake_call *call, const struct runway_cancel_answer *answer)
{
    answering(call, FAKE_CANCEL)->done.cancel(call->self, call->tag, answer);
}

void fake_answer_organization(struct fake_call *call, const struct runway_organization_answer *answer)
{
    answering(call, FAKE_ORGANIZATION)->done.organization(call->self, call->tag, answer);
}

/* ---- what came of it */

int fake_count(enum event_type type, const char *generation)
{
    int count = 0;
    for (int i = 0; i < fake.event_count; i++)
        count += fake.events[i].type == type && (!generation ||
                                                 strcmp(fake.events[i].generation, generation) == 0);
    return count;
}

const char *fake_json(enum event_type type, const char *generation)
{
    for (int i = fake.event_count - 1; i >= 0; i--)
        if (fake.events[i].type == type && strcmp(fake.events[i].generation, generation) == 0)
            return fake.events[i].json;
    return NULL;
}

struct fake_call *fake_open_call(enum fake_op op)
{
    for (int i = 0; i < fake.call_count; i++)
        if (fake.calls[i].op == op && !fake.calls[i].answered)
            return &fake.calls[i];
    return NULL;
}

int fake_calls(enum fake_op op, const char *subject)
{
    int count = 0;
    for (int i = 0; i < fake.call_count; i++)
        count += fake.calls[i].op == op && (!subject || strcmp(fake.calls[i].subject, subject) == 0);
    return count;
}
