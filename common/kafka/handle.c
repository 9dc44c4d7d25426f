/* What all handles need: a bounded end, and a look at a topic. librdkafka 2.0.2 may block in destroy for ever when a
 * partition was lost or a broker went away at the wrong moment; a program that can't end is worse than a leaked handle. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "kafka/priv.h"

struct ending {
    pthread_mutex_t mutex;
    pthread_cond_t over;
    bool ended, left;            /* left: nobody waits any more, the thread frees everything */
    rd_kafka_t *handle;
    struct kafka_link *link;
    int flags;
};

static void ending_free(struct ending *ending)
{
    pthread_cond_destroy(&ending->over);
    pthread_mutex_destroy(&ending->mutex);
    free(ending);
}

static void *ending_run(void *argument)
{
    struct ending *ending = argument;
    rd_kafka_destroy_flags(ending->handle, ending->flags);
    kafka_link_free(&ending->link);
    pthread_mutex_lock(&ending->mutex);
    ending->ended = true;
    bool left = ending->left;
    pthread_cond_signal(&ending->over);
    pthread_mutex_unlock(&ending->mutex);
    if (left)
        ending_free(ending);
    return NULL;
}

static bool ending_wait(struct ending *ending, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (timeout_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_mutex_lock(&ending->mutex);
    while (!ending->ended && pthread_cond_timedwait(&ending->over, &ending->mutex, &until) != ETIMEDOUT)
        continue;
    ending->left = !ending->ended;
    bool ended = ending->ended;
    pthread_mutex_unlock(&ending->mutex);
    return ended;
}

void kafka_handle_end(rd_kafka_t **handle, struct kafka_link **link, int flags, int timeout_ms)
{
    if (!*handle) {
        kafka_link_free(link);
        return;
    }
    struct ending *ending = xcalloc(1, sizeof *ending);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ending->over, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&ending->mutex, NULL);
    ending->handle = *handle;
    ending->link = *link;
    ending->flags = flags;
    *handle = NULL;
    *link = NULL;
    pthread_t thread;
    must(pthread_create(&thread, NULL, ending_run, ending) == 0);
    if (ending_wait(ending, timeout_ms)) {
        pthread_join(thread, NULL);
        ending_free(ending);
    } else {
        log_warn("kafka_handle_left", LOG_NUMBER("waited_ms", timeout_ms));
        pthread_detach(thread);
    }
}

enum trouble kafka_prewarm(rd_kafka_t *handle, struct kafka_link *link, rd_kafka_topic_t *topic, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(handle, 0, topic, &metadata, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0)
            code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        else
            code = metadata->topics[0].err;
        for (int i = 0; !code && i < metadata->topics[0].partition_cnt; i++)
            if (metadata->topics[0].partitions[i].leader < 0)
                code = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
        rd_kafka_metadata_destroy(metadata);
    }
    if (code && kafka_link_may_say(link, "prewarm"))
        log_warn("kafka_topic_not_ready", LOG_TEXT("topic", rd_kafka_topic_name(topic)),
                 LOG_TEXT("error_code", rd_kafka_err2name(code)));
    return code ? TROUBLE_RETRY : TROUBLE_NONE;
}
