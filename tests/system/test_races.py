"""Cancels and deadlines raced against completion, at random: each generation ends once, and is charged what its
end costs. The seed is printed; REELGATE_TEST_SEED repeats a run."""

import json
import os
import random
import time
from collections import Counter

import load as loads
import oracle
from places import ROOT
from stack import programs

USERS, GENERATIONS, PRICE, SECONDS = 8, 100, 4, 6.0
PERCENT = {"cancelled": 50, "otherwise": 25, "failures": {"INTERNAL.BAD_OUTPUT": 75}}
DEADLINE_MS = 3000

# What ends a generation, and what it then costs.
COSTS = {"completed": 4, "cancelled": 2, "deadline": 1, "failed": 3}
# Oracle's rules that know nothing of prices or of how a load should end.
RULES = (
    oracle.journal_rebuilds_redis,
    oracle.progress_lies_between,
    oracle.no_event_twice,
    oracle.no_item_left,
    oracle.audit_is_clean,
)


def policy(directory):
    with open(os.path.join(ROOT, "deploy", "policy.json"), encoding="utf-8") as file:
        whole = json.load(file)
    whole.update(version="races", price={"tokens": PRICE}, chargePercent=PERCENT)
    path = directory / "policy.json"
    path.write_text(json.dumps(whole))
    return str(path)


def start(rig, path):
    settings = {
        "admission": {"policy": path, "default_deadline_ms": f"{DEADLINE_MS}ms"},
        "generator": {"policy": path, "limits_every_ms": "500ms", "max_in_flight": 4},
        "poller": {"policy": path, "progress_step": 20, "progress_every_ms": "1s"},
    }
    programs.wait_ready(
        {f"{name}-0": rig.start(name, ready=False, **settings.get(name, {})) for name in programs.WORKERS}
    )
    return settings


class Plan:
    """Who asks when, for how long it renders, and when who cancels."""

    def __init__(self, seed):
        chance = random.Random(seed)
        self.load = loads.Load(grants={f"user-{number}": PRICE * GENERATIONS for number in range(USERS)})
        self.steps, self.cancelled, self.fails = [], set(), set()
        for number in range(GENERATIONS):
            generation, user = f"g{number:03}", f"user-{chance.randrange(USERS)}"
            render_ms = chance.choice((chance.randint(0, 600), chance.randint(500, 3500), 60000))
            prompt = f"[id:{generation}] [run:{render_ms}ms] A race"
            if render_ms < 1500 and chance.random() < 0.25:
                prompt = "[fail:INTERNAL.BAD_OUTPUT.CODE01] " + prompt
                self.fails.add(generation)
            value = {"generationId": generation, "userId": user, "prompt": prompt}
            self.load.asks.append(loads.Ask(user, value, "valid", generation))
            at = chance.random() * SECONDS
            self.steps.append((at, "request", generation, user, value))
            while chance.random() < 0.45:  # now and then twice
                delay = chance.choice((0, chance.random() * 0.3, chance.random() * (render_ms / 1000 + 1)))
                self.steps.append((at + delay, "cancel", generation, user, None))
                self.cancelled.add(generation)
        self.steps.append((SECONDS * chance.uniform(0.3, 0.8), "kill", "poller", None, None))
        self.steps.sort(key=lambda step: step[0])


def run(rig, plan, settings):
    began = time.monotonic()
    for at, what, name, user, value in plan.steps:
        time.sleep(max(0.0, began + at - time.monotonic()))
        if what == "request":
            rig.publish("requests", value, key=user)
        elif what == "cancel":
            rig.cancel(name, user)
        else:
            rig.stack.processes[f"{name}-0"].kill()
            rig.start(name, ready=False, **settings[name])
    rig.flush()


def end_of(rig, generation):
    """(the word of COSTS, its event)"""
    (seen,) = [seen for seen in rig.observer.results(generation) if seen.type.partition(".")[2] in oracle.ENDS]
    word = seen.type.partition(".")[2]
    reason = seen.data.get("error", {}).get("context", {}).get("reason", "")
    return ("deadline" if word == "failed" and "deadline" in reason else word), seen


