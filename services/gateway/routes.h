/* The one table of what can be called and by whom. What is not in it does not exist; whoever is not named
 * in a row may not. */
#ifndef GATEWAY_ROUTES_H
#define GATEWAY_ROUTES_H

#include "gateway/request.h"

enum {
    FOR_USER = 1 << ROLE_USER, FOR_SUPPORT = 1 << ROLE_SUPPORT, FOR_ADMIN = 1 << ROLE_ADMIN,
    FOR_READERS = FOR_USER | FOR_SUPPORT | FOR_ADMIN,        /* of what is their own */
    FOR_WRITERS = FOR_USER | FOR_ADMIN,                      /* support only reads */
    FOR_OPERATORS = FOR_SUPPORT | FOR_ADMIN,
};
struct route {
    const char *method, *pattern;        /* "/v1/generations/{}": {} is one id */
    int roles;
    bool view;                           /* answers from the view: 503 until it has caught up */
    bool asks;                           /* changes something: counts against generations_per_minute too */
    void (*handle)(struct request *request);
};
extern const struct route ROUTES[];
extern const size_t ROUTE_COUNT;

/* The route of this method and path; parts are filled. NULL: none; then *known says whether the path
 * exists under another method, and *allow which (a list, lent, of ROUTE_METHODS_BYTES). Pure. */
enum { ROUTE_METHODS_BYTES = 64 };
const struct route *route_find(const char *method, const char *path,
                               char parts[PATH_PARTS_MAX][ID_LENGTH_MAX + 1], bool *known,
                               char allow[ROUTE_METHODS_BYTES]);
enum role role_of(const char *name);     /* "" is a user; ROLE_NONE: no role of ours */
bool route_takes(const struct route *route, enum role role);

void routes_open(struct metrics *metrics);       /* so that every series exists from the start */
http_handler routes_handle;
void routes_refuse(void *gateway, const struct http_call *call, const char *reason, struct http_reply *reply);

enum { REASON_CHARACTERS_MAX = 400 };    /* why somebody grants, redrives or discards: as openapi.yaml says */

/* ---- the handlers, by file */
void get_me(struct request *request);                        /* tokens_api.c */
void get_models(struct request *request);
void post_quote(struct request *request);
void get_balance(struct request *request);
void get_transactions(struct request *request);
void post_generation(struct request *request);               /* generate_api.c */
void get_generations(struct request *request);               /* generations_api.c */
void get_generation(struct request *request);
void delete_generation(struct request *request);
void get_events(struct request *request);                    /* events_api.c */
void post_grant(struct request *request);                    /* grants_api.c */
void get_users(struct request *request);                     /* users_api.c */
void get_user(struct request *request);
void get_user_transactions(struct request *request);
void get_user_generations(struct request *request);
void get_timeline(struct request *request);
void get_search(struct request *request);                    /* search_api.c */
void get_usage(struct request *request);                     /* statistics_api.c */
void get_funnel(struct request *request);
void get_holds(struct request *request);
void get_health(struct request *request);                    /* health_api.c */
void get_letters(struct request *request);                   /* letters_api.c */
void get_letter(struct request *request);
void redrive_letter(struct request *request);
void discard_letter(struct request *request);

#endif
