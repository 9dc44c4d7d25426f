/* Requests on their way. A request gets its idempotency key and is written to localStorage BEFORE it is sent, and is
   taken out only once the gateway has given a final answer about it. So a double click, a lost answer, a closed tab
   or a reload ends in the same key being sent again, and the same key never makes a second video. */

import { Problem, call, uuid } from "./api.js";
import { userId } from "./session.js";

const PREFIX = "reelgate.outbox.";
const LIFE_MS = 24 * 3600 * 1000;      /* far less than the gateway remembers a key */
const WAITS_MS = [1000, 2000, 4000, 8000, 15000];

const prefix = () => `${PREFIX}${userId()}.`;

/* What was written and not yet answered for this user, oldest first. Too old ones are dropped: nobody waits any more. */
export function unanswered() {
  const found = [];
  for (const name of Object.keys(localStorage).filter((name) => name.startsWith(prefix()))) {
    try {
      const entry = JSON.parse(localStorage.getItem(name));
      if (Date.now() - entry.at < LIFE_MS && typeof entry.key === "string") found.push(entry);
      else localStorage.removeItem(name);
    } catch {
      localStorage.removeItem(name);
    }
  }
  return found.sort((a, b) => a.at - b.at);
}

/* Writes the request down; from here on it survives the page. */
export function write(body) {
  const entry = { key: uuid(), at: Date.now(), body };
  localStorage.setItem(prefix() + entry.key, JSON.stringify(entry));
  return entry;
}

const forget = (entry) => localStorage.removeItem(prefix() + entry.key);

/* Sends what was written until there is a final answer: { body } of the 202, or the Problem that refuses it.
   waiting(problem) is told each time that the answer is not final yet. */
export async function send(entry, { waiting = () => {}, signal } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const { body, headers } = await call("POST", "/v1/generations", { body: entry.body, key: entry.key, signal });
      forget(entry);
      return { body, location: headers.get("Location") };
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 401) throw problem;              /* kept: it is sent after the next sign-in */
      if (!problem.passing) { forget(entry); throw problem; }
      waiting(problem);
      const pause = problem.retryAfterSeconds ? problem.retryAfterSeconds * 1000
        : WAITS_MS[Math.min(attempt, WAITS_MS.length - 1)];
      await new Promise((done) => setTimeout(done, pause));
      if (signal?.aborted) throw problem;
    }
  }
}
