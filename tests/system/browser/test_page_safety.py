"""The pages under strain: words that would be markup, rules of accessibility, and Redis going away."""

import base64
import json

import requests


# Each would set window.pwned if it ever became more than words.
CORPUS = [
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    '"><svg/onload=window.pwned=1>',
    "'-window.pwned=1-'",
    "javascript:window.pwned=1",
    "</textarea></title></style></script><script>window.pwned=1</script>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'>",
    "<a href=javascript:window.pwned=1>click</a>",
    "{{constructor.constructor('window.pwned=1')()}}${window.pwned=1}",
    '<math><mtext></p><style><!--</style><img title="--&gt;&lt;img src=x onerror=window.pwned=1&gt;">',
    "\u202egnp.\u2066<b>window.pwned=1</b>",
    '=HYPERLINK("http://127.0.0.1/","pwned")',
]
ADMIN_ROUTES = ["#/overview", "#/usage", "#/users", "#/holds", "#/dead-letters", "#/health"]
# What a page of ours never holds, wherever the words come from.
FOREIGN = (
    "main img, main iframe, main script, main b, main math, [onerror], [onload], "
    "[href^='javascript'], [src^='javascript'], [src^='data']"
)


def harmless(page, where):
    assert page.run("return window.pwned") is None, where
    assert page.run("return document.querySelectorAll(arguments[0]).length", FOREIGN) == 0, where


def completed(stack, generation, user, output):
    """A provider's answer nobody should trust, as the poller would hand it on."""
    stack.publish(
        "results",
        {
            "generationId": generation,
            "userId": user,
            "taskId": "task",
            "output": output,
            "requiredTokens": 1,
            "outputExpiresAt": "2099-01-01T00:00:00.000Z",
            "timings": {},
        },
        key=user,
        headers={
            "ce_specversion": "1.0",
            "ce_id": f"test-{generation}",
            "ce_source": "test",
            "ce_type": "reelgate.generation.completed",
        },
    )


def test_words_of_users_and_providers_stay_words(page, stack, user):
    stack.grant_and_wait(user, 100)
    for number, words in enumerate(CORPUS):
        stack.publish(
            "requests", {"generationId": f"{user}-{number}", "userId": user, "prompt": words}, key=user
        )
        stack.publish(
            "grants",
            {"grantId": f"{user}-g{number}", "userId": user, "amount": 1, "description": words},
            key=user,
        )
        stack.publish("requests", b"not JSON: " + words.encode(), key=words)
    stack.flush()
    for number in range(len(CORPUS)):
        stack.observer.event(f"{user}-{number}", "completed", "failed", "rejected", seconds=60)
    for number, output in enumerate(
        (["javascript:window.pwned=1"], ["data:text/html,<script>window.pwned=1</script>"])
    ):
        completed(stack, f"{user}-url{number}", user, output)
    stack.flush()

    page.sign_in(user, route="#/videos")
    while page.until(lambda: page.text(".video .prompt"), "the videos") and page.shown(
        "#videos .more-row button"
    ):
        page.click("#videos .more-row button")
        page.until(
            lambda: len(page.all(".video")) > 12 or not page.shown("#videos .more-row button"), "older videos"
        )
    shown = page.run(
        "return [...document.querySelectorAll('.video .prompt')].map((line) => line.textContent)"
    )
    assert set(CORPUS) <= set(shown)
    assert len(shown) == len(CORPUS) + 2, "the two whose addresses would run are not there"
    harmless(page, "videos")
    page.go("#/tokens")
    page.says(CORPUS[0], "#tokens")
    harmless(page, "tokens")

    page.sign_in("root", "admin", "/admin", f"#/users/{user}")
    page.says(CORPUS[1])
    harmless(page, "the ledger")
    for route, words in (
        (f"#/users/{user}?view=generations", CORPUS[0]),
        (f"#/generations/{user}-1", CORPUS[1]),
        ("#/dead-letters", "Dead letters"),
        ("#/overview", "Overview"),
    ):
        page.go(route)
        page.says(words)
        harmless(page, route)
    letter = next(
        seen for seen in stack.observer.seen["dead-letters"] if CORPUS[1].encode() in (seen.value or b"")
    )
    page.go(f"#/dead-letters/{letter.partition}-{letter.offset}")
    page.says("not JSON: ", "#main pre")
    harmless(page, "a dead letter")


def test_words_in_the_address_stay_words(page, user):
    page.sign_in("root", "admin", "/admin", "#/users?q=%3Cimg%20src%3Dx%20onerror%3Dwindow.pwned%3D1%3E")
    page.says("<img src=x")
    harmless(page, "a search")
    page.go("#/generations/%3Cscript%3Ewindow.pwned%3D1%3C%2Fscript%3E")
    page.until(lambda: page.text("#main"), "the page")
    harmless(page, "a route")


def test_a_token_with_markup_in_its_claims_stays_words(page, gateway):
    claims = (
        base64.urlsafe_b64encode(json.dumps({"sub": CORPUS[1], "exp": 1e12}).encode()).rstrip(b"=").decode()
    )
    page.driver.get(f"{gateway.url}/#token=e30.{claims}.x")
    page.says("session has ended", "#signin")
    harmless(page, "sign-in")


