/* The policy file (deploy/policy.json): prices, what an unsuccessful generation is charged, and what models
 * accept, all as data. Read at start and again on SIGHUP; refused whole when anything in it is wrong, and
 * then the former one stays. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/money.h"

struct policy;

/* The file is one JSON object, every member known, all required but those in brackets:
 *
 *   version          text of the operator's choice; goes into every quote
 *   price            {"tokens": 1} for each generation, or {"tokensPerSecond": 2} for each second of it
 *   chargePercent    of the held tokens when there is no video, rounded down:
 *     cancelled        by its user
 *     [failures]       by failure code prefix, {"SAFETY.INPUT": 100}: the longest counts, whole parts only
 *     otherwise        anything else
 *   defaultModel     one that takes text alone
 *   models           by name:
 *     promptUnitsMax   in UTF-16 units
 *     [price]          its own
 *     [text], [image]  at least one: what it takes without and with a first frame
 *       [prompt]         "required", which is the default, or "optional"
 *       ratios, defaultRatio
 *       [durations]      in seconds, as a list or as {"least": 2, "most": 10}; with defaultDuration */

enum { POLICY_ERROR_BYTES = 300 };

/* Given: policy_free. NULL and one line in error (file, place, value, what is allowed). Blocks on the
 * file. */
struct policy *policy_read(const char *path, char error[POLICY_ERROR_BYTES]);
/* The same from bytes; name stands for the file in the error. */
struct policy *policy_parse(const char *name, const char *bytes, size_t length,
                            char error[POLICY_ERROR_BYTES]);
/* What SIGHUP asks for: *policy is read again from path and exchanged; when the file is wrong, it stays. Logs which. Returns
 * whether it was exchanged. */
bool policy_again(struct policy **policy, const char *path);
void policy_free(struct policy **policy);
const char *policy_version(const struct policy *policy);         /* the file's own "version" */

struct policy_request {
    const char *model;                   /* NULL: the policy's default */
    const char *prompt, *ratio, *image;  /* may be NULL */
    int64_t duration_seconds;            /* 0: not given */
};
struct policy_answer {
    bool allowed;
    char field[32], message[240];        /* not allowed: names the field, its value and what is allowed */
    struct quote quote;                  /* allowed: the price */
    const char *ratio;                   /* what to send: the request's own or the model's default; lent */
    int64_t duration_seconds;            /* the same; 0: the model has none */
};
/* Decides whether the model takes this request and what it costs. Pure. */
void policy_quote(const struct policy *policy, const struct policy_request *request,
                  struct policy_answer *answer);
/* The model of a request without one. */
const char *policy_default_model(const struct policy *policy);
/* What a generation that did not succeed is charged, of its hold: by longest matching failure-code prefix;
 * default 0. failure_code NULL: the provider gave none, or it ended with us. cancelled: by its user. */
int64_t policy_charge(const struct policy *policy, const char *failure_code, bool cancelled,
                      int64_t held_tokens);
/* UTF-16 code units of UTF-8 text, as the provider counts prompts. */
size_t policy_utf16_units(const char *utf8);

#endif
