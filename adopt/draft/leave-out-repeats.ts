/** Leaves out tables that repeat others: a combined table of likes, filled by triggers, would count each vote twice. */
import { nameOf } from "../catalog/catalog.ts";
import { at, qualified } from "../catalog/quote.ts";
import type { Questions } from "../catalog/read-samples.ts";
import { tableWords } from "../catalog/words.ts";
import type { Roles } from "../find/find-roles.ts";
import type { InteractionTable } from "../find/interaction-tables.ts";
import { conditionSql, timeSql } from "./sql-text.ts";

const mostPages = 100;
/** With fewer rows a table is not judged. */
const enoughRows = 20;
const nearlyAll = 0.95;

export async function leaveOutRepeats(questions: Questions, { actions }: Roles): Promise<void> {
  const repeated = new Map<InteractionTable, InteractionTable>();
  for (const [place, one] of actions.deeds.entries())
    for (const other of actions.deeds.slice(place + 1)) {
      if (!mayRepeat(one, other) || repeated.has(one) || repeated.has(other)) continue;
      const isRepeated = { one: await repeats(questions, one, other), other: await repeats(questions, other, one) };
      if (!isRepeated.one && !isRepeated.other) continue;
      const less =
        isRepeated.one && isRepeated.other ? lesserOf(one, other, actions.deeds) : isRepeated.one ? one : other;
      repeated.set(less, less === one ? other : one);
    }
  actions.deeds = actions.deeds.filter((deeds) => !repeated.has(deeds));
  const isLeft = (table: InteractionTable["table"]) => [...repeated.keys()].some((deeds) => deeds.table === table);
  for (const [{ table, word, time }, of] of repeated) {
    const why = `${time ? `${time.column.name}: ` : ""}it repeats what ${nameOf(of.table)} says (${word}), and would count it twice`;
    actions.repeats.push({ table, why });
  }
  // likes of comments are repeated along with those of posts
  const kept = actions.onComments.filter(({ table }) => !isLeft(table));
  if (kept.length > 0) actions.onComments = kept;
}

function mayRepeat(one: InteractionTable, other: InteractionTable): boolean {
  return (
    one.table !== other.table &&
    one.of === other.of &&
    one.action === other.action &&
    one.person.holds === other.person.holds &&
    one.person.column.kind === other.person.column.kind &&
    one.post.kind === other.post.kind &&
    !one.ofPosts &&
    !other.ofPosts &&
    one.time !== undefined &&
    other.time !== undefined &&
    !one.time.form &&
    !other.time.form
  );
}

/** Whether nearly all rows are in another table too, with the same person, post and time. */
async function repeats(questions: Questions, one: InteractionTable, other: InteractionTable): Promise<boolean> {
  const sample = await questions.sample(one.table, one.table.name, mostPages);
  if ("why" in sample) return false;
  const twin = one.table.name === "twin" ? "twin_of" : "twin";
  const seconds = (alias: string, { time }: InteractionTable) =>
    time ? `extract(epoch from ${timeSql(at(alias, time.column), time.column)})` : "0";
  const same = [
    `${at(twin, other.person.column)} = ${at(one.table.name, one.person.column)}`,
    `${at(twin, other.post)} = ${at(one.table.name, one.post)}`,
    `abs(${seconds(twin, other)} - ${seconds(one.table.name, one)}) < 2`,
  ].join(" and ");
  const counted = await questions.ask<{ rows: number; same: number }>(
    `select count(*)::int as rows, count(*) filter (where exists (select from ${qualified(other.table)} as ${twin} where ${same}))::int as same
     from ${sample.sql} where ${holdsOf(one)}`,
  );
  if ("why" in counted) return false;
  const [{ rows, same: found }] = counted;
  return rows >= enoughRows && found >= nearlyAll * rows;
}

function holdsOf({ table, person, post, time, conditions, elsewhere }: InteractionTable): string {
  return [
    ...[person.column, post, ...(time ? [time.column] : [])].map((column) => `${at(table.name, column)} is not null`),
    ...conditions.map((condition) => conditionSql(table.name, condition)),
    ...elsewhere.map((column) => conditionSql(table.name, { column, test: "absent" })),
  ].join(" and ");
}

/** Of two tables with the same interactions the combined one: by its name, or since it has several kinds. */
function lesserOf(one: InteractionTable, other: InteractionTable, all: InteractionTable[]): InteractionTable {
  const points = ({ table, elsewhere }: InteractionTable) =>
    (tableWords(table.name).some((word) => combined.test(word)) ? 10 : 0) +
    all.filter((deeds) => deeds.table === table).length +
    elsewhere.length;
  return points(other) > points(one) ? other : one;
}

const combined = /^(combined|all|feed|timeline|activity|history|index|listing|cache|denormalized|union|merged)$/;
