/** What became of each table that has a person or a post: what the finders decided, and of what they passed over, what it has. */
import { type Catalog, nameOf, type Table } from "../catalog/catalog.ts";
import { tableWords, wordsOf } from "../catalog/words.ts";
import { postColumnOf } from "../find/deeds.ts";
import { personsOf } from "../find/find-people.ts";
import { enoughForPosts } from "../find/find-posts.ts";
import type { Roles } from "../find/find-roles.ts";
import type { Use } from "./use.ts";

export type Fate =
  | { table: Table; is: "used"; uses: Use[] }
  | { table: Table; is: "left out" | "not understood"; why: string }
  /** With whom or what nobody did anything: settings, sessions. */
  | { table: Table; is: "beside the point" };

export function fatesOf(catalog: Catalog, roles: Roles, uses: Use[]): Fate[] {
  return catalog.flatMap((table): Fate[] => {
    const own = uses.filter((use) => use.table === table);
    if (own.length > 0) return [{ table, is: "used", uses: own }];
    const decided = decidedOn(table, roles);
    return decided ? [{ table, ...decided }] : passedOver(table, roles);
  });
}

/** What a finder said of it. */
function decidedOn(
  table: Table,
  { actions, muted }: Roles,
): { is: "left out" | "not understood"; why: string } | undefined {
  const unclear = [...muted.unclear, ...actions.unclear].find((found) => found.table === table);
  if (unclear) return { is: "not understood", why: unclear.why };
  const left = [...muted.leftOut, ...actions.leftOut].find((found) => found.table === table);
  return left && { is: "left out", why: left.why };
}

function passedOver(table: Table, app: Roles): Fate[] {
  const { posts, references, candidates } = app;
  const best = candidates.posts[0];
  const candidate = candidates.posts.find((found) => found.table === table);
  if (candidate && candidate.points >= enoughForPosts)
    return [
      {
        table,
        is: "left out",
        why: `posts are the rows of one table: ${nameOf(best.table)} has ${best.points} points, this one ${candidate.points}`,
      },
    ];
  if (candidates.timeless.includes(table))
    return [
      {
        table,
        is: "not understood",
        why: "it has a text and a person, and neither a column nor a known form of its ids says when a row came to be",
      },
    ];
  const persons = personsOf(app, table);
  if (posts && postColumnOf(app, table, posts.table)) return [{ table, is: "not understood", why: "it names a post" }];
  if (persons.length === 0) return [];
  if (tableWords(table.name).some((word) => /^(follow|following|follower|friend|friendship|contact)$/.test(word)))
    return [{ table, is: "left out", why: "whom somebody follows is in no view" }];
  const others = references.others(table);
  const through = others.find(({ to }) => posts && to !== posts.table && postColumnOf(app, to, posts.table));
  if (through) return [{ table, is: "left out", why: `it names no post, but rows of ${nameOf(through.to)}` }];
  const about = others.find(({ to }) =>
    candidates.posts.some((found) => found.table === to && found.points >= enoughForPosts),
  );
  if (about)
    return [{ table, is: "left out", why: `it is about rows of ${nameOf(about.to)}, which are no posts here` }];
  if (
    persons.length > 1 &&
    !persons.some(({ column }) =>
      wordsOf(column.name).some((word) =>
        /^(assignee|sender|recipient|receiver|reporter|offender|affected)$/.test(word),
      ),
    )
  )
    return [
      {
        table,
        is: "not understood",
        why: `it names two people (${persons
          .slice(0, 2)
          .map(({ column }) => column.name)
          .join(", ")}): where one wants to see nothing by the other, recsys.source_mutes has to show it`,
      },
    ];
  return [{ table, is: "beside the point" }];
}
