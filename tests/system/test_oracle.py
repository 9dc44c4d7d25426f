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
        self.published = [("requests", 0, 3, b"garbage"), ("requests", 0, 4, b"fine")]
        self.fates = {("requests", 0, 3): "dead"}
        self.provider = [self.task("good", "SUCCEEDED"), self.task("bad", "FAILED")]
        self.meta = {0: ("run 1", [])}
        self.fill()
        self.again = copy.deepcopy(self.observer.seen)

    @staticmethod
    def task(name, status):
        return {"id": f"task-{name}", "name": name, "status": status, "deleted": False}

    def fill(self):
        for generation, end in (("good", "completed"), ("bad", "failed")):
            self.result(generation, "accepted", balance={"available": 1, "reserved": 1, "spent": 0})
            self.result(generation, "submitted", taskId=f"task-{generation}")
            self.entry("reserve", generation)
            more = {"requiredTokens": 1, "charge": 0, "error": {"code": "generation_error"}}
            self.result(generation, end, taskId=f"task-{generation}", **more)
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
        balance = {"granted": 2, "available": 1, "reserved": 1, "spent": 0}
        value = {"kind": kind, "userId": "ann", "generationId": generation, "amount": amount}
        value["balance"] = balance
        self.add(
            "journal",
            json.dumps(value).encode(),
            ce_type="reelgate.tokens.entry",
            ce_id=f"{kind}-{generation}",
        )

    def publish_grant(self, grant, amount, fate=None):
        value = json.dumps({"grantId": grant, "userId": "ann", "amount": amount}).encode()
        place = ("grants", 0, len(self.published))
        self.published.append((*place, value))
        self.fates[place] = fate

    def grant(self, grant, amount, publish=True):
        if publish:
            self.publish_grant(grant, amount)
        balance = {"granted": 2, "available": 2, "reserved": 0, "spent": 0}
        value = {"kind": "grant", "userId": "ann", "grantId": grant, "amount": amount, "balance": balance}
        self.add(
            "journal", json.dumps(value).encode(), ce_type="reelgate.tokens.entry", ce_id=f"grant-{grant}"
        )

    def item(self, topic, generation):
        item = self.add(topic, generation.encode(), ce_type="reelgate.generation.job")
        item.key = generation.encode()
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

    def fate(self, place):
        return self.fates.get(place)

    def tasks(self):
        return self.provider

    def tasks_created(self):
        return self.created

    def buckets(self):
        return self.meta

    def read_again(self):
        return self.again

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


def set_data(generation, number, **parts):
    def change(results):
        data = results[generation][number].data
        data.update(parts)
        results[generation][number].value = json.dumps(data).encode()

    return spoil_results(change)


def balance(granted, available, reserved, spent):
    return {"granted": granted, "available": available, "reserved": reserved, "spent": spent}


def swap(generation, first, second):
    def change(results):
        events = results[generation]
        events[first], events[second] = events[second], events[first]

    return spoil_results(change)


def set_entry(number, **parts):
    def spoil(rig):
        data = rig.observer.seen["journal"][number].data
        data.update(parts)
        rig.observer.seen["journal"][number].value = json.dumps(data).encode()

    return spoil


def move(generation, number, partition):
    return spoil_results(lambda results: setattr(results[generation][number], "partition", partition))


def set_task(number, **parts):
    return lambda rig: rig.provider[number].update(parts)


def another_task(name, status="SUCCEEDED"):
    def spoil(rig):
        rig.provider.append({**Rig.task(name, status), "id": "another"})
        rig.created += 1

    return spoil


def set_account(**parts):
    return lambda rig: rig.accounts["ann"].update(parts)


def pop(topic, number):
    return lambda rig: rig.observer.seen[topic].pop(number)


def header(topic, number, name, text):
    return lambda rig: rig.observer.seen[topic][number].headers.update({name: text})


