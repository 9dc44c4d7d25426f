/* Dead letters: read into the view, fetched whole from Kafka, sent on their way again or put aside. What
 * was done with one stands behind it in its partition, as a mark with the headers mark (redriven,
 * discarded), item (the letter's offset), by, reason: so every instance knows, and the topic itself is the
 * audit. */
#ifndef GATEWAY_LETTERS_H
#define GATEWAY_LETTERS_H

#include "gateway/publish.h"
#include "gateway/view.h"

void letter_take(struct view *view, const struct kafka_record *record);
/* May it be published again: only what upstream services send. */
bool letter_redrivable(const struct publish *publish, const struct letter *letter);

/* Reads the record itself and hands it to take, lent. RETRY: Kafka away, or the record has expired. */
enum trouble letter_fetch(const struct kafka_config *kafka, const struct publish *publish,
                          const struct letter *letter,
                          void (*take)(void *self, const struct kafka_record *record), void *self);

/* Publishes it again, byte for byte, without the headers that made it a dead letter. */
enum trouble letter_redrive(const struct kafka_config *kafka, struct publish *publish,
                            const struct letter *letter);
/* The mark, from letter's state, by and reason. */
enum trouble letter_mark(struct publish *publish, const struct letter *letter);

#endif
