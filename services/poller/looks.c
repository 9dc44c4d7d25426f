/* From a task's time to the answer and what follows from it (look.h decides, this acts). */
#include "poller/inside.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "base/must.h"
#include "base/planted.h"
#include "poller/progress.h"

enum { HELD_AGAIN_MS = 30 * 1000 };

/* ---- when */

static void look_in(struct poller *poller, struct task *task, int64_t wait_ms)
{
    due_set(&poller->due, &task->due, clock_mono_ms() + wait_ms);
}

void looks_schedule(struct poller *poller, struct task *task)
{
    int64_t wall_ms = clock_wall_ms();
    const struct pace_task pace = {
        .since_submitted_ms = wall_ms - task->submitted_at_ms,
            .until_deadline_ms = task->deadline_at_ms - wall_ms,
        .render_ms = poller->history.rows[task->model].render_ms, .every_ms = poller->settings->look_every_ms,
        .looked = task->looked_at_ms != 0 };
    look_in(poller, task, pace_next_ms(&pace));
}

void looks_wanted_now(struct poller *poller, struct task *task)
{
    int64_t least_ms = task->looked_at_ms == 0 ? 0
                     : task->looked_at_ms + poller->settings->look_every_ms - clock_mono_ms();
    look_in(poller, task, least_ms > 0 ? least_ms : 0);
}

static void later(struct poller *poller, struct task *task, int64_t retry_after_ms)
{
    if (task->failures < UINT8_MAX)
        task->failures++;
    look_in(poller, task, pace_later_ms(poller->settings->look_every_ms, task->failures, retry_after_ms));
}

/* ---- calls */

static struct call *call_start(struct poller *poller, struct task *task)
{
    size_t slot = 0;
    while (poller->calls[slot].open)
        slot++;
    must(slot < (size_t)poller->settings->max_in_flight);
    poller->calls[slot] = (struct call){ .task = task, .poller = poller, .started_ms = clock_mono_ms(),
                                         .open = true };
    task->call = (uint16_t)(slot + 1);
    poller->calls_open++;
    return &poller->calls[slot];
}

/* The call's task, or NULL when it was taken away meanwhile. */
static struct task *call_end(struct poller *poller, struct call *call)
{
    struct task *task = call->task;
    call->open = false;
    poller->calls_open--;
    if (task)
        task->call = 0;
    return task;
}

/* ---- the breaker */

static void trip(struct poller *poller, int http_status, const char *message)
{
    health_part(poller->health, "runway", "the provider refuses our key");
    if (breaker_trip(&poller->breaker, clock_mono_ms()))
        log_error("breaker_open", LOG_NUMBER("http_status", http_status), LOG_TEXT("reason", message));
}

static void passed(struct poller *poller)
{
    int64_t now_ms = clock_mono_ms();
    if (breaker_passed(&poller->breaker, now_ms))
        log_info("breaker_closed", LOG_NUMBER("open_ms", breaker_open_ms(&poller->breaker, now_ms)));
}

static void probed(void *self, void *tag, const struct runway_organization_answer *answer)
{
    struct poller *poller = self;
    (void)tag;
    bool good = answer->answered && !answer->operator_trouble;
    provider_called(poller->meters.calls, PROVIDER_ORGANIZATION, answer->http_status, -1);
    breaker_probed(&poller->breaker, good, clock_mono_ms());
    if (good)
        health_part(poller->health, "runway", NULL);
}

void looks_probe(struct poller *poller)
{
    if (breaker_probe_due(&poller->breaker, clock_mono_ms()))
        runway_organization(poller->runway, probed, poller, NULL);
}

/* ---- DELETE: only its acknowledgement ends a task that is past its deadline or no longer wanted */

static void deleted(void *self, void *tag, const struct runway_cancel_answer *answer)
{
    struct poller *poller = self;
    struct call *call = tag;
    int64_t duration_ms = clock_mono_ms() - call->started_ms;
    struct task *task = call_end(poller, call);
    provider_called(poller->meters.calls, PROVIDER_CANCEL, answer->http_status, duration_ms);
    if (answer->operator_trouble)
        trip(poller, answer->http_status, answer->message);
    if (!task)
        return;
    crash_point(CRASH_POLLER_DELETED);
    if (answer->acknowledged || planted(VERDICT_BY_CLOCK)) {
        poller_end(poller, task, task->kind == TASK_ORPHAN ? VERDICT_ORPHAN_DELETED
                   : task->cancel_wanted ? VERDICT_CANCELLED_BY_USER : VERDICT_DEADLINE, NULL);
        return;
    }
    log_warn("delete_not_acknowledged", LOG_TEXT("generation_id", task->item.key),
             LOG_TEXT("task_id", task_id(task)),
             LOG_NUMBER("http_status", answer->http_status), LOG_TEXT("reason", answer->message));
    poller_move(poller, task, TASK_WAITING);
    later(poller, task, answer->retry_after_ms);
}

