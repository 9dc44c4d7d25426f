/* Numbers, times and names as people read them; in the reader's own language where that is only digits and
   dates. */

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const percents = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const exactTime = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "long" });

export const count = (value) => (Number.isFinite(value) ? whole.format(value) : "–");
/* "1 video", "3 videos". */
export const counted = (value, thing, things = `${thing}s`) =>
  `${count(value)} ${Math.abs(value) === 1 ? thing : things}`;
export const tokens = (value) => counted(value, "token");
export const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "±") + count(Math.abs(value));
export const percent = (part, all) => (all > 0 ? percents.format(part / all) : "–");

/* A length of time in milliseconds in its two greatest units: "2 min 5 s". */
export function span(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`;
  const units = [
    ["d", 86400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  const whole1 = Math.floor(seconds / units[first][1]);
  const rest = units[first + 1] ? Math.floor((seconds % units[first][1]) / units[first + 1][1]) : 0;
  return `${whole1} ${units[first][0]}${rest ? ` ${rest} ${units[first + 1][0]}` : ""}`;
}

const parsed = (at) => {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? null : time;
};

export const moment = (at) => (parsed(at) ? dateTime.format(parsed(at)) : "–");
export const clockOf = (at) => (parsed(at) ? clock.format(parsed(at)) : "–");
/* "Today", "Yesterday", or the date. */
export function dayOf(at, now = new Date()) {
  const time = parsed(at);
  if (!time) return "–";
  const midnight = (day) => new Date(day.getFullYear(), day.getMonth(), day.getDate());
  const days = Math.round((midnight(now) - midnight(time)) / 86400e3);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : date.format(time);
}
export const exact = (at) => (parsed(at) ? exactTime.format(parsed(at)) : "–");

/* "just now", "4 minutes ago", "in 3 hours"; older than a week: the date. */
export function ago(at, now = Date.now()) {
  const time = parsed(at);
  if (!time) return "–";
  const seconds = (time.getTime() - now) / 1000;
  const far = Math.abs(seconds);
  if (far < 45) return "just now";
  if (far < 3600) return relative.format(Math.round(seconds / 60), "minute");
  if (far < 86400) return relative.format(Math.round(seconds / 3600), "hour");
  if (far < 7 * 86400) return relative.format(Math.round(seconds / 86400), "day");
  return dateTime.format(time);
}

/* How long since, for ages of holds and the like. */
export const age = (at, now = Date.now()) => (parsed(at) ? span(now - parsed(at).getTime()) : "–");

/* UTF-16 code units, as the provider counts a prompt. */
export const units = (text) => text.length;

/* "1280:720" as what people call it. */
export function ratioName(ratio) {
  const [width, height] = ratio.split(":").map(Number);
  if (!width || !height) return ratio;
  const shape = width > height ? "Landscape" : width < height ? "Portrait" : "Square";
  return `${shape} ${width}×${height}`;
}
