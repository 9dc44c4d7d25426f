#include "gateway/config.h"

#include <stddef.h>

#define AT(member) .offset = offsetof(struct gateway_settings, member)

const struct param GATEWAY_PARAMS[] = {
    REDIS_PARAMS(struct gateway_settings, redis),
    { .name = "address", .type = PARAM_TEXT, .fallback = "127.0.0.1:8080", .least = "1", AT(address),
      .meaning = "Where to serve the API and the console, host:port; port 0 takes a free one and logs it. "
                 "Plain HTTP: put a proxy that speaks TLS in front." },
    { .name = "policy", .type = PARAM_PATH, .fallback = "deploy/policy.json", AT(policy_path),
      .meaning = "The policy file, for quotes; the same as admission's. Read again on SIGHUP." },
    { .name = "jwt_secret", .type = PARAM_SECRET, AT(jwt_secret),
      .meaning = "Tokens are HS256 with this secret of at least 32 bytes. This, jwt_public_key or "
                 "jwt_keys." },
    { .name = "jwt_public_key", .type = PARAM_PATH, AT(jwt_public_key_path),
      .meaning = "A PEM file with one public key: RSA, then tokens are RS256, or Ed25519, then EdDSA. "
                 "Read again on SIGHUP." },
    { .name = "jwt_keys", .type = PARAM_PATH, AT(jwt_keys_path),
      .meaning = "A JWK set file (RSA, Ed25519, oct): a token's kid chooses the key. Read again on "
                 "SIGHUP: add the new key, sign with it, take the old one out when its last token has "
                 "expired." },
    { .name = "jwt_issuer", .type = PARAM_TEXT, AT(jwt_issuer),
      .meaning = "What a token's iss must be; without it, iss is not looked at." },
    { .name = "jwt_audience", .type = PARAM_TEXT, AT(jwt_audience),
      .meaning = "What a token's aud must be; without it, aud is not looked at." },
    { .name = "cors_origin", .type = PARAM_TEXT, AT(cors_origin),
      .meaning = "An origin (https://app.example.com) whose pages may call the API; without it, none but "
                 "ours." },
    { .name = "media_sources", .type = PARAM_TEXT, .fallback = "https:", AT(media_sources),
      .meaning = "Where the console may play videos from, as in a Content-Security-Policy." },
    { .name = "workers", .type = PARAM_TEXT, AT(workers),
      .meaning = "The workers' health addresses, name=host:port separated by commas: an admin's health "
                 "page shows what their /readyz say, Runway's troubles (generator, poller) among them." },
    { .name = "decision_wait_ms", .type = PARAM_MS, .fallback = "800", .least = "0", .most = "30s",
      AT(decision_wait_ms), .unit = "ms",
      .meaning = "How long a call waits for admission (or a grant for the ledger) before it answers "
                 "pending." },
    { .name = "publish_timeout_ms", .type = PARAM_MS, .fallback = "2s", .least = "100", .most = "30s",
      AT(publish_timeout_ms), .unit = "ms", .meaning = "How long Kafka may take to acknowledge a message." },
    { .name = "connections", .type = PARAM_COUNT, .fallback = "1000", .least = "8", .most = "20000",
      AT(connections), .unit = "connections", .meaning = "How many may be open at once; each has a thread." },
    { .name = "streams", .type = PARAM_COUNT, .fallback = "600", .least = "1", .most = "20000", AT(streams),
      .unit = "streams", .meaning = "How many of them may be event streams." },
    { .name = "streams_per_user", .type = PARAM_COUNT, .fallback = "8", .least = "1", .most = "1000",
      AT(streams_per_user), .unit = "streams", .meaning = "How many event streams one user may have." },
    { .name = "redis_connections", .type = PARAM_COUNT, .fallback = "4", .least = "1", .most = "64",
      AT(redis_connections), .unit = "connections", .meaning = "How many balances are read at once." },
    { .name = "calls_per_minute", .type = PARAM_COUNT, .fallback = "600", .least = "1", .most = "1000000",
      AT(calls_per_minute), .unit = "calls",
      .meaning = "How many calls of one user a minute; a tenth of a minute's may come at once. More are "
                 "429." },
    { .name = "generations_per_minute", .type = PARAM_COUNT, .fallback = "60", .least = "1",
        .most = "1000000",
      AT(generations_per_minute), .unit = "calls",
      .meaning = "How many of them may ask for something: a video, a cancellation, a grant." },
    { .name = "view_mb", .type = PARAM_COUNT, .fallback = "256", .least = "1", .most = "1000000", AT(view_mb),
      .unit = "MiB", .meaning = "Memory for what was read from the topics; the longest idle users go "
                                "first." },
    { .name = "view_records", .type = PARAM_COUNT, .fallback = "100000", .least = "10", .most = "100000000",
      AT(view_records), .unit = "records", .meaning = "How far back each partition is read at the start." },
    { .name = NULL },
};
