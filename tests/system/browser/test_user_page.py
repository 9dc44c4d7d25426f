"""What a user can do and see in the console: the price before the button, the balance, progress, the video,
and that nothing is ever charged twice or for nothing."""

import re

import pytest
from selenium.webdriver.common.keys import Keys

from browser.web import token
from stack.process import wait_until

NO_TOKENS = "You do not have enough tokens to generate a video. Please purchase more tokens."
PROMPT = "A paper boat on a rainy street"
SLOW = " [run:3600s]"  # until it is cancelled


def studio(page, user):
    page.sign_in(user)
    page.until(lambda: page.text("#cost") not in ("", "–"), "the price")


def balance_is(page, available, reserved, spent):
    wanted = (str(available), str(reserved), str(spent))
    page.until(
        lambda: tuple(page.text("#" + name) for name in ("available", "reserved", "spent")) == wanted,
        f"the balance {wanted} on the page",
    )


def ask_for(page, prompt):
    page.type("#prompt", prompt)
    page.click("#generate")


def generations(gateway, user):
    return gateway.get("/v1/generations", user)[2]["items"]


# ---- signing in


def test_a_sign_in_link_leaves_no_token_in_the_address_and_survives_a_reload(page, user):
    page.sign_in(user)
    page.says(user, "#who")
    assert "token" not in page.driver.current_url
    page.driver.refresh()
    page.says(user, "#who")
    assert page.run("return Object.keys(localStorage).filter((key) => key.includes('token'))") == []


def test_without_a_link_a_token_is_pasted_and_nonsense_is_refused(page, user, gateway):
    page.driver.get(gateway.url + "/")
    page.type("#token", "not a token")
    page.click("#signin button")
    page.says("This is not an access token.", "#signin")
    page.type("#token", token(user, seconds=-60))
    page.click("#signin button")
    page.says("expired", "#signin")
    page.type("#token", token(user))
    page.click("#signin button")
    page.says(user, "#who")
    page.click("#sign-out")
    page.says("signed out", "#signin")


# ---- the price and the balance, before the button


def test_the_cost_is_shown_before_the_button_and_follows_the_balance(page, user, stack):
    stack.grant_and_wait(user, 5)
    studio(page, user)
    assert page.text("#cost") == "1 token"
    assert page.text("#left") == "4 tokens"
    assert not page.one("#generate").is_enabled() and "Describe" in page.text("#reason")
    page.type("#prompt", PROMPT)
    page.until(lambda: page.one("#generate").is_enabled(), "the button")
    stack.grant(user, 7)
    balance_is(page, 12, 0, 0)
    assert page.text("#left") == "11 tokens"


def test_without_tokens_the_button_is_disabled_with_the_reason_until_there_are_some(page, user, stack):
    studio(page, user)
    page.type("#prompt", PROMPT)
    page.says(NO_TOKENS, "#refusal")
    page.says("Needed: 1 token · Available: 0 tokens", "#refusal")
    assert not page.one("#generate").is_enabled()
    assert page.text("#reason") == "Not enough tokens: needs 1, available 0."
    stack.grant(user, 1)
    page.until(lambda: page.one("#generate").is_enabled(), "the button, once there is a token")
    assert NO_TOKENS not in page.text("#compose")


# Events never come, so the page goes on believing in what it was told first.
NO_EVENTS = """
const real = window.fetch;
window.fetch = (url, given) => String(url).endsWith("/v1/events") ? new Promise(() => {}) : real(url, given);
"""


def test_a_refusal_by_the_gateway_says_what_is_needed_and_what_is_there(page, user, stack, gateway):
    """The page still believes in a token that is gone: the 402 has the last word."""
    page.before_scripts(NO_EVENTS)
    stack.grant_and_wait(user, 1)
    studio(page, user)
    page.type("#prompt", PROMPT)
    page.until(lambda: page.one("#generate").is_enabled(), "the button")
    stack.grant(user, -1)
    wait_until(lambda: stack.balance(user)["available"] == 0, 60, "the correction")
    page.click("#generate")
    page.says(NO_TOKENS, "#refusal")
    page.says("Needed: 1 token · Available: 0 tokens", "#refusal")
    balance_is(page, 0, 0, 0)
    assert [one["status"] for one in generations(gateway, user)] in ([], ["rejected"])


# ---- a video, from the button to the end


# Everything that these places of the page ever said: what passes quickly has been there all the same.
KEEP_WHAT_IS_SAID = """
window.said = [];
new MutationObserver((changes) => {
  for (const { target, addedNodes } of changes)
    for (const node of addedNodes) {
      window.said.push(`${target.id}=${node.textContent}`);
      for (const inner of node.querySelectorAll?.(".badge, [aria-current=step]") ?? []) window.said.push(inner.textContent);
    }
}).observe(document, { childList: true, subtree: true });
"""


