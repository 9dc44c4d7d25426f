/* What both pages begin and end with: the top bar, signing in, calls that show their trouble, leaving. */

import { Problem, get } from "./api.js";
import { byId, el, fill, icon, mark } from "./dom.js";
import { adoptToken, expired, signOut, token, userId } from "./session.js";
import { banner, showSignIn, toast } from "./ui.js";

const RETRY_MS = 3000;
export const ENDED = "Your session has ended. Sign in again with a new token.";

/* The top bar: name (of the page, or none) links to home; middle and right are the page's own nodes. */
export function topBar({ home, name, middle, right }) {
  fill(
    byId("topbar"),
    el(
      "a.brand",
      { href: home, "aria-label": name ? `Reelgate ${name}, start` : "Reelgate, start" },
      mark(28),
      el("span", {}, "Reelgate ", name ? el("small", {}, name) : null),
    ),
    middle,
    el(
      "nav.push.row",
      { "aria-label": "Account" },
      right,
      el("span.who.soft.small", { id: "who", hidden: true }),
      el(
        "button.button.quiet.icon",
        { id: "theme", type: "button", "aria-label": "Switch colours" },
        icon("theme"),
      ),
      el("button.button.quiet.small", { id: "sign-out", type: "button", hidden: true }, "Sign out"),
    ),
  );
}

/* shown: ids of what is there only while somebody is signed in. pasteWords: what the sign-in form asks for.
   awayWords(problem): the banner while the service, or the way to it, is away. refuses(me): words against
   somebody who has no business here, or null. begin(me) and end() are the page's own. Returns
   { attempt, leave, over }. */
export function openPage({ shown, pasteWords, awayWords, refuses = () => null, begin, end }) {
  let left = false; /* signed out: what is still under way says nothing any more */

  function leave(words) {
    if (left) return;
    left = true;
    end();
    signOut();
    banner(null);
    document.querySelectorAll("dialog").forEach((box) => box.close());
    for (const id of ["who", "sign-out", ...shown]) byId(id).hidden = true;
    showSignIn(byId("signin"), { words, then: () => location.reload() });
  }

  /* Passing trouble goes to the banner, an ended session to the sign-in form. true: it was shown. */
  function trouble(problem) {
    if (left) return true;
    if (problem.status === 401) leave(ENDED);
    else if (problem.passing) banner(awayWords(problem));
    else return false;
    return true;
  }

  /* Runs call() and shows its trouble. Returns undefined when it did not work out. */
  async function attempt(call) {
    try {
      const value = await call();
      banner(null);
      return value;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (!trouble(error)) toast(error.message, "bad");
      return undefined;
    }
  }

  async function start() {
    if (!token() || expired()) {
      leave(token() ? "Your token has expired. Sign in again with a new one." : pasteWords);
      return;
    }
    let me;
    while (!(me = await attempt(() => get("/v1/me")))) {
      if (left) return;
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
    const words = refuses(me);
    if (words) {
      leave(words);
      return;
    }
    byId("who").textContent = me.userId;
    byId("who").title = `Signed in as ${me.userId}`;
    for (const id of ["who", "sign-out", ...shown]) byId(id).hidden = false;
    begin(me);
  }

  adoptToken();
  addEventListener("hashchange", () => {
    if (!new URLSearchParams(location.hash.slice(1)).has("token")) return;
    adoptToken(); /* a sign-in link opened over this page */
    location.reload();
  });
  byId("sign-out").addEventListener("click", () =>
    leave(`You have signed out${userId() ? ` of ${userId()}` : ""}.`),
  );
  return { attempt, leave, trouble, over: () => left, start };
}
