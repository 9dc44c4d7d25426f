/* The decoder's own reader of JSON, with json.h's rules and verdicts: over 64 KiB, deeper than 16 levels,
 * duplicate keys, bytes after the end, invalid UTF-8, NUL, half surrogates, integers beyond 64 bits and
 * reals beyond a double are refused.
 *
 * Why a second reader: every message of every program passes here, and jansson took six of the seven
 * microseconds that decoding a request took (a hash table and an allocation for each member). This one lays
 * the values of a message out in one block. json.h stays the reader of everything else and the judge of this
 * one: the fuzz target and the contract test refuse any difference between the two. */
#ifndef PROTO_TREE_H
#define PROTO_TREE_H

#include "base/text.h"
#include "json/json.h"

/* A value, and when it is an object's member its name. Lies in one array with all others: an object's or
 * array's first item is the next element, and the item after an item is next elements further on (0: it was
 * the last). Text ends in NUL. */
struct node {
    const char *name;
    const char *text;                /* a string's characters; a number as it was written, without an end */
    uint32_t name_length, text_length;
    uint32_t next;
    uint32_t count;                  /* items of an object or array */
    uint8_t kind;                    /* enum json_kind */
    bool truth;
    union { int64_t integer; double real; };
};

struct tree;

/* Given: end with tree_free. NULL and a reason in error when refused, in json_parse's words. */
struct tree *tree_parse(const char *bytes, size_t length, char error[JSON_ERROR_BYTES]);
void tree_free(struct tree **tree);
const struct node *tree_root(const struct tree *tree);

enum json_kind tree_kind(const struct node *node);                           /* NULL is JSON_ABSENT */
/* NULL when absent or not an object */
const struct node *tree_get(const struct node *object, const char *name);

/* The items of an object or array, one after the other; NULL: there is none, or no other. */
static inline const struct node *tree_first(const struct node *node)
{
    return node && node->count > 0 ? node + 1 : NULL;
}

static inline const struct node *tree_next(const struct node *item)
{
    return item->next > 0 ? item + item->next : NULL;
}

/* The value when it is of that type, exactly: an integer is never a real. A string's length may be asked
 * for. */
const char *tree_string(const struct node *node, size_t *length);            /* else NULL */
bool tree_integer(const struct node *node, int64_t *out);
bool tree_number(const struct node *node, double *out);                      /* an integer or a real */
size_t tree_count(const struct node *node);                                  /* items of an object or array */
void tree_dump(const struct node *node, struct text *out);                   /* numbers as they were */

#endif
