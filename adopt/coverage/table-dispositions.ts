/** What became of each table that has a person or a post: what the finders decided, and of what they passed over, what it has. */
import { type Catalog, nameOf, type Table } from "../catalog/catalog.ts";
import { wordsOfName } from "../catalog/words.ts";
import { personsOf } from "../find/find-people.ts";
import { enoughForPosts } from "../find/find-posts.ts";
import type { Roles } from "../find/find-roles.ts";
import { postColumnOf } from "../find/interaction-tables.ts";
import type { TableUse } from "./use.ts";

export type TableDisposition =
  | { table: Table; is: "used"; uses: TableUse[] }
  | { table: Table; is: "left out" | "not understood"; why: string }
  /** Tables without actions between people and posts: settings, sessions. */
  | { table: Table; is: "irrelevant" };

export function tableDispositions(catalog: Catalog, roles: Roles, uses: TableUse[]): TableDisposition[] {
  return catalog.flatMap((table): TableDisposition[] => {
    const own = uses.filter((use) => use.table === table);
    if (own.length > 0) return [{ table, is: "used", uses: own }];
    const decided = decidedOn(table, roles);
    return decided ? [{ table, ...decided }] : passedOver(table, roles);
  });
}

/** What a finder said of it. */
function decidedOn(
  table: Table,
  { actions, muted, followed, belonging }: Roles,
): { is: "left out" | "not understood"; why: string } | undefined {
  const unclear = [...muted.unclear, ...followed.unclear, ...actions.unclear].find((found) => found.table === table);
  if (unclear) return { is: "not understood", why: unclear.why };
  const left = [
    ...muted.leftOut,
    ...followed.leftOut,
    ...actions.repeats,
    ...actions.leftOut,
    ...belonging.leftOut,
  ].find((found) => found.table === table);
  return left && { is: "left out", why: left.why };
}

function passedOver(table: Table, app: Roles): TableDisposition[] {
  const { contents, references, candidates } = app;
  const namesPost = (from: Table) =>
    contents.some((posts) => from !== posts.table && postColumnOf(app, from, posts.table));
  const found = (is: "left out" | "not understood", why: string): TableDisposition[] => [{ table, is, why }];
  const [best] = candidates.posts;
  const candidateOf = (of: Table) =>
    candidates.posts.find((found) => found.table === of && found.points >= enoughForPosts);
  const candidate = candidates.leftOut.find((found) => found.table === table);
  if (candidate)
    return found(
      "left out",
      `posts are the rows of ${nameOf(best.table)}, and of this table they are not: ${candidate.why}`,
    );
  if (candidates.timeless.includes(table))
    return found(
      "not understood",
      "it has a text and a person, and neither a column nor a known form of its ids says when a row was created",
    );
  const persons = personsOf(app, table);
  if (namesPost(table)) return found("not understood", "it names a post");
  if (persons.length === 0) return [];
  const others = references.others(table);
  const through = others.find(({ to }) => namesPost(to));
  if (through) return found("left out", `it names no post, but rows of ${nameOf(through.to)}`);
  const about = others.find(({ to }) => candidateOf(to));
  if (about) return found("left out", `it is about rows of ${nameOf(about.to)}, which are no posts here`);
  const names = persons.map(({ column }) => column.name);
  const isOffice = /^(assignee|sender|recipient|receiver|reporter|offender|affected)$/;
  if (names.length > 1 && !names.some((name) => wordsOfName(name).some((word) => isOffice.test(word))))
    return found(
      "not understood",
      `it names two people (${names.slice(0, 2).join(", ")}): where one wants to see nothing by the other, recsys.source_mutes has to show it`,
    );
  return [{ table, is: "irrelevant" }];
}
