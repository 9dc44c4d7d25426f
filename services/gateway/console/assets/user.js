/* The user page: signs in, loads what is there, then follows the event stream. Each part keeps its own place
   on the page; what they share goes through the few functions handed to them here. */

import { Problem, get } from "./api.js";
import { byId } from "./dom.js";
import { count } from "./format.js";
import { openCompose } from "./compose.js";
import { openHistory } from "./history.js";
import { openStream } from "./stream.js";
import { openVideos } from "./videos.js";
import { adoptToken, expired, signOut, token, userId } from "./session.js";
import { banner, showSignIn, toast } from "./ui.js";

const RETRY_MS = 3000;

let closeStream = () => {};
let parts = null; /* { compose, videos, history } once signed in */
let balance = null;
let left = false; /* signed out: what is still under way says nothing any more */

/* Runs call() and shows its trouble: passing trouble in the banner, an ended session as sign-in. Returns
   undefined when it did not work out. */
async function attempt(call) {
  try {
    const value = await call();
    banner(null);
    return value;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (left) return undefined;
    if (error.status === 401) leave("Your session has ended. Sign in again with a new token.");
    else if (error.passing) banner(awayWords(error));
    else toast(error.message, "bad");
    return undefined;
  }
}

function awayWords(problem) {
  if (problem.code === "unreachable")
    return "Reelgate can't be reached right now. This page keeps trying by itself.";
  if (problem.status === 429) return "That was a little fast. This page goes on by itself in a moment.";
  return "Reelgate is busy recovering. Nothing is lost or charged; this page keeps trying by itself.";
}

function showBalance(next) {
  const before = balance;
  balance = { ...balance, ...next };
  for (const name of ["available", "reserved", "spent"]) {
    const place = byId(name);
    place.textContent = count(balance[name]);
    if (before && before[name] !== balance[name]) {
      place.classList.remove("moved");
      void place.offsetWidth; /* so that the same animation starts anew */
      place.classList.add("moved");
    }
  }
  byId("wallet-hint").textContent =
    balance.verified === false
      ? "Your account is being checked. The numbers may be a little old; new videos wait until it is done."
      : "Reserved tokens are held for videos in the making. They are spent only when the video is ready.";
  parts.compose.setBalance(balance);
}

const loadBalance = async () => {
  const value = await attempt(() => get("/v1/balance"));
  if (value) showBalance(value);
  return value;
};

const reload = () => Promise.all([loadBalance(), parts.videos.load(), parts.history.load()]);

function onEvent({ type, data }) {
  let said;
  try {
    said = JSON.parse(data);
  } catch {
    return;
  }
  if (type === "balance") {
    const { transaction, ...numbers } = said;
    showBalance({ verified: true, ...numbers });
    if (transaction) parts.history.add({ ...transaction, balance: numbers });
  } else if (type === "generation") {
    parts.videos.changed(said);
  } else if (type === "reset") {
    reload();
  }
}

function onState(state) {
  if (state === "signed_out") {
    leave("Your session has ended. Sign in again with a new token.");
    return;
  }
  const badge = byId("live");
  badge.hidden = state === "live";
  badge.textContent = state === "live" ? "" : "Reconnecting";
  if (state === "live") reload(); /* whatever happened while nobody listened */
}

function showRoute() {
  const [, view = "videos", id] = location.hash.split("/");
  const history = view === "tokens";
  byId("videos").hidden = history;
  byId("tokens").hidden = !history;
  for (const [name, on] of [
    ["videos", !history],
    ["tokens", history],
  ]) {
    if (on) byId(`tab-${name}`).setAttribute("aria-current", "page");
    else byId(`tab-${name}`).removeAttribute("aria-current");
  }
  if (!history && id && parts) parts.videos.reveal(decodeURIComponent(id));
}

function leave(words) {
  if (left) return;
  left = true;
  closeStream();
  signOut();
  banner(null);
  for (const id of ["studio", "sign-out", "who", "live", "to-admin"]) byId(id).hidden = true;
  showSignIn(byId("signin"), { words, then: () => location.reload() });
}

async function start() {
  if (!token() || expired()) {
    leave(
      token()
        ? "Your token has expired. Sign in again with a new one."
        : "Paste the access token that you were given.",
    );
    return;
  }
  let me;
  while (!(me = await attempt(() => get("/v1/me")))) {
    if (left) return;
    await new Promise((done) => setTimeout(done, RETRY_MS));
  }
  byId("who").textContent = me.userId;
  byId("who").title = `Signed in as ${me.userId}`;
  for (const id of ["studio", "sign-out", "who"]) byId(id).hidden = false;
  byId("to-admin").hidden = me.role === "user";
  balance = null;

  const videos = openVideos(byId("videos"), {
    attempt,
    again: (generation) => parts.compose.use(generation),
    changed: () => parts?.history.refresh(),
  });
  const history = openHistory(byId("tokens"), { attempt, titleOf: videos.titleOf });
  const compose = openCompose({ attempt, videos, refresh: loadBalance, signedOut: leave, banner, awayWords });
  parts = { compose, videos, history };
  showRoute();
  await reload();
  if (left) return;
  compose.resume();
  closeStream = openStream("/v1/events", { onEvent, onPoll: reload, onState });
}

adoptToken();
addEventListener("hashchange", () => {
  if (new URLSearchParams(location.hash.slice(1)).has("token")) {
    /* a sign-in link opened over this page */
    adoptToken();
    location.reload();
  } else {
    showRoute();
  }
});
byId("sign-out").addEventListener("click", () =>
  leave(`You have signed out${userId() ? ` of ${userId()}` : ""}.`),
);
start();
