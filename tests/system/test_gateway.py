"""The gateway against the real pipeline: what a user is told, when, and that nothing is done twice."""

import concurrent.futures
import csv
import io
import os
import signal
import time
import uuid

import pytest

from forwarder import Forwarder
from gateway_client import Caller, Stream, problem
from gateway_fixtures import ENDS, LIMITS, admin, amounts, gateway, told, user  # noqa: F401
from stack.process import wait_until

# ---- what it costs, and who can pay


def test_no_credit_is_402(user):
    broke = user()
    answer = broke.generate()
    assert answer.status_code == 402
    body = answer.json()
    assert body["code"] == "insufficient_tokens" and body["userId"] == broke.name
    assert (body["currentBalance"], body["requiredTokens"]) == (0, 1)
    assert "enough tokens" in body["detail"]
    assert amounts(broke) == (0, 0, 0, 0)
    assert broke.get("/v1/generations").json()["items"][0]["status"] == "rejected"


def test_a_video_and_its_books(user):
    rich = user(5)
    quote = rich.post("/v1/quotes", {"prompt": "A boat"}).json()
    assert quote["sufficient"] and quote["requiredTokens"] == 1 and quote["balance"]["available"] == 5
    answer = rich.generate(projectId="p-1", durationSeconds=4)
    assert answer.status_code == 202 and answer.json()["status"] == "accepted"
    assert amounts(rich)[0] == 5 and amounts(rich)[1] == 4
    place = answer.headers["Location"]
    done = rich.until(place, lambda body: body["status"] in ENDS)
    assert done["status"] == "completed" and done["output"][0].startswith("http")
    assert done["chargedTokens"] == 1 and done["projectId"] == "p-1" and done["durationSeconds"] == 4
    steps = [event["type"] for event in done["timeline"] if event["type"] != "progressed"]
    assert steps == ["requested", "accepted", "submitted", "completed"]
    entries = rich.until("/v1/transactions", lambda body: len(body["items"]) == 3)["items"]
    assert [(entry["kind"], entry["change"]) for entry in entries] == [("commit", 0), ("reserve", -1), ("grant", 5)]
    assert entries[0]["description"] == f"Video generation: {done['id']}"
    assert amounts(rich) == (5, 4, 0, 1)


def test_a_decision_that_takes_longer_is_pending(user, gateway):
    rich = user(1)
    gateway.start("gateway", 5, **{**LIMITS, "decision_wait_ms": 0})
    admission = gateway.stack.processes["admission-0"]
    admission.signal(signal.SIGSTOP)  # with or without a wait, it could be quicker than our answer
    try:
        answer = Caller(gateway.stack.gateway_url(5), rich.token).generate()
        assert answer.status_code == 202 and answer.json()["status"] == "pending" and answer.headers["Retry-After"]
        admission.signal(signal.SIGCONT)
        rich.until(answer.headers["Location"], lambda body: body["status"] != "pending")
    finally:
        admission.signal(signal.SIGCONT)
        gateway.stack.stop(["gateway-5"], 20)


def test_a_failed_video_costs_nothing(user):
    rich = user(1)
    place = rich.generate("[fail:SAFETY.INPUT.TEXT]").headers["Location"]
    failed = rich.until(place, lambda body: body["status"] in ENDS)
    assert failed["status"] == "failed" and failed["chargedTokens"] == 0
    assert failed["error"]["code"] == "generation_error"
    assert failed["error"]["failureCode"] == "SAFETY.INPUT.TEXT"
    wait_until(lambda: amounts(rich) == (1, 1, 0, 0), 20, "the release")


def test_two_at_once_on_a_balance_of_one(user):
    narrow = user(1)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: Caller(narrow.url, narrow.token).generate().status_code, range(2)))
    assert sorted(answers) == [202, 402]


