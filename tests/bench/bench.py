"""Throughput of admission and ledger beside the plain pipelined rate of their scripts, latency, memory, recovery. See
./run."""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "deploy", "lib"), os.path.join(ROOT, "tests", "system")]

from confluent_kafka import Consumer, Producer, TopicPartition  # noqa: E402

from gateway import gateway  # noqa: E402
from rebuild import pause, rebuild  # noqa: E402
from rig import Rig  # noqa: E402
from stack import kafka, programs  # noqa: E402
from stack.ports import free_port  # noqa: E402

BIN = os.path.join(ROOT, "build", "release")
USERS = [f"bench-{number:02}" for number in range(50)]
GRANT = 2**30
WARM_SECONDS, WARM_RATE = 40, 150
PROMPT = "A paper boat drifts through a rainy street at dawn, seen from just above the water, slow and quiet"


def say(words):
    print(words, file=sys.stderr, flush=True)


def metric(process, name, label=""):
    with urllib.request.urlopen(process.more["health"] + "/metrics", timeout=5) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name) and label in line.split(" ")[0]:
                return float(line.rsplit(" ", 1)[1])
    raise KeyError(f"{name} {label}")


def plain(rig, what, first, count):
    """The same scripts on the same Redis, nothing around them."""
    done = subprocess.run([os.path.join(BIN, "tests", "bench", "bench-plain"), rig.stack.redis_url,
                           str(len(rig._journal_partitions)), what, str(first), str(count)],
                          capture_output=True, text=True, timeout=900, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)["rate"]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children_cpu():
    used = os.times()
    return used.children_user + used.children_system


class Spent:
    """CPU that broker and Redis spend meanwhile: on a noisy machine it says more than a rate."""

    def __init__(self, rig):
        self.pids = {"broker": rig.broker_pid, "redis": rig.redis.info("server")["process_id"]}
        self.before = {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    def words(self):
        return ", ".join(f"{name} {cpu_seconds(pid) - self.before[name]:.1f} s" for name, pid in self.pids.items())


def stages(process, spent=None):
    """Where the time of its batches went: one line."""
    with urllib.request.urlopen(process.more["health"] + "/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = {}
    for line in lines:
        for part in ("sum", "count"):
            head = f'reelgate_stage_duration_seconds_{part}{{stage="'
            if line.startswith(head):
                found.setdefault(line[len(head):].split('"')[0], {})[part] = float(line.rsplit(" ", 1)[1])
    say("  ms a batch: " + ", ".join(f"{name} {1000 * row['sum'] / row['count']:.1f}" for name, row in found.items()
                                     if row["count"])
        + f"; cpu: program {metric(process, 'process_cpu_seconds_total'):.1f} s" + (f", {spent.words()}" if spent else ""))


def drained(process, name, label, total, seconds):
    """Rate between 5 % and 95 % of the total, from the program's own counter of committed decisions."""
    samples, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        samples.append((time.monotonic(), metric(process, name, label)))
        if samples[-1][1] >= total:
            break
        time.sleep(0.05)
    inside = [sample for sample in samples if 0.05 * total <= sample[1] <= 0.95 * total]
    if samples[-1][1] < total or len(inside) < 2:
        raise SystemExit(f"{name} {label}: {samples[-1][1]:.0f} of {total} after {seconds} s, {len(inside)} samples")
    return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])


def fill(rig, topic, messages, partition_of=lambda key: -1):
    """partition_of: by key, where that is not Kafka's own choice."""
    producer = Producer({"bootstrap.servers": rig.kafka, "partitioner": "murmur2_random", "linger.ms": 20,
                         "queue.buffering.max.messages": 1000000, "compression.type": "lz4"})
    for key, value, headers in messages:
        while True:
            try:
                producer.produce(rig.prefix + topic, value, key, partition_of(key), headers=headers)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(120) == 0


def requests(count, name):
    for number in range(count):
        user = USERS[number % len(USERS)]
        yield user, json.dumps({"generationId": f"{name}-{number}", "userId": user, "prompt": PROMPT}), None


