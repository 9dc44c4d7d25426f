"""A member of a consumer group that was killed leaves its group, as it would by itself 10 s later (its session time-out)."""

import socket
import struct

from confluent_kafka.admin import AdminClient

LEAVE_GROUP = 13


def _text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def _leave(address, group, member):
    """One LeaveGroup request, version 1."""
    body = struct.pack(">hhi", LEAVE_GROUP, 1, 1) + _text("test") + _text(group) + _text(member)
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        reply = b""
        while len(reply) < 14:  # size, correlation, throttle time, error
            more = connection.recv(100)
            assert more, "the broker has hung up"
            reply += more
    return struct.unpack(">h", reply[12:14])[0]


def leave(kafka, *groups):
    """Every member leaves these groups; who lives joins again."""
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 2})
    for group, found in admin.describe_consumer_groups(list(groups), request_timeout=10).items():
        for member in found.result().members:
            _leave(kafka, group, member.member_id)
