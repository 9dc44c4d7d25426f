"""What an operator can see and do in the console, each figure against Kafka or Redis themselves; and what the
read-only role can't."""

import csv
import glob
import json
import os
import random
import re

import pytest

from browser.web import Gateway
from stack.process import wait_until

PROMPT = "A paper boat on a rainy street"


def admin(page, route, role="admin"):
    page.sign_in("root", role, "/admin", route)
    page.until(lambda: page.text("#main h1"), f"the page {route}")


def finished(stack, generation):
    stack.observer.event(generation, "completed", "failed", "rejected", seconds=60)
    wait_until(
        lambda: not stack.redis.zscore(f"rg:{{{stack.bucket(generation)}}}:open", generation), 60, "settled"
    )


def rows(page, css="#main tbody tr"):
    """Each row as its cells' words."""
    return page.run(
        "return [...document.querySelectorAll(arguments[0])].map((row) =>"
        " [...row.cells].map((cell) => cell.innerText.trim()))",
        css,
    )


def row_of(page, words):
    return page.until(
        lambda: next((row for row in rows(page) if any(words in cell for cell in row)), None),
        f"a row with {words}",
    )


def saved(page, kind, format_):
    """What pressing an export button saves."""
    for old in glob.glob(os.path.join(page.downloads, "*")):
        os.remove(old)
    page.click(f"#main [data-export={kind}]")
    path = page.until(
        lambda: [name for name in glob.glob(os.path.join(page.downloads, f"reelgate-*.{kind}"))],
        f"a saved {kind} file",
    )[0]
    with open(path, encoding="utf-8", newline="") as file:
        return format_(file)


class Story:
    """One user with a video, a failure and tokens left, and one without any."""

    def __init__(self, name):
        self.rich, self.poor = f"ada-{name}", f"zoe-{name}"
        self.made, self.failed, self.refused = f"made-{name}", f"failed-{name}", f"refused-{name}"


@pytest.fixture(scope="session")
def story(stack, runner):
    told = Story(f"{runner}-{random.randrange(16 ** 4):04x}")
    stack.grant_and_wait(told.rich, 10)
    stack.request(told.made, told.rich, prompt=PROMPT)
    stack.request(told.failed, told.rich, prompt="[fail:SAFETY.INPUT.TEXT] somebody")
    stack.request(told.refused, told.poor, prompt=PROMPT)
    for generation in (told.made, told.failed, told.refused):
        finished(stack, generation)
    wait_until(
        lambda: stack.balance(told.rich) == {"granted": 10, "available": 9, "reserved": 0, "spent": 1},
        60,
        "the rich user's balance",
    )
    return told


# ---- looking


def test_the_overview_tells_the_funnel_the_reasons_and_the_health(page, story):
    admin(page, "#/overview")
    for part in ("kafka", "redis", "view", "admission", "ledger", "generator-0", "poller-0", "ledger-0"):
        page.until(
            lambda part=part: page.shown(f"#strip [data-part={part}].good"), f"{part} in the health strip"
        )
    page.says("Tokens spent")
    for stage in ("Requested", "Accepted", "Submitted", "Completed", "Rejected", "Failed", "Cancelled"):
        assert stage in page.text(".funnel"), stage
    assert row_of(page, "SAFETY.INPUT.TEXT")[0] == "Failed"
    assert row_of(page, "insufficient_tokens")[0] == "Refused"
    assert page.run(PAINTED), "the chart is empty"


# Whether the page's first chart holds pixels of more than one colour.
PAINTED = """
const canvas = document.querySelector("#main canvas");
const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
const seen = new Set();
for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] === 255) seen.add(pixels.slice(i, i + 3).join());
return seen.size > 1;
"""