def completions(count, name):
    headers = {"ce_specversion": "1.0", "ce_type": "reelgate.generation.completed", "ce_source": "bench",
               "content-type": "application/json"}
    for number in range(count):
        user = USERS[number % len(USERS)]
        yield user, json.dumps({
            "generationId": f"{name}-{number}", "userId": user, "taskId": f"task-{number}", "requiredTokens": 1,
            "output": ["https://dnznrvs05pmza.cloudfront.net/0192d3e0.mp4?_jwt=" + "a" * 180],
            "outputExpiresAt": "2030-01-01T00:00:00.000Z",
            "timings": {"acceptedAt": "2026-01-01T00:00:00.000Z", "finishedAt": "2026-01-01T00:01:00.000Z"}}), headers


def start_quiet(rig, program):
    """Without a log line for each decision, as one runs it at such rates; its port is then not logged either."""
    port = free_port(avoid=())
    process = programs.start(os.path.join(BIN, "services", program, "reelgate-" + program),
                             {**rig.stack.settings_of(program, 0), "health_address": f"127.0.0.1:{port}", "log_level": "warn",
                              **rig.tuned},
                             log=rig.stack.path("log", program + "-quiet.log"), secrets=rig.stack.secrets_of(program), tied=True)
    process.more["health"] = f"http://127.0.0.1:{port}"
    rig.stack.processes[program + "-quiet"] = process
    while True:
        try:
            metric(process, "process_resident_memory_bytes")
            return process
        except OSError:
            time.sleep(0.02)


def fund(rig):
    """Tokens for all users, from grants to Redis; the ledger is stopped again."""
    for user in USERS + [f"plain-{number:02}" for number in range(50)]:
        rig.publish("grants", {"grantId": f"start-{user}", "userId": user, "amount": GRANT}, key=user)
    rig.flush()
    ledger = rig.start("ledger")
    while any(rig.balance(user)["available"] != GRANT for user in (*USERS, "plain-49")):
        time.sleep(0.1)
    ledger.stop(30)


def nothing_waits(rig, group, topic):
    """The group begins behind what is there now: each round counts only what is published for it."""
    consumer = Consumer({"bootstrap.servers": rig.kafka, "group.id": rig.prefix + group})
    partitions = consumer.list_topics(rig.prefix + topic).topics[rig.prefix + topic].partitions
    ends = [TopicPartition(rig.prefix + topic, number, consumer.get_watermark_offsets(
        TopicPartition(rig.prefix + topic, number))[1]) for number in partitions]
    consumer.commit(offsets=ends, asynchronous=False)
    consumer.close()


class Rounds:
    """One program after the other on the same warm broker and Redis, a plain run of the scripts before and after
    each: the rates of one minute are comparable, those of two are not."""

    PLAIN = 20000

    def __init__(self, rig, figures):
        self.rig, self.figures, self.rows, self.number, self.held = rig, figures, {}, 0, 0
        self.settled = 0

    def plain(self, what):
        first = self.settled if what == "settle" else self.held
        if what == "settle":
            self.settled += self.PLAIN
        else:
            self.held += self.PLAIN
        return plain(self.rig, what, first, self.PLAIN)

    def run(self, name, what, measure, *, count, counted=True):
        """measure(name of the round, count) gives a rate."""
        self.number += 1
        before = self.plain(what)
        rate = measure(f"round{self.number}", count)
        after = self.plain(what)
        ratio = 2 * rate / (before + after)
        if counted:
            self.rows.setdefault(name, []).append((rate, ratio))
        say(f"{name:10} {rate:8.0f}/s   plain {what} {before:.0f} and {after:.0f}/s   ratio {ratio:.2f}"
            + ("   (aim: above 0.60)" if counted else "   (to warm the broker: not counted)"))

    def close(self):
        for name, rows in self.rows.items():
            self.figures[f"{name}_per_second"] = statistics.median(rate for rate, _ in rows)
            self.figures[f"{name}_ratio"] = statistics.median(ratio for _, ratio in rows)


def drain(rig, program, name, label, total):
    """From an empty start of the program to its last committed decision."""
    spent, process = Spent(rig), start_quiet(rig, program)
    rate = drained(process, name, label, total, 300)
    stages(process, spent)
    process.stop(30)
    return rate


