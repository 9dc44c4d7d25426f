#include "sandbox/store.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/schedule.h"

#include "base/backoff.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "base/text.h"

enum { BUCKETS = 1 << 14, LANES_MAX = 32 };
static const int64_t DAY_MS = INT64_C(24) * 3600 * 1000;

/* What counts per model: its name, whatever the endpoint. */
struct lane {
    int64_t active;                      /* PENDING or RUNNING */
    struct task_list waiting;            /* THROTTLED, in the order they came */
    int64_t *created; size_t created_from, created_to, created_capacity;      /* times within the last day */
};

struct store {
    struct store_limits limits;
    struct lane lanes[LANES_MAX];
    struct task *buckets[BUCKETS];
    struct task_list tasks;
    struct schedule schedule;
    struct usage usage;
    int64_t balance;
};

/* ---- lanes */

static struct lane *lane_of(struct store *store, const struct model *model)
{
    for (size_t i = 0; i < model_count; i++)
        if (strcmp(models[i].name, model->name) == 0) return &store->lanes[i];
    unreachable();
}

static void daily_forget(struct lane *lane, int64_t now_ms)
{
    while (lane->created_from < lane->created_to && lane->created[lane->created_from] <= now_ms - DAY_MS)
        lane->created_from++;
}

static void daily_count(struct lane *lane, int64_t now_ms)
{
    if (lane->created_to == lane->created_capacity) {
        size_t count = lane->created_to - lane->created_from;
        if (lane->created_from > count) {
            memcpy(lane->created, lane->created + lane->created_from, count * sizeof *lane->created);
            lane->created_from = 0;
            lane->created_to = count;
        } else {
            lane->created_capacity = lane->created_capacity ? 2 * lane->created_capacity : 64;
            lane->created = xrealloc(lane->created, lane->created_capacity * sizeof *lane->created);
        }
    }
    lane->created[lane->created_to++] = now_ms;
}

int64_t store_daily(const struct store *store, const struct model *model)
{
    const struct lane *lane = lane_of((struct store *)store, model);
    return (int64_t)(lane->created_to - lane->created_from);
}

/* ---- credits */

static void charge(struct store *store, const struct task *task, int64_t credits, int64_t now_ms)
{
    store->balance -= credits;
    if (credits != 0) usage_add(&store->usage, now_ms, task->model->name, credits);
}

/* Moderated input costs like a success; other failures are given back. */
static int64_t final_cost(const struct task *task)
{
    if (task->marks.cost >= 0) return task->marks.cost < task->estimated ? task->marks.cost : task->estimated;
    if (task->status != TASK_FAILED) return task->estimated;
    return strncmp(task->marks.failure_code, "SAFETY.", 7) == 0 ? task->estimated : 0;
}

/* ---- a task's steps */

static void to_pending(struct store *store, struct task *task, int64_t at_ms)
{
    lane_of(store, task->model)->active++;
    task->status = TASK_PENDING;
    task->due_ms = at_ms + task->pending_ms;
    schedule_put(&store->schedule, task);
}

static void fill_lane(struct store *store, struct lane *lane, int64_t at_ms)
{
    for (struct task *next; (next = TAILQ_FIRST(&lane->waiting)) != NULL;) {
        if (lane->active >= store->limits.concurrency) return;
        TAILQ_REMOVE(&lane->waiting, next, throttled);
        to_pending(store, next, at_ms);
    }
}

/* A place in its lane is free: the one that waits longest takes it, at that very time. */
static void leave_lane(struct store *store, const struct task *task, int64_t at_ms)
{
    struct lane *lane = lane_of(store, task->model);
    lane->active--;
    fill_lane(store, lane, at_ms);
}

static void finish(struct store *store, struct task *task, int64_t at_ms)
{
    if (task->unlucky && !task->marks.fails) {
        task->marks.fails = true;
        text_copy(task->marks.failure_code, sizeof task->marks.failure_code, "INTERNAL.BAD_OUTPUT.CODE01");
    }
    task->status = task->marks.fails ? TASK_FAILED : task->marks.cancelled ? TASK_CANCELLED : TASK_SUCCEEDED;
    task->ended_ms = at_ms;
    task->cost = final_cost(task);
    charge(store, task, task->cost - task->estimated, at_ms);
    schedule_take(&store->schedule, task);
    leave_lane(store, task, at_ms);
}

static void step(struct store *store, struct task *task)
{
    int64_t at_ms = task->due_ms;
    if (task->status == TASK_RUNNING) {
        finish(store, task, at_ms);
        return;
    }
    must(task->status == TASK_PENDING);
    task->status = TASK_RUNNING;
    task->running_ms = at_ms;
    task->due_ms = at_ms + task->run_ms;
    schedule_put(&store->schedule, task);
}

static size_t bucket(const char *id)
{
    uint32_t hash = 2166136261u;
    for (; *id; id++) hash = (hash ^ (unsigned char)*id) * 16777619u;
    return hash % BUCKETS;
}

static void forget(struct store *store, struct task *task)
{
    struct task **at = &store->buckets[bucket(task->id)];
    while (*at != task) at = &(*at)->same_hash;
    *at = task->same_hash;
    TAILQ_REMOVE(&store->tasks, task, all);
    free(task->prompt);
    free(task);
}

