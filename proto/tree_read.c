/* The text of a message into an array of nodes. */
#include "proto/tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "proto/utf8.h"

enum { FEW_NODES = 48 };     /* as many as a message has; only what is odd needs a second block */

struct tree {
    struct node *nodes;
    uint32_t count, capacity;
    struct node few[FEW_NODES];
    char text[];             /* the input, changed in place: escapes undone, strings ended by NUL */
};

/* text ends in NUL, which no rule of the grammar takes, so every step looks at what is there before it goes
 * on. */
struct reader { struct tree *tree; char *at; int depth; const char *reason; };

static bool refuse(struct reader *reader, const char *reason)
{
    if (!reader->reason)
        reader->reason = reason;
    return false;
}

/* Valid until the next is added: the array may move then. */
static struct node *add_node(struct tree *tree, enum json_kind kind)
{
    if (tree->count == tree->capacity) {
        struct node *old = tree->nodes == tree->few ? NULL : tree->nodes;
        tree->nodes = xrealloc(old, 2 * tree->capacity * sizeof *tree->nodes);
        if (!old)
            memcpy(tree->nodes, tree->few, sizeof tree->few);
        tree->capacity *= 2;
    }
    struct node *node = &tree->nodes[tree->count++];
    *node = (struct node){ .kind = (uint8_t)kind };
    return node;
}

static void skip_space(struct reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t')
        reader->at++;
}

/* Four hexadecimal digits at text, or -1. */
static int32_t read_hex4(const char *text)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = text[i];
        char letter = (char)(c | 0x20);      /* lower case; of no use to digits, and no harm */
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value * 16 + (letter - 'a' + 10);
        else
            return -1;
    }
    return value;
}

static char *put_utf8(char *to, int32_t point)
{
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
        *to++ = (char)(0x80 | (point & 63));
    } else if (point < 0x10000) {
        *to++ = (char)(0xe0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 63));
        *to++ = (char)(0x80 | (point & 63));
    } else {
        *to++ = (char)(0xf0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 63));
        *to++ = (char)(0x80 | (point >> 6 & 63));
        *to++ = (char)(0x80 | (point & 63));
    }
    return to;
}

/* Behind \u: one unit, or a pair of surrogates. Leaves reader behind it. -1: refused. */
static int32_t read_unicode(struct reader *reader)
{
    int32_t high = read_hex4(reader->at);
    if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff)) {
        refuse(reader, high == 0 ? "NUL character" : "not JSON");
        return -1;
    }
    reader->at += 4;
    if (high < 0xd800 || high > 0xdbff)
        return high;
    int32_t low = reader->at[0] == '\\' && reader->at[1] == 'u' ? read_hex4(reader->at + 2) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        refuse(reader, "not JSON");
        return -1;
    }
    reader->at += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* At a backslash: what it stands for is written to *to, which is never ahead of what is read. */
