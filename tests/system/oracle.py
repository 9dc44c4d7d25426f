"""Judges a finished load from outside: what the topics say (read_committed), what Redis holds, what the
provider was asked.

It knows nothing of our code. Each rule returns the differences that it found, in words; verify() fails on
any. The first line of a rule's text is the invariant that it guards.

A generator that is killed while a create call is open can't know whether the provider took it: such a
generation ends failed with the reason submission_unknown, unpaid, and is never submitted again. Only loads
that say so may have any.
"""

import json
import time
from collections import Counter

IN_FLIGHT_SECONDS = 20
ENDS = ("completed", "failed", "cancelled")


def end_of(rig, generation):
    """The event that ended it, or None."""
    told = rig.observer.results(generation)
    ends = [seen for seen in told if seen.type.removeprefix("generation.") in ENDS]
    return ends[-1] if ends else None


def unknown(rig, generation):
    """Did it end without anybody knowing whether the provider has a task?"""
    end = end_of(rig, generation)
    return (
        end is not None
        and end.type == "generation.failed"
        and end.data["error"].get("context", {}).get("reason") == "submission_unknown"
    )


def charge_of(end):
    """What this end costs the user."""
    return end.data["requiredTokens"] if end.type == "generation.completed" else end.data["charge"]


def entries(rig):
    """The journal's entries but for those of recovery."""
    kept = (seen.data for seen in rig.observer.seen["journal"] if seen.type == "tokens.entry")
    return [entry for entry in kept if entry["kind"] != "open"]


def verify(rig, load):
    """Redis is written a moment before the transaction commits that tells of it: what is still on its way then may differ
    for that long, and not longer."""
    limit = time.monotonic() + IN_FLIGHT_SECONDS
    while True:
        rig.observer.to_the_end()
        differences = [f"{rule.__name__}: {difference}" for rule in RULES for difference in rule(rig, load)]
        if not differences or time.monotonic() >= limit:
            break
    assert not differences, f"{len(differences)} differences:\n" + "\n".join(differences[:40])


def one_decision_each(rig, load):
    """Accepted once, or rejected: a refused id may ask again; no ask is refused twice, or after one was accepted.

    Of two asks in one batch that runs a second time the later one's refusal stands for both."""
    for generation, asks in load.by_generation().items():
        types = rig.observer.types(generation)
        accepted, rejected = types.count("accepted"), types.count("rejected")
        if accepted > 1 or (not 1 <= rejected <= len(asks) if accepted == 0 else rejected >= len(asks)):
            yield f"{generation}, asked {len(asks)} times: {types}"
        if accepted and "rejected" in types[types.index("accepted") :]:
            yield f"{generation}: rejected after it was accepted: {types}"


def one_end_each(rig, load):
    """Every accepted generation ends exactly once, and is said to be submitted when it has a task."""
    known = load.by_generation()
    for generation in {seen.data["generationId"] for seen in rig.observer.results()} | set(known):
        types = rig.observer.types(generation)
        ends = [kind for kind in types if kind in ENDS]
        if generation not in known:
            yield f"{generation}: nobody asked for it: {types}"
        elif len(ends) != ("accepted" in types):
            yield f"{generation}: {types}"
        elif ends and types.count("submitted") != ("taskId" in end_of(rig, generation).data):
            yield f"{generation}: submitted {types.count('submitted')} times: {types}"


def in_their_order(rig, load):
    """A subscriber reads accepted, submitted and the end in this order: one partition, all of one user."""
    for generation in load.by_generation():
        told = rig.observer.results(generation)
        story = [seen for seen in told if seen.type not in ("generation.rejected", "generation.progressed")]
        order = ["generation." + kind for kind in ("accepted", "submitted", *ENDS)]
        if [seen.type for seen in story] != sorted({seen.type for seen in story}, key=order.index):
            yield f"{generation}: {rig.observer.types(generation)}"
        if len({(seen.partition, seen.data["userId"]) for seen in story}) > 1:
            yield f"{generation}: told in several partitions or of several users"


# What a request may end as; a cancel by its user and, under kills, submission_unknown come on top.
ENDS_OF_KIND = {
    "valid": "completed",
    "failing": "failed",
    "refused": "failed",  # by the provider, before there was a task
    "gone": "cancelled",  # at the provider
    "lost": None,  # the create's answer: nobody can know
}


