"""Would the oracle have noticed? A small finished load, right in everything, is spoiled in one thing at a
time: the rule that guards it has to speak, and without the spoiling none may."""

import copy
import json

import pytest

import load as loads
import oracle
from observer import Observer, Seen


class Rig:
    """What the oracle looks at, made by hand: one user with two tokens, one completed, one failed, one
    malformed request, one refused twice."""

    prefix = "t."

    def __init__(self):
        self.observer = Observer.__new__(Observer)
        self.observer.seen = {topic: [] for topic in ("results", "journal", "dead-letters", "jobs", "tasks")}
        self.observer._results = {}
        self.accounts = {
            "ann": {"granted": 2, "available": 1, "reserved": 0, "spent": 1},
            "bob": {"granted": 0, "available": 0, "reserved": 0, "spent": 0},
        }
        self.created, self.audit = 2, 0
        self.published = [("requests", 0, 3, b"garbage")]
        self.fill()

    def fill(self):
        for generation, end in (("good", "completed"), ("bad", "failed")):
            for kind in ("accepted", "submitted"):
                self.result(generation, kind)
            self.entry("reserve", generation)
            self.result(generation, end, requiredTokens=1, error={"code": "generation_error"})
            self.entry("commit" if end == "completed" else "release", generation)
            for topic in ("jobs", "tasks"):
                self.item(topic, generation)
        for attempt in (1, 2):
            self.result(
                "poor",
                "rejected",
                user="bob",
                attempt=attempt,
                error={"code": "insufficient_tokens", "context": {"currentBalance": 0, "requiredTokens": 1}},
            )
        self.result("wrong", "rejected", error={"code": "validation_error", "message": "ratio must be"})
        self.grant("start-ann", 2)
        self.letter(b"garbage", 3)

    def add(self, topic, value, **headers):
        records = self.observer.seen[topic]
        records.append(
            Seen(
                topic, 0, len(records), b"key", value, {name: text.encode() for name, text in headers.items()}
            )
        )
        return records[-1]

    def result(self, generation, kind, user="ann", attempt=1, **more):
        value = json.dumps({"generationId": generation, "userId": user, **more}).encode()
        seen = self.add(
            "results", value, ce_type=f"reelgate.generation.{kind}", ce_id=f"{generation}-{kind}-{attempt}"
        )
        self.observer._results.setdefault(generation, []).append(seen)

    def entry(self, kind, generation, amount=1):
        value = {"kind": kind, "userId": "ann", "generationId": generation, "amount": amount}
        self.add(
            "journal",
            json.dumps(value).encode(),
            ce_type="reelgate.tokens.entry",
            ce_id=f"{kind}-{generation}",
        )

    def grant(self, grant, amount):
        value = {"kind": "grant", "userId": "ann", "grantId": grant, "amount": amount}
        self.add(
            "journal", json.dumps(value).encode(), ce_type="reelgate.tokens.entry", ce_id=f"grant-{grant}"
        )

    def item(self, topic, generation):
        item = self.add(topic, generation.encode(), ce_type="reelgate.generation.job")
        self.add(topic, b"", mark="done", item=str(item.offset))

    def letter(self, value, offset):
        self.add(
            "dead-letters",
            value,
            **{
                "dlq-original-topic": "t.requests",
                "dlq-original-partition": "0",
                "dlq-original-offset": str(offset),
                "dlq-error-code": "malformed_json",
                "dlq-error-message": "it is not JSON",
            },
        )

    def balance(self, user):
        return self.accounts[user]

    def tasks_created(self):
        return self.created

    def reelgate(self, *_arguments, **_options):
        return type("Done", (), {"returncode": self.audit, "stdout": "", "stderr": ""})


def the_load():
    ask = loads.Ask
    poor = ask("bob", {}, "valid", "poor")
    return loads.Load(
        grants={"ann": 2, "bob": 0},
        asks=[
            ask("ann", {}, "valid", "good"),
            ask("ann", {}, "failing", "bad"),
            poor,
            poor,
            ask("ann", {}, "invalid", "wrong", "ratio"),
            ask("ann", b"garbage", "malformed"),
        ],
    )


def spoil_results(change):
    """A change of one generation's events, kept the same in both places where the observer has them."""

    def spoil(rig):
        change(rig.observer._results)
        rig.observer.seen["results"] = [seen for events in rig.observer._results.values() for seen in events]

    return spoil


