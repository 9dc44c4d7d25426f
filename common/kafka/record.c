/* Records as read, and headers as written. */
#include <string.h>

#include "base/must.h"
#include "kafka/priv.h"

void kafka_record_fill(struct kafka_record *record, int topic, rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    *record = (struct kafka_record){
        .topic = topic, .partition = message->partition, .offset = message->offset,
        .timestamp_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp_ms,
        .key = message->key, .key_length = message->key_len,
        .value = message->payload, .value_length = message->len,
        .handle = message,
    };
}

bool kafka_record_header(const struct kafka_record *record, const char *name, const char **value,
                         size_t *length)
{
    rd_kafka_headers_t *headers = NULL;
    const void *bytes = NULL;
    if (!record->handle || rd_kafka_message_headers(record->handle, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR
        || rd_kafka_header_get_last(headers, name, &bytes, length) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    *value = bytes;
    return true;
}

bool kafka_record_header_at(const struct kafka_record *record, size_t index, struct kafka_header *header)
{
    rd_kafka_headers_t *headers = NULL;
    const void *bytes = NULL;
    if (!record->handle || rd_kafka_message_headers(record->handle, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR
        || rd_kafka_header_get_all(headers, index, &header->name, &bytes, &header->length)
           != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    header->value = bytes;
    return true;
}

void kafka_record_release(struct kafka_record *record)
{
    if (record->handle)
        rd_kafka_message_destroy(record->handle);
    record->handle = NULL;
}

rd_kafka_headers_t *kafka_headers(const struct kafka_header *headers, size_t count)
{
    if (!count)
        return NULL;
    rd_kafka_headers_t *list = rd_kafka_headers_new(count);
    for (size_t i = 0; i < count; i++)
        must(rd_kafka_header_add(list, headers[i].name, -1, headers[i].value, (ssize_t)headers[i].length)
             == RD_KAFKA_RESP_ERR_NO_ERROR);
    return list;
}