def ends_as_asked(rig, load):
    """The end is what the provider was told to do, and cancelled only what its user asked to cancel."""
    for generation, asks in load.by_generation().items():
        types = rig.observer.types(generation)
        wanted = ENDS_OF_KIND.get(asks[0].kind)
        allowed = {wanted} | ({"cancelled"} if generation in load.cancels else set())
        lost = asks[0].kind == "lost" or load.may_be_unknown
        if "accepted" in types and types[-1] not in allowed and not (lost and unknown(rig, generation)):
            error = rig.observer.results(generation)[-1].data.get("error")
            yield f"{generation} ({asks[0].kind}): {types} {error}"


def refusals_are_right(rig, load):
    """A refusal names the wrong field, or a balance below the price."""
    for generation, asks in load.by_generation().items():
        for seen in rig.observer.results(generation):
            if seen.type != "generation.rejected":
                continue
            error = seen.data["error"]
            if asks[0].kind == "invalid":
                if error["code"] != "validation_error" or asks[0].field not in error["message"] + str(
                    error.get("context")
                ):
                    yield f"{generation}: wants a validation_error about {asks[0].field}: {error}"
            elif error["code"] != "insufficient_tokens":
                yield f"{generation}: refused with {error}"
            elif not error["context"]["currentBalance"] < error["context"]["requiredTokens"]:
                yield f"{generation}: refused although there was enough: {error}"


def nobody_refused_who_had_tokens(rig, load):
    """As many asks of a user are accepted as there were tokens all the time: tokens only come back."""
    for user in load.grants:
        asked = [
            generation
            for generation, asks in load.by_generation().items()
            if asks[0].user == user and asks[0].kind in ENDS_OF_KIND
        ]
        accepted = sum("accepted" in rig.observer.types(generation) for generation in asked)
        if accepted < min(load.least(user), len(asked)):
            yield f"{user}: {load.least(user)} tokens, asked {len(asked)}, accepted {accepted}"


def grants_are_what_was_published(rig, load):
    """A published grant counts once, with its own amount; a correction may become a dead letter instead."""
    published, counted = {}, Counter()
    for *place, value in rig.published:
        if place[0] == "grants" and rig.fate(tuple(place)) != "dead":
            grant = json.loads(value)
            published.setdefault(grant["grantId"], (grant["userId"], grant["amount"]))
    for entry in entries(rig):
        if entry["kind"] != "grant":
            continue
        counted[entry["grantId"]] += 1
        if published.get(entry["grantId"]) != (entry["userId"], entry["amount"]):
            yield f"grant {entry['grantId']}: {entry} was published as {published.get(entry['grantId'])}"
    refused = {
        json.loads(seen.value)["grantId"]
        for seen in rig.observer.seen["dead-letters"]
        if seen.headers["dlq-original-topic"].decode() == rig.prefix + "grants"
        and seen.headers["dlq-error-code"] == b"out_of_range"
    }
    for grant, (user, amount) in published.items():
        least = 0 if amount < 0 and grant in refused else 1
        if not least <= counted[grant] <= 1:
            yield f"grant {grant} of {amount} to {user}: {counted[grant]} entries"


def books_balance(rig, load):
    """granted = available + reserved + spent, per user, with nothing held and the ends' charges spent."""
    granted, spent = Counter(), Counter()
    for entry in entries(rig):
        granted[entry["userId"]] += entry["amount"] if entry["kind"] == "grant" else 0
    for generation in load.by_generation():
        if (end := end_of(rig, generation)) is not None:
            spent[end.data["userId"]] += charge_of(end)
    for user in load.grants:
        wanted = {
            "granted": granted[user],
            "available": granted[user] - spent[user],
            "reserved": 0,
            "spent": spent[user],
        }
        if rig.balance(user) != wanted:
            yield f"{user}: Redis has {rig.balance(user)}, grants and results say {wanted}"
        if wanted["available"] < 0:
            yield f"{user} spent more than was granted: {wanted}"


def every_balance_adds_up(rig, load):
    """granted = available + reserved + spent and nothing below zero, in every balance that was ever told.

    The journal alone may tell of an account below zero: while a grant that a lost Redis took along comes again.
    """
    told = [(entry.get("generationId") or entry["grantId"], entry) for entry in entries(rig)]
    told += [(seen.key, seen.data) for seen in rig.observer.results() if "balance" in seen.data]
    for name, data in told:
        balance = data["balance"]
        rest = balance["available"] + balance["reserved"] + balance["spent"]
        least = min(balance[part] for part in balance if part != "available" or "kind" not in data)
        if least < 0 or balance.get("granted", rest) != rest:
            yield f"{name}: {balance}"


