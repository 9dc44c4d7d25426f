#include "bench.h"

#include <stdarg.h>

struct bench bench;

struct tokens *bench_open(int32_t partitions, int timeout_ms)
{
    char error[200];
    struct tokens *tokens = tokens_open(&(struct tokens_config){
        .redis_url = redis_server_url(bench.server), .timeout_ms = timeout_ms,
        .dedupe_window_ms = INT64_C(604800000), .refusal_window_ms = 3600000 }, error);
    ck_assert_msg(tokens != NULL, "%s", error);
    tokens_partitions(tokens, partitions);
    return tokens;
}

void bench_verify(struct tokens *tokens, int32_t bucket)
{
    struct recovery recovery;
    /* the connection of before a restart */
    if (recovery_begin(tokens, bucket, &recovery) != TROUBLE_NONE)
        ck_assert_int_eq(recovery_begin(tokens, bucket, &recovery), TROUBLE_NONE);
    ck_assert_int_eq(recovery_verify(tokens, &recovery, 0), TROUBLE_NONE);
}

void bench_start(void)
{
    bench.server = redis_server_start(NULL);
    bench.tokens = bench_open(1, 2000);
    bench.batch = tokens_batch_open(bench.tokens);
    bench_verify(bench.tokens, 0);
}

void bench_stop(void)
{
    tokens_batch_close(&bench.batch);
    tokens_close(&bench.tokens);
    redis_server_stop(&bench.server);
}

static void receive(void)
{
    const char *reason;
    enum trouble trouble = tokens_batch_receive(bench.batch);
    tokens_unverified(bench.tokens, &reason);
    ck_assert_msg(trouble == TROUBLE_NONE, "%s", reason);
}

struct reservation bench_reservation(const char *user, const char *generation, int64_t offset, int64_t tokens)
{
    return (struct reservation){
        .user_id = user, .generation_id = generation, .origin = { "requests", 0, offset },
            .fingerprint = "f1",
        .quote = { .model = "gen4_turbo", .units = 5, .tokens = tokens, .policy_version = "v 1%" },
            .at_ms = AT(offset) };
}

struct reserve_answer bench_reserve_full(const struct reservation *reservation)
{
    struct reserve_answer answer;
    tokens_batch_clear(bench.batch);
    size_t call = tokens_reserve(bench.batch, reservation);
    receive();
    tokens_reserve_answer(bench.batch, call, &answer);
    return answer;
}

struct reserve_answer bench_reserve(const char *user, const char *generation, int64_t offset, int64_t tokens)
{
    struct reservation reservation = bench_reservation(user, generation, offset, tokens);
    return bench_reserve_full(&reservation);
}

struct settle_answer bench_settle(const char *user, const char *generation, int64_t offset, int64_t charge)
{
    struct settle_answer answer;
    tokens_batch_clear(bench.batch);
    size_t call = tokens_settle(bench.batch, &(struct settlement){
        .user_id = user, .generation_id = generation, .origin = { "results", 0, offset },
            .charge_tokens = charge,
        .at_ms = AT(offset), .status = charge == 0 ? "failed" : "completed", .view = "{\"task\": \"t 1\"}" });
    receive();
    tokens_settle_answer(bench.batch, call, &answer);
    return answer;
}

struct grant_answer bench_grant(const char *user, const char *grant, int64_t offset, int64_t amount)
{
    struct grant_answer answer;
    tokens_batch_clear(bench.batch);
    size_t call = tokens_grant(bench.batch, &(struct grant){ user, grant, { "grants", 0, offset }, amount,
                                                             AT(offset) });
    receive();
    tokens_grant_answer(bench.batch, call, &answer);
    return answer;
}

void bench_progress(const char *user, const char *generation, const char *status)
{
    tokens_batch_clear(bench.batch);
    tokens_progress(bench.batch, user, generation, status, "{\"progress\": 0.5}", AT(7));
    receive();
}

enum lookup_outcome bench_lookup(const char *user, const char *generation)
{
    tokens_batch_clear(bench.batch);
    size_t call = tokens_lookup(bench.batch, user, generation);
    receive();
    return tokens_lookup_answer(bench.batch, call);
}

void bench_balance_is(const char *user, int64_t granted, int64_t available, int64_t reserved, int64_t spent)
{
    struct balance balance;
    bool verified;
    /* its script was flushed */
    if (tokens_balance(bench.tokens, user, &balance, &verified) != TROUBLE_NONE)
        ck_assert_int_eq(tokens_balance(bench.tokens, user, &balance, &verified), TROUBLE_NONE);
    ck_assert_int_eq(balance.granted, granted);
    ck_assert_int_eq(balance.available, available);
    ck_assert_int_eq(balance.reserved, reserved);
    ck_assert_int_eq(balance.spent, spent);
}

/* DUMP tells type and encoding as well; but two hashes with the same fields may list them in another
 * order. */
static const char state_script[] =
    "local keys, all = redis.call('KEYS', ARGV[1] == 'all' and '*' or 'rg:{0}:*'), {} table.sort(keys) "
    "for _, key in ipairs(keys) do "
    "  if ARGV[1] == 'all' then all[#all + 1] = key .. redis.call('DUMP', key) "
    "  elseif string.find(key, '}:user:') or string.find(key, '}:gen:') or string.find(key, '}:grant:') then "
    "    local row, pairs_ = redis.call('HGETALL', key), {} "
    "    local free = redis.call('HGET', key, 'committed') == '0' "
    "    for i = 1, #row, 2 do if row[i] ~= 'moved' and row[i] ~= 'counted' "
    "      and not (free and row[i] == 'commit_balance') then "
    "      pairs_[#pairs_ + 1] = row[i] .. '=' .. row[i + 1] end end "
    "    table.sort(pairs_) all[#all + 1] = key .. ' ' .. table.concat(pairs_, ' ') "
    "  elseif string.find(key, '}:open') then "
    "    local open = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') "
    "    all[#all + 1] = key .. ' ' .. table.concat(open, ' ') end end "
    "local text = table.concat(all, '\\n') "
    "return ARGV[1] == 'all' and #keys .. ' keys ' .. redis.sha1hex(text) or text";

static const char *state(const char *what)
{
    static char buffers[2][64 * 1024];
    static int turn;
    turn = !turn;
    snprintf(buffers[turn], sizeof buffers[turn], "%s",
             redis_server_ask_words(bench.server, 4, (const char *[]){ "EVAL", state_script, "0", what }));
    ck_assert_msg(!strstr(buffers[turn], "user_script"), "%s", buffers[turn]);
    return buffers[turn];
}

const char *bench_state(void) { return state("all"); }
const char *bench_money_state(void) { return state("money"); }

const char *bench_ask(const char *format, ...)
{
    char command[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    ck_assert_int_lt(length, (int)sizeof command);
    return redis_server_ask(bench.server, command);
}