def test_pages_go_through_everything_once(user):
    rich = user(5)
    made = [rich.generate(f"Number {number}").json()["id"] for number in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = rich.get("/v1/generations?limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page.get("nextCursor")
    assert seen == made[::-1]
    seen, cursor = [], ""
    while cursor is not None:
        page = rich.get("/v1/transactions?limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page.get("nextCursor")
    assert len(seen) == len(set(seen)) >= 6


def test_a_cancelled_one_is_released(user, gateway):
    rich = user(1)
    place = rich.generate("[run:60s]").headers["Location"]
    rich.until(place, lambda body: body["status"] == "submitted")
    assert rich.call("DELETE", place).json()["cancelRequested"]
    assert rich.until(place, lambda body: body["status"] in ENDS)["status"] == "cancelled"
    wait_until(lambda: amounts(rich) == (1, 1, 0, 0), 20, "the release")
    assert rich.call("DELETE", place).json()["status"] == "cancelled"


# ---- idempotency


def test_the_same_key_is_the_same_generation(user, gateway):
    rich = user(3)
    key = f'"{uuid.uuid4()}"'
    first, again = rich.generate(key=key), rich.generate(key=key)
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert "Idempotent-Replayed" not in first.headers and again.headers["Idempotent-Replayed"] == "true"
    assert rich.generate(key=key.strip('"')).json()["id"] == first.json()["id"], "the bare form is the same key"
    other = rich.generate("Another prompt", key=key)
    assert other.status_code == 422 and other.json()["errors"][0]["header"] == "Idempotency-Key"
    assert len(rich.get("/v1/generations").json()["items"]) == 1
    assert gateway.balance(rich.name)["available"] == 2


def test_a_refusal_is_replayed_too(user):
    broke = user()
    answers = [broke.generate(key="once") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [402, 402]
    assert answers[1].headers["Idempotent-Replayed"] == "true"


def test_the_same_key_ten_times_at_once(user, gateway):
    rich = user(10)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: Caller(rich.url, rich.token).generate(key="same").json(), range(10)))
    assert len({answer["id"] for answer in answers}) == 1
    time.sleep(0.5)
    assert gateway.balance(rich.name)["available"] == 9


def test_keys_of_two_users_do_not_meet(user):
    ids = {user(1).generate(key="same").json()["id"] for _ in range(2)}
    assert len(ids) == 2


def test_a_second_instance_answers_alike(user, gateway):
    """Side by side, and a key that was used through one of them is known to the other."""
    rich = user(2)
    first = rich.generate(key="there").json()
    gateway.start("gateway", 1, **LIMITS)
    try:
        there = Caller(gateway.stack.gateway_url(1), rich.token)
        again = there.generate(key="there")
        assert again.json()["id"] == first["id"] and again.headers["Idempotent-Replayed"] == "true"
        assert there.generate("Another prompt", key="there").status_code == 422
        assert gateway.balance(rich.name)["available"] == 1
    finally:
        gateway.stack.stop(["gateway-1"], 20)


@pytest.mark.parametrize("key", [None, "", "two words", "x" * 256, 'in"side'])
def test_a_missing_or_bad_key_is_400(user, key):
    answer = user().post("/v1/generations", {"prompt": "A boat"}, key=key)
    assert answer.status_code == 400 and answer.json()["code"] == "bad_request"


# ---- what is refused before it is published


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({}, "/prompt"),
        ({"prompt": ""}, "/prompt"),
        ({"prompt": 7}, "/prompt"),
        ({"prompt": "x", "ratio": "1:1"}, "/ratio"),
        ({"prompt": "x", "model": "sora"}, "/model"),
        ({"prompt": "x", "durationSeconds": 5.5}, "/durationSeconds"),
        ({"prompt": "x", "durationSeconds": 3000}, "/durationSeconds"),
        ({"prompt": "x", "image": "http://example.com/x.png"}, "/image"),
        ({"prompt": "x", "userId": "somebody-else"}, "/userId"),
        ({"prompt": "x", "generationId": "g-1"}, "/generationId"),
    ],
)
def test_a_wrong_field_is_named(user, body, pointer):
    caller = user()
    for path in ("/v1/generations", "/v1/quotes"):
        answer = caller.post(path, body, key=str(uuid.uuid4()))
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"prompt":"a","prompt":"b"}', b'{"prompt":"\xff"}', b"null"])
def test_what_is_no_object_is_400(gateway, user, body):
    caller = user()
    answer = caller.session.post(
        caller.url + "/v1/generations",
        data=body,
        headers={"Authorization": f"Bearer {caller.token}", "Idempotency-Key": "k"},
        timeout=10,
    )
    assert answer.status_code == 400 and problem(answer)["code"] == "bad_request"


def test_a_large_body_is_413(user):
    assert user().generate("x" * 70000).status_code == 413


# ---- who may what


def test_nobody_sees_anothers(user):
    mine, other = user(1), user()
    place = mine.generate().headers["Location"]
    assert other.get(place).status_code == 404
    assert other.call("DELETE", place).status_code == 404
    assert other.get("/v1/generations").json()["items"] == []


# ---- events


