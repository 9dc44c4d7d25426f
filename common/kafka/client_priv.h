/* Inside common/kafka only: the client's handle, for the operator's calls of admin.h. */
#ifndef KAFKA_CLIENT_PRIV_H
#define KAFKA_CLIENT_PRIV_H

#include "kafka/priv.h"

struct kafka_client { rd_kafka_t *handle; struct kafka_link *link; };

/* *metadata of this topic alone: destroy it. TROUBLE_RETRY: no answer (logged). */
enum trouble kafka_client_metadata(struct kafka_client *client, const char *topic,
                                   const struct rd_kafka_metadata **metadata, int timeout_ms);

#endif