def test_a_video_is_made_as_asked_shown_and_paid_and_the_balance_follows_by_itself(page, user, stack, gateway):
    page.before_scripts(KEEP_WHAT_IS_SAID)
    stack.grant_and_wait(user, 2)
    studio(page, user)
    page.until(lambda: page.all("#live[data-state=live]"), "the stream of events")
    page.click("#durations label:nth-child(2)")
    page.click("#ratios label:nth-child(2)")
    ask_for(page, PROMPT)
    page.says("Ready", ".video .badge")
    balance_is(page, 1, 0, 1)
    said = page.run("return window.said")
    assert {"reserved=1", "available=1", "Rendering", "Ready"} <= set(said), said
    page.says("1 token charged.", ".video")
    made = generations(gateway, user)[0]
    assert (made["model"], made["durationSeconds"], made["ratio"]) == ("gen4.5", 3, "720:1280")
    page.until(
        lambda: page.run(
            "const video = document.querySelector('.video video');"
            "return video && !video.error && video.duration > 0"
        ),
        "a video that can be played",
    )
    page.go("#/tokens")
    rows = page.until(
        lambda: (lines := page.text("#tokens tbody").replace("\n", " ")) and "spent" in lines and lines,
        "the history",
    )
    assert re.search(r"1 token spent.*Reserved for a video.*−1.*Tokens added.*\+2", rows), rows


# The answers about the balance come late: after what happened since they were made.
SLOW_BALANCE = """
const real = window.fetch;
window.fetch = async (url, given) => {
  const answer = await real(url, given);
  if (String(url).endsWith("/v1/balance")) {
    window.late = (window.late ?? 0) + 1;
    await new Promise((done) => setTimeout(done, 3000));
    setTimeout(() => { window.late -= 1; }, 200);
  }
  return answer;
};
"""


def test_a_late_answer_about_the_balance_does_not_outrank_a_newer_event(page, user, stack):
    stack.grant_and_wait(user, 5)
    studio(page, user)
    balance_is(page, 5, 0, 0)
    page.until(lambda: page.all("#live[data-state=live]"), "the stream of events")
    page.run(SLOW_BALANCE)
    ask_for(page, PROMPT)  # asks for the balance anew once it is accepted
    page.until(lambda: page.run("return window.late"), "a call for the balance")
    page.says("Ready", ".video .badge")
    page.until(lambda: page.run("return window.late") == 0, "the late answers")
    balance_is(page, 4, 0, 1)


def test_how_far_a_render_is_moves_by_itself(page, user, stack):
    stack.grant_and_wait(user, 1)
    studio(page, user)
    ask_for(page, PROMPT + " [run:300s]")
    bar = ".video [role=progressbar]"

    def percent():
        return int(page.one(bar).get_attribute("aria-valuenow"))

    first = page.until(lambda: page.shown(bar) and percent(), "the progress")
    page.until(lambda: percent() > first, "its movement")
    assert page.text(".video .percent").endswith(" %")
    stack.cancel(page.one(".video").get_attribute("data-id"), user)
    page.says("Cancelled. Nothing was charged.", ".video")


def test_a_failed_video_says_that_nothing_was_charged_and_the_history_why(page, user, stack):
    stack.grant_and_wait(user, 1)
    studio(page, user)
    ask_for(page, "[fail:SAFETY.INPUT.TEXT] somebody famous")
    page.says("This video failed. Nothing was charged.", ".video")
    page.says("SAFETY.INPUT.TEXT", ".video")
    balance_is(page, 1, 0, 0)
    page.go("#/tokens")
    page.says("Returned: not charged", "#tokens")
    page.says("+1", "#tokens")
    page.says("somebody famous", "#tokens")


def test_a_video_can_be_cancelled_and_costs_nothing(page, user, stack):
    stack.grant_and_wait(user, 1)
    studio(page, user)
    ask_for(page, PROMPT + SLOW)
    page.says("Rendering", ".video .badge")
    page.click(".video [data-act=cancel]")
    page.click("dialog [type=submit]")
    page.says("Cancelled. Nothing was charged.", ".video")
    balance_is(page, 1, 0, 0)


def test_a_reload_in_the_middle_loses_nothing(page, user, stack):
    stack.grant_and_wait(user, 1)
    studio(page, user)
    ask_for(page, PROMPT + SLOW)
    page.says("Rendering", ".video .badge")
    page.driver.refresh()
    page.says("Rendering", ".video .badge")
    balance_is(page, 0, 1, 0)
    stack.cancel(page.one(".video").get_attribute("data-id"), user)
    page.says("Cancelled. Nothing was charged.", ".video")
    balance_is(page, 1, 0, 0)


