"""What may happen in a campaign. plan(seed, seconds) draws it all beforehand, so that a seed is a story that can
be told again.

A fault has a weight, how its details are drawn, and how it begins. begin(campaign, **details) says for how many
seconds it lasts and what ends it, or None when it is over at once. It takes what it disturbs: two faults on the
same thing at once would not be two.
"""

import random
import signal
from dataclasses import dataclass, field

from proxy import CUT, DELAY, HOLD, REPLY, REQUEST, SILENCE, Rule
from stack import programs

SLOTS = 3  # instances of a program at most


class Skipped(Exception):
    """There is nothing to do it to."""


@dataclass
class Step:
    at: float
    kind: str
    details: dict = field(default_factory=dict)

    def __str__(self):
        details = " ".join(f"{name}={value}" for name, value in self.details.items())
        return f"{self.at:7.1f} s  {self.kind:<16} {details}"


# ---- our programs


def draw_program(chance):
    program, slot = chance.choice(programs.WORKERS), chance.randrange(SLOTS)
    return {"program": program, "slot": slot, "seconds": round(chance.uniform(0.1, 3), 1)}


def draw_pause(chance):
    # Half of them past the transaction's and the session's time-out.
    seconds = chance.uniform(11, 16) if chance.random() < 0.5 else chance.uniform(0.5, 5)
    return {**draw_program(chance), "seconds": round(seconds, 1)}


def living(campaign, program, slot, **_):
    """The slot-th of those that run."""
    slots = [slot for slot in campaign.world.living(program) if f"{program}-{slot}" not in campaign.busy]
    if not slots:
        raise Skipped
    return f"{program}-{slots[slot % len(slots)]}"


def begin_kill(campaign, **details):
    name = living(campaign, **details)
    campaign.take(name)
    campaign.world.stack.processes[name].signal(signal.SIGKILL)
    campaign.kills += 1
    return details["seconds"], lambda: campaign.bring_back(name)


def begin_pause(campaign, **details):
    name = living(campaign, **details)
    campaign.take(name)
    process = campaign.world.stack.processes[name]
    process.signal(signal.SIGSTOP)

    def end():
        process.signal(signal.SIGCONT)
        campaign.give(name)

    return details["seconds"], end


def begin_stop(campaign, **details):
    name = living(campaign, **details)
    campaign.ask_to_end(name)
    campaign.take(name)
    return details["seconds"], lambda: campaign.bring_back(name)


def begin_scale(campaign, program, count):
    campaign.scale(program, count)


# ---- Redis


def redis_for(seconds, end):
    """Redis is away for so long."""

    def begin(campaign, **details):
        campaign.take("redis")
        campaign.world.kill_redis()
        if details.get("keep"):
            campaign.world.keep_redis()

        def back():
            end(campaign.world)
            campaign.world.start_redis()
            campaign.give("redis")

        return details.get("seconds", seconds), back

    return begin


def begin_redis_pause(campaign, seconds):
    campaign.take("redis")
    process = campaign.world.stack.processes["redis"]
    process.signal(signal.SIGSTOP)

    def end():
        process.signal(signal.SIGCONT)
        campaign.give("redis")

    return seconds, end


def redis_command(*words):
    def begin(campaign):
        if "redis" in campaign.busy:
            raise Skipped
        campaign.world.redis.execute_command(*words)

    return begin


def draw_seconds(least, most):
    return lambda chance: {"seconds": round(chance.uniform(least, most), 1)}


# ---- the broker


def draw_broker(chance):
    return {"how": chance.choice(("SIGTERM", "SIGKILL")), "seconds": round(chance.uniform(0, 4), 1)}


def begin_broker_restart(campaign, how, seconds):
    campaign.take("kafka")
    campaign.world.stop_broker(getattr(signal, how))

    def end():
        campaign.world.start_broker()
        campaign.give("kafka")

    return seconds, end


