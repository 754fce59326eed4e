/**
 * The optional heads of a training: those with enough labels of enough people in its pages. One person's labels are
 * limited: a user who dismisses everything must neither make a head nor teach it others' opinions.
 */
import {
  type Head,
  kinds,
  type OptionalHead,
  optionalHeads,
} from "../../../supabase/functions/_shared/features/kinds.ts";
import type { PageRequest } from "./page-requests.ts";
import { unknown } from "./requests.ts";

/** A head takes this many labels. Of 200 positives a rate is known to 7 % of itself. Not tuned. */
const enough = 200;
/** At most this many count of a person, so that they are of 50 people or more. */
const perPerson = 4;
/** And no person may be more than the 50th part of what a head learns from. */
const largestShare = 1 / 50;

/** The heads that a ranker trained from scratch on these pages has. */
export function headsOf(pages: PageRequest[]): Head[] {
  return [...kinds, ...optionalHeads.filter((head) => counted(pages, head) >= enough)];
}

/** The pages with the labels of these heads, in their order: of a person's labels of an optional head the latest count, as many as are one person's share. */
export function withHeads(pages: PageRequest[], heads: readonly Head[]): PageRequest[] {
  const optional = optionalHeads.filter((head) => heads.includes(head));
  const shares = optional.map((head) => Math.max(perPerson, Math.floor(largestShare * counted(pages, head))));
  const said = optional.map(() => new Map<number, number>());
  const labelled = pages.toReversed().map((page): PageRequest => {
    const shown = page.shown.map(({ post, position, labels, weights, told }) => {
      const of = optional.map((head, i) => {
        const label = told?.[head] ?? unknown;
        if (label !== 1) return label;
        const number = (said[i].get(page.user) ?? 0) + 1;
        said[i].set(page.user, number);
        return number > shares[i] ? unknown : 1;
      });
      const [view, vote, comment] = labels;
      return { post, position, labels: [view, vote, comment, ...of] as typeof labels, ...(weights && { weights }) };
    });
    return { ...page, shown };
  });
  return labelled.reverse();
}

/** How many labels of a head there are, of each person no more than `perPerson`. */
function counted(pages: PageRequest[], head: OptionalHead): number {
  const said = new Map<number, number>();
  for (const { user, shown } of pages)
    for (const { told } of shown) if (told?.[head] === 1) said.set(user, (said.get(user) ?? 0) + 1);
  let sum = 0;
  for (const number of said.values()) sum += Math.min(perPerson, number);
  return sum;
}