def test_a_stream_tells_what_happens_in_order(user, gateway):
    rich = user(2)
    stream = Stream(rich.url, rich.token)
    stream.wait(lambda events: events)
    assert stream.events[0][1] == "balance" and stream.events[0][2]["available"] == 2
    made = rich.generate().json()["id"]
    stream.wait(lambda events: [data for _, name, data in events if data.get("status") == "completed"])
    stream.wait(lambda events: events[-1][2].get("spent") == 1)
    stream.close()
    assert told(stream.events, made) == ["accepted", "submitted", "completed"]
    kinds = [data["transaction"]["kind"] for _, name, data in stream.events[1:] if name == "balance"]
    assert kinds == ["reserve", "commit"]


def test_a_stream_goes_on_after_a_restart_without_loss_or_double(user, gateway):
    rich = user(6)
    stream = Stream(rich.url, rich.token)
    stream.wait(lambda events: events)
    made = [rich.generate(f"Before {number}").json()["id"] for number in range(2)]
    stream.wait(lambda events: [data for _, _, data in events if data.get("type") == "submitted"])
    gateway.stack.find("gateway-0").signal(signal.SIGKILL)
    for number in range(2):  # while it is away: from Kafka
        made.append(gateway.request(f"{rich.name}-{number}", rich.name))
    time.sleep(1)
    gateway.start("gateway", **LIMITS)
    made += [rich.generate(f"After {number}").json()["id"] for number in range(2)]

    def ended(events):
        return {data["id"] for _, name, data in events if name == "generation" and data["status"] == "completed"}

    stream.wait(lambda events: ended(events) == set(made), 40)
    stream.wait(lambda events: events[-1][2].get("spent") == 6, 20)
    stream.close()
    assert not [name for _, name, _ in stream.events if name == "reset"]
    ids = [event_id for event_id, _, _ in stream.events]
    assert len(ids) == len(set(ids))
    for generation in made:
        assert told(stream.events, generation) == ["accepted", "submitted", "completed"]
    entries = [data["transaction"] for _, name, data in stream.events if "transaction" in data]
    entries = [entry for entry in entries if entry["kind"] != "grant"]  # the view may have heard of it only now
    assert len(entries) == len({entry["id"] for entry in entries}) == 12


def test_a_stream_ends_in_order_when_the_gateway_stops(gateway):
    gateway.start("gateway", 3, **LIMITS)
    stream = Stream(gateway.stack.gateway_url(3), gateway.stack.token("patient"))
    wait_until(lambda: stream.connections, 10, "the stream")
    began = time.monotonic()
    assert gateway.stack.stop(["gateway-3"], 10) == [], "it had to be killed"
    assert time.monotonic() - began < 8
    stream.close()


def test_one_user_has_so_many_streams(user, gateway):
    caller = user()
    streams = [Stream(caller.url, caller.token) for _ in range(8)]
    wait_until(lambda: all(stream.connections for stream in streams), 10, "eight streams")
    assert caller.get("/v1/events").status_code == 429
    for stream in streams:
        stream.close()


def test_a_strange_last_event_id_is_refused(user):
    assert user().get("/v1/events", Last_Event_ID="'; drop table").status_code == 422


# ---- for operators


