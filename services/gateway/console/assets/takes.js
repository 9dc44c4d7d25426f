/* The lengths and shapes that a model takes, as choices in the form. */

import { byId, el, fill } from "./dom.js";
import { ratioName } from "./format.js";

const CHIPS_MOST = 12; /* more lengths than that become a field */

/* The smallest width for one of height, and what a shape of it is called in the style sheet. */
const SHAPES = [
  [2, "wide"],
  [1.5, "landscape"],
  [1.05, "classic"],
  [0.95, "square"],
  [0.66, "tall"],
  [0, "portrait"],
];

function shapeOf(ratio) {
  const [width, height] = ratio.split(":").map(Number);
  return (SHAPES.find(([least]) => width / height > least) ?? SHAPES[3])[1];
}

function chip(name, value, words, on, shape) {
  return el(
    "label",
    {},
    el("input", { type: "radio", name, value, checked: on }),
    shape ? el("span.shape", { class: shape, "aria-hidden": "true" }) : null,
    words,
  );
}

function lengthsOf({ durations }) {
  if (!durations || Array.isArray(durations)) return durations ?? [];
  const { least, most } = durations;
  return Array.from({ length: most - least + 1 }, (_, index) => least + index);
}

const lengthField = (lengths, value) =>
  el("input.input", {
    type: "number",
    name: "durationSeconds",
    min: lengths[0],
    max: lengths.at(-1),
    value,
    "aria-label": "Length in seconds",
  });

/* Shows what the model takes with, or without, a first image (a model that takes no text: what it would).
   Keeps what was chosen when the model still takes it, else goes to the model's own default. */
export function showTakes(model, image) {
  const takes = image ? (model?.image ?? model?.text) : (model?.text ?? model?.image);
  if (!takes) return;
  const had = new FormData(byId("compose"));
  const lengths = lengthsOf(takes);
  const hadLength = Number(had.get("durationSeconds"));
  const length = lengths.includes(hadLength) ? hadLength : (takes.defaultDuration ?? lengths[0]);
  byId("durations").closest("fieldset").hidden = !lengths.length;
  fill(
    byId("durations"),
    lengths.length > CHIPS_MOST
      ? lengthField(lengths, length)
      : lengths.map((value) => chip("durationSeconds", value, `${value} s`, value === length)),
  );
  const ratio = takes.ratios.includes(had.get("ratio")) ? had.get("ratio") : takes.defaultRatio;
  fill(
    byId("ratios"),
    takes.ratios.map((value) => chip("ratio", value, ratioName(value), value === ratio, shapeOf(value))),
  );
}