SPOILS = [
    ("one_decision_each", drop("good", 0)),
    ("one_decision_each", repeat("good", 0)),
    ("one_decision_each", spoil_results(lambda results: results["poor"].clear())),
    ("one_decision_each", repeat("poor", 0)),
    ("one_decision_each", retype("good", 2, "rejected")),
    ("in_their_order", swap("good", 0, 1)),
    ("in_their_order", swap("bad", 1, 2)),
    ("in_their_order", move("good", 2, 1)),
    ("in_their_order", set_data("good", 2, userId="bob")),
    ("one_end_each", drop("good", 2)),
    ("one_end_each", repeat("bad", 2)),
    ("one_end_each", drop("good", 1)),
    ("one_end_each", lambda rig: rig.result("nobody-asked", "completed", requiredTokens=0)),
    ("ends_as_asked", retype("good", 2, "failed")),
    ("ends_as_asked", retype("bad", 2, "completed")),
    ("ends_as_asked", retype("good", 2, "cancelled")),
    ("refusals_are_right", set_error("wrong", code="insufficient_tokens")),
    ("refusals_are_right", set_error("wrong", message="something is not allowed")),
    ("refusals_are_right", set_error("poor", code="validation_error")),
    ("refusals_are_right", set_error("poor", context={"currentBalance": 1, "requiredTokens": 1})),
    ("nobody_refused_who_had_tokens", drop("good", 0)),
    ("grants_are_what_was_published", lambda rig: rig.grant("from-nowhere", 1, publish=False)),
    ("grants_are_what_was_published", lambda rig: rig.publish_grant("lost", 1)),
    ("grants_are_what_was_published", lambda rig: rig.publish_grant("lost-correction", -1)),
    ("grants_are_what_was_published", set_entry(4, amount=3)),
    ("grants_are_what_was_published", lambda rig: rig.grant("start-ann", 2, publish=False)),
    ("every_balance_adds_up", set_data("good", 0, balance={"available": 2, "reserved": -1, "spent": 0})),
    ("every_balance_adds_up", set_entry(0, balance=balance(2, 1, 0, 0))),
    ("every_balance_adds_up", set_entry(4, balance=balance(2, 3, -1, 0))),
    ("settled_by_the_verdict", set_entry(1, kind="release")),
    ("settled_by_the_verdict", set_entry(3, kind="commit")),
    ("settled_by_the_verdict", pop("journal", 1)),
    ("settled_by_the_verdict", lambda rig: rig.entry("commit", "good")),
    ("settled_by_the_verdict", drop("good", 2)),
    ("the_rejected_touch_nothing", lambda rig: rig.entry("reserve", "poor")),
    ("the_rejected_touch_nothing", lambda rig: rig.item("jobs", "wrong")),
    ("the_rejected_touch_nothing", another_task("poor")),
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
    ("dead_letters_are_what_was_sent", lambda rig: rig.letter(b"fine", 4)),
    ("one_paid_task_each", lambda rig: setattr(rig, "created", 3)),
    ("one_paid_task_each", lambda rig: setattr(rig, "created", 1)),
    ("progress_lies_between", lambda rig: rig.result("good", "progressed", progress=0.5)),
    ("progress_lies_between", retype("good", 0, "progressed")),
    ("one_paid_task_each", another_task("good")),
    ("one_paid_task_each", another_task("nobody-asked")),
    ("one_paid_task_each", set_task(0, id="task-other")),
    ("one_paid_task_each", set_data("bad", 2, taskId=None)),
    ("the_provider_agrees", set_task(0, status="FAILED")),
    ("the_provider_agrees", set_task(0, deleted=True)),
    ("the_provider_agrees", set_task(1, status="SUCCEEDED")),
    ("the_provider_agrees", set_task(1, status="RUNNING")),
    ("redis_is_at_rest", lambda rig: rig.meta.update({0: (None, [])})),
    ("redis_is_at_rest", lambda rig: rig.meta.update({0: ("run 1", ["good"])})),
    ("a_late_reader_sees_the_same", lambda rig: rig.again["results"].pop(0)),
    ("a_late_reader_sees_the_same", lambda rig: setattr(rig.again["journal"][0], "value", b"{}")),
    ("a_late_reader_sees_the_same", pop("tasks", 0)),
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
