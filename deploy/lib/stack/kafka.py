"""Apache Kafka in KRaft mode, from the jars in build/kafka/libs: one node, or one of several."""

import os
import subprocess
from dataclasses import dataclass

from .ports import answers, free_port
from .process import StackError, spawn, wait_until

LOG_SETTINGS = os.path.join(os.path.dirname(__file__), "../../kafka/log4j2.properties")

# A cluster id has to be 16 bytes in base64; a fixed one spares a start of Java.
CLUSTER_ID = "UmVlbGdhdGVMb2NhbDEyMw"

# Everything that is not Kafka's default is so because there may be one node only, or to start and rebalance quickly.
PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{behind_listener}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{behind_advertised}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,BEHIND:PLAINTEXT
log.dirs={directory}/data
auto.create.topics.enable=false
offsets.topic.replication.factor={nodes}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={nodes}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={nodes}
share.coordinator.state.topic.min.isr={in_sync}
min.insync.replicas={in_sync}
unclean.leader.election.enable=false
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=4
log.index.size.max.bytes=1048576
"""


@dataclass
class Member:
    """Node number `node`, from 1, of those whose controllers listen on these ports. Every topic of Kafka's own has a
    replica on each, and a write is acknowledged once all but one have it."""

    node: int
    controller_ports: tuple


# One of several lives for a test or two: its start should cost little.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1",)


def java(libs, directory, main, *arguments, heap_mb=512, options=()):
    return [
        "java",
        f"-Xmx{heap_mb}m",
        f"-Xms{min(heap_mb, 256)}m",
        "-XX:+UseSerialGC",
        *options,
        "-Xshare:auto",
        f"-Dlog4j2.configurationFile={LOG_SETTINGS}",
        f"-Djava.io.tmpdir={directory}",
        "-cp",
        os.path.join(libs, "*"),
        main,
        *arguments,
    ]


def start(directory, libs, *, port=None, tied=True, behind=None, member=None, heap_mb=512, options=None):
    """Starts the broker on data that stays in directory; it answers soon (see wait) on .more["port"]. Without a member it
    is the only node.

    behind: (a port, a proxy's port): it listens on the first too, and tells those who come that way to come through the
    proxy always. options: more of the broker's properties, name -> value."""
    if not os.path.isdir(libs):
        raise StackError(
            f"Kafka's jars are not in {libs}: run deploy/demo or deploy/local up, which fetch them"
        )
    os.makedirs(directory, exist_ok=True)
    port = port or free_port()
    member = member or Member(1, (free_port(avoid=(port, *(behind or ()))),))
    nodes = len(member.controller_ports)
    config = os.path.join(directory, "server.properties")
    with open(config, "w", encoding="utf-8") as file:
        file.write(
            PROPERTIES.format(
                directory=directory,
                port=port,
                node=member.node,
                controller_port=member.controller_ports[member.node - 1],
                voters=",".join(
                    f"{node}@127.0.0.1:{place}" for node, place in enumerate(member.controller_ports, start=1)
                ),
                nodes=nodes,
                in_sync=max(1, nodes - 1),
                behind_listener=f",BEHIND://127.0.0.1:{behind[0]}" if behind else "",
                behind_advertised=f",BEHIND://127.0.0.1:{behind[1]}" if behind else "",
            )
        )
        file.writelines(f"{name}={value}\n" for name, value in (options or {}).items())
    if not os.path.exists(os.path.join(directory, "data", "meta.properties")):
        formatted = subprocess.run(
            java(libs, directory, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", config),
            capture_output=True,
            text=True,
            check=False,
        )
        if formatted.returncode != 0:
            raise StackError(f"Kafka's storage could not be formatted: {formatted.stdout}{formatted.stderr}")
    return spawn(
        java(libs, directory, "kafka.Kafka", config, heap_mb=heap_mb, options=SHORT_LIVED if nodes > 1 else ()),
        log=os.path.join(directory, "kafka.log"),
        cwd=directory,
        tied=tied,
        port=port,
    )


def wait(process, seconds=180):
    """Until the broker answers. It listens before it serves, so its own word counts, too."""
    wait_until(
        lambda: "Kafka Server started" in process.said() and answers(process.more["port"]),
        seconds,
        "Kafka",
        process,
    )
