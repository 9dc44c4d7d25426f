/* What the work set hands out is only listed at first and judged after its turn: then all items of a
 * restored partition are known, and a cancel finds its task whichever of the two lies first (a rewritten
 * task lies behind its cancel). */
#include "poller/inside.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

void intake_again(struct poller *poller, struct task *task)
{
    if (task->state == TASK_FRESH)
        due_set(&poller->fresh[task->kind], &task->due, task->item.offset);
}

void intake_live(void *self, struct work_item *item)
{
    struct poller *poller = self;
    struct task *task = (struct task *)item;
    poller->in_state[TASK_FRESH]++;
    intake_again(poller, task);
}

void intake_drop(void *self, struct work_item *item)
{
    struct poller *poller = self;
    struct task *task = (struct task *)item;
    due_unset(task->state == TASK_FRESH ? &poller->fresh[task->kind] : &poller->due, &task->due);
    poller_seen(poller, task, false);
    poller->in_state[task->state]--;
    if (task->call)
        poller->calls[task->call - 1].task = NULL;       /* its answer is nobody's */
    verdict_free(&task->verdict);
}

static struct task *next_same(const struct poller *poller, const struct task *task, const struct task *after)
{
    struct work_item *item = after ? workset_next_same(poller->set, &after->item)
                                   : workset_find(poller->set, task->item.key, task->item.key_length,
                                                  &task->item);
    while (item == &task->item)
        item = workset_next_same(poller->set, item);
    return (struct task *)item;
}

static bool ends_as_second(const struct task *task)
{
    return task->verdict && verdict_kind(task->verdict) == VERDICT_DUPLICATE;
}

/* Another task of this user's generation. The same id of another user (admission lets none through, a
 * stranger writing to jobs may) is another generation: each user's hold has its own end. */
static struct task *next_rival(const struct poller *poller, const struct task *task, const struct task *after)
{
    struct task *other = next_same(poller, task, after);
    while (other && (other->kind != TASK_FOLLOWED || ends_as_second(other) ||
                     strcmp(task_user(other), task_user(task)) != 0))
        other = next_same(poller, task, other);
    return other;
}

struct task *intake_cancel_of(const struct poller *poller, const struct task *task)
{
    for (struct task *other = next_same(poller, task, NULL); other; other = next_same(poller, task, other))
        if (other->kind == TASK_CANCEL && other->state == TASK_FRESH && !workset_queued(&other->item) &&
            strcmp(task_user(other), task_user(task)) == 0)
            return other;
    return NULL;
}

static void end_second(struct poller *poller, struct task *loser, const struct task *winner)
{
    /* Two task ids for one generation would mean that two were paid for: the generator never does that
     * knowingly. */
    log_write(strcmp(task_id(loser), task_id(winner)) == 0 ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "second_task",
              (const struct log_field[]){ LOG_TEXT("generation_id", loser->item.key),
                                          LOG_TEXT("task_id", task_id(loser)),
                                          LOG_TEXT("first_task_id", task_id(winner)),
                                          LOG_NUMBER("partition", loser->item.partition),
                                          LOG_NUMBER("offset", loser->item.offset) }, 5);
    due_unset(loser->state == TASK_FRESH ? &poller->fresh[TASK_FOLLOWED] : &poller->due, &loser->due);
    poller_end(poller, loser, VERDICT_DUPLICATE, NULL);
}

static void judge_task(struct poller *poller, struct task *task)
{
    struct task *rival = next_rival(poller, task, NULL);
    if (rival && (rival->state > TASK_WAITING || task_precedes(rival, task))) {
        end_second(poller, task, rival);
        return;
    }
    if (rival)
        end_second(poller, rival, task);         /* a rewritten copy is older than its offset says */
    poller_move(poller, task, TASK_WAITING);
    looks_schedule(poller, task);
}

static void judge_cancel(struct poller *poller, struct task *cancel)
{
    struct task *task = next_rival(poller, cancel, NULL);
    if (!task) {
        poller_end(poller, cancel, VERDICT_CANCEL_DROPPED, NULL);
        return;
    }
    /* It stays live, unlisted, until its task ends: after a crash the wish is still there. */
    if (!task->cancel_wanted)
        log_info("cancel_wanted", LOG_TEXT("generation_id", task->item.key),
                 LOG_TEXT("task_id", task_id(task)));
    task->cancel_wanted = true;
    if (task->state == TASK_WAITING)
        looks_wanted_now(poller, task);
}

/* The operator named a task of a generation that the generator no longer has. Is it the very task that is
 * followed here, it has its own end; else nobody waits for it, and somebody pays. */
static void judge_orphan(struct poller *poller, struct task *orphan)
{
    for (struct task *other = next_same(poller, orphan, NULL); other; other = next_same(poller, orphan, other))
        if (other->kind == TASK_FOLLOWED && strcmp(task_id(other), task_id(orphan)) == 0) {
            log_warn("word_refused", LOG_TEXT("generation_id", orphan->item.key),
                     LOG_TEXT("task_id", task_id(orphan)), LOG_TEXT("reason", "this task is followed"));
            poller_end(poller, orphan, VERDICT_ORPHAN_FOLLOWED, NULL);
            return;
        }
    poller_move(poller, orphan, TASK_WAITING);
    looks_wanted_now(poller, orphan);
}

void intake_judge(struct poller *poller)
{
    struct due_node *node;
    while ((node = due_take(&poller->fresh[TASK_FOLLOWED], INT64_MAX)) != NULL)
        judge_task(poller, DUE_OWNER(node, struct task, due));
    /* That a cancel has no task here can be said only once everything is handed out. */
    while (workset_restored(poller->set) && (node = due_take(&poller->fresh[TASK_CANCEL], INT64_MAX)) != NULL)
        judge_cancel(poller, DUE_OWNER(node, struct task, due));
    while (workset_restored(poller->set) && (node = due_take(&poller->fresh[TASK_ORPHAN], INT64_MAX)) != NULL)
        judge_orphan(poller, DUE_OWNER(node, struct task, due));
}
