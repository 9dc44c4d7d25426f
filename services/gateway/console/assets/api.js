/* The gateway's HTTP API as promises. A refusal becomes a Problem (RFC 9457) that carries the product's code;
   no answer at all becomes a Problem with the code "unreachable", so callers sort trouble in one place. */

import { token } from "./session.js";

const LIMIT_MS = 20000;

export class Problem extends Error {
  constructor(status, body, retryAfterSeconds) {
    super(body.detail || body.title || `The service answered ${status}`);
    this.status = status;
    this.code = body.code || "internal_error";
    this.body = body;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /* Will the same call, sent again later, perhaps do? */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status === 409 || this.status >= 500;
  }
}

const unreachable = (why) =>
  new Problem(
    0,
    { code: "unreachable", detail: "The service can't be reached. Check your connection.", why },
    null,
  );

async function problemOf(answer) {
  let body = {};
  try {
    const parsed = await answer.json();
    if (parsed && typeof parsed === "object") body = parsed;
  } catch {
    /* a proxy's own page: the status must do */
  }
  const after = Number(answer.headers.get("Retry-After"));
  return new Problem(answer.status, body, Number.isFinite(after) && after > 0 ? after : null);
}

/* The whole answer: { status, headers, body }; with text the body is left as it came. Throws a Problem; an
   AbortError passes through. */
export async function call(method, path, { body, key, signal, text = false } = {}) {
  const headers = {
    Accept: text ? "text/csv, application/json" : "application/json",
    Authorization: `Bearer ${token()}`,
  };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = `"${key}"`;
  const limit = AbortSignal.timeout(LIMIT_MS);
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    if (!answer.ok) throw await problemOf(answer);
    const said = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      body: text ? said : said ? JSON.parse(said) : null,
    };
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (signal?.aborted) throw error;
    throw unreachable(String(error));
  }
}

export const get = async (path, options) => (await call("GET", path, options)).body;
export const post = async (path, body, options) => (await call("POST", path, { ...options, body })).body;

/* path with the parameters that have a value. */
export function withQuery(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/* A random version 4 UUID; crypto.randomUUID() exists only where the page came over TLS or from this machine.
 */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