static void delete(struct poller *poller, struct task *task)
{
    struct call *call = call_start(poller, task);
    poller_move(poller, task, TASK_DELETING);
    task->delete_sent = true;
    runway_cancel(poller->runway, task_id(task), deleted, poller, call);
    crash_point(CRASH_POLLER_DELETE_STARTED);
}

/* ---- answers */

static void warn_unknown_status(struct poller *poller, const struct task *task, const char *status)
{
    for (int i = 0; i < poller->word_count; i++)
        if (strncmp(poller->words[i], status, STATUS_WORD_BYTES - 1) == 0)
            return;
    if (poller->word_count == STATUS_WORDS_MAX)
        return;
    snprintf(poller->words[poller->word_count++], STATUS_WORD_BYTES, "%s", status);
    log_warn("unknown_status", LOG_TEXT("status", status), LOG_TEXT("generation_id", task->item.key),
             LOG_TEXT("task_id", task_id(task)),
             LOG_TEXT("reason", "polling goes on; said once for each status"));
}

static void gone(struct poller *poller, struct task *task)
{
    const struct look_missing missing = { .live = workset_live(poller->set), .missing = poller->missing,
                                          .key_proven = poller->key_proven,
                                          .operator_agrees = poller->settings->missing_tasks_end };
    poller_move(poller, task, TASK_WAITING);
    if (!look_missing_may_end(&missing)) {
        health_part(poller->health, "runway_tasks", "tasks answer 404: is this key of their project?");
        log_error("missing_tasks_held", LOG_NUMBER("missing", poller->missing),
                  LOG_NUMBER("live", missing.live),
                  LOG_TEXT("generation_id", task->item.key), LOG_TEXT("task_id", task_id(task)));
        look_in(poller, task, HELD_AGAIN_MS);
        return;
    }
    enum verdict_kind kind = task->cancel_wanted ? VERDICT_CANCELLED_BY_USER
                           : clock_wall_ms() >= task->deadline_at_ms ? VERDICT_DEADLINE : VERDICT_MISSING;
    due_unset(&poller->due, &task->due);
    poller_end(poller, task, kind, NULL);
}

static void act(struct poller *poller, struct task *task, enum look_step step,
                const struct runway_look_answer *answer)
{
    switch (step) {
    case LOOK_COMPLETE:  poller_end(poller, task, VERDICT_COMPLETED, answer); return;
    case LOOK_FAIL:      poller_end(poller, task, VERDICT_FAILED, answer); return;
    case LOOK_EMPTY:     poller_end(poller, task, VERDICT_EMPTY, answer); return;
    case LOOK_CANCELLED: poller_end(poller, task, VERDICT_CANCELLED_ELSEWHERE, answer); return;
    case LOOK_GONE:      gone(poller, task); return;
    case LOOK_DELETE:    delete(poller, task); return;
    case LOOK_AGAIN: case LOOK_LATER: case LOOK_BREAK: case LOOK_MISSED: break;
    case LOOK_STEPS: unreachable();
    }
    poller_move(poller, task, TASK_WAITING);
    if (step == LOOK_AGAIN || step == LOOK_BREAK)
        looks_schedule(poller, task);
    else if (step == LOOK_MISSED)
        look_in(poller, task, poller->settings->missing_confirm_ms);
    else
        later(poller, task, answer->retry_after_ms);
}

static void learn(struct poller *poller, const struct runway_look_answer *answer)
{
    switch (answer->look) {
    case RUNWAY_TASK:
        poller->key_proven = true;
        pace_good(&poller->pace);
        passed(poller);
        return;
    case RUNWAY_MISSING:
        pace_good(&poller->pace);
        passed(poller);
        return;
    case RUNWAY_LATER:
        pace_bad(&poller->pace, clock_mono_ms(), answer->http_status == 429, answer->retry_after_ms);
        return;
    case RUNWAY_LOOK_OPERATOR:
        trip(poller, answer->http_status, answer->message);
        return;
    }
    unreachable();
}

