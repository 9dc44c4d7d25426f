"""A stack under test: starts it, publishes to it as an upstream service would, and looks at it from
outside."""

import json
import os
import shutil
import time
import urllib.request
import zlib

from confluent_kafka import Consumer, Producer, TopicPartition

import canary
import redises
from brokers import Given
from observer import Observer
from stack import programs
from stack.process import wait_until
from stack.stack import Stack

# Quick renders, and room for all of them at once: these tests are about us, not about Runway's queue.
SANDBOX = {
    "run_ms": "600ms",
    "pending_ms": "100ms",
    "concurrency": 100000,
    "daily": 10000000,
    "credits": 1000000000,
}
# Looks as often as the poller allows, which Runway would not like; and tells of decisions only, unless a test
# asks for the hints between them.
WORKERS = {"poller": {"look_every_ms": "250ms", "looks_per_second": 2000, "progress_step": 0}}

TOPICS = ("requests", "grants", "results", "jobs", "tasks", "journal", "dead-letters")


class Rig:
    def __init__(self, directory, *, bin_dir, kafka, prefix, sandbox, shape="one"):
        """kafka: a broker's address, or Brokers. shape: of Redis: one, trio or cluster. sandbox: its settings; None: the
        stack in this directory runs already, and is somebody else's to end."""
        self.joined = sandbox is None
        if not self.joined:
            shutil.rmtree(directory, ignore_errors=True)
        self.brokers = Given(kafka) if isinstance(kafka, str) else kafka
        self.kafka, self.prefix = self.brokers.address, prefix
        servers = None if shape == "one" else redises.SHAPES[shape](directory)
        self.stack = Stack(
            directory,
            bin_dir=bin_dir,
            kafka_address=self.kafka,
            redis_address=servers.url if servers else None,
            prefix=prefix,
        )
        self.servers = servers or redises.One(self.stack)
        if not self.joined:
            self.stack.start_sandbox(**{**SANDBOX, **sandbox})
            self.brokers.all_up()
            self.stack.apply_topics(f"--replication={self.brokers.count}")
        self.producer = Producer(
            {"bootstrap.servers": self.kafka, "partitioner": "murmur2_random", "linger.ms": 2, "log_level": 2}
        )
        self.observer = Observer(self.kafka, prefix, TOPICS)
        self.published = []  # delivery reports in order: (topic, partition, offset, value)
        self._fates = {}  # (topic, partition, offset) -> what publish was told
        self._journal_partitions = (
            self.producer.list_topics(prefix + "journal").topics[prefix + "journal"].partitions
        )

    def close(self):
        self.observer.close()
        if not self.joined:
            canary.keep_pages(self.stack)
            self.stack.kill()
        self.servers.close()
        self.brokers.forget(self.prefix)

    # ---- the programs

    def start_workers(self, instances=1, **settings):
        """Every worker, this many of each, ready."""
        started = {
            f"{program}-{instance}": self.start(program, instance, ready=False, **settings)
            for program in programs.WORKERS
            for instance in range(instances)
        }
        programs.wait_ready(started)
        return started

    def start(self, program, instance=0, ready=True, **settings):
        process = self.stack.start_program(program, instance, **{**WORKERS.get(program, {}), **settings})
        if ready:
            programs.wait_ready({f"{program}-{instance}": process})
        return process

    def facts(self, name, fact=None):
        """What "admission-0" has logged since its last start."""
        return programs.facts(self.stack.processes[name], fact)

    def wait_fact(self, name, fact, seconds=30):
        return wait_until(
            lambda: self.facts(name, fact), seconds, f"{name}: log line {fact}", self.stack.processes[name]
        )[-1]

    def ready(self, name):
        """(True or False, the reasons)."""
        status, body = programs.get(self.stack.processes[name].more["health"] + "/readyz")
        return status == 200, json.loads(body)["reasons"]

    # ---- upstream

    def publish(self, topic, value, *, key=None, headers=None, fate=None):
        """value: a dict, or bytes as they are. Where it lies is known after flush(). fate, for the oracle: "dead"
        becomes a dead letter, "may be dead", or None.
        """
        value = value if isinstance(value, bytes) else json.dumps(value).encode()

        def delivered(error, message):
            assert error is None, error
            place = (topic, message.partition(), message.offset())
            self.published.append((*place, value))
            self._fates[place] = fate

        self.producer.produce(self.prefix + topic, value, key, headers=headers, on_delivery=delivered)
        self.producer.poll(0)

    def flush(self):
        assert self.producer.flush(30) == 0, "Kafka did not take what was published"
        if self.brokers.loses_one(self.prefix):
            self._lose_broker()

    def _lose_broker(self):
        """Whoever was ready is so again by itself; then the test goes on, with its own time limits."""
        well = {name: process for name, process in self.stack.processes.items()
                if "health" in process.more and process.alive() and self.ready(name)[0]}
        self.brokers.lose_one(self.prefix)
        programs.wait_ready(well, 120)

    def grant(self, user, amount, grant=None):
        grant = grant or f"grant-{user}-{time.monotonic_ns()}"
        self.publish("grants", {"grantId": grant, "userId": user, "amount": amount}, key=user)
        self.flush()
        return grant

    def grant_and_wait(self, user, amount):
        """Until the tokens can be spent."""
        before = self.balance(user)["granted"]
        self.grant(user, amount)
        wait_until(
            lambda: self.balance(user)["granted"] == before + amount, 30, f"the grant of {amount} to {user}"
        )

    def request(self, generation, user, *, headers=None, **fields):
        fields = {"prompt": "A paper boat on a rainy street", **fields}
        self.publish(
            "requests", {"generationId": generation, "userId": user, **fields}, key=user, headers=headers
        )
        self.flush()
        return generation

    def cancel(self, generation, user):
        self.publish(
            "requests",
            {"generationId": generation, "userId": user},
            key=user,
            headers={
                "ce_type": "reelgate.generation.cancel_requested",
                "ce_specversion": "1.0",
                "ce_id": f"cancel-{generation}",
                "ce_source": "test",
            },
        )
        self.flush()

    # ---- what is where

    @property
    def bucket_count(self):
        return len(self._journal_partitions)

    @property
    def redis(self):
        """A client of the whole Redis."""
        return self.servers.client

    def redis_of(self, user):
        """The server that holds this user's account, to be killed or stopped; then redis_back."""
        return self.servers.server_of(self.bucket(user))

    def redis_back(self, process):
        self.servers.revive(process)

    def unread(self):
        """Partitions of requests in which admission has not yet committed all that was published."""
        last = {}
        for topic, partition, offset, _ in self.published:
            if topic == "requests":
                last[partition] = max(offset, last.get(partition, 0))
        group = {"group.id": self.prefix + "admission", "log_level": 2}
        reader = Consumer({"bootstrap.servers": self.kafka, **group})
        try:
            places = [TopicPartition(self.prefix + "requests", partition) for partition in last]
            committed = reader.committed(places, 20)
            return [place.partition for place in committed if place.offset <= last[place.partition]]
        finally:
            reader.close()

    def fate(self, place):
        """As publish was told about the record at (topic, partition, offset)."""
        return self._fates.get(place)

    def buckets(self):
        """bucket -> (its mark of a verified recovery or None, its open holds)."""
        return {
            bucket: (
                self.redis.hget(f"rg:{{{bucket}}}:meta", "verified"),
                self.redis.zrange(f"rg:{{{bucket}}}:open", 0, -1),
            )
            for bucket in self._journal_partitions
        }

    def read_again(self):
        """All topics, read from the beginning by a reader of its own: topic -> records."""
        late = Observer(self.kafka, self.prefix, TOPICS)
        try:
            late.to_the_end()
        finally:
            late.close()
        return late.seen

    def bucket(self, user):
        return zlib.crc32(user.encode()) % len(self._journal_partitions)

    def balance(self, user):
        """The account in Redis; zeros when there is none."""
        stored = self.redis.hgetall(f"rg:{{{self.bucket(user)}}}:user:{user}")
        return {part: int(stored.get(part, 0)) for part in ("granted", "available", "reserved", "spent")}

    def sandbox(self, path, body=None, method=None):
        """The sandbox's admin path."""
        request = urllib.request.Request(
            self.stack.sandbox_url + path,
            method=method or ("GET" if body is None else "POST"),
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def fault(self, **switches):
        """fault(create={"mode": "hang", "ms": 5000}): what the sandbox does to calls of that kind."""
        return self.sandbox("/admin/faults", switches)

    def tasks_created(self):
        """How many tasks the provider was ever made to make."""
        return self.sandbox("/admin/state")["creates"]["accepted"]

    def tasks(self):
        """All that were ever made, also the deleted ones; name is the [id:...] of their prompt."""
        return self.sandbox("/admin/tasks")["tasks"]

    def tasks_living(self):
        """Those that were neither deleted nor ended."""
        return [
            task
            for task in self.tasks()
            if not task["deleted"] and task["status"] in ("THROTTLED", "PENDING", "RUNNING")
        ]

    def reelgate(self, *arguments, timeout=60):
        return self.stack.run_reelgate(*arguments, timeout=timeout)

    def log_text(self, name):
        with open(self.stack.path("log", name + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read()
