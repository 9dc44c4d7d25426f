"""Reads our topics as a subscriber in another language does: confluent-kafka, read_committed, from the
beginning."""

import json
import time
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, TopicPartition

from stack.process import wait_until

# The broker restarts; the client goes on by itself.
AWAY = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT)


@dataclass
class Seen:
    """One committed record."""

    topic: str  # without the prefix
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: dict = field(default_factory=dict)
    timestamp_ms: int = 0

    @property
    def type(self):
        """The last words of its ce_type: "generation.accepted"; None for a mark or foreign bytes."""
        kind = self.headers.get("ce_type")
        return kind.decode().removeprefix("reelgate.") if kind else None

    @property
    def data(self):
        return json.loads(self.value)


class Observer:
    """What all partitions of some topics hold, in the order in which they hold it."""

    def __init__(self, kafka, prefix, topics):
        self.prefix = prefix
        self.seen = {topic: [] for topic in topics}
        self._results = {}  # generationId -> what `results` says about it
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": f"{prefix}observer",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 20,
                "log_level": 2,
            }
        )
        metadata = wait_until(lambda: self._known(topics), 60, "the topics at the broker that was asked")
        self._at_end = {
            (prefix + topic, partition): False
            for topic in topics
            for partition in metadata.topics[prefix + topic].partitions
        }
        self._consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in self._at_end])

    def _known(self, topics):
        """The metadata, once they are in it: a broker may hear of new topics a moment after another."""
        metadata = self._consumer.list_topics(timeout=20)
        return metadata if all(self.prefix + topic in metadata.topics for topic in topics) else None

    def close(self):
        self._consumer.close()

    def poll(self, seconds=0.0):
        """Takes in what is there; waits up to seconds for a first record."""
        messages = self._consumer.consume(500, timeout=seconds)
        for message in messages:
            place = (message.topic(), message.partition())
            if message.error() is None:
                self._at_end[place] = False
                self._take(message)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                self._at_end[place] = True
            elif message.error().code() not in AWAY:
                raise RuntimeError(message.error())
        return len(messages)

    def _take(self, message):
        seen = Seen(
            message.topic().removeprefix(self.prefix),
            message.partition(),
            message.offset(),
            message.key(),
            message.value(),
            dict(message.headers() or []),
            message.timestamp()[1],
        )
        self.seen[seen.topic].append(seen)
        if seen.topic == "results":
            self._results.setdefault(seen.data["generationId"], []).append(seen)

    def results(self, generation=None):
        """All events of `results`, or one generation's, in order."""
        return self.seen["results"] if generation is None else self._results.get(generation, [])

    def types(self, generation):
        """Without the hints of progress: those may come, and may come twice."""
        return [kind for kind in self.all_types(generation) if kind != "progressed"]

    def all_types(self, generation):
        return [seen.type.removeprefix("generation.") for seen in self.results(generation)]

    def until(self, condition, seconds, what):
        """Reads until condition() is true and returns what it said; an assertion fails when that takes too
        long."""
        limit = time.monotonic() + seconds
        while not (answer := condition()):
            left = limit - time.monotonic()
            assert left > 0, f"{what() if callable(what) else what}: not seen within {seconds} s"
            self.poll(min(left, 0.25))
        return answer

    def until_journaled(self, users, seconds=60):
        """Until each of the users has an entry in the journal: what a loss of Redis takes away comes back from there."""
        users = set(users)
        journaled = lambda: {seen.key.decode() for seen in self.seen["journal"] if seen.key}
        self.until(lambda: users <= journaled(), seconds, lambda: f"entries of {sorted(users - journaled())[:5]}")

    def event(self, generation, *types, seconds=30):
        """The first event of one of these types about the generation, waited for."""

        def found():
            return next(
                (seen for seen in self.results(generation) if seen.type.removeprefix("generation.") in types),
                None,
            )

        return self.until(
            found, seconds, lambda: f"{generation}: {' or '.join(types)} (seen: {self.types(generation)})"
        )

    def to_the_end(self, quiet_seconds=1.0, limit_seconds=60):
        """Reads until every partition is at its end and nothing new came for a while."""
        limit = time.monotonic() + limit_seconds
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < quiet_seconds or not all(self._at_end.values()):
            before = sum(map(len, self.seen.values()))
            self.poll(0.1)
            if sum(map(len, self.seen.values())) != before:
                quiet_since = time.monotonic()
            assert time.monotonic() < limit, f"the topics are not quiet after {limit_seconds} s"
