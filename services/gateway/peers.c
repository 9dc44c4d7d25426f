#include "gateway/peers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "http/client.h"
#include "json/json.h"

enum { ASK_EVERY_MS = 5000, TIMEOUT_MS = 3000, ANSWER_BYTES_MAX = 16 * 1024, PEERS_MAX = 64,
    ADDRESS_BYTES = 300,
       WORDS_BYTES = 400 };

struct peer {
    char name[ID_LENGTH_MAX + 1], url[ADDRESS_BYTES];
    bool ready;
    char words[WORDS_BYTES];
};
struct peers {
    pthread_mutex_t mutex;               /* over ready and words */
    struct http_client *client;
    struct peer rows[PEERS_MAX];
    int count;
    int64_t ask_at_ms;
};

/* ---- the setting */

static bool read_peer(struct peers *peers, const char *text, size_t length, char error[200])
{
    const char *equals = memchr(text, '=', length);
    size_t name = equals ? (size_t)(equals - text) : 0, address = equals ? length - name - 1 : 0;
    struct peer *peer = &peers->rows[peers->count];
    if (peers->count < PEERS_MAX && id_valid(text, name) && address > 0 && address < ADDRESS_BYTES - 16
        && memchr(equals + 1, ':', address) && strcspn(equals + 1, " /?#@\"\\") >= address) {
        snprintf(peer->name, sizeof peer->name, "%.*s", (int)name, text);
        snprintf(peer->url, sizeof peer->url, "http://%.*s/readyz", (int)address, equals + 1);
        snprintf(peer->words, sizeof peer->words, "not asked yet");
        peers->count++;
        return true;
    }
    snprintf(error, 200, "'%.*s' must be name=host:port, at most %d of them, separated by commas",
             length < 80 ? (int)length : 80, text, PEERS_MAX);
    return false;
}

struct peers *peers_open(const char *list, char error[200])
{
    struct peers *peers = xcalloc(1, sizeof *peers);
    bool good = true;
    pthread_mutex_init(&peers->mutex, NULL);
    for (const char *at = list; at && good; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        good = read_peer(peers, at, strcspn(at, ","), error);
    if (peers->count > 0)
        peers->client = http_client_open();
    if (!good)
        peers_close(&peers);
    return peers;
}

void peers_close(struct peers **closing)
{
    if (!*closing)
        return;
    if ((*closing)->client)
        http_client_close(&(*closing)->client);
    pthread_mutex_destroy(&(*closing)->mutex);
    free(*closing);
    *closing = NULL;
}

/* ---- asking */

/* {"ready":false,"reasons":["...","..."]} */
static void read_reasons(const struct http_answer *answer, char out[WORDS_BYTES])
{
    char why[JSON_ERROR_BYTES];
    struct json *body = json_parse(answer->body ? answer->body : "", answer->body_length, JSON_BYTES_MAX,
                                   why);
    const struct json *reasons = json_get(body, "reasons");
    size_t used = 0;
    for (size_t i = 0; i < json_count(reasons) && used < WORDS_BYTES; i++) {
        const char *reason = json_string(json_at(reasons, i), NULL);
        used += (size_t)snprintf(out + used, WORDS_BYTES - used, "%s%s", i > 0 ? "; " : "",
                                 reason ? reason : "?");
    }
    if (used == 0)
        snprintf(out, WORDS_BYTES, "answers %d", answer->status);
    json_free(&body);
}

static void take_answer(void *self, void *tag, const struct http_answer *answer)
{
    struct peers *peers = self;
    struct peer *peer = tag;
    char words[WORDS_BYTES];
    bool ready = answer->end == HTTP_ANSWERED && answer->status == 200;
    if (ready)
        snprintf(words, sizeof words, "ready");
    else if (answer->end == HTTP_ANSWERED)
        read_reasons(answer, words);
    else
        snprintf(words, sizeof words, "does not answer: %.200s", answer->reason ? answer->reason : "");
    must(pthread_mutex_lock(&peers->mutex) == 0);
    peer->ready = ready;
    memcpy(peer->words, words, sizeof words);
    must(pthread_mutex_unlock(&peers->mutex) == 0);
}

void peers_turn(struct peers *peers)
{
    if (peers->count == 0)
        return;
    if (clock_mono_ms() >= peers->ask_at_ms && http_client_open_count(peers->client) == 0) {
        peers->ask_at_ms = clock_mono_ms() + ASK_EVERY_MS;
        for (int i = 0; i < peers->count; i++)
            http_client_start(peers->client, &(struct http_request){ .method = "GET",
                .url = peers->rows[i].url, .connect_timeout_ms = TIMEOUT_MS, .timeout_ms = TIMEOUT_MS,
                .answer_cap_bytes = ANSWER_BYTES_MAX },
                take_answer, peers, &peers->rows[i]);
    }
    http_client_step(peers->client, NULL, 0, 0);
}

void peers_each(struct peers *peers, peers_visit *visit, void *self)
{
    for (int i = 0; i < peers->count; i++) {
        must(pthread_mutex_lock(&peers->mutex) == 0);
        struct peer peer = peers->rows[i];
        must(pthread_mutex_unlock(&peers->mutex) == 0);
        visit(self, peer.name, peer.ready, peer.words);
    }
}