def test_grants_by_an_admin_are_in_the_books_once(gateway, user, admin):
    lucky = user()
    grant = {"userId": lucky.name, "amount": 7, "reason": "Order 4711"}
    answers = [admin.post("/v1/admin/grants", grant, key="order-4711") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert admin.post("/v1/admin/grants", {**grant, "amount": 8}, key="order-4711").status_code == 422
    assert amounts(lucky) == (7, 7, 0, 0)
    entry = lucky.get("/v1/transactions").json()["items"][0]
    assert entry["kind"] == "grant" and entry["description"] == "Order 4711 (by root)"
    assert admin.post("/v1/admin/grants", {**grant, "amount": -8}, key="fix").status_code == 422
    assert admin.post("/v1/admin/grants", {**grant, "amount": 0}, key="none").status_code == 422
    for reason in ("", "x" * 401, "\U0001f600" * 401):
        assert admin.post("/v1/admin/grants", {**grant, "reason": reason}, key="why").status_code == 422
    told = admin.post("/v1/admin/grants", {**grant, "userId": user().name, "reason": "\U0001f600" * 400}, key="long")
    assert told.status_code == 201 and told.json()["description"].startswith("\U0001f600" * 400)
    row = admin.get(f"/v1/admin/users?q={lucky.name}").json()
    assert row["total"] == 1 and row["items"][0]["balance"]["available"] == 7


def test_one_generations_whole_story(gateway, user, admin):
    rich = user(1)
    made = rich.generate().json()["id"]
    rich.until("/v1/transactions", lambda body: body["items"][0]["kind"] == "commit")
    story = admin.get(f"/v1/admin/generations/{made}").json()
    assert story["generation"]["userId"] == rich.name
    types = {event["type"] for event in story["events"]}
    assert types - {"generation.progressed"} == {
        *(f"generation.{word}" for word in ("requested", "accepted", "submitted", "completed")),
        "tokens.reserve",
        "tokens.commit",
    }
    gateway.observer.to_the_end(0.3)
    for event in story["events"]:
        seen = [
            seen
            for seen in gateway.observer.seen[event["topic"].removeprefix(gateway.prefix)]
            if (seen.partition, seen.offset) == (event["partition"], event["offset"])
        ]
        assert seen and (seen[0].type == event["type"] or seen[0].type == "tokens.entry")


def test_numbers_of_usage_and_funnel(gateway, user, admin):
    before = admin.get("/v1/admin/usage").json()["totals"]
    rich = user(2)
    rich.until(rich.generate().headers["Location"], lambda body: body["status"] == "completed")
    rich.until(rich.generate("[fail:INTERNAL]").headers["Location"], lambda body: body["status"] == "failed")
    user().generate()

    def gained():
        after = admin.get("/v1/admin/usage").json()["totals"]
        return {name: after[name] - before[name] for name in after if after[name] != before[name]}

    wait_until(
        lambda: gained()
        == {
            "grantedTokens": 2,
            "reservedTokens": 2,
            "committedTokens": 1,
            "releasedTokens": 1,
            "rejectedTokens": 1,
            "requested": 3,
            "accepted": 2,
            "submitted": 2,
            "completed": 1,
            "failed": 1,
            "rejected": 1,
        },
        10,
        "the numbers",
    )
    for format_ in ("users", "usage", "holds"):
        sheet = admin.get(f"/v1/admin/{format_}?format=csv")
        assert sheet.headers["Content-Type"].startswith("text/csv") and "attachment" in sheet.headers["Content-Disposition"]
    reasons = {(row["status"], row["code"]) for row in admin.get("/v1/admin/funnel").json()["reasons"]}
    assert {("rejected", "insufficient_tokens"), ("failed", "generation_error")} <= reasons
    assert admin.get("/v1/admin/health").json()["ok"]


def test_an_open_hold_is_shown_with_its_age(user, admin):
    rich = user(1)
    place = rich.generate("[run:60s]").headers["Location"]
    holds = admin.until(
        "/v1/admin/holds?limit=200",
        lambda body: any(item["userId"] == rich.name for item in body["items"]),
    )
    assert holds["count"] == sum(row["count"] for row in holds["ages"]) >= 1
    rich.call("DELETE", place)


def test_a_dead_letter_is_looked_at_driven_again_and_put_aside(gateway, admin):
    for number in range(2):
        gateway.publish("requests", b"{not json <script>", key=f"dl-{number}")
    gateway.flush()
    letters = admin.until(
        "/v1/admin/dead-letters?code=malformed_json", lambda body: len(body["items"]) == 2
    )["items"]
    whole = admin.get(f"/v1/admin/dead-letters/{letters[0]['id']}").json()
    assert whole["text"] == "{not json <script>" and whole["redrivable"]
    where = f"/v1/admin/dead-letters/{letters[0]['id']}"
    assert admin.post(where + "/redrive", {}).status_code == 422
    assert admin.post(where + "/redrive", {"reason": "x" * 401}).status_code == 422
    assert admin.post(where + "/redrive", {"reason": "again"}).json()["state"] == "redriven"
    admin.until("/v1/admin/dead-letters?code=malformed_json", lambda body: len(body["items"]) == 2)
    answer = admin.post(f"/v1/admin/dead-letters/{letters[1]['id']}/discard", {"reason": "a test"}).json()
    assert (answer["state"], answer["by"], answer["reason"]) == ("discarded", "root", "a test")
    put_aside = admin.get("/v1/admin/dead-letters?state=discarded").json()["items"]
    assert [letter["id"] for letter in put_aside] == [letters[1]["id"]]
    assert admin.get("/v1/admin/dead-letters/9-999").status_code == 404


# ---- when something is away


def test_redis_away_is_503_and_then_over(gateway, user):
    rich = user(1)
    redis = gateway.redis_of(rich.name)
    redis.kill()
    try:
        for answer in (rich.get("/v1/balance"), rich.generate(key="waits"), rich.post("/v1/quotes", {"prompt": "x"})):
            assert answer.status_code == 503 and answer.json()["code"] == "processing_error"
        assert rich.get("/v1/generations").status_code == 200, "what needs no Redis goes on"
        wait_until(lambda: not gateway.ready("gateway-0")[0], 10, "not ready")
    finally:
        gateway.redis_back(redis)
    wait_until(lambda: rich.get("/v1/balance").json().get("available") == 1, 30, "the balance again")
    wait_until(lambda: rich.generate(key="waits").status_code == 202, 30, "the same key goes through")


def test_without_kafka_it_answers_503_and_then_goes_on(gateway):
    later = Forwarder(gateway.brokers.port())
    gateway.start("gateway", 4, ready=False, **LIMITS, kafka_bootstrap_servers=f"127.0.0.1:{later.port}")
    try:
        caller = Caller(gateway.stack.gateway_url(4), gateway.stack.token("early"))
        assert caller.get("/v1/me").status_code == 200
        for answer in (caller.get("/v1/generations"), caller.generate(), caller.get("/v1/balance")):
            assert answer.status_code == 503 and answer.json()["code"] == "processing_error"
        wait_until(lambda: "no broker answers" in str(gateway.ready("gateway-4")[1]), 15, "the reason")
        later.open()
        wait_until(lambda: gateway.ready("gateway-4")[0], 30, "ready")
        assert caller.generate().status_code == 402
    finally:
        gateway.stack.stop(["gateway-4"], 20)
        later.close()


# ---- what this instance has not read


def test_what_lies_before_the_window_is_still_told(gateway, user):
    """An instance that reads fifty records of each partition, and a user with more entries than that."""
    rich = user(60)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: Caller(rich.url, rich.token).generate(f"No {number}").json()["id"], range(60)))
    whole = rich.until("/v1/transactions?limit=200", lambda body: len(body["items"]) == 121, 60)["items"]
    assert "completeFrom" not in rich.get("/v1/generations").json()
    gateway.start("gateway", 6, **LIMITS, view_records=50)
    try:
        late = Caller(gateway.stack.gateway_url(6), rich.token)
        seen, cursor = [], ""
        while cursor is not None:
            page = late.get("/v1/transactions?limit=50" + (f"&cursor={cursor}" if cursor else "")).json()
            seen += page["items"]
            cursor = page.get("nextCursor")
        assert seen == whole
        sheet = list(csv.DictReader(io.StringIO(late.get("/v1/transactions?format=csv").text)))
        assert [row["grantId"] or row["generationId"] for row in sheet] == [
            item.get("grantId") or item["generationId"] for item in whole
        ]
        listed = late.get("/v1/generations?limit=200").json()
        assert listed["completeFrom"] > whole[-1]["at"] and len(listed["items"]) < 60
        assert {item["status"] for item in listed["items"]} == {"completed"}, "nothing is pending for ever"
        first = late.get(f"/v1/generations/{made[0]}").json()
        assert first["status"] == "completed" and first["output"][0].startswith("http") and first["chargedTokens"] == 1
        other = Caller(gateway.stack.gateway_url(6), gateway.stack.token("nobody"))
        assert other.get(f"/v1/generations/{made[0]}").status_code == 404
        assert other.get("/v1/transactions").json() == {"items": []}
        assert late.get("/v1/transactions?cursor=0@5x").status_code == 422
    finally:
        gateway.stack.stop(["gateway-6"], 20)


def test_the_workers_say_how_they_are(gateway, user, admin):
    rich = user(1)
    health = {
        name: gateway.stack.processes[name].more["health"].removeprefix("http://") for name in ("generator-0", "poller-0")
    }
    workers = ",".join(f"{name}={address}" for name, address in health.items()) + ",away=127.0.0.1:1"
    gateway.start("gateway", 8, **LIMITS, workers=workers)
    try:
        there = Caller(gateway.stack.gateway_url(8), admin.token)

        def parts():
            return {part["name"]: part for part in there.get("/v1/admin/health").json()["parts"]}

        wait_until(lambda: parts()["generator-0"]["ok"] and parts()["poller-0"]["detail"] == "ready", 20, "ready")
        assert not parts()["away"]["ok"] and "does not answer" in parts()["away"]["detail"]
        gateway.fault(create={"mode": "status", "status": 401})  # Runway takes our key no more
        gateway.request("nobody-can-make-it", rich.name)
        wait_until(lambda: not parts()["generator-0"]["ok"], 20, "the generator's word")
        assert "401" in parts()["generator-0"]["detail"] or "key" in parts()["generator-0"]["detail"]
    finally:
        gateway.stack.stop(["gateway-8"], 20)
