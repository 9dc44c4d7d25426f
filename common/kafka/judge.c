/* What an error of the producer means for its caller (style: fatal, abort the transaction, retriable, else
 * fatal). */
#include "base/clock.h"
#include "base/log.h"
#include "kafka/producer_priv.h"

int kafka_producer_left_ms(const struct kafka_producer *producer)
{
    int64_t left_ms = producer->begun_at_ms + producer->timeout_ms - clock_mono_ms();
    return left_ms > 0 ? (int)left_ms : 0;
}

static bool fenced(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED
        || code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

/* The broker has forgotten this producer (K5): librdkafka would abort and go on, but what it wrote last is
 * not known to be the last under this id any more. */
static bool forgotten(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING
        || code == RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID;
}

enum trouble kafka_producer_lose(struct kafka_producer *producer, const char *reason)
{
    if (producer->usable || !producer->lost)
        producer->lost = reason;
    producer->usable = false;
    producer->open = false;
    return producer->stopped ? TROUBLE_RESTART : TROUBLE_RENEW;
}

/* Fenced although our transaction was still in its time: another instance has this transactional id, or once
 * in a while a broker's own doing. Three times within a minute is no accident, and two instances that fence
 * each other do no work. */
static enum trouble lose_fenced(struct kafka_producer *producer)
{
    int64_t now_ms = clock_mono_ms();
    if (producer->open && kafka_producer_left_ms(producer) == 0)
        return kafka_producer_lose(producer, "timed_out");
    if (!producer->usable)
        return kafka_producer_lose(producer, "fenced");          /* counted already */
    for (int i = FENCES_MAX - 1; i > 0; i--)
        producer->fenced_at_ms[i] = producer->fenced_at_ms[i - 1];
    producer->fenced_at_ms[0] = now_ms;
    producer->fences++;
    if (producer->fences >= FENCES_MAX
        && now_ms - producer->fenced_at_ms[FENCES_MAX - 1] <= FENCES_WITHIN_MS) {
        log_error("kafka_producer_id_taken", LOG_TEXT("transactional_id", producer->transactional_id),
                  LOG_TEXT("meaning", "another instance uses this transactional id: "
                           "give each its own instance_id"));
        producer->stopped = true;
    }
    return kafka_producer_lose(producer, "fenced");
}

static enum trouble lose_fatal(struct kafka_producer *producer, rd_kafka_resp_err_t code)
{
    rd_kafka_resp_err_t root = rd_kafka_fatal_error(producer->handle, NULL, 0);
    if (fenced(code) || fenced(root))
        return lose_fenced(producer);
    bool late = producer->open && kafka_producer_left_ms(producer) == 0;
    late |= code == RD_KAFKA_RESP_ERR__TIMED_OUT;
    return kafka_producer_lose(producer, late ? "timed_out" : "fatal");
}

static void say(struct kafka_producer *producer, const char *step, rd_kafka_resp_err_t code,
                const char *words)
{
    char fatal[200] = "";
    rd_kafka_fatal_error(producer->handle, fatal, sizeof fatal);
    if (kafka_link_may_say(producer->link, rd_kafka_err2name(code)))
        log_warn("kafka_transaction_trouble", LOG_TEXT("transactional_id", producer->transactional_id),
                 LOG_TEXT("step", step), LOG_TEXT("error_code", rd_kafka_err2name(code)),
                 LOG_TEXT("text", words), LOG_TEXT("fatal", *fatal ? fatal : NULL));
}

enum trouble kafka_producer_judge(struct kafka_producer *producer, const char *step, rd_kafka_error_t *error)
{
    if (!error)
        return TROUBLE_NONE;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    enum trouble trouble;
    say(producer, step, code, rd_kafka_error_string(error));
    if (rd_kafka_error_is_fatal(error) || fenced(code) || forgotten(code)) {
        trouble = lose_fatal(producer, code);
    } else if (rd_kafka_error_txn_requires_abort(error)) {
        producer->broken = true;
        trouble = TROUBLE_ABORT_BATCH;
    } else if (rd_kafka_error_is_retriable(error)) {
        trouble = TROUBLE_RETRY;
    } else {
        trouble = lose_fatal(producer, code);
    }
    rd_kafka_error_destroy(error);
    return trouble;
}

/* For calls that answer a bare code: a message that was refused or not delivered. The transaction can only be
 * aborted, unless the handle itself is lost. */
enum trouble kafka_producer_judge_code(struct kafka_producer *producer, const char *step,
                                       rd_kafka_resp_err_t code)
{
    say(producer, step, code, rd_kafka_err2str(code));
    if (fenced(code) || forgotten(code) || rd_kafka_fatal_error(producer->handle, NULL, 0))
        return lose_fatal(producer, code);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL || kafka_producer_left_ms(producer) == 0)
        return kafka_producer_lose(producer, "timed_out");
    producer->broken = true;
    return TROUBLE_ABORT_BATCH;
}
