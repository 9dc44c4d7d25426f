#include "component/cli/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"

struct running { pid_t pid; FILE *out, *err; };

void world_begin(struct world *world)
{
    world->redis = redis_server_start(NULL);
}

void world_fresh(struct world *world)
{
    snprintf(world->prefix, sizeof world->prefix, "%s.", broker_name("cli", 0));
    redis_server_ask(world->redis, "FLUSHALL");
}

void world_end(struct world *world)
{
    redis_server_stop(&world->redis);
}

const char *world_topic(const struct world *world, const char *name)
{
    static char topic[160];
    snprintf(topic, sizeof topic, "%s%s", world->prefix, name);
    return topic;
}

static _Noreturn void become(const struct world *world, const char *const *words)
{
    char *argv[ARGUMENTS_MAX] = { (char *)"reelgate" };
    for (int i = 0; words[i] && i < ARGUMENTS_MAX - 2; i++)
        argv[i + 1] = (char *)words[i];
    setenv("KAFKA_BOOTSTRAP_SERVERS", broker_config("test").bootstrap_servers, 1);
    setenv("REELGATE_TOPIC_PREFIX", world->prefix, 1);
    setenv("REDIS_URL", redis_server_url(world->redis), 1);
    execv(REELGATE_PROGRAM, argv);
    _exit(127);
}

struct running *world_start(const struct world *world, const char *const *words)
{
    struct running *running = xcalloc(1, sizeof *running);
    running->out = tmpfile();
    running->err = tmpfile();
    ck_assert(running->out && running->err);
    fflush(NULL);
    running->pid = fork();
    ck_assert_int_ge(running->pid, 0);
    if (running->pid == 0) {
        dup2(fileno(running->out), STDOUT_FILENO);
        dup2(fileno(running->err), STDERR_FILENO);
        become(world, words);
    }
    return running;
}

static void slurp(FILE *file, char bytes[PRINTED_BYTES])
{
    rewind(file);
    size_t length = fread(bytes, 1, PRINTED_BYTES - 1, file);
    bytes[length] = '\0';
    fclose(file);
}

void world_await(struct running **awaited, struct ran *ran)
{
    struct running *running = *awaited;
    int status;
    ck_assert_int_eq(waitpid(running->pid, &status, 0), running->pid);
    ran->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    slurp(running->out, ran->out);
    slurp(running->err, ran->err);
    free(running);
    *awaited = NULL;
}

void world_run(const struct world *world, struct ran *ran, const char *const *words)
{
    struct running *running = world_start(world, words);
    world_await(&running, ran);
}

static struct kafka_header header(const char *name, const char *value)
{
    return (struct kafka_header){ .name = name, .value = value, .length = strlen(value) };
}

void world_write(const struct world *world, const struct written *written)
{
    struct kafka_config config = broker_config("test-worker");
    struct kafka_publisher *publisher = kafka_publisher_open(&config);
    struct kafka_header headers[8] = { header("content-type", "application/json") };
    size_t count = 1;
    if (written->ce_type)
        headers[count++] = header("ce_type", written->ce_type);
    for (int i = 0; written->headers && written->headers[i]; i += 2)
        headers[count++] = header(written->headers[i], written->headers[i + 1]);
    const struct kafka_message message = {
        .topic = world_topic(world, written->topic), .partition = written->partition,
        .key = written->key, .key_length = strlen(written->key), .value = written->value,
        .value_length = strlen(written->value), .headers = headers, .header_count = count,
    };
    ck_assert_int_eq(kafka_publish(publisher, &message, 20000, NULL, NULL), TROUBLE_NONE);
    kafka_publisher_close(&publisher);
}

struct seen_list world_first(const struct world *world, const char *topic)
{
    struct seen_list list = { 0 };
    int64_t until_ms = clock_mono_ms() + 20000;
    while (list.count == 0 && clock_mono_ms() < until_ms) {
        clock_sleep_ms(50);
        list = broker_read_all(world_topic(world, topic));
    }
    ck_assert_uint_eq(list.count, 1);
    return list;
}
