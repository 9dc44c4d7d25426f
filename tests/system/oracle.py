"""Judges a finished load from outside: what the topics say (read_committed), what Redis holds, what the
provider was asked.

It knows nothing of our code. Each rule returns the differences that it found, in words; verify() fails on
any.

A generator that is killed while a create call is open can't know whether the provider took it: such a
generation ends failed with the reason submission_unknown, unpaid, and is never submitted again. Only loads
that say so may have any.
"""

from collections import Counter

ENDS = ("completed", "failed", "cancelled")


def unknown(rig, generation):
    """Did it end without anybody knowing whether the provider has a task?"""
    end = rig.observer.results(generation)[-1]
    return (
        end.type == "generation.failed"
        and end.data["error"].get("context", {}).get("reason") == "submission_unknown"
    )


def verify(rig, load):
    rig.observer.to_the_end()
    differences = [f"{rule.__name__}: {difference}" for rule in RULES for difference in rule(rig, load)]
    assert not differences, f"{len(differences)} differences:\n" + "\n".join(differences[:40])


def one_decision_each(rig, load):
    """Accepted at most once. A refused id may ask again: each ask gets its own refusal until one is
    accepted."""
    for generation, asks in load.by_generation().items():
        types = rig.observer.types(generation)
        accepted, rejected = types.count("accepted"), types.count("rejected")
        if accepted > 1 or (rejected != len(asks) if accepted == 0 else rejected >= len(asks)):
            yield f"{generation}, asked {len(asks)} times: {types}"
        if accepted and "rejected" in types[types.index("accepted") :]:
            yield f"{generation}: rejected after it was accepted: {types}"


def one_end_each(rig, load):
    known = load.by_generation()
    for generation in {seen.data["generationId"] for seen in rig.observer.results()} | set(known):
        types = rig.observer.types(generation)
        ends = [kind for kind in types if kind in ENDS]
        if generation not in known:
            yield f"{generation}: nobody asked for it: {types}"
        elif len(ends) != ("accepted" in types):
            yield f"{generation}: {types}"
        elif ends and types.count("submitted") != 1 - unknown(rig, generation):
            yield f"{generation}: submitted {types.count('submitted')} times: {types}"


def ends_as_asked(rig, load):
    for generation, asks in load.by_generation().items():
        types = rig.observer.types(generation)
        wanted = {"valid": "completed", "failing": "failed"}.get(asks[0].kind)
        allowed = {wanted} | ({"cancelled"} if generation in load.cancels else set())
        if (
            "accepted" in types
            and types[-1] not in allowed
            and not (load.may_be_unknown and unknown(rig, generation))
        ):
            error = rig.observer.results(generation)[-1].data.get("error")
            yield f"{generation} ({asks[0].kind}): {types} {error}"


def refusals_are_right(rig, load):
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
    """At one token each, a user's first `granted` valid asks can't be refused: tokens only come back."""
    for user, granted in load.grants.items():
        asked = [
            generation
            for generation, asks in load.by_generation().items()
            if asks[0].user == user and asks[0].kind in ("valid", "failing")
        ]
        accepted = sum("accepted" in rig.observer.types(generation) for generation in asked)
        if accepted < min(granted, len(asked)):
            yield f"{user}: {granted} tokens, asked {len(asked)}, accepted {accepted}"


def books_balance(rig, load):
    """Redis says what the results say: granted = available + reserved + spent, nothing held, the completed
    ones paid."""
    for user, granted in load.grants.items():
        completed = sum(
            seen.data["requiredTokens"]
            for seen in rig.observer.results()
            if seen.type == "generation.completed" and seen.data["userId"] == user
        )
        wanted = {"granted": granted, "available": granted - completed, "reserved": 0, "spent": completed}
        if rig.balance(user) != wanted:
            yield f"{user}: Redis has {rig.balance(user)}, the results say {wanted}"
        if wanted["available"] < 0:
            yield f"{user} spent more than was granted: {wanted}"


def journal_rebuilds_redis(rig, load):
    """Folds the journal by entity and compares each account."""
    accounts = {user: Counter() for user in load.grants}
    holds, grants = {}, set()
    for entry in (seen.data for seen in rig.observer.seen["journal"] if seen.type == "tokens.entry"):
        kind = entry["kind"]
        if kind == "open":
            continue
        account, amount = accounts.setdefault(entry["userId"], Counter()), entry["amount"]
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
    """Each malformed message once, byte for byte, with its reason and the place where it lay."""
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
    garbage = {ask.value for ask in load.of("malformed")}
    for origin, value in sent.items():
        if found[origin] != (value in garbage):
            yield f"{origin}: {found[origin]} dead letters for {value[:60]!r}"


def one_paid_task_each(rig, load):
    accepted = [name for name in load.by_generation() if "accepted" in rig.observer.types(name)]
    uncertain = sum(unknown(rig, generation) for generation in accepted)
    created = rig.tasks_created()
    if not len(accepted) - uncertain <= created <= len(accepted):
        yield f"{len(accepted)} accepted ({uncertain} unknown), but the provider made {created} tasks"


def progress_lies_between(rig, load):
    """A hint never comes before its task, and never after the end."""
    for generation in load.by_generation():
        types = rig.observer.all_types(generation)
        if "progressed" in types:
            first, last = types.index("progressed"), len(types) - 1 - types[::-1].index("progressed")
            if "submitted" not in types[:first] or set(ENDS) & set(types[:last]):
                yield f"{generation}: {types}"


def no_event_twice(rig, load):
    for topic in ("results", "journal"):
        facts = [seen for seen in rig.observer.seen[topic] if seen.type != "generation.progressed"]
        for identity, times in Counter(seen.headers["ce_id"] for seen in facts).items():
            if times > 1:
                yield f"{topic}: ce_id {identity.decode()} {times} times"


def no_item_left(rig, load):
    """Every job and task has its done mark, and only one."""
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


def audit_is_clean(rig, load):
    audit = rig.reelgate("audit", timeout=120)
    if audit.returncode != 0:
        yield f"reelgate audit: exit {audit.returncode}: {audit.stdout[-600:]} {audit.stderr[-600:]}"


RULES = (
    one_decision_each,
    one_end_each,
    ends_as_asked,
    refusals_are_right,
    nobody_refused_who_had_tokens,
    books_balance,
    journal_rebuilds_redis,
    dead_letters_are_what_was_sent,
    one_paid_task_each,
    progress_lies_between,
    no_event_twice,
    no_item_left,
    audit_is_clean,
)
