"""Throughput of admission and ledger beside the plain pipelined rate of their scripts, latency, memory. See ./run."""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "deploy", "lib"), os.path.join(ROOT, "tests", "system")]

from confluent_kafka import Consumer, Producer  # noqa: E402

from gateway import gateway  # noqa: E402
from rig import Rig  # noqa: E402
from stack import kafka, programs  # noqa: E402
from stack.ports import free_port  # noqa: E402

BIN = os.path.join(ROOT, "build", "release")
USERS = [f"bench-{number:02}" for number in range(50)]
GRANT = 2**30
WARM_SECONDS = 40
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
                          capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)["rate"]


def stages(process):
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
                                     if row["count"]) + f"; cpu {metric(process, 'process_cpu_seconds_total'):.1f} s")


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


def fill(rig, topic, messages):
    producer = Producer({"bootstrap.servers": rig.kafka, "partitioner": "murmur2_random", "linger.ms": 20,
                         "queue.buffering.max.messages": 1000000, "compression.type": "lz4"})
    for key, value, headers in messages:
        while True:
            try:
                producer.produce(rig.prefix + topic, value, key, headers=headers)
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
                             {**rig.stack.settings_of(program, 0), "health_address": f"127.0.0.1:{port}", "log_level": "warn"},
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


def beside_plain(rig, what, count, name, measure, figures):
    """measure() between two runs of the plain scripts."""
    before = plain(rig, what, 0, count // 2)
    rate = measure()
    after = plain(rig, what, count // 2, count // 2)
    ratio = 2 * rate / (before + after)
    figures[f"{name}_per_second"], figures[f"{name}_ratio"] = rate, ratio
    say(f"{name:10} {rate:8.0f}/s   plain {what} {before:.0f} and {after:.0f}/s   ratio {ratio:.2f}   (aim: above 0.60)")


def throughput(rig, count, figures):
    fund(rig)
    say(f"publishing {count} requests")
    fill(rig, "requests", requests(count, "bench"))

    def admission():
        process = start_quiet(rig, "admission")
        rate = drained(process, "reelgate_admission_decisions_total", 'decision="accepted"', count, 300)
        stages(process)
        process.stop(30)
        return rate
    beside_plain(rig, "reserve", count, "admission", admission, figures)
    say(f"publishing {count} completions")
    fill(rig, "results", completions(count, "bench"))

    def ledger():
        process = start_quiet(rig, "ledger")
        rate = drained(process, "reelgate_ledger_settlements_total", 'outcome="completed"', count, 300)
        stages(process)
        process.stop(30)
        return rate
    beside_plain(rig, "settle", count, "ledger", ledger, figures)


def twin(rig, count, figures):
    """The same bare job in Go, on the same broker, beside the same plain rate."""
    fund(rig)
    fill(rig, "requests", requests(count, "bench"))
    folder = os.path.join(ROOT, "tests", "bench", "twin_go")
    program = os.path.join(ROOT, "build", "bench", "twin-program")
    subprocess.run(["go", "build", "-o", program, "."], cwd=folder, check=True)

    def measure():
        done = subprocess.run([program, "-brokers", rig.kafka, "-redis", rig.stack.redis_url.split("//")[1], "-prefix",
                               rig.prefix, "-scripts", os.path.join(ROOT, "common", "tokens"), "-partitions",
                               str(len(rig._journal_partitions)), "-total", str(count)],
                              capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        return json.loads(done.stdout)["rate"]
    beside_plain(rig, "reserve", count, "twin_go", measure, figures)


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
    consumer = Consumer({"bootstrap.servers": rig.kafka, "group.id": rig.prefix + "bench", "fetch.wait.max.ms": 5,
                         "isolation.level": "read_committed", "auto.offset.reset": "latest"})
    joined = []
    consumer.subscribe([rig.prefix + "results"], on_assign=lambda *_: joined.append(1))
    while not joined:
        consumer.poll(0.1)
    consumer.poll(1.0)
    producer = Producer({"bootstrap.servers": rig.kafka, "partitioner": "murmur2_random", "linger.ms": 0})
    sent, took, began, number = {}, [], time.monotonic(), 0
    seconds += WARM_SECONDS              # a JVM that just started compiles for half a minute
    while time.monotonic() - began < seconds + 5 and (number < rate * seconds or len(took) < number):
        if number < rate * seconds and time.monotonic() - began >= number / rate:
            user = random.choice(USERS)
            sent[f"lat-{number}"] = time.monotonic()
            producer.produce(rig.prefix + "requests", json.dumps(
                {"generationId": f"lat-{number}", "userId": user, "prompt": PROMPT}), user)
            producer.poll(0)
            number += 1
        message = consumer.poll(0.001)
        if message is not None and not message.error() and b"generation.accepted" in dict(message.headers())["ce_type"]:
            generation = json.loads(message.value())["generationId"]
            took.append((time.monotonic() - sent[generation]) * 1000)
    took = took[rate * WARM_SECONDS:]
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
    options.add_argument("--requests", type=int, default=200000)
    options.add_argument("--rate", type=int, default=50)
    options.add_argument("--seconds", type=int, help="20 for latency, 120 for gateway")
    options.add_argument("--tasks", type=int, default=100000)
    options.add_argument("--fsync", choices=["always", "everysec", "no"], default="always",
                         help="Redis's appendfsync: always is what we run with; the others show what it costs here")
    options.add_argument("--only", choices=["throughput", "latency", "memory", "twin", "gateway"])
    options.add_argument("--twin", action="store_true", help="also the Go program that does admission's bare job")
    given = options.parse_args()
    directory = os.path.join(ROOT, "build", "bench")
    shutil.rmtree(os.path.join(directory, "kafka"), ignore_errors=True)
    broker, figures = kafka.start(os.path.join(directory, "kafka"), os.path.join(ROOT, "build", "kafka", "libs")), {}
    kafka.wait(broker)
    parts = {"throughput": lambda rig: throughput(rig, given.requests, figures),
             "latency": lambda rig: latency(rig, given.rate, given.seconds or 20, figures),
             "memory": lambda rig: memory(rig, given.tasks, figures),
             "twin": lambda rig: twin(rig, given.requests, figures),
             "gateway": lambda rig: gateway(rig, given.seconds or 120, sys.modules[__name__], figures)}
    names = [given.only] if given.only else ["throughput"] + ["twin"] * given.twin + ["latency", "memory", "gateway"]
    try:
        for name in names:
            rig = Rig(os.path.join(directory, name), bin_dir=BIN, kafka=f"127.0.0.1:{broker.more['port']}",
                      prefix=f"bench-{name}.", sandbox={})
            rig.redis.config_set("appendfsync", given.fsync)
            try:
                parts[name](rig)
            finally:
                rig.close()
    finally:
        broker.kill()
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
