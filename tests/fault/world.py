"""A stack of which everything may break: Kafka, Redis and the provider are each behind a proxy, and the broker is
its own.

What the tests themselves publish and read goes to the broker, Redis and the sandbox directly.
"""

import os
import shutil
import signal
import time

from confluent_kafka import Producer

import wire
from places import ROOT, bin_dir
from proxy import Proxy
from rig import Rig
from stack import kafka, programs, redis
from stack.ports import free_port
from stack.process import StackError

# Short limits, so that a fault longer than them fits into a test.
SETTINGS = {
    "admission": {"drain_ms": "10s"},
    "generator": {
        "drain_ms": "10s",
        "create_timeout_ms": "3s",
        "orphan_hold_ms": "10s",
        "revoke_ms": "3s",
        "rewrite_after_ms": "5s",
    },
    "poller": {
        "drain_ms": "10s",
        "look_timeout_ms": "3s",
        "rewrite_after_ms": "5s",
        "progress_step": 10,
        "progress_every_ms": "500ms",
    },
    "ledger": {"drain_ms": "10s"},
}
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "assertion", "must(")


class World(Rig):
    def __init__(self, directory, prefix="fault.", **sandbox):
        self._broker_directory = directory + "-kafka"
        shutil.rmtree(self._broker_directory, ignore_errors=True)
        self._libs = os.path.join(ROOT, "build", "kafka", "libs")
        self._behind = free_port()
        self.kafka_proxy = Proxy(wire.Kafka, ("127.0.0.1", self._behind))
        self.broker = self._start_broker(None)
        try:
            kafka.wait(self.broker, 120)
            address = f"127.0.0.1:{self.broker.more['port']}"
            super().__init__(directory, bin_dir=bin_dir(), kafka=address, prefix=prefix, sandbox=sandbox)
        except BaseException:
            self.broker.kill()
            raise
        self.redis_proxy = Proxy(wire.Redis, ("127.0.0.1", self.stack.plan["ports"]["redis"]))
        self.http_proxy = Proxy(wire.Http, ("127.0.0.1", self.stack.plan["ports"]["sandbox"]))
        self.proxies = (self.kafka_proxy, self.redis_proxy, self.http_proxy)
        self.stack.provider = (f"http://{self.http_proxy.address}", programs.SANDBOX_SECRET)
        # What is published lies on its topic once, whatever the broker goes through.
        self.producer = Producer(
            {
                "bootstrap.servers": self.kafka,
                "partitioner": "murmur2_random",
                "linger.ms": 2,
                "enable.idempotence": True,
                "message.timeout.ms": 600000,
                "log_level": 2,
            }
        )

    def close(self):
        super().close()
        for proxy in self.proxies:
            proxy.close()
        self.broker.kill()

    def forget(self):
        """Takes the data away; the logs too."""
        for directory in (self.stack.directory, self._broker_directory):
            shutil.rmtree(directory, ignore_errors=True)

    # ---- the programs

    def start(self, program, instance=0, ready=True, **settings):
        mine = {"kafka_bootstrap_servers": self.kafka_proxy.address, **SETTINGS[program]}
        if program in ("admission", "ledger"):
            mine["redis_url"] = f"redis://{self.redis_proxy.address}"
        return super().start(program, instance, ready, **{**mine, **settings})

    def living(self, program):
        """Slots of the instances that run."""
        names = (name.rpartition("-") for name in self.stack.processes if name.startswith(program + "-"))
        return sorted(int(slot) for _, _, slot in names if self.stack.processes[f"{program}-{slot}"].alive())

    def flaws_in_logs(self):
        """What a program must never say, and what its sanitizers said."""
        for name in sorted(os.listdir(self.stack.path("log"))):
            text = self.log_text(name.removesuffix(".log"))
            for word in SANITIZER_WORDS:
                if word in text:
                    at = text.index(word)
                    yield f"{name}: {text[max(0, at - 200) : at + 1500]}"
                    break

    # ---- the broker

    def _start_broker(self, port, options=None):
        behind = (self._behind, self.kafka_proxy.port)
        return kafka.start(self._broker_directory, self._libs, port=port, behind=behind, options=options)

    def stop_broker(self, number=signal.SIGTERM):
        self.broker.signal(number)
        if not self.broker.wait(60):
            raise StackError("the broker does not end")

    def start_broker(self, options=None):
        """Again, on its data and ports; it answers some seconds later. options: of the broker, from now on."""
        self.broker = self._start_broker(self.broker.more["port"], options)

    # ---- Redis

    def kill_redis(self):
        process = self.stack.processes["redis"]
        process.signal(signal.SIGCONT)
        process.kill()

    def _aof(self, name="appendonlydir"):
        return self.stack.path("redis", name)

    def keep_redis(self):
        """A copy of what the stopped Redis has on its disk: the snapshot that somebody restores later."""
        shutil.rmtree(self._aof("kept"), ignore_errors=True)
        if os.path.isdir(self._aof()):
            shutil.copytree(self._aof(), self._aof("kept"))

    def lose_redis(self):
        """The stopped Redis has no disk any more."""
        shutil.rmtree(self._aof(), ignore_errors=True)

    def restore_redis(self):
        """The stopped Redis gets its old snapshot; without one it loses all."""
        self.lose_redis()
        if os.path.isdir(self._aof("kept")):
            shutil.copytree(self._aof("kept"), self._aof())

    def start_redis(self):
        if self.stack.find("redis") is None:
            port = self.stack.plan["ports"]["redis"]
            process = redis.start(self.stack.path("redis"), port=port)
            self.stack.processes["redis"] = process
            redis.wait(process)

    # ---- the provider

    def provider_well(self):
        self.fault(create=None, look=None, organization=None, **{"delete": None})
        self.sandbox("/admin/settings", {"key": None, "credits": 10**9, "daily": 10**7})


def wait(condition, seconds, what):
    """An assertion fails when it takes longer."""
    limit = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < limit, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return answer
