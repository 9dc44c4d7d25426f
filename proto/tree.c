#include "proto/tree.h"

#include <string.h>

enum json_kind tree_kind(const struct node *node)
{
    return node ? (enum json_kind)node->kind : JSON_ABSENT;
}

const struct node *tree_get(const struct node *object, const char *name)
{
    size_t length = strlen(name);
    if (tree_kind(object) != JSON_OBJECT)
        return NULL;
    for (const struct node *member = tree_first(object); member; member = tree_next(member))
        if (member->name_length == length && memcmp(member->name, name, length) == 0)
            return member;
    return NULL;
}

const char *tree_string(const struct node *node, size_t *length)
{
    if (tree_kind(node) != JSON_STRING)
        return NULL;
    if (length)
        *length = node->text_length;
    return node->text;
}

bool tree_integer(const struct node *node, int64_t *out)
{
    if (tree_kind(node) != JSON_INTEGER)
        return false;
    *out = node->integer;
    return true;
}

bool tree_number(const struct node *node, double *out)
{
    enum json_kind kind = tree_kind(node);
    if (kind != JSON_INTEGER && kind != JSON_REAL)
        return false;
    *out = kind == JSON_INTEGER ? (double)node->integer : node->real;
    return true;
}

size_t tree_count(const struct node *node)
{
    return node ? node->count : 0;
}

static void dump_items(const struct node *node, struct text *out)
{
    for (const struct node *item = tree_first(node); item; item = tree_next(item)) {
        if (node->kind == JSON_OBJECT) {
            text_add_json(out, item->name, item->name_length);
            text_add_char(out, ':');
        }
        tree_dump(item, out);
        if (item->next > 0)
            text_add_char(out, ',');
    }
}

void tree_dump(const struct node *node, struct text *out)
{
    switch (tree_kind(node)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        text_add_char(out, node->kind == JSON_OBJECT ? '{' : '[');
        dump_items(node, out);
        text_add_char(out, node->kind == JSON_OBJECT ? '}' : ']');
        return;
    case JSON_STRING:
        text_add_json(out, node->text, node->text_length);
        return;
    case JSON_INTEGER:
    case JSON_REAL:
        text_add(out, node->text, node->text_length);
        return;
    case JSON_BOOL:
        text_add_string(out, node->truth ? "true" : "false");
        return;
    case JSON_NULL:
    case JSON_ABSENT:
        text_add_string(out, "null");
        return;
    }
}