static bool undo_escape(struct reader *reader, char **to)
{
    static const char plain[128] = { ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                     ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t' };
    unsigned char c = (unsigned char)reader->at[1];
    if (c == 'u') {
        reader->at += 2;
        int32_t point = read_unicode(reader);
        if (point >= 0)
            *to = put_utf8(*to, point);
        return point >= 0;
    }
    if (c >= sizeof plain || plain[c] == '\0')
        return refuse(reader, "not JSON");
    *(*to)++ = plain[c];
    reader->at += 2;
    return true;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= ' ' && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* Behind the opening quote. */
static bool read_string(struct reader *reader, const char **text, uint32_t *length)
{
    char *start = reader->at, *to = start;
    while (is_plain(*reader->at))        /* most strings end here: nothing has to move */
        reader->at++;
    to = reader->at;
    while (*reader->at != '"') {
        if (is_plain(*reader->at)) {
            *to++ = *reader->at++;
            continue;
        }
        if (*reader->at == '\\') {
            if (!undo_escape(reader, &to))
                return false;
            continue;
        }
        size_t bytes = (unsigned char)*reader->at < ' ' ? 0 : utf8_length(reader->at);
        if (bytes == 0)
            return refuse(reader, (unsigned char)*reader->at < ' ' ? "not JSON" : "not UTF-8");
        memmove(to, reader->at, bytes);
        to += bytes;
        reader->at += bytes;
    }
    *to = '\0';
    *text = start;
    *length = (uint32_t)(to - start);
    reader->at++;
    return true;
}

static char *skip_digits(char *at)
{
    while (*at >= '0' && *at <= '9')
        at++;
    return at;
}

/* The digits of an integer, with its sign ahead. */
static bool integer_of(const char *digits, const char *end, bool negative, int64_t *out)
{
    uint64_t sum = 0, most = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    for (; digits < end; digits++) {
        uint64_t digit = (uint64_t)(*digits - '0');
        if (sum > (most - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

static bool read_number(struct reader *reader)
{
    char *start = reader->at, *at = start + (*start == '-'), *digits = at;
    at = skip_digits(at);
    if (at == digits || (*digits == '0' && at > digits + 1))
        return refuse(reader, "not JSON");
    bool real = false;
    char *end = at;
    if (*end == '.') {
        real = true;
        end = skip_digits(at = end + 1);
        if (end == at)
            return refuse(reader, "not JSON");
    }
    if (*end == 'e' || *end == 'E') {
        real = true;
        at = end + 1 + (end[1] == '+' || end[1] == '-');
        end = skip_digits(at);
        if (end == at)
            return refuse(reader, "not JSON");
    }
    struct node *node = add_node(reader->tree, real ? JSON_REAL : JSON_INTEGER);
    node->text = start;
    node->text_length = (uint32_t)(end - start);
    reader->at = end;
    if (real)
        node->real = strtod(start, NULL);
    if (real ? isinf(node->real) : !integer_of(digits, end, *start == '-', &node->integer))
        return refuse(reader, "number out of range");
    return true;
}

static bool read_literal(struct reader *reader, const char *word, enum json_kind kind)
{
    size_t length = strlen(word);
    if (strncmp(reader->at, word, length) != 0)
        return refuse(reader, "not JSON");
    reader->at += length;
    add_node(reader->tree, kind)->truth = *word == 't';
    return true;
}

static int compare_names(const void *left, const void *right)
{
    const struct node *a = *(const struct node *const *)left, *b = *(const struct node *const *)right;
    if (a->name_length != b->name_length)
        return a->name_length < b->name_length ? -1 : 1;
    return memcmp(a->name, b->name, a->name_length);
}

/* By sorting, so that an object of ten thousand members costs its sender's victim no more than it has
 * bytes. */
static bool many_differ(const struct node *object)
{
    const struct node **members = xmalloc(object->count * sizeof *members);
    size_t count = 0;
    for (const struct node *member = tree_first(object); member; member = tree_next(member))
        members[count++] = member;
    qsort(members, count, sizeof *members, compare_names);
    bool differ = true;
    for (size_t i = 1; differ && i < count; i++)
        differ = compare_names(&members[i - 1], &members[i]) != 0;
    free(members);
    return differ;
}

static bool names_differ(const struct node *object)
{
    enum { FEW = 24 };
    if (object->count > FEW)
        return many_differ(object);
    for (const struct node *member = tree_first(object); member; member = tree_next(member))
        for (const struct node *later = tree_next(member); later; later = tree_next(later))
            if (compare_names(&member, &later) == 0)
                return false;
    return true;
}

static bool read_value(struct reader *reader);

static bool read_name(struct reader *reader, const char **name, uint32_t *length)
{
    if (*reader->at != '"')
        return refuse(reader, "not JSON");
    reader->at++;
    if (!read_string(reader, name, length))
        return false;
    skip_space(reader);
    if (*reader->at != ':')
        return refuse(reader, "not JSON");
    reader->at++;
    skip_space(reader);
    return true;
}

/* One item after the other up to close, at an opening bracket. Items are found by index: the array may move
 * as it grows. */
static bool read_items(struct reader *reader, enum json_kind kind, char close)
{
    struct tree *tree = reader->tree;
    uint32_t self = tree->count, last = 0;
    add_node(tree, kind);
    reader->at++;
    skip_space(reader);
    while (*reader->at != close) {
        const char *name = NULL;
        uint32_t length = 0, item;
        if (last != 0) {
            if (*reader->at != ',')
                return refuse(reader, "not JSON");
            reader->at++;
            skip_space(reader);
        }
        if (kind == JSON_OBJECT && !read_name(reader, &name, &length))
            return false;
        item = tree->count;
        if (!read_value(reader))
            return false;
        tree->nodes[item].name = name;
        tree->nodes[item].name_length = length;
        if (last != 0)
            tree->nodes[last].next = item - last;
        last = item;
        tree->nodes[self].count++;
        skip_space(reader);
    }
    reader->at++;
    return kind == JSON_ARRAY || names_differ(&tree->nodes[self]) || refuse(reader, "duplicate key");
}

static bool read_nested(struct reader *reader, enum json_kind kind, char close)
{
    if (reader->depth == JSON_DEPTH_MAX)
        return refuse(reader, "too deep");
    reader->depth++;
    bool good = read_items(reader, kind, close);
    reader->depth--;
    return good;
}

static bool read_value(struct reader *reader)
{
    switch (*reader->at) {
    case '{': return read_nested(reader, JSON_OBJECT, '}');
    case '[': return read_nested(reader, JSON_ARRAY, ']');
    case 't': return read_literal(reader, "true", JSON_BOOL);
    case 'f': return read_literal(reader, "false", JSON_BOOL);
    case 'n': return read_literal(reader, "null", JSON_NULL);
    case '"': {
        struct node *node = add_node(reader->tree, JSON_STRING);
        reader->at++;
        return read_string(reader, &node->text, &node->text_length);
    }
    default:  return read_number(reader);
    }
}

static bool read_document(struct reader *reader, const char *end)
{
    skip_space(reader);
    if (*reader->at != '{' && *reader->at != '[') /* as json_parse: a document is an object or an array */
        return refuse(reader, "not JSON");
    if (!read_value(reader))
        return false;
    skip_space(reader);
    return reader->at == end || refuse(reader, "bytes after the end");
}

struct tree *tree_parse(const char *bytes, size_t length, char error[JSON_ERROR_BYTES])
{
    if (length > JSON_BYTES_MAX) {
        snprintf(error, JSON_ERROR_BYTES, "too large: %zu bytes, %d are allowed", length, JSON_BYTES_MAX);
        return NULL;
    }
    struct tree *tree = xmalloc(sizeof *tree + length + 1);
    tree->nodes = tree->few;
    tree->count = 0;
    tree->capacity = FEW_NODES;
    memcpy(tree->text, bytes, length);
    tree->text[length] = '\0';

    struct reader reader = { .tree = tree, .at = tree->text };
    if (read_document(&reader, tree->text + length))
        return tree;
    snprintf(error, JSON_ERROR_BYTES, "%s, at byte %td", reader.reason, reader.at - tree->text);
    tree_free(&tree);
    return NULL;
}

void tree_free(struct tree **tree)
{
    if (*tree && (*tree)->nodes != (*tree)->few)
        free((*tree)->nodes);
    free(*tree);
    *tree = NULL;
}

const struct node *tree_root(const struct tree *tree)
{
    return tree->nodes;
}
