/* What the sandbox's calls share: the store under its lock, the switches, the counts. */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "http/server.h"
#include "sandbox/config.h"
#include "sandbox/faults.h"
#include "sandbox/signature.h"
#include "sandbox/store.h"

struct counts {
    /* create calls, tasks made, calls that were answered with an error */
    int64_t creates, created, refused;
    int64_t looks, looks_early, deletes, deleted, outputs, uploads, unauthorized;
};

struct upload { char name[UUID_BYTES]; bool there; int64_t size; LIST_ENTRY(upload) all; };
LIST_HEAD(upload_list, upload);

struct sandbox {
    const struct sandbox_config *config;
    pthread_mutex_t lock;                    /* over all below */
    struct store *store;
    struct faults faults;
    struct counts counts;
    struct signature_key signature_key;
    struct upload_list uploads;
    char key[200];                           /* the only API key that is accepted; "": any well-formed one */
    int64_t url_expiry_ms;
};

void sandbox_open(struct sandbox *sandbox, const struct sandbox_config *config);
void sandbox_close(struct sandbox *sandbox);
void sandbox_reset(struct sandbox *sandbox);          /* under the lock: as at the start */
/* under the lock: moves the store on, then tells the time */
int64_t sandbox_now(struct sandbox *sandbox);
http_handler sandbox_handle;                          /* self: the sandbox. router.c */

/* One call: what the handlers of the router are given. They take the lock themselves. */
struct visit {
    struct sandbox *sandbox;
    const struct http_call *call;
    struct http_reply *reply;
    /* of the path, after the route's prefix; "" when it is the whole path */
    const char *rest;
};

enum { BASE_BYTES = 300 };
/* "http://host:port" as the caller knows us, or the setting public_url. */
void visit_base(const struct visit *visit, char base[BASE_BYTES]);

/* tasks_api.c */
void api_create(struct visit *visit);
void api_look(struct visit *visit);
void api_delete(struct visit *visit);
/* organization_api.c */
void api_organization(struct visit *visit);
void api_usage(struct visit *visit);
/* uploads_api.c */
void api_upload_begin(struct visit *visit);
void api_upload_store(struct visit *visit);
bool upload_there(void *sandbox, const char *runway_uri);      /* under the lock */
/* output_api.c */
void api_output(struct visit *visit);
/* The lasting part of an output's URL, and the URL itself, signed anew. base: "http://host:port". */
void output_url(struct sandbox *sandbox, const struct task *task, int index, const char *base,
                struct text *out);
/* admin_api.c */
void admin_state(struct visit *visit);
void admin_tasks(struct visit *visit);
void admin_faults(struct visit *visit);
void admin_settings(struct visit *visit);
void admin_reset(struct visit *visit);

/* answer.c: Runway's envelope. */
void answer_error(struct http_reply *reply, int status, const char *message);
void answer_issues(struct http_reply *reply, const char *issues);

#endif