def test_the_pages_allow_nothing_inline_and_nothing_foreign(gateway):
    for path in ("/", "/admin", "/assets/user.js", "/assets/chart.min.js"):
        answer = requests.get(gateway.url + path, timeout=10)
        policy = dict(
            part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
        )
        assert answer.status_code == 200 and policy["default-src"] == "'self'"
        assert "unsafe" not in str(policy) and "script-src" not in policy and "style-src" not in policy
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def accessible(page, where):
    """Nothing that axe complains of: in light, in dark (where only the colours differ), on a phone."""
    found = page.axe()
    page.look(1280, 900, dark=True)
    found += page.axe("color-contrast")
    page.look(390, 844)
    found += page.axe("color-contrast", "target-size", "scrollable-region-focusable")
    wide = page.run("return document.documentElement.scrollWidth")
    page.look(1280, 900)
    assert not found and wide <= 390, f"{where}: {wide} wide on a phone; {found}"


def test_the_users_page_is_accessible(page, stack, user):
    stack.grant_and_wait(user, 3)
    page.driver.get(page.gateway.url + "/")
    page.until(lambda: page.shown("#token"), "sign-in")
    accessible(page, "sign-in")
    page.sign_in(user, route="#/videos")
    page.until(lambda: page.text("#cost") == "1 token", "the price")
    accessible(page, "no videos yet")
    page.type("#prompt", "A paper boat")
    page.click("#generate")
    page.says("Ready", ".video .badge")
    page.type("#prompt", "[fail:SAFETY.INPUT.TEXT] somebody")
    page.click("#generate")
    page.says("Nothing was charged", ".video")
    page.type("#prompt", "A slow one [run:3600s]")
    page.click("#generate")
    page.says("Rendering", ".video .badge")
    accessible(page, "videos")
    page.go("#/tokens")
    page.says("Tokens added", "#tokens")
    accessible(page, "tokens")


def test_the_admins_page_is_accessible(page, stack, user):
    stack.grant_and_wait(user, 3)
    stack.request(f"axe-{user}", user, prompt="A paper boat")
    stack.observer.event(f"axe-{user}", "completed")
    page.sign_in("root", "admin", "/admin", "#/overview")
    for route in [
        *ADMIN_ROUTES,
        f"#/users/{user}",
        f"#/users/{user}?view=generations",
        f"#/generations/axe-{user}",
        f"#/search?q={user}",
    ]:
        page.go(route)
        page.until(lambda: page.text("#main h1") and "Loading" not in page.text("#main"), route)
        accessible(page, route)
    page.go(f"#/users/{user}")
    page.click("[data-act=grant]")
    page.until(lambda: page.shown("dialog"), "the dialog")
    accessible(page, "the dialog")


def test_the_theme_can_be_chosen_and_is_kept(page, user):
    page.sign_in(user)
    page.until(lambda: page.shown("#studio"), "the page")
    background = "return getComputedStyle(document.body).backgroundColor"
    light = page.run(background)
    page.click("#theme")
    dark = page.until(lambda: (now := page.run(background)) != light and now, "the dark page")
    page.driver.refresh()
    page.until(lambda: page.shown("#studio"), "the page")
    assert page.run(background) == dark


def test_with_redis_or_kafka_away_the_pages_say_so_and_recover_by_themselves(page, stack, user, cut_off):
    apart, ways = cut_off
    page.fresh(apart)
    stack.grant_and_wait(user, 2)
    page.sign_in(user)
    page.until(lambda: page.text("#cost") == "1 token", "the price")
    page.type("#prompt", "A paper boat")
    page.until(lambda: page.one("#generate").is_enabled(), "the button")

    ways["redis"].close()
    status, headers, problem = page.until(
        lambda: (said := apart.get("/v1/balance", user))[0] == 503 and said, "503 while Redis is away"
    )
    assert problem["code"] == "processing_error" and int(headers["Retry-After"]) >= 1 and status == 503
    page.click("#generate")  # kept, and sent until somebody takes it
    page.says("made once", "#banner")
    ways["redis"].open()
    page.says("Ready", ".video .badge")
    page.until(lambda: not page.shown("#banner") and page.text("#available") == "1", "the page as before")

    ways["kafka"].close()
    page.until(lambda: not part_is_well(apart, "kafka"), "the health of Kafka")
    page.type("#prompt", "Another paper boat")
    page.click("#generate")
    page.says("made once", "#banner")
    page.sign_in("root", "admin", "/admin", "#/health")
    page.until(lambda: page.shown("#strip [data-part=kafka].bad"), "Kafka away in the strip")
    page.says("Something needs attention")
    ways["kafka"].open()
    page.until(lambda: page.shown("#strip [data-part=kafka].good"), "Kafka back in the strip")
    page.says("Everything works")
    page.sign_in(user)
    page.until(lambda: page.text("#available") == "0", "the second video, once")
    page.until(lambda: [line.text for line in page.all(".video .badge")] == ["Ready", "Ready"], "both videos")


def part_is_well(gateway, name):
    parts = gateway.get("/v1/admin/health", "root", "admin")[2]["parts"]
    return next(part["ok"] for part in parts if part["name"] == name)


def test_a_restarted_gateway_loses_no_event_of_an_open_page(page, stack, user, gateway):
    stack.grant_and_wait(user, 2)
    page.sign_in(user)
    page.until(lambda: page.text("#available") == "2", "the balance")
    page.type("#prompt", "A paper boat [run:3600s]")
    page.click("#generate")
    page.says("Rendering", ".video .badge")
    gateway.close()
    stack.cancel(page.one(".video").get_attribute("data-id"), user)
    stack.observer.event(page.one(".video").get_attribute("data-id"), "cancelled", seconds=60)
    gateway.start()
    page.says("Cancelled. Nothing was charged.", ".video")
    page.until(
        lambda: (page.text("#available"), page.text("#reserved"), page.text("#spent")) == ("2", "0", "0"),
        "the balance after the restart",
    )
    page.until(lambda: not page.shown("#live"), "the stream again")
    page.says(user, "#who")  # the same sign-in all along
