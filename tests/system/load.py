"""The load of the load, kill and scale tests: 1,000 requests over 50 users with random balances, 5 % of
them duplicates, 5 % malformed or invalid, 10 % failing at the provider. Made from a seed, so that a
failure can be run again."""

import random
from dataclasses import dataclass, field

REQUESTS, USERS, BALANCE_MAX = 1000, 50, 36
DUPLICATES, MALFORMED, INVALID, FAILING = 50, 25, 25, 100

# The sandbox takes the mark in brackets as an order: the task ends FAILED with this code.
FAILING_PROMPT = "[fail:INTERNAL.BAD_OUTPUT.CODE01] A car that stands still"

# What an upstream service may send by mistake: no ids can be read from it, so it can only be a dead letter.
GARBAGE = (
    b"not json at all",
    b'{"generationId":"cut off',
    b"\xff\xfe\x00binary\x01\x02",
    b"[1,2,3]",
    b'"only a string"',
    b'{"userId":"someone","prompt":"no id"}',
    b'{"generationId":"no-user","prompt":"whose?"}',
    b'{"generationId":"spaces are not allowed","userId":"x","prompt":"p"}',
    b'{"generationId":"twice","generationId":"twice","userId":"x","prompt":"p"}',
    b'{"generationId":"deep","userId":"x","prompt":' + b"[" * 40 + b"]" * 40 + b"}",
    b'{"generationId":"large","userId":"x","prompt":"' + b"a" * 70000 + b'"}',
)

# Well-formed, but refused with a validation_error that names the field.
INVALID_FIELDS = (
    ("prompt", {"prompt": None}),
    ("prompt", {"prompt": ""}),
    ("prompt", {"prompt": 7}),
    ("ratio", {"ratio": "3:2"}),
    ("durationSeconds", {"durationSeconds": 999}),
    ("model", {"model": "no-such-model"}),
    ("image", {"image": "http://not.https/x.png"}),
)


@dataclass
class Ask:
    """One message on requests."""

    user: str
    value: object  # dict, or bytes when malformed
    kind: str  # valid, failing, refused, gone, lost; invalid, malformed
    generation: str = None
    field: str = None  # invalid: the one that the rejection names


@dataclass
class Load:
    grants: dict = field(default_factory=dict)  # user -> tokens
    asks: list = field(default_factory=list)  # in the order in which they are published
    may_be_unknown: bool = False  # generators are killed under it
    cancels: set = field(default_factory=set)  # generations whose own users asked to cancel them

    def of(self, *kinds):
        return [ask for ask in self.asks if ask.kind in kinds]

    def least(self, user):
        """The tokens that this user had from the beginning and that nobody took away."""
        return self.grants[user]

    def by_generation(self):
        """generation -> its asks: more than one when there are duplicates."""
        found = {}
        for ask in self.asks:
            if ask.generation is not None:
                found.setdefault(ask.generation, []).append(ask)
        return found


def make_load(seed, requests=REQUESTS, users=USERS):
    """requests: all messages together; the shares are those of 1,000."""
    chance = random.Random(seed)
    share = lambda of_thousand: of_thousand * requests // REQUESTS
    duplicates, malformed, invalid = share(DUPLICATES), share(MALFORMED), share(INVALID)
    names = [f"user-{number:02}" for number in range(users)]
    load = Load(grants={name: chance.randint(0, BALANCE_MAX) for name in names})
    failing = share(FAILING)
    for number in range(requests - duplicates - malformed - invalid):
        load.asks.append(_valid(chance, chance.choice(names), f"g{number:04}", number < failing))
    for number in range(invalid):
        wrong, fields = INVALID_FIELDS[number % len(INVALID_FIELDS)]
        load.asks.append(invalid_ask(chance.choice(names), f"i{number:04}", wrong, fields))
    for number in range(malformed):
        load.asks.append(Ask(chance.choice(names), GARBAGE[number % len(GARBAGE)], "malformed"))
    chance.shuffle(load.asks)
    for again in chance.sample(load.of("valid", "failing"), duplicates):
        load.asks.insert(chance.randint(load.asks.index(again) + 1, len(load.asks)), again)
    return load


def _valid(chance, user, generation, fails):
    # The sandbox counts its tasks by the name in the mark.
    prompt = FAILING_PROMPT if fails else f"A paper boat, take {chance.randint(1, 99)}"
    value = {"generationId": generation, "userId": user, "prompt": f"[id:{generation}] {prompt}"}
    return Ask(user, value, "failing" if fails else "valid", generation)


def invalid_ask(user, generation, wrong, fields):
    """An ask that is refused with a validation_error about the field `wrong`."""
    value = {"generationId": generation, "userId": user, "prompt": "A paper boat", **fields}
    value = {name: content for name, content in value.items() if content is not None}
    return Ask(user, value, "invalid", generation, wrong)


def give_tokens(rig, load):
    """Grants every user's balance and waits until all of it can be spent."""
    for user, amount in load.grants.items():
        if amount > 0:
            rig.publish("grants", {"grantId": f"start-{user}", "userId": user, "amount": amount}, key=user)
    rig.flush()
    rig.observer.until(
        lambda: all(rig.balance(user)["available"] == amount for user, amount in load.grants.items()),
        60,
        "all grants in Redis",
    )


def publish(rig, load, part=slice(None)):
    for ask in load.asks[part]:
        rig.publish("requests", ask.value, key=ask.user, fate="dead" if ask.kind == "malformed" else None)
    rig.flush()


def unfinished(rig, load):
    """Generations that wait for a decision or an end, and what was not read yet."""
    waiting = []
    for generation in load.by_generation():
        types = set(rig.observer.types(generation))
        ended = bool(types & {"completed", "failed", "cancelled"})
        if not (ended or ("rejected" in types and "accepted" not in types)):
            waiting.append(generation)
    missing = len(load.of("malformed")) - len(rig.observer.seen["dead-letters"])
    waiting += [f"{missing} dead letters"] * (missing > 0)
    # Asked last: a repeated ask leaves no trace that could be waited for.
    return waiting or [f"requests/{partition}" for partition in rig.unread()]


def wait_finished(rig, load, seconds=180):
    def what():
        waiting = unfinished(rig, load)
        return (
            f"the end of {len(waiting)}: {waiting[:10]} {[rig.observer.types(name) for name in waiting[:10]]}"
        )

    rig.observer.until(lambda: not unfinished(rig, load), seconds, what)
