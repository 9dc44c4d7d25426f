"""The pages under strain: words that would be markup, rules of accessibility, and Redis going away."""

import base64
import json
import signal

import pytest
import requests

from browser.web import token

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
        stack.observer.event(f"{user}-{number}", "completed", "failed", "rejected")
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


@pytest.mark.parametrize("width,dark", [(1280, False), (1280, True), (390, False)])
def test_the_pages_are_accessible(page, stack, user, width, dark):
    stack.grant_and_wait(user, 3)
    page.look(width, 900, dark)
    page.driver.get(page.gateway.url + "/")
    page.until(lambda: page.shown("#token"), "sign-in")
    found = {"sign-in": page.axe()}
    page.sign_in(user, route="#/videos")
    page.type("#prompt", "A paper boat")
    page.until(lambda: page.one("#generate").is_enabled(), "the button")
    page.click("#generate")
    page.says("Ready", ".video .badge")
    page.type("#prompt", "[fail:SAFETY.INPUT.TEXT] somebody")
    page.click("#generate")
    page.says("Nothing was charged", ".video")
    found["videos"] = page.axe()
    page.go("#/tokens")
    page.says("Tokens added", "#tokens")
    found["tokens"] = page.axe()
    page.sign_in("root", "admin", "/admin", "#/overview")
    generation = page.gateway.get("/v1/generations", user)[2]["items"][0]["id"]
    for route in [
        *ADMIN_ROUTES,
        f"#/users/{user}",
        f"#/users/{user}?view=generations",
        f"#/generations/{generation}",
    ]:
        page.go(route)
        page.until(lambda: page.text("#main h1") and "Loading" not in page.text("#main"), route)
        found[route] = page.axe()
        assert (
            page.run("return document.documentElement.scrollWidth") <= width
        ), f"{route} is wider than the screen"
    page.go(f"#/users/{user}")
    page.click("[data-act=grant]")
    page.until(lambda: page.shown("dialog"), "the dialog")
    found["the dialog"] = page.axe()
    assert {where: what for where, what in found.items() if what} == {}


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


def test_with_redis_away_the_page_says_so_and_recovers_by_itself(page, stack, user, gateway):
    stack.grant_and_wait(user, 1)
    page.sign_in(user)
    page.until(lambda: page.text("#cost") == "1 token", "the price")
    page.type("#prompt", "A paper boat")
    page.until(lambda: page.one("#generate").is_enabled(), "the button")
    redis = stack.stack.processes["redis"]
    redis.signal(signal.SIGSTOP)
    try:
        page.until(lambda: gateway.get("/v1/balance", user)[0] == 503, "503 while Redis is away")
        _, headers, problem = gateway.get("/v1/balance", user)
        assert problem["code"] == "processing_error" and int(headers["Retry-After"]) >= 1
        page.driver.refresh()
        page.until(lambda: page.shown("#banner"), "the banner")
        page.says("keeps trying by itself", "#banner")
    finally:
        redis.signal(signal.SIGCONT)
    page.until(lambda: not page.shown("#banner") and page.text("#available") == "1", "the page as before", 40)
    page.type("#prompt", "A paper boat")
    page.click("#generate")
    page.says("Ready", ".video .badge", 40)


def test_a_restarted_gateway_loses_no_event_of_an_open_page(page, stack, user, gateway):
    stack.grant_and_wait(user, 2)
    page.sign_in(user)
    page.until(lambda: page.text("#available") == "2", "the balance")
    page.type("#prompt", "A paper boat [run:4s]")
    page.click("#generate")
    page.says("Rendering", ".video .badge")
    gateway.close()
    gateway.start()
    page.says("Ready", ".video .badge", 40)
    page.until(
        lambda: (page.text("#available"), page.text("#reserved"), page.text("#spent")) == ("1", "0", "1"),
        "the balance after the restart",
    )
    page.until(lambda: not page.shown("#live"), "the stream again", 30)
    assert token(user)  # the same sign-in all along
