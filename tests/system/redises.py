"""The Redis of a rig in its three shapes: one server, a primary with two replicas, and a Redis Cluster of three masters with
a replica each. Every node writes its append-only file before it answers.

Tests ask for the server that holds a user's account, whatever the shape, and kill, stop or revive that.
"""

import os
import subprocess

import redis as redis_client
from redis.cluster import RedisCluster as ClusterClient
from redis.cluster import ClusterNode
from redis.backoff import ConstantBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError
from redis.retry import Retry

from stack import redis
from stack.ports import free_port
from stack.process import StackError, wait_until

MAX_LAG_SECONDS = 3
REPLICATED = {"min-replicas-to-write": 1, "min-replicas-max-lag": MAX_LAG_SECONDS, "repl-diskless-sync-delay": 0}
NODE_TIMEOUT_MS = 4000


class One:
    """The Redis of the stack itself."""

    def __init__(self, stack):
        self.stack = stack
        stack.start_redis()
        self.url = stack.redis_url
        self.port = stack.plan["ports"]["redis"]
        self.client = redis_client.Redis.from_url(self.url, decode_responses=True)

    def server_of(self, _bucket):
        return self.stack.find("redis")

    def revive(self, _process):
        self.stack.start_redis()

    def close(self):
        self.client.close()


class Servers:
    """Several redis-servers of our own."""

    def __init__(self, directory, count, **options):
        self.directory, self.options = directory, {**REPLICATED, **options}
        self.ports, self.processes = [], []
        for _ in range(count):
            self.ports.append(free_port(avoid=self.ports))
        for index in range(count):
            self.processes.append(self._start(index))
        for process in self.processes:
            redis.wait(process)

    def _start(self, index, **more):
        return redis.start(
            os.path.join(self.directory, f"redis-{index}"), port=self.ports[index], options={**self.options, **more}
        )

    @property
    def url(self):
        return "redis://" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def node(self, index):
        return redis_client.Redis(port=self.ports[index], decode_responses=True)

    def revive(self, process, **options):
        """Starts a killed one again, on its data."""
        index = self.processes.index(process)
        process.wait(10)
        self.processes[index] = self._start(index, **options)
        redis.wait(self.processes[index])
        return self.processes[index]

    def close(self):
        for process in self.processes:
            process.kill()


class Trio(Servers):
    """A primary and two replicas; who is which after a failover is the test's to say."""

    def __init__(self, directory):
        super().__init__(directory, 3)
        self.client = self.node(0)
        self.follow(1, 0)
        self.follow(2, 0)

    def follow(self, replica, primary):
        self.node(replica).replicaof("127.0.0.1", self.ports[primary])
        wait_until(
            lambda: self.node(replica).info("replication").get("master_link_status") == "up", 30, "replication"
        )

    def lag(self, index):
        """From here on this replica hears nothing from its primary."""
        self.node(index).replicaof("127.0.0.1", free_port(avoid=self.ports))

    def promote(self, index):
        self.node(index).replicaof("NO", "ONE")
        self.client = self.node(index)


class Cluster(Servers):
    """Three masters, a replica each."""

    def __init__(self, directory, masters=3):
        super().__init__(directory, 2 * masters, **{"cluster-enabled": "yes", "cluster-node-timeout": NODE_TIMEOUT_MS})
        self._cli("create", *(f"127.0.0.1:{port}" for port in self.ports), "--cluster-replicas", "1")
        wait_until(self.whole, 60, "a whole Redis Cluster")
        self.client = ClusterClient(
            startup_nodes=[ClusterNode("127.0.0.1", port) for port in self.ports],
            decode_responses=True,
            retry=Retry(ConstantBackoff(0.2), 20),
        )

    def _start(self, index, **more):
        # A bus port of our own: the usual one, 10,000 above, may be somebody's outgoing connection.
        bus = self.options.setdefault(f"bus-{index}", free_port(avoid=self.ports))
        options = {name: value for name, value in self.options.items() if not name.startswith("bus-")}
        return redis.start(
            os.path.join(self.directory, f"redis-{index}"),
            port=self.ports[index],
            options={**options, "cluster-port": bus, **more},
        )

    def _cli(self, *words):
        done = subprocess.run(
            ["redis-cli", "--cluster", *words, "--cluster-yes"],
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"redis-cli --cluster {words[0]}: {done.stdout[-2000:]}{done.stderr}")
        return done.stdout

    def whole(self):
        """Every node is up, agrees, and every master has its replica in time: it takes writes."""
        try:
            for index in range(len(self.ports)):
                node = self.node(index)
                if node.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                    return False
                facts = node.info("replication")
                if facts["role"] == "master" and facts.get("min_slaves_good_slaves", 0) < 1:
                    return False
                if facts["role"] == "slave" and facts["master_link_status"] != "up":
                    return False
            return len(self.masters()) == len(self.ports) // 2
        except RedisError:
            return False

    def masters(self):
        """index of a master -> its node id and slots"""
        found = {}
        for index, process in enumerate(self.processes):
            if process.alive() and self.node(index).info("replication")["role"] == "master":
                own = [line for line in self._nodes(index) if "myself" in line[2]][0]
                slots = [part for part in own[8:] if not part.startswith("[")]
                found[index] = (own[0], slots)
        return found

    def _nodes(self, index):
        raw = redis_client.Redis(port=self.ports[index], decode_responses=True)
        raw.response_callbacks.clear()
        return [line.split() for line in raw.execute_command("CLUSTER", "NODES").splitlines()]

    def index_of(self, bucket):
        """The node that holds the bucket, as a master that is alive says."""
        slot = key_slot(str(bucket).encode())
        for index, (_, ranges) in self.masters().items():
            for part in ranges:
                first, _, last = part.partition("-")
                if int(first) <= slot <= int(last or first):
                    return index
        raise StackError(f"no living master has slot {slot}")

    def server_of(self, bucket):
        return self.processes[self.index_of(bucket)]

    def revive(self, process, **options):
        super().revive(process, **options)
        wait_until(self.whole, 90, "a whole Redis Cluster again")

    def move(self, bucket, target):
        """Moves the bucket's slot, keys and all, as an operator does: MIGRATE under SETSLOT."""
        slot, source = key_slot(str(bucket).encode()), self.index_of(bucket)
        ids = {index: node_id for index, (node_id, _) in self.masters().items()}
        near, far = self.node(source), self.node(target)
        far.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        near.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        while keys := near.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 10):
            near.execute_command("MIGRATE", "127.0.0.1", self.ports[target], "", 0, 5000, "KEYS", *keys)
        for index in [target, source, *(index for index in ids if index not in (source, target))]:
            self.node(index).execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])

    def reshard(self, source, target, slots):
        """redis-cli --cluster reshard: that many of the source's slots."""
        ids = {index: node_id for index, (node_id, _) in self.masters().items()}
        return self._cli(
            "reshard", f"127.0.0.1:{self.ports[source]}", "--cluster-from", ids[source], "--cluster-to", ids[target],
            "--cluster-slots", str(slots), "--cluster-timeout", "5000",
        )


SHAPES = {"trio": Trio, "cluster": Cluster}