def throughput(rig, count, figures, with_twin):
    """Admission, the Go program, the Go program, admission: what drifts meanwhile hits both alike. Then the ledger."""
    def admission(name, total):
        nothing_waits(rig, "admission", "requests")
        fill(rig, "requests", requests(total, name))
        return drain(rig, "admission", "reelgate_admission_decisions_total", 'decision="accepted"', total)

    def ledger(name, total):
        nothing_waits(rig, "ledger", "results")
        fill(rig, "results", completions(total, name))
        return drain(rig, "ledger", "reelgate_ledger_settlements_total", 'outcome="completed"', total)

    def twin(name, total):
        nothing_waits(rig, "twin", "requests")
        fill(rig, "requests", requests(total, name))
        return run_twin(rig, program, total)

    program = build_twin() if with_twin else None
    fund(rig)
    rounds = Rounds(rig, figures)
    rounds.run("admission", "reserve", admission, count=count // 2, counted=False)
    for name, measure in (("admission", admission), ("twin_go", twin), ("twin_go", twin), ("admission", admission)):
        if measure is not twin or with_twin:
            rounds.run(name, "reserve", measure, count=count)
    for number in (2, rounds.number):                    # what admission held in its two counted rounds
        rounds.number = number - 1
        rounds.run("ledger", "settle", ledger, count=count)
    rounds.close()


def build_twin():
    """The same bare job in Go."""
    program = os.path.join(ROOT, "build", "bench", "twin-program")
    subprocess.run(["go", "build", "-o", program, "."], cwd=os.path.join(ROOT, "tests", "bench", "twin_go"), check=True)
    return program


def run_twin(rig, program, total):
    spent, before = Spent(rig), children_cpu()
    done = subprocess.run([program, "-brokers", rig.kafka, "-redis", rig.stack.redis_url.split("//")[1], "-prefix",
                           rig.prefix, "-scripts", os.path.join(ROOT, "common", "tokens"), "-partitions",
                           str(len(rig._journal_partitions)), "-total", str(total)],
                          capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    say(f"  cpu: program {children_cpu() - before:.1f} s, {spent.words()}")
    return json.loads(done.stdout)["rate"]


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def latency(rig, rate, seconds, figures):
    """From just before produce() to the accepted event in a read_committed consumer, at a steady rate."""
    rig.start_workers()
    for user in USERS:
        rig.publish("grants", {"grantId": f"latency-{user}", "userId": user, "amount": 10000}, key=user)
    rig.flush()
    while any(rig.balance(user)["available"] < 10000 for user in USERS):
        time.sleep(0.1)
    consumer = Consumer({"bootstrap.servers": rig.kafka, "group.id": rig.prefix + "bench", "fetch.wait.max.ms": 100,
                         "isolation.level": "read_committed", "auto.offset.reset": "latest"})
    joined = []
    consumer.subscribe([rig.prefix + "results"], on_assign=lambda *_: joined.append(1))
    while not joined:
        consumer.poll(0.1)
    consumer.poll(1.0)
    producer = Producer({"bootstrap.servers": rig.kafka, "partitioner": "murmur2_random", "linger.ms": 0})
    sent, took = {}, {}

    def at_rate(per_second, during, name):
        began, number = time.monotonic(), 0
        while time.monotonic() - began < during + 5 and (number < per_second * during or len(took) < len(sent)):
            if number < per_second * during and time.monotonic() - began >= number / per_second:
                user = random.choice(USERS)
                sent[f"{name}-{number}"] = time.monotonic()
                producer.produce(rig.prefix + "requests", json.dumps(
                    {"generationId": f"{name}-{number}", "userId": user, "prompt": PROMPT}), user)
                producer.poll(0)
                number += 1
            message = consumer.poll(0.001)
            if message is None or message.error() or b"generation.accepted" not in dict(message.headers())["ce_type"]:
                continue
            generation = json.loads(message.value())["generationId"]
            took[generation] = (time.monotonic() - sent[generation]) * 1000

    at_rate(WARM_RATE, WARM_SECONDS, "warm")             # a JVM that just started compiles for half a minute
    at_rate(rate, seconds, "lat")
    took = [ms for generation, ms in took.items() if generation.startswith("lat-")]
    consumer.close()
    stages(rig.stack.find("admission-0"))
    figures["accepted_p50_ms"], figures["accepted_p99_ms"] = percentile(took, 0.5), percentile(took, 0.99)
    say(f"request to accepted at {rate}/s: {len(took)} counted, p50 {percentile(took, 0.5):.1f} ms (aim: under 10), "
        f"p99 {percentile(took, 0.99):.1f} ms")


def memory(rig, tasks, figures):
    for program in programs.WORKERS:
        process = rig.stack.find(f"{program}-0") or rig.start(program)
        time.sleep(1)
        figures[f"{program}_idle_mb"] = metric(process, "process_resident_memory_bytes") / 1e6
        say(f"{program:10} idle {figures[f'{program}_idle_mb']:.1f} MB (aim: under 30)")
    rig.stack.find("poller-0").stop(30)
    rig.stack.find("sandbox").stop(30)     # nobody answers: the tasks stay live
    headers = {"ce_specversion": "1.0", "ce_type": "reelgate.generation.task", "ce_source": "bench",
               "content-type": "application/json"}
    fill(rig, "tasks", ((f"0192d3e0-0000-7000-8000-{number:012}", json.dumps({
        "generationId": f"0192d3e0-0000-7000-8000-{number:012}", "userId": USERS[number % 50],
        "taskId": f"1192d3e0-0000-7000-8000-{number:012}", "model": "gen4.5", "requiredTokens": 1,
        "acceptedAt": "2030-01-01T00:00:00.000Z", "submittedAt": "2030-01-01T00:00:00.000Z",
        "deadlineAt": "2030-01-01T01:00:00.000Z"}), headers) for number in range(tasks)))
    poller = rig.start("poller", ready=False)
    until = time.monotonic() + 120
    while metric(poller, "reelgate_work_items") < tasks and time.monotonic() < until:
        time.sleep(0.5)
    time.sleep(2)
    used = metric(poller, "process_resident_memory_bytes") / 1e6
    figures["poller_live_tasks"] = metric(poller, "reelgate_work_items")
    figures["poller_bytes_per_task"] = (used - figures["poller_idle_mb"]) * 1e6 / tasks
    say(f"poller     {figures['poller_live_tasks']:.0f} live tasks: {used:.1f} MB, "
        f"{figures['poller_bytes_per_task']:.0f} bytes a task, ids of 3 x 36 among them (aim: 100 to 300 beside ids)")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--requests", type=int, default=100000)
    options.add_argument("--rate", type=int, default=50)
    options.add_argument("--seconds", type=int, help="20 for latency, 120 for gateway")
    options.add_argument("--tasks", type=int, default=100000)
    options.add_argument("--fsync", choices=["always", "everysec", "no"], default="always",
                         help="Redis's appendfsync: always is what we run with; the others show what it costs here")
    options.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                         help="a setting of admission and ledger while their throughput is measured: kafka.linger.ms=50")
    options.add_argument("--entries", type=int, default=1000000, help="of the journal that is rebuilt")
    options.add_argument("--flushed-entries", type=int, default=50000, help="of the journal behind a FLUSHALL under load")
    options.add_argument("--only", choices=["throughput", "latency", "memory", "gateway", "rebuild", "flushall"])
    options.add_argument("--twin", action="store_true", help="also the Go program that does admission's bare job")
    given = options.parse_args()
    directory = os.path.join(ROOT, "build", "bench")
    shutil.rmtree(os.path.join(directory, "kafka"), ignore_errors=True)
    broker, figures = kafka.start(os.path.join(directory, "kafka"), os.path.join(ROOT, "build", "kafka", "libs")), {}
    kafka.wait(broker)
    parts = {"throughput": lambda rig: throughput(rig, given.requests, figures, given.twin),
             "latency": lambda rig: latency(rig, given.rate, given.seconds or 20, figures),
             "memory": lambda rig: memory(rig, given.tasks, figures),
             "gateway": lambda rig: gateway(rig, given.seconds or 120, sys.modules[__name__], figures),
             "rebuild": lambda rig: rebuild(rig, given.entries, sys.modules[__name__], figures),
             "flushall": lambda rig: pause(rig, given.flushed_entries, sys.modules[__name__], figures)}
    names = [given.only] if given.only else list(parts)
    try:
        for name in names:
            rig = Rig(os.path.join(directory, name), bin_dir=BIN, kafka=f"127.0.0.1:{broker.more['port']}",
                      prefix=f"bench-{name}.", sandbox={})
            rig.redis.config_set("appendfsync", given.fsync)
            rig.broker_pid = broker.pid
            rig.tuned = dict(row.split("=", 1) for row in given.set)
            try:
                parts[name](rig)
            finally:
                rig.close()
    finally:
        broker.kill()
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
