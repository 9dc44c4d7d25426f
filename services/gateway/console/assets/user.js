/* The user page: signs in, loads what is there, then follows the event stream. Each part keeps its own place
   on the page; what they share goes through the few functions handed to them here. */

import { get } from "./api.js";
import { byId, el } from "./dom.js";
import { count } from "./format.js";
import { openCompose } from "./compose.js";
import { openHistory } from "./history.js";
import { ENDED, openPage, topBar } from "./page.js";
import { openStream } from "./stream.js";
import { openVideos } from "./videos.js";

let closeStream = () => {};
let parts = null; /* { compose, videos, history } once signed in */
let balance = null;
let heard = 0; /* how many balances came as events */

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
  for (const part of byId("share").children) part.style.flexGrow = balance[part.className] || 0;
  byId("wallet-hint").textContent =
    balance.verified === false
      ? "Your account is being checked. The numbers may be a little old; new videos wait until it is done."
      : "Reserved tokens are held for videos in the making. They are spent only when the video is ready.";
  parts.compose.setBalance(balance);
}

/* An answer may be older than an event that came while it was under way: then it is asked for again. */
const loadBalance = async () => {
  for (;;) {
    const before = heard;
    const value = await page.attempt(() => get("/v1/balance"));
    if (value && heard !== before) continue;
    if (value) showBalance(value);
    return value;
  }
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
    heard += 1;
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
    page.leave(ENDED);
    return;
  }
  const badge = byId("live");
  badge.dataset.state = state;
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

async function begin(me) {
  byId("to-admin").hidden = me.role === "user";
  byId("live").hidden = true; /* until the stream says otherwise */
  const { attempt, leave } = page;
  const videos = openVideos(byId("videos"), {
    attempt,
    again: (generation) => parts.compose.use(generation),
    changed: () => parts?.history.refresh(),
  });
  const history = openHistory(byId("tokens"), { attempt, titleOf: videos.titleOf });
  const compose = openCompose({ attempt, videos, refresh: loadBalance, signedOut: leave, awayWords });
  parts = { compose, videos, history };
  showRoute();
  await reload();
  if (page.over()) return;
  compose.resume();
  closeStream = openStream("/v1/events", { onEvent, onPoll: reload, onState });
}

topBar({
  home: "/",
  right: [
    el("span.badge.plain", { id: "live", hidden: true }),
    el("a.button.quiet.small", { id: "to-admin", href: "/admin", hidden: true }, "Admin"),
  ],
});
const page = openPage({
  shown: ["studio", "live", "to-admin"],
  pasteWords: "Paste the access token that you were given.",
  awayWords,
  begin,
  end: () => closeStream(),
});
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#/")) showRoute();
});
page.start();
