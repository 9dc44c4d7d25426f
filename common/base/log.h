/* Logs: one JSON object a line on stderr (text when it is a terminal), a named fact about a subject. Field
 * names are fixed by use: generation_id, user_id, trace_id, topic, partition, offset, error_code, ...
 * Thread-safe, one write(2) a line. Secrets never get here.
 *
 *     log_info("reservation_held", LOG_TEXT("generation_id", id), LOG_NUMBER("amount_tokens", amount));
 * */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_FATAL };

struct log_field { const char *name, *text; int64_t number; bool is_text; };
/* NULL: left out */
#define LOG_TEXT(field_name, value) { .name = (field_name), .text = (value), .is_text = true }
#define LOG_NUMBER(field_name, value) { .name = (field_name), .number = (int64_t)(value) }

/* Before the first line: what every line carries. level: debug, info, warn, error. Both strings must live
 * on. */
void log_open(const char *service, const char *instance, enum log_level level);
void log_level_set(enum log_level level);
bool log_level_parse(const char *name, enum log_level *level);
void log_write(enum log_level level, const char *event, const struct log_field *fields, int count);

#define LOG_(level, event, ...) do { \
        const struct log_field log_fields_[] = { __VA_ARGS__ }; \
        log_write((level), (event), log_fields_, (int)(sizeof log_fields_ / sizeof log_fields_[0])); \
    } while (0)
#define log_debug(...) LOG_(LOG_LEVEL_DEBUG, __VA_ARGS__, LOG_TEXT("", 0))
#define log_info(...)  LOG_(LOG_LEVEL_INFO, __VA_ARGS__, LOG_TEXT("", 0))
#define log_warn(...)  LOG_(LOG_LEVEL_WARN, __VA_ARGS__, LOG_TEXT("", 0))
#define log_error(...) LOG_(LOG_LEVEL_ERROR, __VA_ARGS__, LOG_TEXT("", 0))

#endif