static void note_progress(struct task *task, const struct runway_look_answer *answer)
{
    if (answer->look == RUNWAY_TASK && answer->status == RUNWAY_SUCCEEDED)
        task->progress = 101;
    else if (answer->look == RUNWAY_TASK && answer->progress >= 0 && answer->progress <= 1)
        task->progress = (uint8_t)(answer->progress * 100 + 1);
}

static void tell_progress(struct poller *poller, struct task *task)
{
    const struct progress_rule rule = { .step_percent = (int)poller->settings->progress_step,
                                        .every_ms = poller->settings->progress_every_ms };
    if (progress_take(task, &rule, clock_mono_ms()))
        workset_note(poller->set, &task->item);
}

static void looked(void *self, void *tag, const struct runway_look_answer *answer)
{
    struct poller *poller = self;
    struct task *task = call_end(poller, tag);
    const struct look_clock now = { clock_wall_ms(), clock_mono_ms() };
    provider_called(poller->meters.calls, PROVIDER_LOOK, answer->http_status, answer->duration_ms);
    learn(poller, answer);
    crash_point(CRASH_POLLER_LOOKED);
    if (!task)
        return;
    task->looked_at_ms = now.mono_ms;
    note_progress(task, answer);
    if (answer->look == RUNWAY_TASK || answer->look == RUNWAY_MISSING)
        task->failures = 0;
    if (answer->look == RUNWAY_TASK && answer->status == RUNWAY_STATUS_UNKNOWN)
        warn_unknown_status(poller, task, answer->status_text ? answer->status_text : "");
    if (answer->look == RUNWAY_TASK && answer->status == RUNWAY_RUNNING)
        tell_progress(poller, task);
    const struct look_task facts = { .cancel_wanted = task->cancel_wanted, .delete_sent = task->delete_sent,
                                     .deadline_at_ms = task->deadline_at_ms,
                                         .missing_since_ms = task->missing_since_ms,
                                     .missing_confirm_ms = poller->settings->missing_confirm_ms };
    enum look_step step = look_next(&facts, answer, &now);
    if (answer->look == RUNWAY_TASK || answer->look == RUNWAY_MISSING)
        poller_seen(poller, task, answer->look == RUNWAY_MISSING);
    act(poller, task, step, answer);
}

static void look(struct poller *poller, struct task *task)
{
    struct call *call = call_start(poller, task);
    poller_move(poller, task, TASK_LOOKING);
    runway_look(poller->runway, task_id(task), looked, poller, call);
}

void looks_start(struct poller *poller)
{
    int64_t now_ms = clock_mono_ms();
    const struct due_node *first = due_first(&poller->due);
    metric_set(poller->meters.overdue_seconds,
               first && first->at_ms < now_ms ? (double)(now_ms - first->at_ms) / 1000.0 : 0);
    while (!poller->stopping && first && first->at_ms <= now_ms &&
           poller->calls_open < (size_t)poller->settings->max_in_flight &&
           breaker_allows(&poller->breaker, poller->calls_open) && pace_take(&poller->pace, now_ms)) {
        struct task *task = DUE_OWNER(due_take(&poller->due, now_ms), struct task, due);
        if (task->kind == TASK_ORPHAN)
            delete(poller, task);
        else
            look(poller, task);
        first = due_first(&poller->due);
    }
}

/* ---- a rebalance. A DELETE whose answer we don't wait for would be a riddle for the next owner: the task
 * is gone, and only we knew why. Looks are simply asked again. */
static bool deletes_open(const struct poller *poller)
{
    for (int64_t i = 0; i < poller->settings->max_in_flight; i++)
        if (poller->calls[i].open && poller->calls[i].task && poller->calls[i].task->state == TASK_DELETING)
            return true;
    return false;
}

void looks_revoking(void *self)
{
    struct poller *poller = self;
    int64_t until_ms = clock_mono_ms() + poller->settings->revoke_ms;
    while (deletes_open(poller) && clock_mono_ms() < until_ms)
        http_client_step(poller->http, NULL, 0, 50);
    workset_commit(poller->set);
}