# ---- never twice


# Whether the key of a request for a video lies in localStorage at the moment when it is sent.
WRITTEN_FIRST = """
const real = window.fetch;
window.fetch = (url, given) => {
  if (given?.method === "POST" && String(url).endsWith("/v1/generations")) {
    const key = given.headers["Idempotency-Key"].replaceAll('"', "");
    window.written = Object.values(localStorage).some((value) => value.includes(key));
  }
  return real(url, given);
};
"""


def test_a_double_click_makes_one_video_under_a_key_that_was_written_down_before(page, user, stack, gateway):
    page.before_scripts(WRITTEN_FIRST)
    stack.grant_and_wait(user, 5)
    studio(page, user)
    page.type("#prompt", PROMPT)
    page.until(lambda: page.one("#generate").is_enabled(), "the button")
    page.run(
        "const button = document.getElementById('generate'); button.click(); button.click();"
        "document.getElementById('compose').requestSubmit()"
    )
    page.says("Ready", ".video .badge")
    balance_is(page, 4, 0, 1)
    assert len(generations(gateway, user)) == 1
    assert page.run("return window.written") is True


# The first answer to a request for a video never reaches the page.
LOSE_ONE_ANSWER = """
if (location.protocol.startsWith("http") && !sessionStorage.getItem("lost")) {
  const real = window.fetch;
  window.fetch = async (url, given) => {
    const answer = await real(url, given);
    const asks = given?.method === "POST" && String(url).endsWith("/v1/generations");
    if (asks && !sessionStorage.getItem("lost")) {
      sessionStorage.setItem("lost", given.headers["Idempotency-Key"]);
      AFTER
    }
    return answer;
  };
}
"""


@pytest.mark.parametrize("after", ["throw new TypeError('connection reset')", "await new Promise(() => {})"])
def test_a_lost_answer_makes_one_video_with_and_without_a_reload(page, user, stack, gateway, after):
    page.before_scripts(LOSE_ONE_ANSWER.replace("AFTER", after))
    stack.grant_and_wait(user, 5)
    studio(page, user)
    ask_for(page, PROMPT)
    key = page.until(lambda: page.run("return sessionStorage.getItem('lost')"), "the answer that is lost")
    kept = page.run(
        "return Object.values(localStorage).filter((value) => value.includes(arguments[0]))", key.strip('"')
    )
    assert kept, "the key is not in localStorage while there is no answer"
    if "Promise" in after:  # for ever: only a reload helps
        page.driver.refresh()
    page.says("Ready", ".video .badge")
    balance_is(page, 4, 0, 1)
    assert len(generations(gateway, user)) == 1
    page.until(
        lambda: not page.run(
            "return Object.keys(localStorage).filter((key) => key.includes('outbox')).length"
        ),
        "an empty outbox",
    )


# ---- everybody, everywhere


def test_the_keyboard_is_enough(page, user, stack):
    stack.grant_and_wait(user, 1)
    studio(page, user)
    body = page.driver.switch_to.active_element
    body.send_keys(Keys.TAB)
    assert page.run("return document.activeElement.className") == "skip"
    for _ in range(12):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        if page.run("return document.activeElement.id") == "prompt":
            break
    assert page.run("return document.activeElement.id") == "prompt"
    page.driver.switch_to.active_element.send_keys(PROMPT)
    page.until(lambda: page.one("#generate").is_enabled(), "the button")
    page.driver.switch_to.active_element.send_keys(Keys.CONTROL, Keys.ENTER)
    page.says("Ready", ".video .badge")


def test_it_works_on_a_phone(page, user, stack):
    stack.grant_and_wait(user, 1)
    page.look(390, 844)
    studio(page, user)
    assert page.run("return document.documentElement.scrollWidth") <= 390
    ask_for(page, PROMPT)
    page.says("Ready", ".video .badge")
    balance_is(page, 0, 0, 1)
    assert page.run("return document.documentElement.scrollWidth") <= 390


def test_a_model_that_needs_a_picture_says_so_and_takes_only_https(page, user, stack):
    stack.grant_and_wait(user, 1)
    studio(page, user)
    page.type("#prompt", PROMPT)
    page.run(
        "const model = document.getElementById('model'); model.value = 'gen4_turbo';"
        "model.dispatchEvent(new Event('input', { bubbles: true }))"
    )
    page.says("gen4_turbo needs a first image.", "#reason")
    page.run("document.getElementById('more').open = true")
    page.type("#image", "http://example.com/boat.png")
    page.says("https://", "#image-error")
    assert not page.one("#generate").is_enabled()
    page.type("#image", "https://example.com/boat.png")
    page.until(lambda: page.one("#generate").is_enabled(), "the button")
