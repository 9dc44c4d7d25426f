/* The operator's word about a submission of which nobody knows whether the provider took it (reelgate
 * submissions). It comes through jobs under its generation's key, as a cancel does, and what it does is done
 * in the work set's transactions: a word that was heeded is gone, one that was not is still there.
 *
 * It is to be said only when no call of the generation can be answered any more, which is what the command line
 * waits for: said earlier, with the call still on its way, "none" could pay twice, and the task that it names
 * could be the one that its own answer brings.
 *
 * The task that it names is adopted while the generation is live: then that is its one submission. When the
 * generation has ended, its tokens are free and its user was told: the task is nobody's, and the poller, where
 * it would be followed if it were somebody's, deletes it. */
#include "generator/inside.h"

#include <string.h>

#include "base/log.h"
#include "base/must.h"

static void refuse(struct generator *generator, struct job *word, const char *reason)
{
    log_warn("word_refused", LOG_TEXT("generation_id", word->item.key), LOG_TEXT("user_id", word->user),
             LOG_TEXT("task_id", word->settled_task), LOG_TEXT("reason", reason));
    generator_end(generator, word, ENDING_WORD_REFUSED);
}

static void adopt(struct generator *generator, struct job *word, struct job *job)
{
    log_warn("task_adopted", LOG_TEXT("generation_id", job->item.key), LOG_TEXT("task_id", word->settled_task),
             LOG_NUMBER("attempt", job->item.attempts));
    job->adopted = word->settled_task;
    generator_end(generator, job, ENDING_TASK);
    intake_unlist(generator, word);
    generator_move(generator, word, JOB_ENDING);
    workset_end_with(generator->set, &job->item, &word->item);
}

static void release(struct generator *generator, struct job *word, struct job *job)
{
    log_warn("submission_released", LOG_TEXT("generation_id", job->item.key),
             LOG_NUMBER("attempt", job->item.attempts),
             LOG_TEXT("reason", "the operator says that the provider made no task of it"));
    calls_release(generator, job);
    generator_end(generator, word, ENDING_WORD);
}

static void settle_live(struct generator *generator, struct job *word, struct job *job)
{
    switch (job->state) {
    case JOB_UNKNOWN:
        (word->settled_task ? adopt : release)(generator, word, job);
        return;
    case JOB_DOUBTFUL:       /* that there is no task yet does not say that its former owner makes none any more */
        if (word->settled_task)
            adopt(generator, word, job);
        else
            refuse(generator, word, "its former owner's call may still be on its way; say it again in a while");
        return;
    case JOB_READY: case JOB_WAITING:            /* with an attempt that is unknown: another is allowed */
        if (word->settled_task && job->item.attempts > 0)
            adopt(generator, word, job);
        else
            refuse(generator, word, "nothing is unknown about this job");
        return;
    case JOB_FRESH: case JOB_INTENDING: case JOB_POSTING: case JOB_CLOSING:
        refuse(generator, word, "a call of this job is under way; its answer may still come");
        return;
    case JOB_ENDING:                             /* judged anew once it has ended */
        return;
    case JOB_STATES: break;
    }
    unreachable();
}

void words_settle(struct generator *generator, struct job *word, struct job *job)
{
    if (job && strcmp(job->user, word->user) != 0)
        refuse(generator, word, "the generation is another user's");
    else if (job)
        settle_live(generator, word, job);
    else
        generator_end(generator, word, word->settled_task ? ENDING_WORD_FORWARDED : ENDING_WORD);
}
