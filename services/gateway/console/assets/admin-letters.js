/* Dead letters: what could not be understood or done, by reason; each with its bytes; redrive and discard. */

import { get, post, withQuery } from "./api.js";
import { el, icon } from "./dom.js";
import { count, counted } from "./format.js";
import {
  card,
  tableCard,
  exports,
  head,
  link,
  pager,
  segmented,
  table,
  timeOf,
  toCsv,
  userLink,
  whole,
} from "./admin-kit.js";
import { ask, toast } from "./ui.js";

const PAGE = 50;
const STATES = [
  ["Open", "open"],
  ["Redriven", "redriven"],
  ["Discarded", "discarded"],
  ["All", "all"],
];
const COLUMNS = [
  "id",
  "state",
  "at",
  "code",
  "message",
  "service",
  "originalTopic",
  "originalPartition",
  "originalOffset",
  "bytes",
  "userId",
  "by",
  "reason",
  "markedAt",
];
const KIND = { open: "warn", redriven: "good", discarded: "" };
let pages = 1;
let pagesOf = "";

const settings = ({ state = "open", code = "" }) => ({
  state: STATES.some(([, name]) => name === state) ? state : "open",
  code,
});
const origin = (letter) =>
  el("span.id", {}, `${letter.originalTopic}/${letter.originalPartition}@${letter.originalOffset}`);
const stateBadge = (letter) => el("span.badge", { class: KIND[letter.state] }, letter.state);
const path = (id) => `/v1/admin/dead-letters/${encodeURIComponent(id)}`;

const why = (words) => [
  el("p", {}, words),
  el(
    "div.field",
    {},
    el("label", { for: "why" }, "Reason"),
    el("input.input", { id: "why", name: "reason", required: true, maxlength: 400, autocomplete: "off" }),
  ),
];
const reasonGiven = (data) => (data.reason.trim() ? null : "Say why: it is kept with the letter.");

async function mark(context, letters, act) {
  const many = letters.length > 1 ? counted(letters.length, "dead letter") : "this dead letter";
  const given = await ask(
    act === "redrive"
      ? {
          title: `Redrive ${many}?`,
          confirm: "Redrive",
          check: reasonGiven,
          content: why(
            "It is published again where it came from, byte for byte. What was done is not done twice.",
          ),
        }
      : {
          title: `Discard ${many}?`,
          confirm: "Discard",
          danger: true,
          check: reasonGiven,
          content: why("It leaves the list. The bytes stay in the topic for as long as it keeps them."),
        },
  );
  if (!given) return;
  let done = 0;
  for (const letter of letters) {
    const answer = await context.attempt(() =>
      post(`${path(letter.id)}/${act}`, { reason: given.reason.trim() }),
    );
    if (!answer) break;
    done += 1;
  }
  if (done) toast(`${counted(done, "dead letter")} ${act === "redrive" ? "redriven" : "discarded"}.`);
  context.refresh();
}

const actButton = (context, letters, act, words) =>
  el(
    "button.button.small",
    {
      type: "button",
      "data-act": act,
      class: act === "discard" ? "quiet" : "",
      onclick: () => mark(context, letters, act),
    },
    words,
  );

