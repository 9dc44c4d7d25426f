/* The user's event stream (server-sent events) over fetch, since EventSource can't send a bearer token.
   Reconnects by itself with Last-Event-ID, so that nothing is missed; while the stream can't be had, it asks
   to be polled. */

import { token } from "./session.js";

const QUIET_MS = 45000; /* three heartbeats missed: the connection is dead, though nobody said so */
const POLL_MS = 4000;
const BACKOFF_MS = [500, 1000, 2000, 5000, 10000];

/* Splits a text stream into events as WHATWG HTML 9.2 says: feed(text) calls onEvent({ id, type, data }). */
export function parser(onEvent, onRetry = () => {}) {
  let rest = "";
  let id = "";
  let type = "";
  let data = [];

  function line(text) {
    if (text === "") {
      if (data.length) onEvent({ id, type: type || "message", data: data.join("\n") });
      type = "";
      data = [];
      return;
    }
    if (text.startsWith(":")) return;
    const colon = text.indexOf(":");
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (name === "data") data.push(value);
    else if (name === "event") type = value;
    else if (name === "id" && !value.includes("\0")) id = value;
    else if (name === "retry" && /^\d+$/.test(value)) onRetry(Number(value));
  }

  return (text) => {
    rest += text;
    for (;;) {
      const end = rest.search(/\r\n|\r|\n/);
      if (end < 0 || (rest[end] === "\r" && end + 1 === rest.length)) return;
      const width = rest.startsWith("\r\n", end) ? 2 : 1;
      const text1 = rest.slice(0, end);
      rest = rest.slice(end + width);
      line(text1);
    }
  };
}

/* open("/v1/events", { onEvent, onPoll, onState }): onPoll is called now and then while there is no stream,
   onState with "live", "polling" or "signed_out". Returns a function that ends it. */
export function openStream(path, { onEvent, onPoll, onState }) {
  const end = new AbortController();
  let lastId = "";
  let retryMs = null;
  let failures = 0;
  let state = "";

  const say = (next) => {
    if (next !== state) {
      state = next;
      onState(next);
    }
  };
  const wait = (ms) =>
    new Promise((done) => {
      const timer = setTimeout(done, ms);
      end.signal.addEventListener(
        "abort",
        () => {
          clearTimeout(timer);
          done();
        },
        { once: true },
      );
      addEventListener(
        "online",
        () => {
          clearTimeout(timer);
          done();
        },
        { once: true },
      );
    });

  async function once() {
    const dead = new AbortController();
    let timer = setTimeout(() => dead.abort(), QUIET_MS);
    const headers = { Accept: "text/event-stream", Authorization: `Bearer ${token()}` };
    if (lastId) headers["Last-Event-ID"] = lastId;
    try {
      const answer = await fetch(path, {
        headers,
        cache: "no-store",
        credentials: "omit",
        signal: AbortSignal.any([end.signal, dead.signal]),
      });
      if (answer.status === 401) return "signed_out";
      if (answer.status === 204) return "ended";
      if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("text/event-stream")) return "failed";
      say("live");
      failures = 0;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const feed = parser(
        (event) => {
          lastId = event.id || lastId;
          onEvent(event);
        },
        (ms) => {
          retryMs = ms;
        },
      );
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return "cut";
        clearTimeout(timer);
        timer = setTimeout(() => dead.abort(), QUIET_MS);
        feed(value);
      }
    } catch {
      return "failed";
    } finally {
      clearTimeout(timer);
    }
  }

  (async () => {
    while (!end.signal.aborted) {
      const why = await once();
      if (end.signal.aborted) return;
      if (why === "signed_out" || why === "ended") {
        say(why === "ended" ? "polling" : why);
        break;
      }
      failures += 1;
      if (failures > 1) {
        say("polling");
        onPoll();
      }
      const pause = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length) - 1];
      await wait(Math.max(retryMs ?? 0, pause) * (0.75 + Math.random() / 2));
    }
    while (state === "polling" && !end.signal.aborted) {
      await wait(POLL_MS);
      onPoll();
    }
  })();

  return () => end.abort();
}
