/** The draft of a migration that says where an app's posts, people and what they do are. */
import type pg from "pg";
import { type Catalog, nameOf } from "../catalog/catalog.ts";
import { oneLine } from "../catalog/quote.ts";
import { readingApp, readTables } from "../catalog/read-catalog.ts";
import { Questions } from "../catalog/read-samples.ts";
import { coverageOf } from "../coverage/coverage.ts";
import { compareRows } from "../find/compare-rows.ts";
import { findRoles, type Roles } from "../find/find-roles.ts";
import { addedColumns, Draft } from "./draft.ts";
import { draftFollows } from "./draft-follows.ts";
import { draftInteractions } from "./draft-interactions.ts";
import { draftLogins } from "./draft-logins.ts";
import { draftMemberships } from "./draft-memberships.ts";
import { draftMutes } from "./draft-mutes.ts";
import { draftPeople } from "./draft-people.ts";
import { draftPosts } from "./draft-posts.ts";
import { leaveOutRepeats } from "./leave-out-repeats.ts";

/** Drafts the source views for an app's database, which is only read, with a list of what became of each table. */
export async function draftDatabase(pool: pg.Pool) {
  return await readingApp(pool, async (client) => {
    const catalog = await readTables(client);
    await compareRows(new Questions(client), catalog);
    const roles = findRoles(catalog);
    await leaveOutRepeats(new Questions(client), roles);
    const drafted = draftViews(catalog, roles);
    const coverage = await coverageOf(new Questions(client), catalog, drafted.roles, drafted.uses);
    const comment = coverage.lines.map((line) => `-- ${line}`).join("\n");
    return { ...drafted, coverage, sql: drafted.sql.replace(belowHead, () => `${comment}\n--\n${belowHead}`) };
  });
}

/** Above this line the list stands. */
const belowHead = "-- What was thought of:";

/** A migration, valid as it stands, and what of it a reader has to decide. Without a table of posts there is nothing to recommend. */
export function draftViews(catalog: Catalog, roles = findRoles(catalog)) {
  const draft = new Draft(
    roles.people,
    roles.contents.map(({ table }) => table),
  );
  draftPeople(draft, roles);
  draftPosts(draft, roles);
  draftInteractions(draft, roles);
  if (roles.logins) draftLogins(draft, roles.logins);
  draftMutes(draft, roles.muted);
  draftFollows(draft, roles.followed);
  draftMemberships(draft, roles.belonging.members, roles.contents);
  doubtReads(draft);
  const unsure = draft.unsureLines();
  const sql = [
    "-- Where posts, people and what they do are, drafted by `recsys draft` from the tables, columns and keys of the database.",
    "-- Read it through before it is pushed, and decide what it is unsure of; then `npx --no-install recsys check` says what is wrong with the rows.",
    "--",
    belowHead,
    ...candidateLines(roles),
    "--",
    ...(unsure.length > 0 ? ["-- Unsure:", ...unsure.map((line) => `--   ${line}`)] : ["-- Unsure of nothing."]),
    "",
    ...addedColumns(draft),
    ...draft.lines,
    "-- The service reads the columns that these views show, and of the app's tables nothing else.",
    "select recsys.grant_reads('service_role');",
    "",
  ].join("\n");
  return { sql, unsure, hasPosts: roles.contents.length > 0, roles, uses: draft.uses };
}

/** The service may read what the views do; whether members may is the app's to say. */
function doubtReads(draft: Draft): void {
  const hidden = [...draft.read].filter(({ membersMayRead }) => !membersMayRead);
  if (hidden.length > 0)
    draft.doubt(
      hidden.map(nameOf).join(", "),
      "members (authenticated) may not select all of these, and each feed does so for them: recsys check says which columns they lack, with a grant of those alone; row level security has to say who reads which rows",
    );
}

function candidateLines(roles: Roles): string[] {
  const lines = (what: string, found: Roles["candidates"]["people"]) =>
    found
      .slice(0, 3)
      .map(
        ({ table, points, reasons }) =>
          `--   ${oneLine(`${what}: ${nameOf(table)}, ${points} points (${reasons.join("; ")})`)}`,
      );
  return [...lines("people", roles.candidates.people), ...lines("posts", roles.candidates.posts)];
}
