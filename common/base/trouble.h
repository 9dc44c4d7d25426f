/* Trouble, sorted by what the caller does next. Each adapter folds its library's codes into this at its
 * border; nothing above reads errno, CURLcode, rd_kafka_resp_err_t or a redisContext. Business answers are
 * enums of their own. */
#ifndef BASE_TROUBLE_H
#define BASE_TROUBLE_H

enum trouble {
    TROUBLE_NONE,
    TROUBLE_RETRY,        /* the other side is away or busy: wait with backoff, then the same again */
    TROUBLE_ABORT_BATCH,  /* this transaction is lost: abort, seek back to the committed offsets, go again */
    /* the producer is lost (fenced, timed out, fatal): make a new one, then as ABORT_BATCH */
    TROUBLE_RENEW,
    TROUBLE_RESTART,      /* only a restart or an operator can help: the program ends with exit status 3 */
};

const char *trouble_name(enum trouble trouble);

#endif
