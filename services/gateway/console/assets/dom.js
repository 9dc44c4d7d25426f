/* Making elements. Words always go in as text nodes, never as HTML, so nothing that a user or the provider
   wrote can become markup; attributes that could run or load something are set only through safeUrl(). */

const SVG = "http://www.w3.org/2000/svg";

/* el("a.button", { href }, "words", child, …): children may be null, strings, nodes or arrays of them. A
   function under on… is a listener; false and null attributes are left out. */
export function el(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes ?? {})) set(node, key, value);
  put(node, children);
  return node;
}

function set(node, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key.startsWith("on")) {
    if (typeof value !== "function") throw new TypeError(`${key} must be a function`);
    node.addEventListener(key.slice(2), value);
  } else if (key === "href" || key === "src") {
    const url = safeUrl(value);
    if (url) node.setAttribute(key, url);
  } else if (key === "class") {
    node.classList.add(...value.split(" ").filter(Boolean));
  } else {
    node.setAttribute(key, value === true ? "" : String(value));
  }
}

function put(node, children) {
  for (const child of children.flat(4)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/* Puts exactly these children in. */
export function fill(node, ...children) {
  node.replaceChildren();
  put(node, children);
  return node;
}

/* The address when it is one that may be followed or loaded: http(s), or a place on this site. Else null. */
export function safeUrl(value) {
  const text = String(value);
  if (/^(#|\/(?![/\\]))/.test(text)) return text;
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

const ICONS = {
  play: "M6 4.5v11l9-5.5z",
  check: "M4 10.5l4 4 8-9",
  cross: "M5 5l10 10M15 5L5 15",
  warn: "M10 3l8 14H2zM10 8v4M10 14.2v.3",
  info: "M10 2.5a7.5 7.5 0 100 15 7.5 7.5 0 000-15zM10 9v5M10 6.2v.3",
  film: "M3 4h14v12H3zM7 4v12M13 4v12M3 8h4M3 12h4M13 8h4M13 12h4",
  coins:
    "M8 4c3.3 0 6 1 6 2.3S11.3 8.6 8 8.6 2 7.6 2 6.3 4.7 4 8 4zM2 6.3v4c0 1.3 2.7 2.3 6 2.3" +
    "M14 6.3v2M12.5 9.5c3 0 5.5 1 5.5 2.2s-2.5 2.2-5.5 2.2S7 12.9 7 11.7s2.5-2.2 5.5-2.2z" +
    "M7 11.7v3.2c0 1.2 2.5 2.2 5.5 2.2s5.5-1 5.5-2.2v-3.2",
  clock: "M10 2.5a7.5 7.5 0 100 15 7.5 7.5 0 000-15zM10 5.5V10l3 2",
  search: "M9 3.5a5.5 5.5 0 100 11 5.5 5.5 0 000-11zM13 13l4 4",
  grid: "M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM11 11h6v6h-6z",
  chart: "M3 17h14M5 14V9M9 14V4M13 14v-7M17 14v-3",
  users:
    "M7.5 9.5a3 3 0 100-6 3 3 0 000 6zM2 16.5c0-3 2.5-5 5.5-5s5.5 2 5.5 5M13 3.8a3 3 0 010 5.5" +
    "M14.5 11.8c2 .6 3.5 2.3 3.5 4.7",
  lock: "M4.5 9h11v8h-11zM7 9V6.5a3 3 0 016 0V9",
  mail: "M3 5h14v11H3zM3 6l7 5.5L17 6",
  pulse: "M2 10h4l2-6 4 12 2-6h4",
  down: "M10 3v10M5.5 9L10 13.5 14.5 9M4 17h12",
  again: "M16 10a6 6 0 11-2-4.5M16 2.5V6h-3.5",
  copy: "M7 7h10v10H7zM3 13V3h10",
  back: "M12 4l-6 6 6 6",
  plus: "M10 4v12M4 10h12",
  undo: "M4 8h8a4 4 0 010 8H8M4 8l3.5-3.5M4 8l3.5 3.5",
  empty: "M3 11l2.5-7h9l2.5 7v5H3zM3 11h4l1 2h4l1-2h4",
  theme: "M16.5 11.8A7 7 0 018.2 3.5a7 7 0 108.3 8.3z",
};

function svg(given, paths) {
  const root = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ fill: "none", "aria-hidden": "true", ...given }))
    root.setAttribute(key, value);
  for (const line of paths) {
    const path = document.createElementNS(SVG, "path");
    for (const [key, value] of Object.entries(line)) path.setAttribute(key, value);
    root.append(path);
  }
  return root;
}

/* A line icon of 20 by 20 in the colour of the text; hidden from assistive technology, the words beside it
   speak. */
export const icon = (name, size = 20) =>
  svg(
    {
      width: size,
      height: size,
      viewBox: "0 0 20 20",
      stroke: "currentColor",
      "stroke-width": 1.6,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
    },
    [{ d: ICONS[name] }],
  );

/* Our mark: a frame of film that plays. */
export const mark = (size) =>
  svg({ width: size, height: size, viewBox: "0 0 28 28", class: "mark" }, [
    { d: "M7 4h14a6 6 0 016 6v8a6 6 0 01-6 6H7a6 6 0 01-6-6v-8a6 6 0 016-6z", fill: "currentColor", opacity: 0.16 },
    { d: "M11 9.5v9l8-4.5z", fill: "currentColor" },
    { d: "M5 4v20M23 4v20", stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": "2.5 2.5" },
  ]);

export const byId = (id) => document.getElementById(id);