def test_consumption_is_shown_per_hour_day_and_model_by_deep_links(page, story):
    admin(page, "#/usage?by=hour&hours=24")
    hour = row_of(page, "gen4.5")
    assert [name for name in page.text("#main thead").split("\n")][0].startswith("Hour"), hour
    assert page.run(PAINTED)
    page.click("#main nav[aria-label=Per] a:nth-child(2)")
    page.says("Day (UTC)", "#main thead")
    assert "by=day" in page.driver.current_url
    page.driver.refresh()
    page.says("Day (UTC)", "#main thead")
    spent = int(row_of(page, "gen4.5")[8])
    page.run(
        "const picker = document.querySelector('#main select'); picker.value = 'gen4.5';"
        "picker.dispatchEvent(new Event('change'))"
    )
    page.until(lambda: "model=gen4.5" in page.driver.current_url, "the model in the address")
    assert {row[1] for row in rows(page)} <= {"gen4.5"} and spent >= 1


def test_figures_that_do_not_go_back_far_enough_say_so(page, stack, runner):
    """A gateway that has read ten records of each partition, and more in the journal than that."""
    many = f"many-{runner}-{random.randrange(16 ** 4):04x}"
    for number in range(15):
        stack.publish("grants", {"grantId": f"{many}-{number}", "userId": many, "amount": 1}, key=many)
    stack.flush()
    wait_until(lambda: stack.balance(many)["granted"] == 15, 30, "fifteen grants")
    places = ("overview", "usage", "holds", "users", f"users/{many}")
    for place in places:
        admin(page, "#/" + place)
        assert "Complete since" not in page.text("#main"), place
    whole, page.gateway = page.gateway, Gateway(stack, 200 + runner, view_records=10)
    try:
        for place in places:
            admin(page, "#/" + place)
            page.says("Complete since", "#main")
        page.until(lambda: len(rows(page)) == 15, "the user's ledger is whole: the rest is read from the journal")
    finally:
        page.gateway.close()
        page.gateway = whole


def test_users_are_searched_and_sorted_and_lead_to_their_ledger(page, story, stack):
    admin(page, f"#/users?q={story.rich[1:]}")
    page.until(lambda: [row[0] for row in rows(page)] == [story.rich], "only this user")
    assert rows(page)[0][1:5] == ["9", "0", "1", "10"]
    page.type("#main input[type=search]", "")
    page.click("#main form button")
    page.until(lambda: len(rows(page)) > 1, "everybody")
    for _ in range(2):
        page.click("[data-sort=available]")
    page.until(lambda: "order=asc" in page.driver.current_url, "the order in the address")
    page.until(
        lambda: (seen := [int(row[1].replace(",", "")) for row in rows(page)]) == sorted(seen), "ascending"
    )
    page.go(f"#/users/{story.rich}")
    page.until(lambda: len(rows(page)) >= 5, "the ledger")
    ledger = rows(page)
    available = 0
    for _, kind, _, _, change, after, reserved, spent, _ in reversed(ledger):
        available += int(change.replace("−", "-").replace("±", ""))
        assert int(after) == available, (kind, ledger)
    assert ledger[0][5:8] == ["9", "0", "1"]
    stack.observer.to_the_end()
    journal = {f"{seen.partition}@{seen.offset}" for seen in stack.observer.seen["journal"]}
    assert journal >= {row[8] for row in ledger}


def test_a_generations_timeline_names_time_and_place_of_each_event(page, story, stack):
    admin(page, f"#/generations/{story.made}")
    page.says("tokens.commit", "#main .timeline")
    shown = page.text("#main .timeline")
    stack.observer.to_the_end()
    for seen in stack.observer.results(story.made):
        assert f"{stack.prefix}results/{seen.partition}@{seen.offset}" in shown, seen.type
    entries = [seen for seen in stack.observer.seen["journal"] if seen.data.get("generationId") == story.made]
    for seen in entries:
        assert f"{stack.prefix}journal/{seen.partition}@{seen.offset}" in shown, seen.data["kind"]
    assert len(entries) == 2 and re.search(r"\d\d:\d\d:\d\d\.\d{3}", shown)


