/* What a task delivered: behind a signed URL that ends, as on a content network. No API key is asked for
 * here. */
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/sample.h"

#include "base/backoff.h"

static const char *extension(const struct task *task)
{
    return task->model->picture ? "png" : "mp4";
}

void output_url(struct sandbox *sandbox, const struct task *task, int index, const char *base,
                struct text *out)
{
    char path[100], signature[SIGNATURE_BYTES];
    int64_t expiry_ms = task->marks.url_expiry_ms >= 0 ? task->marks.url_expiry_ms : sandbox->url_expiry_ms;
    snprintf(path, sizeof path, "/output/%s-%d.%s", task->id, index, extension(task));
    signature_make(&sandbox->signature_key, path, sandbox_now(sandbox) + expiry_ms, random_u64(), signature);
    text_printf(out, "\"%s%s?_jwt=%s\"", base, path, signature);
}

/* ---- ranges (RFC 9110 14): one range of bytes; several are answered whole, which is allowed */

enum range { RANGE_NONE, RANGE_PART, RANGE_BEYOND };

static enum range read_range(const char *header, size_t length, size_t *from, size_t *to)
{
    char *end;
    if (!header || strncmp(header, "bytes=", 6) != 0 || strchr(header, ',')) return RANGE_NONE;
    const char *at = header + 6;
    if (*at == '-') {
        size_t last = strtoul(at + 1, &end, 10);
        if (end == at + 1 || *end != '\0') return RANGE_NONE;
        if (last == 0) return RANGE_BEYOND;
        *from = last < length ? length - last : 0;
        *to = length - 1;
        return RANGE_PART;
    }
    *from = strtoul(at, &end, 10);
    if (end == at || *end != '-') return RANGE_NONE;
    *to = end[1] ? strtoul(end + 1, &end, 10) : length - 1;
    if (*end != '\0' && *end != '-') return RANGE_NONE;
    if (*from >= length) return RANGE_BEYOND;
    if (*to < *from) return RANGE_NONE;
    if (*to >= length) *to = length - 1;
    return RANGE_PART;
}

static void deliver(struct visit *visit, const unsigned char *bytes, size_t length)
{
    char range[80];
    size_t from = 0, to = length - 1;
    enum range kind = read_range(http_call_header(visit->call, "Range"), length, &from, &to);
    http_reply_header(visit->reply, "Accept-Ranges", "bytes");
    http_reply_header(visit->reply, "Cache-Control", "private, max-age=3600");
    if (kind == RANGE_BEYOND) {
        snprintf(range, sizeof range, "bytes */%zu", length);
        http_reply_header(visit->reply, "Content-Range", range);
        visit->reply->status = 416;
        return;
    }
    if (kind == RANGE_PART) {
        snprintf(range, sizeof range, "bytes %zu-%zu/%zu", from, to, length);
        http_reply_header(visit->reply, "Content-Range", range);
    }
    visit->reply->status = kind == RANGE_PART ? 206 : 200;
    visit->reply->body = (const char *)bytes + from;
    visit->reply->body_length = to - from + 1;
}

static const struct task *task_of(struct visit *visit)
{
    char id[UUID_BYTES];
    if (strlen(visit->rest) < UUID_BYTES) return NULL;
    memcpy(id, visit->rest, UUID_BYTES - 1);
    id[UUID_BYTES - 1] = '\0';
    const struct task *task = store_find(visit->sandbox->store, id);
    return task && task->status == TASK_SUCCEEDED ? task : NULL;
}

static void output(struct visit *visit)
{
    const char *signature = http_call_query(visit->call, "_jwt");
    int64_t now_ms = sandbox_now(visit->sandbox);
    if (!signature || !signature_good(&visit->sandbox->signature_key, visit->call->path, signature, now_ms)) {
        answer_error(visit->reply, 403, "Access denied");
        return;
    }
    const struct task *task = task_of(visit);
    if (!task) {
        answer_error(visit->reply, 404, "No such object");
        return;
    }
    visit->reply->content_type = task->model->picture ? "image/png" : "video/mp4";
    if (task->model->picture) deliver(visit, sample_png, sample_png_length);
    else deliver(visit, sample_mp4, sample_mp4_length);
}

void api_output(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    pthread_mutex_lock(&sandbox->lock);
    const struct fault fault = faults_draw(&sandbox->faults, TARGET_OUTPUT);
    sandbox->counts.outputs++;
    if (!fault_before(&fault, visit->reply)) {
        output(visit);
        fault_after(&fault, visit->reply);
    }
    pthread_mutex_unlock(&sandbox->lock);
}
