#include "gateway/pages.h"

#include <string.h>

const struct page *page_find(const char *address)
{
    for (const struct page *page = PAGES; page->address; page++)
        if (strcmp(page->address, address) == 0)
            return page;
    return NULL;
}

const char *page_type(const char *address)
{
    static const struct { const char *ending, *type; } rows[] = {
        { ".css", "text/css; charset=utf-8" },        { ".js", "text/javascript; charset=utf-8" },
        { ".svg", "image/svg+xml" },                  { ".yaml", "application/yaml" },
        { ".png", "image/png" },                      { ".ico", "image/x-icon" },
    };
    const char *ending = strrchr(address, '.');
    for (size_t i = 0; ending && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].ending, ending) == 0)
            return rows[i].type;
    return "text/html; charset=utf-8";
}