def begin_broker_pause(campaign, seconds):
    campaign.take("kafka")
    campaign.world.broker.signal(signal.SIGSTOP)

    def end():
        campaign.world.broker.signal(signal.SIGCONT)
        campaign.give("kafka")

    return seconds, end


# ---- the provider

CREATE_FAULTS = (
    {"mode": "status", "status": 503, "retryAfter": 1},
    {"mode": "status", "status": 500},
    {"mode": "reset_before"},
    {"mode": "hang_before", "ms": 5000},
    {"mode": "hang", "ms": 5000},
    {"mode": "reset"},
    {"mode": "status_after", "status": 502},
    {"mode": "garbage"},
    {"mode": "truncate"},
    {"mode": "slow_headers", "ms": 2000},
    {"mode": "slow_headers", "ms": 4000},
    {"mode": "drip", "ms": 20},
)
LOOK_FAULTS = (
    {"mode": "status", "status": 429, "retryAfter": 1},
    {"mode": "status", "status": 503},
    {"mode": "reset_before"},
    {"mode": "hang_before", "ms": 5000},
    {"mode": "garbage"},
    {"mode": "truncate"},
    {"mode": "unknown_status"},
    {"mode": "slow_headers", "ms": 2000},
)
DELETE_FAULTS = (
    {"mode": "status", "status": 503},
    {"mode": "reset"},
    {"mode": "hang", "ms": 5000},
    {"mode": "status_after", "status": 502},
    {"mode": "reset_before"},
)


def draw_provider(target, faults):
    def draw(chance):
        fault = {**chance.choice(faults), "probability": round(chance.uniform(0.1, 0.7), 2)}
        return {"target": target, "fault": fault, "seconds": round(chance.uniform(1, 6), 1)}

    return draw


def begin_provider(campaign, target, fault, seconds):
    campaign.take(target)
    campaign.world.fault(**{target: fault})

    def end():
        campaign.world.fault(**{target: None})
        campaign.give(target)

    return seconds, end


def begin_setting(wrong, right):
    def begin(campaign, seconds):
        campaign.take("account")
        campaign.world.sandbox("/admin/settings", wrong)

        def end():
            campaign.world.sandbox("/admin/settings", right)
            campaign.give("account")

        return seconds, end

    return begin


def begin_daily_limit(campaign):
    """One create is told that the day's count is used up; whoever hears it waits for a minute."""
    campaign.world.fault(create={"mode": "status", "status": 429, "count": 1})


# ---- the network

KAFKA_CALLS = (
    "EndTxn",
    "EndTxn",
    "AddPartitionsToTxn",
    "TxnOffsetCommit",
    "AddOffsetsToTxn",
    "Produce",
    "InitProducerId",
    "FindCoordinator",
    "JoinGroup",
    "SyncGroup",
    "OffsetFetch",
    "Fetch",
    "ListOffsets",
    "Metadata",
    "Heartbeat",
)
HTTP_CALLS = ("POST /v1/text_to_video", "GET /v1/tasks/*", "DELETE /v1/tasks/*", "GET /v1/organization")


def draw_network(names, seconds_most):
    def draw(chance):
        action = chance.choice((CUT, CUT, DELAY, HOLD, SILENCE))
        details = {
            "name": chance.choice(names),
            "direction": chance.choice((REQUEST, REPLY)),
            "action": action,
        }
        details["times"] = chance.choice((1, 1, 2, 5))
        details["delay"] = round(chance.uniform(0.1, seconds_most if action == DELAY else 1), 1)
        # A HOLD ends with the fault: half of them past every time-out.
        details["seconds"] = round(chance.choice((chance.uniform(2, 5), seconds_most)), 1)
        return details

    return draw


def draw_kafka(chance):
    client = chance.choice(("", "", "", "", *programs.WORKERS))
    return {**draw_network(KAFKA_CALLS, 12)(chance), "client": client}


