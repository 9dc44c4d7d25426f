/* Giving tokens and correcting a balance: first what and why, then a second look at what it will do. The key
   is written down before anything is sent, so an answer that got lost never gives twice. */

import { Problem } from "./api.js";
import { el } from "./dom.js";
import { count, signed, tokens } from "./format.js";
import { outbox } from "./outbox.js";
import { ask, banner, toast } from "./ui.js";

const AMOUNT_MOST = 2147483648;
const grants = outbox("grants", "/v1/admin/grants");

const field = (id, words, input, hint) =>
  el("div.field", {}, el("label", { for: id }, words), input, hint ? el("p.hint", {}, hint) : null);

/* known: { userId?, balance? }; correct: below zero is meant. Resolves when it is over, whatever the end. */
export async function grantDialog(context, { userId, balance, correct = false }) {
  const wanted = await ask({
    title: correct
      ? `Correct the balance of ${userId}`
      : userId
        ? `Grant tokens to ${userId}`
        : "Grant tokens",
    confirm: "Continue",
    content: [
      userId
        ? null
        : field(
            "grant-user",
            "User",
            el("input.input", {
              id: "grant-user",
              name: "userId",
              required: true,
              autocomplete: "off",
              spellcheck: "false",
            }),
          ),
      field(
        "grant-amount",
        correct ? "Change" : "Tokens",
        el("input.input", {
          id: "grant-amount",
          name: "amount",
          inputmode: correct ? "text" : "numeric",
          required: true,
          autocomplete: "off",
        }),
        correct ? "Below zero takes tokens away, as in -20. Available can't go below zero." : null,
      ),
      field(
        "grant-reason",
        "Reason",
        el("input.input", {
          id: "grant-reason",
          name: "reason",
          required: true,
          maxlength: 400,
          autocomplete: "off",
        }),
        "Stands in the journal for ever, with your name; the user sees it, too.",
      ),
    ],
    check: (data) => amiss({ userId, ...data }, correct),
  });
  if (!wanted) return;
  const body = {
    userId: userId ?? wanted.userId.trim(),
    amount: Number(wanted.amount.replace("−", "-")),
    reason: wanted.reason.trim(),
  };
  if (!(await confirmed(body, balance))) return;
  await send(context, grants.write(body));
}

function amiss({ userId, amount, reason }, correct) {
  const value = Number(String(amount).trim().replace("−", "-"));
  if (!/^[A-Za-z0-9._:-]{1,64}$/.test(userId.trim()))
    return "A user's id has 1 to 64 letters, digits, dots, colons, dashes or underscores.";
  if (!Number.isInteger(value) || value === 0 || Math.abs(value) > AMOUNT_MOST)
    return "The amount must be a whole number other than 0.";
  if (!correct && value < 0) return "To take tokens away use “Correct” on the user's page.";
  if (!reason.trim()) return "Say why: it is what an auditor will read.";
  return null;
}

const confirmed = (body, balance) =>
  ask({
    title:
      body.amount > 0
        ? `Give ${tokens(body.amount)} to ${body.userId}?`
        : `Take ${tokens(-body.amount)} from ${body.userId}?`,
    confirm: body.amount > 0 ? `Give ${tokens(body.amount)}` : `Take ${tokens(-body.amount)}`,
    danger: body.amount < 0,
    content: el(
      "dl.facts",
      {},
      el("dt", {}, "User"),
      el("dd.id", {}, body.userId),
      el("dt", {}, "Change"),
      el("dd", {}, signed(body.amount)),
      balance
        ? [
            el("dt", {}, "Available"),
            el("dd", {}, `${count(balance.available)} → ${count(balance.available + body.amount)}`),
          ]
        : null,
      el("dt", {}, "Reason"),
      el("dd", {}, body.reason),
    ),
  });

async function send(context, entry) {
  try {
    const done = await grants.send(entry, {
      waiting: (problem) => banner(`${problem.message} The grant is kept and goes out once.`),
    });
    banner(null);
    toast(
      done.status === "pending"
        ? "Published. The ledger books it as soon as it can."
        : `Done. ${done.userId} now has ${tokens(done.balance?.available ?? 0)} available.`,
    );
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    banner(null);
    toast(problem.message, "bad");
  }
  context.refresh();
}

/* Grants that an earlier life of this page sent and never saw answered: each goes out again only when told
   to. */
export const unansweredGrants = () => grants.unanswered();
export const sendAgain = (context, entry) => send(context, entry);
export const forgetGrant = (context, entry) => {
  grants.forget(entry);
  context.refresh();
};
