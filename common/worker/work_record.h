/* What a work set's topic may hold: the judgement that generator and poller share over a record with a
 * value. */
#ifndef WORKER_WORK_RECORD_H
#define WORKER_WORK_RECORD_H

#include "worker/outbox.h"

/* Decodes a record of topic that is an item of type own, a user's cancel or the operator's word, under its
 * generation's key. true: event is filled, end with event_clear. false: nothing to clear, error says why (as
 * event_decode, or unknown_type, wrong_key). Pure. */
bool work_record_decode(const struct kafka_record *record, enum topic topic, enum event_type own,
                        struct event *event,
                        struct decode_error *error);

#endif