def begin_network(proxy):
    def begin(campaign, name, direction, action, times, delay, seconds, client=""):
        at = getattr(campaign.world, proxy)
        rule = at.add(Rule(name, direction, action, times=times, seconds=delay, client=client))
        return seconds, lambda: at.remove(rule)

    return begin


def begin_cut_all(campaign, proxy):
    getattr(campaign.world, proxy).cut()


# ---- all of it


@dataclass
class Fault:
    weight: float
    begin: object
    draw: object = lambda chance: {}
    not_late: bool = False  # what it causes lasts for minutes


FAULTS = {
    "kill": Fault(18, begin_kill, draw_program),
    "pause": Fault(8, begin_pause, draw_pause),
    "stop": Fault(5, begin_stop, draw_program),
    "scale": Fault(
        7,
        begin_scale,
        lambda chance: {"program": chance.choice(programs.WORKERS), "count": chance.randint(1, SLOTS)},
    ),
    "redis_flush": Fault(5, redis_command("FLUSHALL")),
    "redis_scripts": Fault(3, redis_command("SCRIPT", "FLUSH")),
    "redis_clients": Fault(2, redis_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")),
    "redis_restart": Fault(4, redis_for(1, lambda world: None), draw_seconds(0.1, 4)),
    "redis_kept": Fault(1, redis_for(1, lambda world: None), lambda chance: {"keep": True}),
    "redis_restore": Fault(2, redis_for(1, lambda world: world.restore_redis())),
    "redis_lost": Fault(3, redis_for(1, lambda world: world.lose_redis()), draw_seconds(0.1, 4)),
    "redis_pause": Fault(3, begin_redis_pause, draw_seconds(0.5, 5)),
    "broker_restart": Fault(2, begin_broker_restart, draw_broker),
    "broker_pause": Fault(2, begin_broker_pause, draw_seconds(1, 12)),
    "provider_create": Fault(8, begin_provider, draw_provider("create", CREATE_FAULTS)),
    "provider_look": Fault(5, begin_provider, draw_provider("look", LOOK_FAULTS)),
    "provider_delete": Fault(3, begin_provider, draw_provider("delete", DELETE_FAULTS)),
    "provider_key": Fault(1, begin_setting({"key": "key_" + "f" * 128}, {"key": None}), draw_seconds(1, 5)),
    "provider_credit": Fault(1, begin_setting({"credits": 0}, {"credits": 10**9}), draw_seconds(1, 5)),
    "provider_daily": Fault(0.5, begin_daily_limit, not_late=True),
    "kafka_network": Fault(14, begin_network("kafka_proxy"), draw_kafka),
    "redis_network": Fault(
        8, begin_network("redis_proxy"), draw_network(("EVALSHA", "EVALSHA", "SCRIPT"), 4)
    ),
    "http_network": Fault(8, begin_network("http_proxy"), draw_network(HTTP_CALLS, 5)),
    "cut_all": Fault(
        2,
        begin_cut_all,
        lambda chance: {"proxy": chance.choice(("kafka_proxy", "redis_proxy", "http_proxy"))},
    ),
    "burst": Fault(
        5,
        lambda campaign, messages: campaign.crowd.burst(messages),
        lambda c: {"messages": c.randint(50, 300)},
    ),
}

CALM_SECONDS = 150  # before the end of a plan nothing is begun whose effects last for minutes


def plan(seed, seconds, every_seconds=2.5):
    """What happens when, one thing every so many seconds on average."""
    chance = random.Random(f"{seed} faults")
    kinds = list(FAULTS)
    steps, at = [], 0.0
    while (at := at + chance.expovariate(1 / every_seconds)) < seconds:
        kind = chance.choices(kinds, [FAULTS[kind].weight for kind in kinds])[0]
        details = FAULTS[kind].draw(chance)
        if not (FAULTS[kind].not_late and at > seconds - CALM_SECONDS):
            steps.append(Step(at, kind, details))
    return steps
