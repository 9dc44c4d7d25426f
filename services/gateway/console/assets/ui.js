/* What both pages show in the same way: toasts, the banner, confirmation, sign-in, the words for a status. */

import { byId, el, fill, icon, mark } from "./dom.js";
import { claims, expired, signIn } from "./session.js";

/* Words that fade after a while; trouble stays until it is put away. */
export function toast(words, kind = "good") {
  const close = el("button", { type: "button", "aria-label": "Dismiss", onclick: () => box.remove() }, "×");
  const box = el(
    "div.toast",
    { class: kind },
    icon(kind === "bad" ? "warn" : "check"),
    el("span", {}, words),
    close,
  );
  byId("toasts").append(box);
  if (kind !== "bad") setTimeout(() => box.remove(), 6000);
}

/* The line under the top bar that says what is away; null takes it off. */
export function banner(words) {
  const line = byId("banner");
  if (line.textContent === (words ?? "")) return;
  line.hidden = !words;
  fill(line, words ? [icon("warn"), el("span", {}, words)] : null);
}

export const note = (kind, title, ...more) =>
  el(
    "div.note",
    { class: kind },
    icon(kind === "good" ? "check" : kind === "" ? "info" : "warn"),
    el(
      "div",
      {},
      el("strong", {}, title),
      more.map((line) => (line ? el("p", {}, line) : null)),
    ),
  );

const STATUS = {
  pending: ["Requested", "busy"],
  requested: ["Requested", "busy"],
  accepted: ["Queued", "busy"],
  queued: ["Queued", "busy"],
  submitted: ["Rendering", "busy"],
  running: ["Rendering", "busy"],
  completed: ["Ready", "good"],
  failed: ["Failed", "bad"],
  cancelled: ["Cancelled", ""],
  rejected: ["Refused", "warn"],
};

export function statusBadge(status) {
  const [words, kind] = STATUS[status] ?? [status, ""];
  return el("span.badge", { class: kind }, words);
}

/* A dialog with a form; resolves to the form's data, or null when it was cancelled. content: nodes of the
   form. check(data) may return words that keep it open. */
export function ask({ title, content, confirm, danger = false, check = () => null }) {
  return new Promise((done) => {
    const trouble = el("p.small", { role: "alert", class: "bad-words", hidden: true });
    const form = el(
      "form",
      { method: "dialog", novalidate: true },
      el("h2", { id: "ask-title" }, title),
      content,
      trouble,
      el(
        "div.actions",
        {},
        el("button.button", { type: "button", onclick: () => box.close() }, "Cancel"),
        el("button.button", { type: "submit", class: danger ? "danger" : "primary" }, confirm),
      ),
    );
    const box = el("dialog", { "aria-labelledby": "ask-title" }, form);
    let answer = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const data = Object.fromEntries(new FormData(form));
      const words = check(data);
      if (words) {
        trouble.hidden = false;
        trouble.textContent = words;
        return;
      }
      answer = data;
      box.close();
    });
    box.addEventListener("close", () => {
      box.remove();
      done(answer);
    });
    document.body.append(box);
    box.showModal();
  });
}

/* The form that takes a token where none, or none that holds, is there. then() is called once one was given.
 */
export function showSignIn(place, { words, then }) {
  const field = el("textarea.input", {
    id: "token",
    name: "token",
    required: true,
    spellcheck: "false",
    autocomplete: "off",
    autocapitalize: "off",
    "aria-describedby": "token-error",
  });
  const error = el("p.error", { id: "token-error", role: "alert" });
  const form = el(
    "form.card",
    { novalidate: true },
    el(
      "div.stack",
      {},
      mark(44),
      el("h1", { id: "signin-title" }, "Sign in to Reelgate"),
      el("p.soft", {}, words),
    ),
    el("div.field", {}, el("label", { for: "token" }, "Access token"), field, error),
    el("button.button.primary.wide", { type: "submit" }, "Sign in"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim().replace(/^Bearer\s+/i, "");
    error.textContent = !text
      ? "Paste your access token."
      : !claims(text)
        ? "This is not an access token."
        : "";
    field.setAttribute("aria-invalid", String(Boolean(error.textContent)));
    if (error.textContent) {
      field.focus();
      return;
    }
    signIn(text);
    if (expired()) {
      error.textContent = "This token has expired. Ask for a new one.";
      return;
    }
    place.hidden = true;
    then();
  });
  fill(place, form);
  place.hidden = false;
  field.focus();
}

/* Saves text under a name on the reader's machine. */
export function saveFile(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast("The browser did not let us copy this.", "bad");
  }
}