export const list = {
  title: () => "Dead letters",

  async load({ parameters }) {
    const now = settings(parameters);
    if (pagesOf !== JSON.stringify(now)) {
      pages = 1;
      pagesOf = JSON.stringify(now);
    }
    let page = await get(withQuery("/v1/admin/dead-letters", { ...now, limit: PAGE }));
    const items = [...page.items];
    for (let i = 1; i < pages && page.nextCursor; i += 1) {
      page = await get(withQuery("/v1/admin/dead-letters", { ...now, limit: PAGE, cursor: page.nextCursor }));
      items.push(...page.items);
    }
    return { ...page, items };
  },

  show({ parameters, data, context }) {
    const now = settings(parameters);
    const all = data.reasons.reduce((sum, reason) => sum + reason.count, 0);
    const movable = data.items.filter((letter) => letter.redrivable && letter.state === "open");
    return [
      head(
        "Dead letters",
        "What could not be understood or done, byte for byte, with where it came from.",
        exports(context, "reelgate-dead-letters", {
          json: () => whole("/v1/admin/dead-letters", now),
          csv: async () => toCsv(await whole("/v1/admin/dead-letters", now), COLUMNS),
        }),
      ),
      el(
        "div.row",
        {},
        segmented(
          "State",
          STATES.map(([words, state]) => [
            words,
            link("dead-letters", { state, code: now.code }),
            state === now.state,
          ]),
        ),
        context.canWrite && movable.length > 1
          ? el(
              "span.push",
              {},
              actButton(context, movable, "redrive", `Redrive these ${count(movable.length)}`),
            )
          : null,
      ),
      data.reasons.length
        ? segmented("Reason", [
            [`All ${count(all)}`, link("dead-letters", { state: now.state }), !now.code],
            ...data.reasons.map((reason) => [
              `${reason.code} ${count(reason.count)}`,
              link("dead-letters", { state: now.state, code: reason.code }),
              reason.code === now.code,
            ]),
          ])
        : null,
      el(
        "section.card",
        { "aria-label": "Dead letters" },
        table({
          caption: "Dead letters, newest first",
          rows: data.items,
          none: "No dead letters. Good.",
          columns: [
            { name: "When", cell: (row) => timeOf(row.at) },
            {
              name: "Reason",
              class: "break",
              cell: (row) => [
                el("a", { href: `#/dead-letters/${encodeURIComponent(row.id)}` }, row.code),
                el("div.small.soft", {}, row.message),
              ],
            },
            { name: "From", cell: origin },
            { name: "Bytes", amount: true, cell: (row) => count(row.bytes) },
            { name: "State", cell: stateBadge },
            ...(context.canWrite
              ? [
                  {
                    name: "Action",
                    class: "actions-cell",
                    cell: (row) =>
                      row.state === "open"
                        ? [
                            row.redrivable ? actButton(context, [row], "redrive", "Redrive") : null,
                            actButton(context, [row], "discard", "Discard"),
                          ]
                        : el("span.small.soft", {}, row.by ?? ""),
                  },
                ]
              : []),
          ],
        }),
        pager(data.nextCursor, () => {
          pages += 1;
          context.refresh();
        }),
      ),
    ];
  },
};

export const one = {
  title: ({ id }) => `Dead letter ${id}`,
  load: ({ id }) => get(path(id)),

  show({ id, data: letter, context }) {
    const rows = [
      ["Reason", letter.code],
      ["Message", letter.message],
      ["From", origin(letter)],
      ["Written by", letter.service],
      ["When", timeOf(letter.at)],
      ["Key", letter.key],
      ["User", letter.userId ? userLink(letter.userId) : null],
      ["Bytes", count(letter.bytes)],
      ["Marked by", letter.by],
      ["Because", letter.reason],
      ["Marked", letter.markedAt ? timeOf(letter.markedAt) : null],
    ];
    return [
      el(
        "div",
        {},
        el("a.crumb", { href: "#/dead-letters" }, icon("back", 14), "Dead letters"),
        head(
          `Dead letter ${id}`,
          null,
          stateBadge(letter),
          context.canWrite && letter.state === "open"
            ? [
                letter.redrivable ? actButton(context, [letter], "redrive", "Redrive") : null,
                actButton(context, [letter], "discard", "Discard"),
              ]
            : null,
        ),
      ),
      letter.redrivable
        ? null
        : el(
            "p.small.soft",
            {},
            "Only what came from requests and grants can be redriven: the rest is our own.",
          ),
      el(
        "div.two",
        {},
        card(
          "Its bytes",
          el("pre", { tabindex: "0", "aria-label": "Bytes" }, letter.text ?? letter.base64 ?? ""),
          letter.text === undefined && letter.base64 !== undefined
            ? el("p.small.soft", {}, "Not UTF-8: shown in base64.")
            : null,
          letter.cut ? el("p.small.soft", {}, "Cut here; the topic has all of it.") : null,
        ),
        card(
          "Facts",
          el(
            "dl.facts",
            {},
            rows
              .filter(([, value]) => value !== null && value !== undefined && value !== "")
              .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
          ),
        ),
      ),
      tableCard(
        "Headers",
        table({
          caption: "Headers",
          rows: letter.headers ?? [],
          none: "No headers.",
          columns: [
            { name: "Name", cell: (row) => el("span.id", {}, row.name) },
            { name: "Value", class: "break", cell: (row) => row.value },
          ],
        }),
      ),
    ];
  },
};
