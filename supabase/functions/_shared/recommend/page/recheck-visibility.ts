/**
 * The last check of a page whose candidates a replica found, a moment ago: the primary says which of its posts its reader may be shown now. What
 * they may not be shown leaves the page, and what comes next takes its place.
 */

import type { Pool } from "../../database/database.ts";
import type { Identity } from "../../database/run-as-caller.ts";
import type { PostCandidate } from "../context/user-state.ts";
import { type Descriptions, describeVisiblePosts } from "../hydration/describe-items.ts";
import type { BuiltPage } from "../pipeline/types.ts";
import type { Page } from "../request/cursor.ts";
import type { Reason } from "../request/feed-schema.ts";
import { primarySource, reasonOfSource } from "./explain-page.ts";

/** Whether the primary said that a post may not be shown. */
export type IsUnavailable = (post: Pick<PostCandidate, "post_id">) => boolean;

/** A page of which each post may be shown. */
export interface RecheckedPage {
  made: BuiltPage;
  isGone: IsUnavailable;
  described: Descriptions;
}

/** `make` makes the page of what is not gone, `candidates` are all that it may make it of; `timeout` of each statement. Throws AppError. */
export async function recheckVisibility(
  pool: Pool,
  caller: Identity,
  page: Page,
  candidates: PostCandidate[],
  make: (isGone: IsUnavailable) => Promise<BuiltPage>,
  timeout: string,
): Promise<RecheckedPage> {
  const asked = new Set<string>();
  const shown: Descriptions = new Map();
  const named: Descriptions = new Map();
  const isGone: IsUnavailable = ({ post_id }) => asked.has(post_id) && !shown.has(post_id);
  const ask = async (posts: Pick<PostCandidate, "post_id">[], why: Reason[]) => {
    const ids = [...new Set(posts.map(({ post_id }) => post_id))].filter((id) => !asked.has(id));
    for (const id of ids) asked.add(id);
    const ofReasons = namedBy(why).filter((id) => !named.has(id));
    if (ids.length + ofReasons.length === 0) return;
    const read = await describeVisiblePosts(pool, caller, ids, ofReasons, page, timeout);
    for (const [id, row] of read.shown) shown.set(id, row);
    for (const [id, row] of read.named) named.set(id, row);
  };
  let made = await make(isGone);
  await ask(postsOf(made), made.why);
  if (postsOf(made).some(isGone)) {
    // all at once: of an author who blocked the reader it may be many
    await ask(candidates, []);
    made = await make(isGone);
    await ask(postsOf(made), made.why);
    made = without(made, isGone);
  }
  const onPage = postsOf(made).map(({ post_id }) => [post_id, shown.get(post_id)] as const);
  // with the title that the reader may read now, or else as its source
  const retold = (why: Reason, { ranks, author_id }: PostCandidate): Reason => {
    if (why.kind !== "like_your_history") return why;
    const title = (named.get(why.post_id) ?? shown.get(why.post_id))?.title;
    if (title !== undefined) return { ...why, title };
    return page.given ? { kind: "candidates" } : reasonOfSource(primarySource(ranks), author_id);
  };
  made = { ...made, why: made.why.map((why, i) => retold(why, made.selected[i].chosen.post)) };
  return { made, isGone, described: new Map(onPage.flatMap(([id, row]) => (row ? [[id, row]] : []))) };
}

/** The posts of the reader's history by which reasons explain others. */
function namedBy(why: Reason[]): string[] {
  return [...new Set(why.flatMap((each) => (each.kind === "like_your_history" ? [each.post_id] : [])))];
}

/** With those that are folded into others, since the answer counts them. */
function postsOf({ selected }: BuiltPage): PostCandidate[] {
  return selected.flatMap(({ chosen, folded = [] }) => [chosen, ...folded]).map(({ post }) => post);
}

/** What is gone of what no candidate was: a second model finds its own, and on the primary, so it is hardly ever any. */
function without(made: BuiltPage, isGone: IsUnavailable): BuiltPage {
  const isLeft = made.selected.map(({ chosen }) => !isGone(chosen.post));
  const left = <Item>(items: Item[]) => items.filter((_, i) => isLeft[i]);
  return {
    ...made,
    selected: left(made.selected).map((selected) => ({
      ...selected,
      ...(selected.folded && { folded: selected.folded.filter(({ post }) => !isGone(post)) }),
    })),
    why: left(made.why),
    ...(made.credits && { credits: left(made.credits) }),
    ...(made.promoted && { promoted: left(made.promoted) }),
  };
}
