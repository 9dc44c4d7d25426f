#include "cli/remedy.h"

#include <stddef.h>

const char REMEDY_WAIT_ADMISSION[] = "admission has not committed past its request: it will decide it again by itself";
const char REMEDY_WAIT_LEDGER[] = "the ledger has not committed past its cause: it will write it again by itself";

/* The journal says more than Redis, or something else: the journal is the record. */
static bool journal_wins(const struct remedy_facts *facts)
{
    const struct remedy_hold *journal = &facts->journal, *redis = &facts->redis;
    if (!redis->there)
        return journal->there && journal->committed + journal->released < journal->held;
    return (journal->there && journal->held != redis->held) || (journal->committed > 0 && journal->committed != redis->committed)
        || (journal->released > 0 && journal->released != redis->released);
}

static void write_settlement(const struct remedy_facts *facts, struct remedy *remedy)
{
    bool commit = facts->redis.committed > 0 && facts->journal.committed == 0;
    bool release = facts->redis.released > 0 && facts->journal.released == 0;
    if ((commit || release) && !facts->settled_passed) {
        remedy->left = REMEDY_WAIT_LEDGER;
        return;
    }
    remedy->commit = commit;
    remedy->release = release;
}

/* An open hold that no job and no task will end. */
static void give_work(const struct remedy_facts *facts, struct remedy *remedy)
{
    if (facts->ended)
        remedy->left = "its end stands in results: the ledger settles it when it comes to it; where its group is past it, "
                       "that transaction was lost together with Redis";
    else if (facts->task)
        remedy->task_again = true;
    else if (facts->job && facts->intent)
        remedy->left = "its job was submitted, or may have been, and no task is known: a second submission might be paid "
                       "twice; see reelgate submissions";
    else if (facts->job)
        remedy->job_again = true;
    else
        remedy->job_anew = true;
}

void remedy_of_generation(const struct remedy_facts *facts, struct remedy *remedy)
{
    *remedy = (struct remedy){ .rebuild = journal_wins(facts) };
    if (remedy->rebuild)
        return;
    if (!facts->redis.there) {
        remedy->left = facts->live ? "a job or a task without a hold: it ends by itself, unpaid" : NULL;
        return;
    }
    if (!facts->journal.there && !facts->decided_passed) {
        remedy->left = REMEDY_WAIT_ADMISSION;
        return;
    }
    remedy->reserve = !facts->journal.there;
    remedy->accepted = !facts->accepted && facts->decided_passed;
    if (facts->settled)
        write_settlement(facts, remedy);
    else if (facts->redis.committed + facts->redis.released > 0)
        remedy->left = "one half of its settlement is in the journal, and the recorded answer with the other half went with "
                       "an earlier Redis";
    else if (!facts->live && facts->decided_passed)
        give_work(facts, remedy);
    else if (!facts->live)
        remedy->left = REMEDY_WAIT_ADMISSION;
}

enum grant_remedy remedy_of_grant(const struct remedy_grant *grant)
{
    if (grant->in_journal || !grant->in_redis)
        return GRANT_REMEDY_REBUILD;
    return grant->passed ? GRANT_REMEDY_ENTRY : GRANT_REMEDY_WAIT;
}
