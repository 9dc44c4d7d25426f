"""The gateway with idle event streams open and a steady rate of balance reads. See ./run --only gateway."""

import asyncio
import base64
import hashlib
import hmac
import json
import time

STREAMS, RATE, CONNECTIONS = 300, 200, 16
WARM_SECONDS = 10
LIMIT_MS = 50


def token(secret, user):
    """As `reelgate token` makes it; three hundred processes would take longer than the bench."""
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")
    claims = {"sub": user, "role": "user", "iat": int(time.time()), "exp": int(time.time()) + 3600}
    signed = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(hmac.new(secret.encode(), signed, hashlib.sha256).digest())).decode()


async def ask(reader, writer, path, bearer):
    """One call on a kept connection: its status and body."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {bearer}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    return status, await reader.readexactly(length)


async def stream(port, bearer, heard):
    """Stays open to the end; counts the bytes that came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {bearer}\r\n\r\n".encode())
    try:
        while piece := await reader.read(4096):
            heard[0] += len(piece)
        heard[1] += 1
    finally:
        writer.close()


async def caller(port, bearers, turns, took, failed):
    """Takes the next due time, waits for it, asks; late answers count from when they were due."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number, due in turns:
        await asyncio.sleep(max(0, due - time.monotonic()))
        status, _ = await ask(reader, writer, "/v1/balance", bearers[number % len(bearers)])
        took.append((time.monotonic() - due) * 1000)
        failed[0] += status != 200
    writer.close()


async def load(port, bearers, seconds, memory_mb):
    heard, took, failed = [0, 0], [], [0]
    streams = [asyncio.create_task(stream(port, bearer, heard)) for bearer in bearers[:STREAMS]]
    await asyncio.sleep(2)
    began = time.monotonic()
    turns = iter([(number, began + number / RATE) for number in range(RATE * (WARM_SECONDS + seconds))])
    callers = [asyncio.create_task(caller(port, bearers, turns, took, failed)) for _ in range(CONNECTIONS)]
    await asyncio.sleep(WARM_SECONDS)
    at_start = memory_mb()
    await asyncio.gather(*callers)
    at_end = memory_mb()
    for task in streams:
        task.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
    if heard[1] or failed[0]:
        raise SystemExit(f"{heard[1]} streams ended and {failed[0]} calls failed")
    return took[RATE * WARM_SECONDS:], at_start, at_end


def threads_and_cpu(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[17]), (int(fields[11]) + int(fields[12])) / 100


def gateway(rig, seconds, tools, figures):
    """tools: say, metric and percentile of bench.py."""
    users = [f"bench-{number:03}" for number in range(STREAMS)]
    rig.start("ledger")
    for user in users:
        rig.publish("grants", {"grantId": f"gateway-{user}", "userId": user, "amount": 100}, key=user)
    rig.flush()
    process = rig.start("gateway")
    while any(rig.balance(user)["available"] < 100 for user in users):
        time.sleep(0.1)
    port = int(rig.stack.gateway_url().rpartition(":")[2])
    bearers = [token(rig.stack.jwt_secret(), user) for user in users]
    took, at_start, at_end = asyncio.run(load(
        port, bearers, seconds, lambda: tools.metric(process, "process_resident_memory_bytes") / 1e6))
    _, cpu = threads_and_cpu(process)
    for part in (0.5, 0.9, 0.99, 0.999):
        figures[f"gateway_balance_p{100 * part:g}_ms"] = tools.percentile(took, part)
    figures["gateway_mb_at_start"], figures["gateway_mb_at_end"] = at_start, at_end
    tools.say(f"gateway    {STREAMS} idle streams, {len(took)} GET /v1/balance at {RATE}/s: p50 "
              f"{tools.percentile(took, 0.5):.1f} ms, p99 {tools.percentile(took, 0.99):.1f} ms (aim: under {LIMIT_MS}), "
              f"p99.9 {tools.percentile(took, 0.999):.1f} ms, worst {max(took):.1f} ms; {at_start:.1f} MB after the warm-up, "
              f"{at_end:.1f} MB at the end; cpu {cpu:.1f} s")
