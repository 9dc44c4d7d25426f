#include "generator/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

enum { DELETE_FIRST_MS = 1000, DELETE_MOST_MS = 60 * 1000 };

struct post *post_start(struct posts *posts, struct job *job, void *owner)
{
    struct post *post = xcalloc(1, sizeof *post);
    *post = (struct post){ .next = posts->first, .owner = owner, .job = job, .partition = job->item.partition,
                           .offset = job->item.offset, .attempt = job->item.attempts, .estimated_credits = -1,
                           .delete_backoff = { .first_ms = DELETE_FIRST_MS, .most_ms = DELETE_MOST_MS } };
    must(job->item.key_length < sizeof post->key);
    memcpy(post->key, job->item.key, job->item.key_length);
    memcpy(post->traceparent, job->traceparent, sizeof post->traceparent);
    posts->first = post;
    posts->unanswered++;
    job->post = post;
    return post;
}

void post_answered(struct posts *posts, struct post *post, const struct runway_create_answer *answer)
{
    must(!post->answered && posts->unanswered > 0);
    posts->unanswered--;
    post->answered = true;
    post->created = answer->created;
    post->status = answer->status;
    post->estimated_credits = answer->estimated_credits;
    post->daily_limit = answer->daily_limit;
    post->retry_after_ms = answer->retry_after_ms;
    post->message = answer->message ? xstrdup(answer->message) : NULL;
    if (answer->created == RUNWAY_SUBMITTED)
        snprintf(post->task_id, sizeof post->task_id, "%s", answer->task_id);
}

struct runway_create_answer post_answer(const struct post *post)
{
    must(post->answered);
    return (struct runway_create_answer){
        .created = post->created, .status = post->status, .task_id = post->task_id,
        .estimated_credits = post->estimated_credits, .message = post->message,
            .daily_limit = post->daily_limit,
        .retry_after_ms = post->retry_after_ms,
    };
}

void post_put_aside(struct posts *posts, struct post *post, int64_t now_ms, bool doubtful)
{
    must(post->job);
    post->job->post = NULL;
    post->job = NULL;
    post->aside_at_ms = now_ms;
    post->doubtful = doubtful;
    posts->aside++;
}

struct post *post_find_again(struct posts *posts, struct job *job)
{
    for (struct post *post = posts->first; post; post = post->next) {
        /* An orphan whose DELETE is under way is gone, whatever the item says. */
        if (post->job || post->deleting || post->partition != job->item.partition ||
            post->offset != job->item.offset)
            continue;
        if (post->attempt != job->item.attempts || strlen(post->key) != job->item.key_length ||
            memcmp(post->key, job->item.key, job->item.key_length) != 0)
            continue;
        posts->aside--;
        post->job = job;
        /* the item is live with its intent open: what was written has been aborted */
        post->doubtful = false;
        job->post = post;
        return post;
    }
    return NULL;
}

enum post_fate post_fate(const struct post *post, int64_t now_ms, int64_t hold_ms)
{
    must(!post->job);
    if (!post->answered)
        return POST_HOLD;
    if (now_ms - post->aside_at_ms < hold_ms)
        return POST_HOLD;
    if (post->created != RUNWAY_SUBMITTED)
        return POST_FORGET;
    return post->doubtful ? POST_LEAVE : POST_DELETE;
}

void post_end(struct posts *posts, struct post **post)
{
    struct post *gone = *post;
    if (!gone)
        return;
    struct post **link = &posts->first;
    while (*link != gone) {
        must(*link);
        link = &(*link)->next;
    }
    *link = gone->next;
    if (!gone->answered)
        posts->unanswered--;
    if (gone->job)
        gone->job->post = NULL;
    else
        posts->aside--;
    *post = NULL;
    free(gone->message);
    free(gone);
}

void posts_free(struct posts *posts)
{
    while (posts->first) {
        struct post *first = posts->first;
        post_end(posts, &first);
    }
}