def settled_by_the_verdict(rig, load):
    """Tokens are debited only after success, released only after the end, both as the end says."""
    moved = {}
    for entry in entries(rig):
        if entry["kind"] != "grant":
            moved.setdefault(entry["generationId"], Counter())[entry["kind"]] += entry["amount"]
    for generation in load.by_generation():
        end, entry = end_of(rig, generation), moved.get(generation, Counter())
        if "accepted" not in rig.observer.types(generation):
            continue
        charge = charge_of(end) if end is not None else None
        if end is None and (entry["commit"] or entry["release"]):
            yield f"{generation} is settled without an end: {dict(entry)}"
        elif end is not None and (entry["commit"] != charge or entry["release"] != entry["reserve"] - charge):
            yield f"{generation} ended {end.type} with a charge of {charge}: {dict(entry)}"


def the_rejected_touch_nothing(rig, load):
    """A request that was not accepted has no entry, no job and no task, here or at the provider."""
    entered = {entry.get("generationId") for entry in entries(rig)}
    items = [seen for topic in ("jobs", "tasks") for seen in rig.observer.seen[topic] if seen.value]
    worked = {seen.key.decode() for seen in items}
    paid = {task["name"] for task in rig.tasks()}
    for generation in load.by_generation():
        if "accepted" in rig.observer.types(generation):
            continue
        for place, there in (("the journal", entered), ("jobs or tasks", worked), ("the provider", paid)):
            # A cancel for an id that is refused goes through jobs and tasks, and is dropped there.
            if generation in there and not (place == "jobs or tasks" and generation in load.cancels):
                yield f"{generation} was not accepted, but {place} knows it"


def journal_rebuilds_redis(rig, load):
    """Redis is the fold of the journal by entity: nothing in it twice, nothing settled beyond its hold."""
    accounts = {user: Counter() for user in load.grants}
    holds, grants = {}, set()
    for entry in entries(rig):
        kind, amount = entry["kind"], entry["amount"]
        account = accounts.setdefault(entry["userId"], Counter())
        if kind == "grant":
            if entry["grantId"] in grants:
                yield f"grant {entry['grantId']} is in the journal twice"
            grants.add(entry["grantId"])
            account["granted"] += amount
            continue
        generation = entry["generationId"]
        if kind == "reserve":
            if generation in holds:
                yield f"{generation} is reserved twice in the journal"
            holds[generation] = amount
            account["reserved"] += amount
        else:
            if holds.get(generation, 0) < amount:
                yield f"{generation}: {kind} of {amount} with a hold of {holds.get(generation)}"
            holds[generation] = holds.get(generation, 0) - amount
            account["reserved"] -= amount
            account["spent"] += amount if kind == "commit" else 0
    for generation, left in holds.items():
        if left != 0:
            yield f"{generation}: {left} tokens still held in the journal"
    for user, account in accounts.items():
        fold = {part: account[part] for part in ("granted", "reserved", "spent")}
        fold["available"] = fold["granted"] - fold["reserved"] - fold["spent"]
        if rig.balance(user) != fold:
            yield f"{user}: Redis has {rig.balance(user)}, the journal folds to {fold}"


def dead_letters_are_what_was_sent(rig, load):
    """Each message that can't be understood is a dead letter once, byte for byte, with reason and origin."""
    sent = {(topic, partition, offset): value for topic, partition, offset, value in rig.published}
    found = Counter()
    for seen in rig.observer.seen["dead-letters"]:
        header = {name: text.decode() for name, text in seen.headers.items()}
        origin = (
            header["dlq-original-topic"].removeprefix(rig.prefix),
            int(header["dlq-original-partition"]),
            int(header["dlq-original-offset"]),
        )
        found[origin] += 1
        if sent.get(origin) != seen.value:
            yield f"{origin}: {seen.value[:60]!r} is not what was sent there"
        if not header.get("dlq-error-code") or not header.get("dlq-error-message"):
            yield f"{origin}: no reason: {header}"
    for origin, value in sent.items():
        fate = rig.fate(origin)
        if not (fate == "dead") <= found[origin] <= (fate in ("dead", "may be dead")):
            yield f"{origin}: {found[origin]} dead letters for {value[:60]!r}, which {fate or 'is good'}"


def one_paid_task_each(rig, load):
    """The provider made at most one task for a generation, and the one that its end names."""
    paid = {}
    for task in rig.tasks():
        paid.setdefault(task["name"], []).append(task["id"])
    if rig.tasks_created() != sum(map(len, paid.values())):
        yield f"the provider made {rig.tasks_created()} tasks and lists {sum(map(len, paid.values()))}"
    for name in set(paid) - set(load.by_generation()):
        yield f"{name}: a task that nobody asked for"
    for generation in load.by_generation():
        tasks, end = paid.get(generation, []), end_of(rig, generation)
        if len(tasks) > 1:
            yield f"{generation}: {len(tasks)} tasks were made"
        elif end is not None and "taskId" in end.data and tasks != [end.data["taskId"]]:
            yield f"{generation} ended with task {end.data['taskId']}, the provider made {tasks}"
        elif end is not None and "taskId" not in end.data and tasks and not unknown(rig, generation):
            yield f"{generation} ended {end.type} without a task, the provider made {tasks}"