def drop(generation, number):
    return spoil_results(lambda results: results[generation].pop(number))


def repeat(generation, number):
    return spoil_results(lambda results: results[generation].append(copy.copy(results[generation][number])))


def retype(generation, number, kind):
    def change(results):
        results[generation][number].headers["ce_type"] = f"reelgate.generation.{kind}".encode()

    return spoil_results(change)


def set_error(generation, **parts):
    def change(results):
        data = results[generation][0].data
        data["error"].update(parts)
        results[generation][0].value = json.dumps(data).encode()

    return spoil_results(change)


def set_account(**parts):
    return lambda rig: rig.accounts["ann"].update(parts)


def pop(topic, number):
    return lambda rig: rig.observer.seen[topic].pop(number)


def header(topic, number, name, text):
    return lambda rig: rig.observer.seen[topic][number].headers.update({name: text})


SPOILS = [
    ("one_decision_each", drop("good", 0)),
    ("one_decision_each", repeat("good", 0)),
    ("one_decision_each", drop("poor", 0)),
    ("one_decision_each", retype("good", 2, "rejected")),
    ("one_end_each", drop("good", 2)),
    ("one_end_each", repeat("bad", 2)),
    ("one_end_each", drop("good", 1)),
    ("one_end_each", lambda rig: rig.result("nobody-asked", "completed", requiredTokens=0)),
    ("ends_as_asked", retype("good", 2, "failed")),
    ("ends_as_asked", retype("bad", 2, "completed")),
    ("refusals_are_right", set_error("wrong", code="insufficient_tokens")),
    ("refusals_are_right", set_error("wrong", message="something is not allowed")),
    ("refusals_are_right", set_error("poor", code="validation_error")),
    ("refusals_are_right", set_error("poor", context={"currentBalance": 1, "requiredTokens": 1})),
    ("nobody_refused_who_had_tokens", drop("good", 0)),
    ("books_balance", set_account(available=2, spent=0)),
    ("books_balance", set_account(available=0, reserved=1)),
    ("journal_rebuilds_redis", set_account(granted=3)),
    ("journal_rebuilds_redis", lambda rig: rig.entry("reserve", "good")),
    ("journal_rebuilds_redis", lambda rig: rig.entry("commit", "good")),
    ("journal_rebuilds_redis", pop("journal", 1)),
    ("journal_rebuilds_redis", lambda rig: rig.grant("start-ann", 2)),
    ("dead_letters_are_what_was_sent", pop("dead-letters", 0)),
    ("dead_letters_are_what_was_sent", lambda rig: rig.letter(b"garbage", 3)),
    (
        "dead_letters_are_what_was_sent",
        lambda rig: setattr(rig.observer.seen["dead-letters"][0], "value", b"garbled"),
    ),
    ("dead_letters_are_what_was_sent", header("dead-letters", 0, "dlq-error-code", b"")),
    ("dead_letters_are_what_was_sent", header("dead-letters", 0, "dlq-original-offset", b"4")),
    ("one_paid_task_each", lambda rig: setattr(rig, "created", 3)),
    ("one_paid_task_each", lambda rig: setattr(rig, "created", 1)),
    ("progress_lies_between", lambda rig: rig.result("good", "progressed", progress=0.5)),
    ("progress_lies_between", retype("good", 0, "progressed")),
    ("no_event_twice", header("results", 1, "ce_id", b"good-accepted-1")),
    ("no_event_twice", header("journal", 1, "ce_id", b"reserve-good")),
    ("no_item_left", pop("jobs", 1)),
    ("no_item_left", lambda rig: rig.add("tasks", b"", mark="done", item="0")),
    ("audit_is_clean", lambda rig: setattr(rig, "audit", 1)),
]


def speaking(rig):
    return {rule.__name__ for rule in oracle.RULES if list(rule(rig, the_load()))}


def test_a_right_load_has_no_difference():
    assert speaking(Rig()) == set()


@pytest.mark.parametrize(
    "rule,spoil", SPOILS, ids=[f"{rule}-{number}" for number, (rule, _) in enumerate(SPOILS)]
)
def test_the_rule_speaks(rule, spoil):
    rig = Rig()
    spoil(rig)
    assert rule in speaking(rig)


def test_every_rule_is_tried():
    assert {rule for rule, _ in SPOILS} == {rule.__name__ for rule in oracle.RULES}
