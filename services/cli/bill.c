#include "cli/bill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

static const double TOLERANCE = 0.01;    /* credits: they are sums of doubles */

void bill_date(int64_t at_ms, char out[BILL_DATE_BYTES])
{
    char full[RFC3339_BYTES];
    clock_format(at_ms, full);
    memcpy(out, full, BILL_DATE_BYTES - 1);
    out[BILL_DATE_BYTES - 1] = '\0';
}

void bill_free(struct bill *bill)
{
    names_free(&bill->tasks);
    names_free(&bill->unknown_generations);
    free(bill->details);
    free(bill->rows);
    *bill = (struct bill){ 0 };
}

/* ---- tasks */

static struct bill_task *task_of(struct bill *bill, const char *task_id)
{
    size_t before = bill->tasks.count, room = bill->tasks.room;
    size_t number = names_add(&bill->tasks, task_id);
    if (bill->tasks.room != room)
        bill->details = xrealloc(bill->details, bill->tasks.room * sizeof *bill->details);
    if (bill->tasks.count != before)
        bill->details[number] = (struct bill_task){ .estimate = -1, .cost = -1 };
    return &bill->details[number];
}

static bool credits_said(double credits)
{
    return credits >= 0 && credits <= (double)TOKENS_MAX;
}

static void take_end(struct bill_task *task, const struct event *event, int64_t at_ms)
{
    task->completed = event->type == EVENT_GENERATION_COMPLETED;
    task->ended_ms = event->has_timings && event->timings.finished_at_ms > 0 ? event->timings.finished_at_ms : at_ms;
    task->cost = credits_said(event->provider_credits) ? event->provider_credits : -1;
    task->charged_tokens = task->completed ? event->required_tokens : event->charge;
}

static void take_unknown(struct bill *bill, const struct event *event)
{
    size_t before = bill->unknown_generations.count;
    if (event->type != EVENT_GENERATION_FAILED || !event->has_error || !event->error.context
        || !strstr(event->error.context, "\"submission_unknown\""))
        return;
    names_add(&bill->unknown_generations, event->generation_id);
    bill->unknown += bill->unknown_generations.count != before;
}

void bill_event(struct bill *bill, const struct event *event, int64_t at_ms)
{
    bool end = event->type == EVENT_GENERATION_COMPLETED || event->type == EVENT_GENERATION_FAILED
        || event->type == EVENT_GENERATION_CANCELLED;
    if (!event->task_id) {
        take_unknown(bill, event);
        return;
    }
    if (event->type == EVENT_GENERATION_TASK) {
        struct bill_task *task = task_of(bill, event->task_id);
        snprintf(task->model, sizeof task->model, "%s", event->model);
        task->submitted_ms = event->submitted_at;
        task->known = true;
    } else if (event->type == EVENT_GENERATION_SUBMITTED && credits_said(event->estimated_credits)) {
        task_of(bill, event->task_id)->estimate = event->estimated_credits;
    } else if (end) {
        take_end(task_of(bill, event->task_id), event, at_ms);
    }
}

/* ---- rows */

static struct bill_row *row_of(struct bill *bill, const char *date, const char *model)
{
    for (size_t i = 0; i < bill->count; i++)
        if (strcmp(bill->rows[i].date, date) == 0 && strcmp(bill->rows[i].model, model) == 0)
            return &bill->rows[i];
    bill->rows = xrealloc(bill->rows, (bill->count + 1) * sizeof *bill->rows);
    struct bill_row *row = &bill->rows[bill->count++];
    *row = (struct bill_row){ 0 };
    snprintf(row->date, sizeof row->date, "%s", date);
    snprintf(row->model, sizeof row->model, "%s", model);
    return row;
}

void bill_provider(struct bill *bill, const char *date, const char *model, double credits)
{
    row_of(bill, date, model)->billed += credits;
}

static void book(struct bill_row *row, double least, double most)
{
    row->least += least;
    row->most += most;
}

static void book_submission(struct bill *bill, const struct bill_task *task)
{
    char date[BILL_DATE_BYTES];
    bill_date(task->submitted_ms, date);
    struct bill_row *row = row_of(bill, date, task->model);
    row->submitted++;
    if (task->estimate >= 0)
        book(row, task->estimate, task->estimate);
    else if (task->cost >= 0)
        book(row, task->cost, task->cost);       /* an estimate that was not said: all of it on this day */
    else
        row->unpriced++;
}

/* A cancelled task's cost can't be read any more: nothing of it, or all, was given back. */
static void book_end(struct bill *bill, const struct bill_task *task)
{
    char date[BILL_DATE_BYTES];
    bill_date(task->ended_ms, date);
    struct bill_row *row = row_of(bill, date, task->model);
    row->completed += task->completed;
    row->failed += !task->completed;
    row->charged_tokens += task->charged_tokens > 0 ? task->charged_tokens : 0;
    if (task->estimate < 0)
        return;
    if (task->cost >= 0) {
        book(row, task->cost - task->estimate, task->cost - task->estimate);
    } else {
        book(row, -task->estimate, 0);
        row->unpriced++;
    }
}

static int by_day_and_model(const void *a, const void *b)
{
    const struct bill_row *left = a, *right = b;
    int order = strcmp(left->date, right->date);
    return order ? order : strcmp(left->model, right->model);
}

void bill_make(struct bill *bill, const char *from, const char *before)
{
    for (size_t i = 0; i < bill->tasks.count; i++) {
        const struct bill_task *task = &bill->details[i];
        if (!task->known)
            continue;                    /* its record has expired, and with it its model */
        book_submission(bill, task);
        if (task->ended_ms > 0)
            book_end(bill, task);
    }
    size_t kept = 0;
    for (size_t i = 0; i < bill->count; i++)
        if (strcmp(bill->rows[i].date, from) >= 0 && strcmp(bill->rows[i].date, before) < 0)
            bill->rows[kept++] = bill->rows[i];
    bill->count = kept;
    if (kept > 0)
        qsort(bill->rows, kept, sizeof *bill->rows, by_day_and_model);
}

bool bill_differs(const struct bill_row *row)
{
    return row->billed < row->least - TOLERANCE || row->billed > row->most + TOLERANCE;
}
