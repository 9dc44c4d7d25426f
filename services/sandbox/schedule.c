#include "sandbox/schedule.h"

#include <stdlib.h>

#include "sandbox/store.h"

#include "base/xalloc.h"

/* Places count from 1, so that 0 in a task means "not in there". */
static void set(struct schedule *schedule, size_t place, struct task *task)
{
    schedule->tasks[place - 1] = task;
    task->place = place;
}

static struct task *at(const struct schedule *schedule, size_t place)
{
    return schedule->tasks[place - 1];
}

static void rise(struct schedule *schedule, size_t place)
{
    struct task *task = at(schedule, place);
    for (; place > 1 && at(schedule, place / 2)->due_ms > task->due_ms; place /= 2)
        set(schedule, place, at(schedule, place / 2));
    set(schedule, place, task);
}

static void sink(struct schedule *schedule, size_t place)
{
    struct task *task = at(schedule, place);
    for (size_t child; (child = 2 * place) <= schedule->count; place = child) {
        if (child < schedule->count && at(schedule, child + 1)->due_ms < at(schedule, child)->due_ms) child++;
        if (at(schedule, child)->due_ms >= task->due_ms) break;
        set(schedule, place, at(schedule, child));
    }
    set(schedule, place, task);
}

void schedule_take(struct schedule *schedule, struct task *task)
{
    size_t place = task->place;
    if (place == 0) return;
    struct task *last = at(schedule, schedule->count--);
    task->place = 0;
    if (last == task) return;
    set(schedule, place, last);
    rise(schedule, place);
    sink(schedule, last->place);
}

void schedule_put(struct schedule *schedule, struct task *task)
{
    schedule_take(schedule, task);
    if (schedule->count == schedule->capacity) {
        schedule->capacity = schedule->capacity ? 2 * schedule->capacity : 64;
        schedule->tasks = xrealloc(schedule->tasks, schedule->capacity * sizeof *schedule->tasks);
    }
    set(schedule, ++schedule->count, task);
    rise(schedule, task->place);
}

struct task *schedule_first(const struct schedule *schedule)
{
    return schedule->count > 0 ? schedule->tasks[0] : NULL;
}

void schedule_free(struct schedule *schedule)
{
    free(schedule->tasks);
    *schedule = (struct schedule){ 0 };
}
