/** The call of recsys.watch for a table of what people did. */
import { keyOf, nameOf, type Table } from "../catalog/catalog.ts";
import type { Posts } from "../find/find-roles.ts";
import { addColumn, type Draft, doubt, unwatched, watchSql } from "./draft.ts";
import { coalescedParent } from "./draft-parents.ts";
import type { Part } from "./draft-parts.ts";
import { identifier, oneLine, qualified, timeSql, uuidSql } from "./sql-text.ts";

const onComments = "the post is looked up in the row of its comment";

/** One table is watched once, whatever number of parts it has. */
export function watchTable(draft: Draft, table: Table, all: Part[], posts: Posts): string[] {
  const parts = all.filter(({ comment }) => comment === undefined);
  if (parts.length === 0) return [unwatched(draft, table, onComments)];
  const watched = watchOwn(draft, table, parts, posts);
  if (parts.length === all.length) return [watched];
  doubt(
    draft,
    nameOf(table),
    `what is done to comments reaches the feeds only when everything is worked out anew: ${onComments}`,
  );
  return [
    watched,
    `-- unsure: what is done to comments in ${oneLine(qualified(table))} is not followed: ${onComments}`,
  ];
}

/** Of the parts whose post is a column of the table. */
function watchOwn(draft: Draft, table: Table, parts: Part[], posts: Posts): string {
  const [first] = parts;
  const user = first.user.watched;
  if (user === undefined)
    return unwatched(draft, table, "the person is looked up by what is no unique key, or of a type of its own");
  const times = [...new Set(parts.map(({ created }) => created.watched))];
  if (times.includes(undefined)) return unwatched(draft, table, "its time is worked out by the table itself");
  const created =
    times.length === 1
      ? times[0]
      : addColumn(
          draft,
          table,
          "recsys_first_at",
          "timestamptz",
          [],
          () => `least(${parts.map(({ apart }) => timeSql(identifier(apart[2].name), apart[2])).join(", ")})`,
        );
  const columns = [...new Set(parts.map(({ postColumn }) => postColumn))];
  const plain = columns.every(({ plain, kind }) => plain && ["uuid", "number", "text"].includes(kind));
  const post =
    columns.length === 1 && plain
      ? columns[0].name
      : table === posts.table
        ? coalescedParent(draft, posts, (column) =>
            uuidSql(
              column.kind === "text" ? `nullif(${identifier(column.name)}, '')` : identifier(column.name),
              column,
            ),
          )
        : addColumn(draft, table, "recsys_post_id", "uuid", columns, () =>
            uuidSql(identifier(columns[0].name), columns[0]),
          );
  if (!created || !post) return unwatched(draft, table, "its post or time is worked out by the table itself");
  const id = keyOf(table)?.name ?? first.apart[0].name;
  return watchSql(table, "interactions", {
    id,
    user,
    post,
    created,
    lookup: first.user.lookup,
    others: parts.flatMap(({ others, created: { watched } }) =>
      times.length > 1 && watched ? [...others, watched] : others,
    ),
  });
}
