/* Requests on their way. A request gets its idempotency key and is written to localStorage BEFORE it is sent,
   and is taken out only once the gateway has given a final answer about it. So a double click, a lost answer,
   a closed tab or a reload ends in the same key being sent again, and the same key never makes a second video
   or grant. */

import { Problem, call, uuid } from "./api.js";
import { userId } from "./session.js";

const LIFE_MS = 24 * 3600 * 1000; /* far less than the gateway remembers a key */
const WAITS_MS = [1000, 2000, 4000, 8000, 15000];

/* One outbox: what kind of request, and where it is POSTed. Entries belong to the user who is signed in. */
export function outbox(kind, path) {
  const prefix = () => `reelgate.outbox.${kind}.${userId()}.`;
  const forget = (entry) => localStorage.removeItem(prefix() + entry.key);

  /* What was written and not yet answered, oldest first. Too old ones are dropped: nobody waits any more. */
  function unanswered() {
    const found = [];
    for (const name of Object.keys(localStorage).filter((name) => name.startsWith(prefix()))) {
      try {
        const entry = JSON.parse(localStorage.getItem(name));
        if (Date.now() - entry.at < LIFE_MS && name === prefix() + entry.key) found.push(entry);
        else localStorage.removeItem(name);
      } catch {
        localStorage.removeItem(name);
      }
    }
    return found.sort((a, b) => a.at - b.at);
  }

  /* Writes the request down; from here on it survives the page. Throws when the browser stores nothing. */
  function write(body) {
    const entry = { key: uuid(), at: Date.now(), body };
    localStorage.setItem(prefix() + entry.key, JSON.stringify(entry));
    return entry;
  }

  /* Sends what was written until there is a final answer: its body, or the Problem that refuses it. An
     ended session is no final answer: the entry stays for the next one. waiting(problem) is told each time
     that it takes longer. */
  async function send(entry, { waiting = () => {} } = {}) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const { body } = await call("POST", path, { body: entry.body, key: entry.key });
        forget(entry);
        return body;
      } catch (problem) {
        if (!(problem instanceof Problem) || problem.status === 401) throw problem;
        if (!problem.passing) {
          forget(entry);
          throw problem;
        }
        waiting(problem);
        const pause = problem.retryAfterSeconds
          ? problem.retryAfterSeconds * 1000
          : WAITS_MS[Math.min(attempt, WAITS_MS.length - 1)];
        await new Promise((done) => setTimeout(done, pause));
      }
    }
  }

  return { unanswered, write, send, forget };
}