def one_end_each(rig, plan):
    for generation in plan.load.by_generation():
        types = rig.observer.types(generation)
        if types.count("accepted") != 1 or sum(kind in oracle.ENDS for kind in types) != 1:
            yield f"{generation}: {types}"


def ends_are_what_they_can_be(rig, plan):
    made = Counter(task["name"] for task in rig.sandbox("/admin/tasks")["tasks"])
    for generation in plan.load.by_generation():
        word, seen = end_of(rig, generation)
        if made[generation] != rig.observer.types(generation).count("submitted"):
            yield f"{generation}: {made[generation]} tasks, {rig.observer.types(generation)}"
        if word == "cancelled" and generation not in plan.cancelled:
            yield f"{generation}: cancelled, but nobody asked"
        if (word == "failed") > (generation in plan.fails) or (word == "completed") and generation in plan.fails:
            yield f"{generation}: {word}: {seen.data.get('error')}"
        timings = seen.data.get("timings", {})
        if word == "deadline" and timings.get("totalMs", DEADLINE_MS) < DEADLINE_MS:
            yield f"{generation}: given up before its deadline: {timings}"


def nothing_is_paid_for_nobody(rig, plan):
    """What was cancelled or given up is deleted there; what was delivered is not."""
    for task in rig.sandbox("/admin/tasks")["tasks"]:
        word, _ = end_of(rig, task["name"])
        if task["deleted"] != (word in ("cancelled", "deadline")):
            yield f"{task['name']}: {word}, its task {'deleted' if task['deleted'] else task['status']}"


def charged_what_it_costs(rig, plan):
    moved = {}
    for entry in (seen.data for seen in rig.observer.seen["journal"] if seen.type == "tokens.entry"):
        if entry["kind"] in ("commit", "release"):
            moved.setdefault(entry["generationId"], Counter())[entry["kind"]] += entry["amount"]
    for generation in plan.load.by_generation():
        word, seen = end_of(rig, generation)
        charge = seen.data["requiredTokens"] if word == "completed" else seen.data["charge"]
        wanted = Counter(commit=COSTS[word], release=PRICE - COSTS[word])
        if charge != COSTS[word] or moved.get(generation, Counter()) != +wanted:
            yield f"{generation}: {word} costs {COSTS[word]}: charge {charge}, journal {dict(moved.get(generation, {}))}"


def test_cancel_deadline_and_completion_race(make_rig, tmp_path):
    seed = int(os.environ.get("REELGATE_TEST_SEED", random.randrange(10**6)))
    print(f"seed {seed}")
    rig = make_rig(concurrency=12, run_ms="500ms", pending_ms="50ms")
    settings = start(rig, policy(tmp_path))
    plan = Plan(seed)
    loads.give_tokens(rig, plan.load)
    rig.fault(create={"mode": "slow_headers", "ms": 400, "probability": 0.3})
    run(rig, plan, settings)
    loads.wait_finished(rig, plan.load, seconds=240)
    rig.observer.until(lambda: not rig.tasks_living(), 60, "no task of nobody's")
    rig.observer.to_the_end()
    rules = (one_end_each, ends_are_what_they_can_be, nothing_is_paid_for_nobody, charged_what_it_costs)
    wrong = [f"{rule.__name__}: {words}" for rule in rules for words in rule(rig, plan)]
    wrong += [f"{rule.__name__}: {words}" for rule in RULES for words in rule(rig, plan.load)]
    assert not wrong, f"seed {seed}, {len(wrong)} differences:\n" + "\n".join(wrong[:40])
    assert not rig.observer.seen["dead-letters"]
    met = Counter(end_of(rig, generation)[0] for generation in plan.load.by_generation())
    print(dict(met))
    assert set(met) == set(COSTS), f"seed {seed}: not every end was met: {met}"