def the_provider_agrees(rig, load):
    """Completed is what the provider finished; what failed or was cancelled it did not finish, or deleted."""
    state = {task["id"]: "DELETED" if task["deleted"] else task["status"] for task in rig.tasks()}
    names = {task["name"]: task["id"] for task in rig.tasks()}
    wanted = {
        "generation.completed": {"SUCCEEDED"},
        "generation.failed": {"FAILED", "DELETED"},
        "generation.cancelled": {"CANCELLED", "DELETED"},
    }
    for generation in load.by_generation():
        end = end_of(rig, generation)
        if end is None:
            continue
        if "taskId" in end.data and state.get(end.data["taskId"]) not in wanted[end.type]:
            yield f"{generation} is {end.type}, its task {end.data['taskId']} {state.get(end.data['taskId'])}"
        goes_on = state.get(names.get(generation)) in ("THROTTLED", "PENDING", "RUNNING")
        if goes_on and not unknown(rig, generation):
            yield f"{generation} has ended, but its task goes on"


def progress_lies_between(rig, load):
    """A hint never comes before its task, and never after the end."""
    for generation in load.by_generation():
        types = rig.observer.all_types(generation)
        if "progressed" in types:
            first, last = types.index("progressed"), len(types) - 1 - types[::-1].index("progressed")
            if "submitted" not in types[:first] or set(ENDS) & set(types[:last]):
                yield f"{generation}: {types}"


def no_event_twice(rig, load):
    """The same fact is never told twice: no ce_id appears again in results or in the journal."""
    for topic in ("results", "journal"):
        facts = [seen for seen in rig.observer.seen[topic] if seen.type != "generation.progressed"]
        for identity, times in Counter(seen.headers["ce_id"] for seen in facts).items():
            if times > 1:
                yield f"{topic}: ce_id {identity.decode()} {times} times"


def no_item_left(rig, load):
    """Every job and task has its done mark, and only one: nothing is lost, nothing is done twice."""
    for topic in ("jobs", "tasks"):
        records = rig.observer.seen[topic]
        items = {(seen.partition, seen.offset): seen.key for seen in records if seen.value}
        done = Counter()
        for seen in records:
            if seen.headers.get("mark") == b"done":
                done[(seen.partition, int(seen.headers["item"]))] += 1
        for place, key in items.items():
            if done[place] != 1:
                yield f"{topic}: the item of {key.decode()} at {place} has {done[place]} done marks"


def redis_is_at_rest(rig, load):
    """Once quiet every bucket is verified and no hold is open."""
    for bucket, (verified, holds) in rig.buckets().items():
        if not verified:
            yield f"bucket {bucket} is not verified"
        if holds:
            yield f"bucket {bucket} still holds {holds[:5]}"


def a_late_reader_sees_the_same(rig, load):
    """Who read all the time and who reads from the beginning afterwards have read the same records."""
    again = rig.read_again()
    for topic, records in rig.observer.seen.items():
        live = {(seen.partition, seen.offset): (seen.key, seen.value) for seen in records}
        late = {(seen.partition, seen.offset): (seen.key, seen.value) for seen in again[topic]}
        for place in sorted(place for place in live | late if live.get(place) != late.get(place)):
            yield f"{topic} {place}: read live {live.get(place)}, read again {late.get(place)}"


def audit_is_clean(rig, load):
    """`reelgate audit` finds no difference between the journal, Redis and the live items."""
    audit = rig.reelgate("audit", timeout=120)
    if audit.returncode != 0:
        yield f"reelgate audit: exit {audit.returncode}: {audit.stdout[-600:]} {audit.stderr[-600:]}"


RULES = (
    one_decision_each,
    one_end_each,
    in_their_order,
    ends_as_asked,
    refusals_are_right,
    nobody_refused_who_had_tokens,
    grants_are_what_was_published,
    books_balance,
    every_balance_adds_up,
    settled_by_the_verdict,
    the_rejected_touch_nothing,
    journal_rebuilds_redis,
    dead_letters_are_what_was_sent,
    one_paid_task_each,
    progress_lies_between,
    the_provider_agrees,
    no_event_twice,
    no_item_left,
    redis_is_at_rest,
    a_late_reader_sees_the_same,
    audit_is_clean,
)
