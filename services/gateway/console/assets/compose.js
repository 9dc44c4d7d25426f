/* The form: what may be asked for, what it costs before the button is pressed, and sending it exactly once.
 */

import { Problem, post, get } from "./api.js";
import { byId, el, fill } from "./dom.js";
import { count, tokens, units } from "./format.js";
import { outbox } from "./outbox.js";
import { showTakes } from "./takes.js";
import { banner, note, toast } from "./ui.js";

const QUOTE_PAUSE_MS = 250;
const QUOTE_LIFE_MS = 60000;
const RETRY_MS = 4000;
const SEED_MOST = 4294967295;
const NO_TOKENS = "You do not have enough tokens to generate a video. Please purchase more tokens.";
const FIELDS = ["prompt", "model", "durationSeconds", "ratio", "image", "seed"];

const requests = outbox("generations", "/v1/generations");

let opened = null; /* what the page's one form is bound to; listeners are set once */

export function openCompose(context) {
  const first = !opened;
  opened = {
    ...context,
    models: [],
    quote: null,
    balance: null,
    sending: false,
    timer: 0,
    asked: 0,
    quotedFor: "",
    quotedUntil: 0,
  };
  if (first) listen();
  loadModels();
  showCheckout();
  return { setBalance, use, resume };
}

function listen() {
  const form = byId("compose");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.addEventListener("input", ({ target }) => {
    clearError(target.name);
    fill(byId("refusal"));
    if (target.name === "model" || target.name === "image") showTakes(chosenModel(), imageText());
    if (target.name === "prompt") showPromptCount();
    askPrice();
  });
  byId("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
}

async function loadModels() {
  const mine = opened;
  const known = await mine.attempt(() => get("/v1/models"));
  if (mine !== opened) return;
  if (!known) {
    setTimeout(() => mine === opened && loadModels(), RETRY_MS);
    return;
  }
  mine.models = known.models;
  fill(
    byId("model"),
    known.models.map((model) =>
      el(
        "option",
        { value: model.name, selected: model.name === known.defaultModel },
        model.text ? model.name : `${model.name} (needs a first image)`,
      ),
    ),
  );
  byId("model").value = known.defaultModel;
  showTakes(chosenModel(), imageText());
  showPromptCount();
  askPrice();
}

const chosenModel = () => opened.models.find((model) => model.name === byId("model").value);
const imageText = () => byId("image").value.trim();

function showPromptCount() {
  const most = chosenModel()?.promptUnitsMax;
  const used = units(byId("prompt").value);
  byId("prompt-count").textContent = most ? `${count(used)} / ${count(most)}` : "";
}

function requestBody() {
  const data = new FormData(byId("compose"));
  const body = { prompt: data.get("prompt").trim(), model: data.get("model") };
  if (data.get("durationSeconds")) body.durationSeconds = Number(data.get("durationSeconds"));
  if (data.get("ratio")) body.ratio = data.get("ratio");
  if (data.get("image").trim()) body.image = data.get("image").trim();
  if (data.get("seed").trim()) body.seed = Number(data.get("seed").trim());
  return body;
}

/* What can be said without asking: { field, words } of the first thing amiss, or null. */
function amiss() {
  const body = requestBody();
  const model = chosenModel();
  if (!model) return { field: "", words: "Loading the models…" };
  if (body.image && !/^https:\/\/[!#-[\]-~]{5,}$/.test(body.image))
    return { field: "image", words: "This must be an address that begins with https://" };
  if (body.image && !model.image)
    return { field: "image", words: `${model.name} does not take a first image.` };
  if (!body.image && !model.text) return { field: "image", words: `${model.name} needs a first image.` };
  if (body.seed !== undefined && !(Number.isInteger(body.seed) && body.seed >= 0 && body.seed <= SEED_MOST))
    return { field: "seed", words: `A whole number from 0 to ${count(SEED_MOST)}.` };
  if (units(body.prompt) > model.promptUnitsMax)
    return { field: "prompt", words: `At most ${count(model.promptUnitsMax)} characters.` };
  if (!body.prompt) return { field: "prompt", words: "Describe your video first.", gentle: true };
  return null;
}

function setError(field, words) {
  const line = byId(`${field}-error`);
  if (!line) return false;
  line.textContent = words;
  line.hidden = false;
  byId(field)?.setAttribute("aria-invalid", "true");
  if (field === "image" || field === "seed") byId("more").open = true;
  return true;
}

function clearError(field) {
  for (const name of field ? [field] : FIELDS) {
    const line = byId(`${name}-error`);
    if (line) {
      line.hidden = true;
      line.textContent = "";
    }
    byId(name)?.removeAttribute("aria-invalid");
  }
}

/* The gateway's own words beside the fields that they are about; what belongs to no field goes over the
   button. */
function showRefusedFields(problem) {
  const rest = [];
  for (const { pointer, detail } of problem.body.errors ?? []) {
    if (!setError((pointer ?? "").slice(1), detail)) rest.push(detail);
  }
  if (rest.length || !problem.body.errors?.length)
    fill(byId("refusal"), note("bad", rest.join(" ") || problem.message));
}

/* ---- the price */

/* The price hangs on everything but the words: so it is there before them, and typing does not ask again. */
const pricedRequest = () => ({ ...requestBody(), prompt: "A video" });

function askPrice() {
  const mine = opened;
  clearTimeout(mine.timer);
  mine.asked += 1; /* an answer that is still under way is about another request */
  const known = mine.quotedFor === JSON.stringify(pricedRequest()) && Date.now() < mine.quotedUntil;
  if (!known) mine.quote = null;
  showCheckout();
  mine.timer = setTimeout(() => price(mine), QUOTE_PAUSE_MS);
}

async function price(mine) {
  const wrong = amiss();
  if (wrong && !wrong.gentle) {
    if (wrong.field && (wrong.field !== "image" || imageText() || !chosenModel().text))
      setError(wrong.field, wrong.words);
    showCheckout();
    return;
  }
  clearError();
  if (mine.quote) return;
  const asked = ++mine.asked;
  try {
    const body = pricedRequest();
    const quote = await post("/v1/quotes", body);
    if (mine !== opened || asked !== mine.asked) return;
    mine.quote = quote;
    mine.quotedFor = JSON.stringify(body);
    mine.quotedUntil = Date.now() + QUOTE_LIFE_MS;
    banner(null);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (mine !== opened || asked !== mine.asked) return;
    if (error.status === 401) {
      mine.signedOut("Your session has ended. Sign in again with a new token.");
      return;
    }
    if (error.passing) {
      banner(mine.awayWords(error));
      mine.timer = setTimeout(
        () => mine === opened && price(mine),
        (error.retryAfterSeconds ?? RETRY_MS / 1000) * 1000,
      );
    } else {
      showRefusedFields(error);
    }
  }
  showCheckout();
}

function setBalance(balance) {
  opened.balance = balance;
  showCheckout();
}

/* The newest balance decides, since the stream is quicker than the next quote. */
const available = () => opened.balance?.available ?? opened.quote?.balance.available;

function whyNot(missing) {
  if (opened.sending) return "Sending your request…";
  const wrong = amiss();
  if (wrong) return wrong.words;
  if (!opened.quote) return "Working out the price…";
  if (missing > 0)
    return `Not enough tokens: needs ${count(opened.quote.requiredTokens)}, available ${count(available())}.`;
  return "";
}

function showCheckout() {
  const { quote } = opened;
  const left = quote && available() !== undefined ? available() - quote.requiredTokens : null;
  const missing = left !== null && left < 0 ? -left : 0;
  byId("cost").textContent = quote ? tokens(quote.requiredTokens) : "–";
  byId("left").textContent = left === null ? "–" : left < 0 ? `${tokens(missing)} short` : tokens(left);
  byId("left").classList.toggle("short", missing > 0);
  const reason = whyNot(missing);
  byId("generate").disabled = Boolean(reason);
  byId("reason").textContent = reason;
  byId("generate").textContent = opened.sending ? "Sending…" : "Generate video";
  const shown = byId("refusal").dataset.why === "short";
  if (missing > 0 && !opened.sending)
    showShort(quote.requiredTokens, available(), opened.balance?.reserved ?? 0);
  else if (shown && left !== null) clearShort();
}

function showShort(needed, there, reserved) {
  const place = byId("refusal");
  const words =
    `Needed: ${tokens(needed)} · Available: ${tokens(there)}` +
    (reserved ? ` · Reserved: ${tokens(reserved)}` : "");
  if (place.dataset.why === "short" && place.dataset.words === words && place.firstChild) return;
  place.dataset.why = "short";
  place.dataset.words = words;
  fill(place, note("warn", NO_TOKENS, words));
}

function clearShort() {
  delete byId("refusal").dataset.why;
  fill(byId("refusal"));
}

/* ---- sending */

async function submit() {
  const mine = opened;
  if (mine.sending || byId("generate").disabled) return;
  mine.sending = true; /* before anything is awaited: the second click of a double click ends above */
  let entry;
  try {
    entry = requests.write(requestBody());
  } catch {
    mine.sending = false;
    fill(
      byId("refusal"),
      note(
        "bad",
        "Your browser lets this page store nothing.",
        "Without that a lost answer could make two videos, so nothing was sent. Allow storage for this page.",
      ),
    );
    return;
  }
  fill(byId("refusal"));
  showCheckout();
  await deliver(mine, entry, true);
  mine.sending = false;
  showCheckout();
}

/* Sends one entry to its final answer; live says that it is what the form shows. */
async function deliver(mine, entry, live) {
  mine.videos.addSending(entry);
  try {
    const body = await requests.send(entry, {
      waiting: (problem) => {
        banner(`${mine.awayWords(problem)} Your request is kept and will be made once.`);
      },
    });
    if (mine !== opened) return;
    banner(null);
    mine.videos.removeSending(entry);
    mine.videos.add(body);
    if (live) startOver(body.id);
    mine.refresh();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (mine !== opened) return;
    if (error.status === 401) {
      mine.signedOut("Your session has ended. Sign in again: your request is kept and goes out then.");
      return;
    }
    banner(null);
    mine.videos.removeSending(entry);
    refused(error, live);
    mine.refresh();
    if (error.body.generationId) mine.videos.load();
  }
}

function refused(problem, live) {
  if (problem.status === 402) {
    showShort(problem.body.requiredTokens, problem.body.currentBalance, problem.body.reservedTokens ?? 0);
    byId("refusal").scrollIntoView({ block: "nearest" });
    if (!live) toast(NO_TOKENS, "bad");
  } else if (problem.status === 422 && live) {
    showRefusedFields(problem);
  } else {
    fill(byId("refusal"), note("bad", "Your video was not started. Nothing was charged.", problem.message));
  }
}

function startOver(id) {
  byId("prompt").value = "";
  showPromptCount();
  askPrice();
  toast("Your video is on its way.");
  if (matchMedia("(max-width: 900px)").matches) opened.videos.reveal(id); /* there it lies below the form */
}

/* What an earlier life of this page wrote down and never saw answered goes out again, under its own keys. */
function resume() {
  for (const entry of requests.unanswered()) deliver(opened, entry, false);
}

/* Fills the form with what an earlier video was made from. */
function use(generation) {
  byId("prompt").value = generation.prompt ?? "";
  byId("image").value = generation.image ?? "";
  byId("seed").value = generation.seed ?? "";
  if (opened.models.some((model) => model.name === generation.model)) byId("model").value = generation.model;
  showTakes(chosenModel(), imageText());
  for (const name of ["durationSeconds", "ratio"]) {
    const same = byId("compose").querySelector(
      `input[name="${name}"][value="${CSS.escape(String(generation[name] ?? ""))}"]`,
    );
    if (same) same.checked = true;
  }
  showPromptCount();
  askPrice();
  byId("prompt").focus();
  byId("prompt").scrollIntoView({ block: "center" });
}
