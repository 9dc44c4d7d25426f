"""Kafka under the rigs: a broker that somebody gave us, or brokers of our own, of which each rig may lose one."""

import os
import shutil

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from places import ROOT
from stack import kafka
from stack.ports import free_port
from stack.process import wait_until

START_SECONDS = 240  # three Javas on two cores
LIBS = os.path.join(ROOT, "build", "kafka", "libs")


def alter_topic(address, topic, name, value):
    """One setting of a topic, given its full name. Returns once the broker has taken it."""
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    admin = AdminClient({"bootstrap.servers": address})  # lives until its answer is there
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    for answer in admin.incremental_alter_configs([resource]).values():
        answer.result(timeout=30)


class Given:
    """One broker, neither started nor stopped by us."""

    count = 1

    def __init__(self, address):
        self.address = address

    def port(self):
        """Of a broker that is up."""
        return int(self.address.rpartition(":")[2])

    def all_up(self):
        pass

    def loses_one(self, prefix):
        return False

    def forget(self, prefix):
        pass

    def close(self):
        pass


class Brokers:
    """loses: of each rig's topics, once something was published to them, one broker is killed; the next rig's topics
    want all of them, and get them. The one that goes is another one each time."""

    def __init__(self, directory, count, loses=False):
        self.directory, self.count, self.loses = directory, count, loses
        self.ports, controllers = [], []
        for _ in range(count):
            self.ports.append(free_port(avoid=self.ports + controllers))
            controllers.append(free_port(avoid=self.ports + controllers))
        self.members = [kafka.Member(node, tuple(controllers)) for node in range(1, count + 1)]
        self.processes = [self._start(index) for index in range(count)]
        self.lost_for, self.turn, self.killed = set(), 0, 0
        for process in self.processes:
            kafka.wait(process, START_SECONDS)
        self.admin = AdminClient({"bootstrap.servers": self.address, "log_level": 2})
        self.all_up()

    def _start(self, index):
        return kafka.start(
            os.path.join(self.directory, str(index + 1)),
            LIBS,
            port=self.ports[index],
            member=self.members[index] if self.count > 1 else None,
            heap_mb=512 if self.count == 1 else 384,
        )

    @property
    def address(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def port(self):
        return next(port for port, process in zip(self.ports, self.processes) if process.alive())

    def all_up(self):
        """Those that were killed are started again; returns once all are members and every replica is in sync."""
        for index, process in enumerate(self.processes):
            if not process.alive():
                self.processes[index] = self._start(index)
                kafka.wait(self.processes[index], START_SECONDS)
        wait_until(self._in_sync, START_SECONDS, "all brokers in sync")

    def _partitions(self):
        """(how many brokers there are, every partition); (0, []) while the one that was asked does not answer."""
        try:
            metadata = self.admin.list_topics(timeout=10)
        except KafkaException:
            return 0, []
        topics = metadata.topics.values()
        return len(metadata.brokers), [partition for topic in topics for partition in topic.partitions.values()]

    def _in_sync(self):
        brokers, partitions = self._partitions()
        return brokers == self.count and all(len(part.isrs) == len(part.replicas) for part in partitions)

    def loses_one(self, prefix):
        """Whether it is this rig's turn to lose one; lose_one is then to be called."""
        return self.loses and prefix not in self.lost_for

    def lose_one(self, prefix):
        """Returns once the others lead every partition: what follows is measured by the programs' own recovery, not by
        how long a broker on a busy machine takes to be missed."""
        self.lost_for.add(prefix)
        lost = self.kill() + 1
        wait_until(lambda: self._led_without(lost), START_SECONDS, "the other brokers in its place")

    def _led_without(self, lost):
        brokers, partitions = self._partitions()
        return brokers > 0 and all(part.leader not in (lost, -1) for part in partitions)

    def kill(self):
        """kill -9 of one of them, another one each time. Its index."""
        index = self.turn % self.count
        self.turn += 1
        self.processes[index].kill()
        self.killed += 1
        return index

    def forget(self, prefix):
        """The topics of a rig that is over would only make the next start of a broker longer."""
        if self.count > 1:
            mine = [name for name in self.admin.list_topics(timeout=10).topics if name.startswith(prefix)]
            for done in self.admin.delete_topics(mine).values() if mine else ():
                done.result(30)

    def close(self):
        for process in self.processes:
            process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