void store_advance(struct store *store, int64_t now_ms)
{
    for (struct task *task; (task = schedule_first(&store->schedule)) != NULL && task->due_ms <= now_ms;)
        step(store, task);
    for (struct task *task; (task = TAILQ_FIRST(&store->tasks)) != NULL;) {
        bool over = task->deleted || task_ended(task);
        if (!over || task->ended_ms > now_ms - store->limits.retention_ms) break;
        forget(store, task);
    }
    for (size_t i = 0; i < model_count; i++) {
        daily_forget(&store->lanes[i], now_ms);
        fill_lane(store, &store->lanes[i], now_ms);      /* the limit may have been raised meanwhile */
    }
}

/* ---- create, find, delete */

static int64_t run_time(const struct store *store)
{
    int64_t sway_ms = store->limits.run_ms * store->limits.run_jitter / 100;
    return store->limits.run_ms + (sway_ms > 0 ? jitter_ms(-sway_ms, sway_ms) : 0);
}

static struct task *task_open(struct store *store, const struct model *model, const char *prompt,
                              int64_t now_ms)
{
    struct task *task = xcalloc(1, sizeof *task);
    uuid7_make(task->id);
    task->model = model;
    task->prompt = xstrdup(prompt ? prompt : "");
    task->marks = marks_read(prompt);
    task->created_ms = now_ms;
    task->pending_ms = task->marks.pending_ms >= 0 ? task->marks.pending_ms : store->limits.pending_ms;
    task->run_ms = task->marks.run_ms >= 0 ? task->marks.run_ms : run_time(store);
    task->unlucky = (int64_t)(random_u64() % 100) < store->limits.fail_ratio;
    struct task **at = &store->buckets[bucket(task->id)];
    task->same_hash = *at;
    *at = task;
    TAILQ_INSERT_TAIL(&store->tasks, task, all);
    return task;
}

enum create_outcome store_create(struct store *store, const struct wish *wish, struct task **made,
                                 int64_t now_ms)
{
    struct lane *lane = lane_of(store, wish->model);
    if (store->balance < wish->estimated) return CREATE_NO_CREDITS;
    if (store_daily(store, wish->model) >= store->limits.daily) return CREATE_DAILY_LIMIT;
    struct task *task = *made = task_open(store, wish->model, wish->prompt, now_ms);
    task->estimated = wish->estimated;
    daily_count(lane, now_ms);
    charge(store, task, task->estimated, now_ms);
    if (lane->active < store->limits.concurrency) to_pending(store, task, now_ms);
    else TAILQ_INSERT_TAIL(&lane->waiting, task, throttled);
    return CREATE_MADE;
}

struct task *store_find(struct store *store, const char *id)
{
    struct task *task = store->buckets[bucket(id)];
    while (task && strcmp(task->id, id) != 0) task = task->same_hash;
    return task && !task->deleted ? task : NULL;
}

void store_delete(struct store *store, struct task *task, int64_t now_ms)
{
    bool refunded = task->status == TASK_THROTTLED || task->status == TASK_PENDING;
    bool in_lane = task->status == TASK_PENDING || task->status == TASK_RUNNING;
    task->deleted = true;
    if (task_ended(task)) return;
    if (task->status == TASK_THROTTLED) TAILQ_REMOVE(&lane_of(store, task->model)->waiting, task, throttled);
    task->ended_ms = now_ms;
    task->cost = refunded ? 0 : task->estimated;      /* decided on the status that the server sees */
    charge(store, task, task->cost - task->estimated, now_ms);
    task->status = TASK_CANCELLED;
    schedule_take(&store->schedule, task);
    if (in_lane) leave_lane(store, task, now_ms);
}

/* ---- the whole */

struct store *store_open(const struct store_limits *limits)
{
    must(model_count <= LANES_MAX);
    struct store *store = xcalloc(1, sizeof *store);
    store->limits = *limits;
    store->balance = limits->credits;
    TAILQ_INIT(&store->tasks);
    for (size_t i = 0; i < LANES_MAX; i++) TAILQ_INIT(&store->lanes[i].waiting);
    return store;
}

void store_close(struct store **store)
{
    /* The analyzer does not see that TAILQ_REMOVE changes what is first. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    while (!TAILQ_EMPTY(&(*store)->tasks)) forget(*store, TAILQ_FIRST(&(*store)->tasks));
    for (size_t i = 0; i < LANES_MAX; i++) free((*store)->lanes[i].created);
    schedule_free(&(*store)->schedule);
    usage_free(&(*store)->usage);
    free(*store);
    *store = NULL;
}

struct store_limits *store_limits(struct store *store)
{
    return &store->limits;
}

const struct task_list *store_tasks(const struct store *store)
{
    return &store->tasks;
}

const struct usage *store_usage(const struct store *store)
{
    return &store->usage;
}

int64_t store_balance(const struct store *store)
{
    return store->balance;
}

void store_add_credits(struct store *store, int64_t credits)
{
    store->balance += credits;
}

const char *task_status_name(enum task_status status)
{
    static const char *const names[TASK_STATUSES] = {
        "THROTTLED", "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED" };
    return names[status];
}

bool task_ended(const struct task *task)
{
    return task->status >= TASK_SUCCEEDED;
}