def test_one_search_box_finds_whatever_id_there_is(page, story, stack, gateway):
    admin(page, "#/overview")

    def find(words, place):
        page.type("#find-text", words + "\n")
        page.until(lambda: page.run("return location.hash") == place, f"{place} for {words}")

    task = stack.observer.event(story.made, "submitted").data["taskId"]
    commit = next(
        seen
        for seen in stack.observer.seen["journal"]
        if seen.data.get("generationId") == story.made and seen.data["kind"] == "commit"
    )
    find(story.failed, f"#/generations/{story.failed}")
    page.says("SAFETY.INPUT.TEXT")
    find(story.poor, f"#/users/{story.poor}")
    find(task, f"#/generations/{story.made}")
    find(f"{story.rich[4:]}", f"#/search?q={story.rich[4:]}")  # a part of both users' ids
    page.until(lambda: {row[1] for row in rows(page)} >= {story.rich, story.poor}, "both users")
    find(f"{commit.partition}@{commit.offset}", f"#/generations/{story.made}")
    status, _, made = gateway.call(
        "POST", "/v1/generations", story.rich, headers={"Idempotency-Key": f"key-of-{story.rich}"}, body={"prompt": PROMPT}
    )
    assert status == 202
    find(f"key-of-{story.rich}", f"#/generations/{made['id']}")
    find("nothing has this name", "#/search?q=nothing+has+this+name")
    page.says("Nothing known here")
    page.driver.refresh()
    page.says("0 matches")


def test_holds_are_listed_by_age_and_vanish_by_themselves_when_they_end(page, stack, user, gateway):
    held = f"held-{user}"
    stack.grant_and_wait(user, 1)
    stack.request(held, user, prompt=PROMPT + " [run:3600s]")
    wait_until(lambda: held in json.dumps(gateway.get("/v1/admin/holds", "root", "admin")[2]), 60, "the hold")
    admin(page, "#/holds")
    assert row_of(page, held)[5] == "1"
    assert "under 1 min" in page.text(".funnel")
    stack.cancel(held, user)
    page.until(
        lambda: (shown := rows(page)) and not any(held in " ".join(row) for row in shown),
        "the end of the hold, without a click",
    )


# ---- doing


def grant(page, amount, reason, confirm=True):
    page.type("#grant-amount", str(amount))
    page.type("#grant-reason", reason)
    page.click("dialog [type=submit]")
    page.says("?", "dialog h2")
    if confirm:
        page.click("dialog [type=submit]")


def test_a_grant_asks_twice_gives_once_and_stands_in_the_ledger(page, stack, user):
    stack.grant_and_wait(user, 5)
    admin(page, f"#/users/{user}")
    page.click("[data-act=grant]")
    page.click("dialog [type=submit]")
    assert page.text("dialog [role=alert]"), "an empty grant went through"
    grant(page, 20, "Order 4711", confirm=False)
    page.says("5 → 25", "dialog")
    page.run("const button = document.querySelector('dialog [type=submit]'); button.click(); button.click()")
    page.says("25 tokens available", "#toasts")
    assert stack.balance(user)["available"] == 25
    page.until(
        lambda: any("Order 4711" in row[2] and "root" in row[2] for row in rows(page)),
        "the reason and who gave it",
    )
    page.click("[data-act=correct]")
    grant(page, -10, "Paid twice")
    page.says("15 tokens available", "#toasts")
    page.click("[data-act=correct]")
    grant(page, -16, "Too much")
    page.until(lambda: page.all(".toast.bad"), "the refusal")
    assert stack.balance(user)["available"] == 15


def letters(stack, *bytes_):
    """Publishes what nobody can understand and waits until it lies in dead-letters."""
    for value in bytes_:
        stack.publish("requests", value, key="letters")
    stack.flush()

    def found():
        return {
            seen.value: f"{seen.partition}-{seen.offset}"
            for seen in stack.observer.seen["dead-letters"]
            if seen.value in bytes_
        }

    stack.observer.until(lambda: len(found()) == len(bytes_), 60, "dead letters")
    return found()


