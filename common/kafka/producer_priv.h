/* Inside common/kafka only: a producer's state, shared by producer.c (the calls) and judge.c (what an error
 * means). */
#ifndef KAFKA_PRODUCER_PRIV_H
#define KAFKA_PRODUCER_PRIV_H

#include "kafka/consumer_priv.h"
#include "kafka/producer.h"

enum { FENCES_MAX = 3, FENCES_WITHIN_MS = 60000 };

struct producer_topic { char *name; rd_kafka_topic_t *handle; };

struct kafka_producer {
    struct kafka_config config;
    char *transactional_id;
    rd_kafka_t *handle;
    struct kafka_link *link;
    struct producer_topic *topics; size_t topic_count;
    bool joining;                    /* init_transactions is under way on this handle */
    bool usable;
    bool open;                       /* between begin and the end of the transaction */
    bool broken;                     /* the transaction can only be aborted */
    bool stopped;                    /* RESTART was said */
    const char *lost;                /* why the handle is not usable; NULL when it is */
    int64_t timeout_ms;              /* transaction.timeout.ms */
    int64_t begun_at_ms, used_at_ms; /* monotonic */
    int64_t failed;                  /* deliveries that failed in this transaction */
    rd_kafka_resp_err_t failure;
    int64_t fenced_at_ms[FENCES_MAX]; int fences;
    int64_t renewals;
    bool counted;                    /* this loss is among the renewals already */
};

/* of the transaction's time; 0: over */
int kafka_producer_left_ms(const struct kafka_producer *producer);
/* RENEW or RESTART */
enum trouble kafka_producer_lose(struct kafka_producer *producer, const char *reason);
/* Takes error (may be NULL). RETRY only from a retriable one that is neither fatal nor abortable. Logs. */
enum trouble kafka_producer_judge(struct kafka_producer *producer, const char *step, rd_kafka_error_t *error);
enum trouble kafka_producer_judge_code(struct kafka_producer *producer, const char *step,
                                       rd_kafka_resp_err_t code);

#endif
