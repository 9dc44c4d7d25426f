/* The console's files and the API's description, compiled in. */
#ifndef GATEWAY_PAGES_H
#define GATEWAY_PAGES_H

#include <stddef.h>

struct page { const char *address; const unsigned char *bytes; const size_t *length; };
extern const struct page PAGES[];        /* ended by a row without address */

const struct page *page_find(const char *address);       /* or NULL */
const char *page_type(const char *address);              /* its media type */

#endif