def test_dead_letters_are_read_redriven_and_discarded_with_a_reason(page, stack, user):
    first, second = b'{"userId": "%s", ' % user.encode(), b"\xff\xfe not text of " + user.encode()
    ids = letters(stack, first, second)
    admin(page, f"#/dead-letters/{ids[first]}")
    page.says(f'{{"userId": "{user}",', "#main pre")
    page.says(f"{stack.prefix}requests/", "#main .facts")
    page.click("[data-act=redrive]")
    page.click("dialog [type=submit]")
    page.says("Say why", "dialog")
    page.type("#why", "The sender was repaired")
    page.click("dialog [type=submit]")
    page.says("redriven")
    page.says("The sender was repaired", "#main .facts")
    again = stack.observer.until(
        lambda: [seen for seen in stack.observer.seen["requests"] if seen.value == first][1:],
        60,
        "the same bytes on requests again",
    )
    assert again
    page.go(f"#/dead-letters/{ids[second]}")
    page.says("base64")
    page.click("[data-act=discard]")
    page.type("#why", "A test of the billing team")
    page.click("dialog [type=submit]")
    page.says("discarded")
    page.go("#/dead-letters?state=discarded")
    page.until(lambda: page.all(f"#main tr[data-id='{ids[second]}']"), "it among the discarded")
    page.go("#/dead-letters")
    page.until(
        lambda: page.text("#main h1") == "Dead letters"
        and not page.all(f"#main tr[data-id='{ids[second]}']"),
        "it gone from the open ones",
    )


def test_lists_are_saved_as_csv_and_json(page, story, stack, user):
    letters(stack, b"{to be saved for " + user.encode())
    admin(page, f"#/users/{story.rich}")
    page.until(lambda: rows(page), "the ledger")
    ledger = saved(page, "csv", lambda file: list(csv.DictReader(file)))
    assert {"grant", "reserve", "commit", "release"} == {line["kind"] for line in ledger}, ledger
    assert len(saved(page, "json", json.load)) == len(ledger)
    for route, title, column, value in (
        ("#/users", "Users", "userId", story.rich),
        ("#/usage?by=day", "Token usage", "model", "gen4.5"),
        ("#/dead-letters", "Dead letters", "code", "malformed_json"),
        (f"#/generations/{story.made}", PROMPT, "type", "tokens.commit"),
    ):
        page.go(route)
        page.until(lambda title=title: page.text("#main h1") == title, title)
        lines = saved(page, "csv", lambda file: list(csv.DictReader(file)))
        assert value in [line[column] for line in lines], (route, lines)
        assert value in json.dumps(saved(page, "json", json.load)), route


# ---- who may


def test_support_sees_everything_and_can_change_nothing(page, story, stack, user, gateway):
    nonsense = b"{nothing of " + user.encode()
    ids = letters(stack, nonsense)
    for route in (
        "#/overview",
        "#/usage",
        "#/users",
        f"#/users/{story.rich}",
        "#/holds",
        "#/dead-letters",
        f"#/dead-letters/{ids[nonsense]}",
        "#/health",
    ):
        admin(page, route, role="support")
        assert page.text("#role") == "Read only"
        assert not page.all("[data-act]"), route
    status, _, problem = gateway.call(
        "POST",
        "/v1/admin/grants",
        "root",
        "support",
        headers={"Idempotency-Key": user},
        body={"userId": user, "amount": 5, "reason": "none"},
    )
    assert (status, problem["code"]) == (403, "forbidden")
    assert stack.balance(user)["granted"] == 0


def test_a_users_token_does_not_open_the_admin_page(page, user):
    page.sign_in(user, "user", "/admin")
    page.says("needs the role support or admin", "#signin")
    assert not page.shown("#shell")
