/* Uploads in two steps: a place is given, the file is posted there as a form, then runway://<place> is an
 * asset. */
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

#include "base/backoff.h"
#include "base/xalloc.h"

static const int64_t UPLOAD_OPEN_MS = INT64_C(24) * 3600 * 1000;
enum { UPLOAD_BYTES_MIN = 512, BEGIN_BYTES_MAX = 4096, BOUNDARY_BYTES = 80 };

static struct upload *upload_find(struct sandbox *sandbox, const char *name)
{
    struct upload *upload;
    LIST_FOREACH(upload, &sandbox->uploads, all)
        if (strcmp(upload->name, name) == 0) return upload;
    return NULL;
}

bool upload_there(void *self, const char *runway_uri)
{
    const struct upload *upload = upload_find(self, runway_uri + strlen("runway://"));
    return upload && upload->there;
}

/* ---- the place */

static void tell_place(struct visit *visit, const struct upload *upload)
{
    struct sandbox *sandbox = visit->sandbox;
    char path[100], policy[SIGNATURE_BYTES], base[BASE_BYTES];
    visit_base(visit, base);
    snprintf(path, sizeof path, "/upload/%s", upload->name);
    signature_make(&sandbox->signature_key, path, sandbox_now(sandbox) + UPLOAD_OPEN_MS, random_u64(),
                   policy);
    text_printf(&visit->reply->text, "{\"uploadUrl\":\"%s%s\",\"fields\":{\"key\":\"%s\",\"policy\":\"%s\"},"
                "\"runwayUri\":\"runway://%s\"}", base, path, upload->name, policy, upload->name);
    visit->reply->status = 200;
}

void api_upload_begin(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    char error[JSON_ERROR_BYTES];
    struct json *body = json_parse(visit->call->body, visit->call->body_length, BEGIN_BYTES_MAX, error);
    const char *filename = json_string(json_get(body, "filename"), NULL);
    const char *type = json_string(json_get(body, "type"), NULL);
    pthread_mutex_lock(&sandbox->lock);
    const struct fault fault = faults_draw(&sandbox->faults, TARGET_UPLOAD);
    if (!fault_before(&fault, visit->reply)) {
        if (!filename || !filename[0] || !type || strcmp(type, "ephemeral") != 0) {
            answer_issues(visit->reply, "{\"code\":\"invalid_type\",\"message\":\"Invalid input\",\"path\":"
                                        "[\"filename\"]}");
        } else {
            struct upload *upload = xcalloc(1, sizeof *upload);
            uuid7_make(upload->name);
            LIST_INSERT_HEAD(&sandbox->uploads, upload, all);
            tell_place(visit, upload);
        }
        fault_after(&fault, visit->reply);
    }
    pthread_mutex_unlock(&sandbox->lock);
    json_free(&body);
}

/* ---- the form */

struct part { const char *from; size_t length; };

/* The value of the form's part with this name; from is NULL when there is none. */
static struct part part_find(const struct http_call *call, const char *boundary, const char *name)
{
    char wanted[100];
    snprintf(wanted, sizeof wanted, " name=\"%s\"", name);
    const char *end = call->body + call->body_length;
    size_t boundary_length = strlen(boundary);
    for (const char *at = call->body; at < end;) {
        const char *part = memmem(at, (size_t)(end - at), boundary, boundary_length);
        if (!part) break;
        part += boundary_length;
        const char *value = memmem(part, (size_t)(end - part), "\r\n\r\n", 4);
        const char *next = memmem(part, (size_t)(end - part), boundary, boundary_length);
        if (!value || !next || value > next) break;
        if (memmem(part, (size_t)(value - part), wanted, strlen(wanted)))
            return (struct part){ value + 4, (size_t)(next - value) - 4 };
        at = next;
    }
    return (struct part){ 0 };
}

/* "\r\n--boundary", as it stands between parts; false when the request is no form. */
static bool read_boundary(const struct http_call *call, char boundary[BOUNDARY_BYTES])
{
    const char *type = http_call_header(call, "Content-Type");
    if (!type || strncmp(type, "multipart/form-data", 19) != 0) return false;
    const char *found = strstr(type, "boundary=");
    if (!found) return false;
    found += strlen("boundary=");
    bool quoted = *found == '"';
    found += quoted;
    size_t length = strcspn(found, quoted ? "\"" : "; ");
    if (length == 0 || length > BOUNDARY_BYTES - 3) return false;
    snprintf(boundary, BOUNDARY_BYTES, "--%.*s", (int)length, found);
    return true;
}

static bool policy_good(struct visit *visit, const struct part *policy)
{
    char signature[SIGNATURE_BYTES];
    size_t length = policy->length >= 2 ? policy->length - 2 : 0;      /* without the last line break */
    if (!policy->from || length >= sizeof signature) return false;
    memcpy(signature, policy->from, length);
    signature[length] = '\0';
    return signature_good(&visit->sandbox->signature_key, visit->call->path, signature,
                          sandbox_now(visit->sandbox));
}

static void take_file(struct visit *visit)
{
    char boundary[BOUNDARY_BYTES];
    struct upload *upload = upload_find(visit->sandbox, visit->rest);
    if (!upload || !read_boundary(visit->call, boundary)) {
        answer_error(visit->reply, upload ? 400 : 404, upload ? "Not a form" : "No such upload");
        return;
    }
    const struct part policy = part_find(visit->call, boundary, "policy");
    const struct part file = part_find(visit->call, boundary, "file");
    if (!policy_good(visit, &policy)) {
        answer_error(visit->reply, 403, "Invalid policy");
    } else if (!file.from || file.from < policy.from || file.length < UPLOAD_BYTES_MIN + 2) {
        answer_error(visit->reply, 400, "The file must be the last field and have at least 512 bytes");
    } else {
        upload->there = true;
        upload->size = (int64_t)file.length - 2;
        visit->sandbox->counts.uploads++;
        visit->reply->status = 204;
    }
}

void api_upload_store(struct visit *visit)
{
    pthread_mutex_lock(&visit->sandbox->lock);
    take_file(visit);
    pthread_mutex_unlock(&visit->sandbox->lock);
}
