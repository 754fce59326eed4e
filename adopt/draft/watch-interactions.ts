/** The call of recsys.watch for a table of what people did. */
import { keyOf, type Table } from "../catalog/catalog.ts";
import { addColumn, type Draft, watchSql } from "./draft.ts";
import type { Part } from "./draft-parts.ts";
import { identifier, oneLine, qualified, uuidSql } from "./sql-text.ts";

const onComments = "the post is looked up in the row of its comment";

/** A table is watched once for each of the columns and times by which its rows name a post. */
export function watchTable(draft: Draft, table: Table, all: Part[]): string[] {
  const parts = all.filter(({ comment }) => comment === undefined);
  if (parts.length === 0) return [draft.unwatched(table, onComments)];
  const kinds = new Map<string, Part[]>();
  for (const part of parts) {
    const kind = JSON.stringify([part.postColumn.name, part.created.watched]);
    kinds.set(kind, [...(kinds.get(kind) ?? []), part]);
  }
  const watched = [...new Set([...kinds.values()].map((kind) => watchOwn(draft, table, kind)))];
  if (parts.length === all.length) return watched;
  draft.doubt(
    table,
    `what is done to comments reaches the feeds only when everything is worked out anew: ${onComments}`,
  );
  return [
    ...watched,
    `-- unsure: what is done to comments in ${oneLine(qualified(table))} is not followed: ${onComments}`,
  ];
}

/** Of the parts whose post is one column of the table, at one time. */
function watchOwn(draft: Draft, table: Table, parts: Part[]): string {
  const [{ user, created, postColumn, apart }] = parts;
  if (user.watched === undefined)
    return draft.unwatched(table, "the person is looked up by what is no unique key, or of a type of its own");
  if (created.watched === undefined) return draft.unwatched(table, "its time is worked out by the table itself");
  const isPlain = postColumn.plain && ["uuid", "number", "text"].includes(postColumn.kind);
  const post = isPlain
    ? postColumn.name
    : addColumn(draft, table, "recsys_post_id", "uuid", [postColumn], () =>
        uuidSql(identifier(postColumn.name), postColumn),
      );
  if (!post) return draft.unwatched(table, "its post is worked out by the table itself");
  return watchSql(table, "interactions", {
    id: keyOf(table)?.name ?? apart[0].name,
    user: user.watched,
    post,
    created: created.watched,
    lookup: user.lookup,
    others: parts.flatMap(({ others }) => others),
  });
}
