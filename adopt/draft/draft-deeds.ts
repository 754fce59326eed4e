/** What the rows of a table say, sorted into what was done and what is not wanted. */
import { isSayable } from "../catalog/catalog.ts";
import type { Action } from "../catalog/words.ts";
import type { Deeds, Direction } from "../find/deeds.ts";
import type { Draft } from "./draft.ts";
import { type Part, partOf } from "./draft-parts.ts";
import { at, literal, realSql } from "./sql-text.ts";

/** Where the selects go: what was done, what is not wanted, and the kinds that they have. */
export interface Sorted {
  liked: Part[];
  dismissed: Part[];
  kinds: Map<string, Action>;
}

export function addDeeds(draft: Draft, deeds: Deeds, sorted: Sorted): void {
  const { table, action, word, direction, kinds, rating } = deeds;
  const part = partOf(draft, deeds);
  if (action === "dismissal") {
    sorted.dismissed.push(part);
    return;
  }
  if (direction) {
    addForAndAgainst(draft, deeds, direction, part, sorted);
    return;
  }
  if (kinds && (kinds.values.size > 0 || !kinds.column.closed)) {
    addKinds(draft, deeds, kinds, part, sorted);
    return;
  }
  count(sorted, word, action);
  if (rating)
    part.notes.push(draft.doubt(table, `${rating.name} is shown as value; a low one counts as much as a high one`));
  sorted.liked.push({ ...part, ...(rating && { value: realSql(at(table.name, rating), rating) }) });
}

function count({ kinds }: Sorted, what: string, as: Action): void {
  if (as !== "dismissal" && !kinds.has(what)) kinds.set(what, as);
}

/** One column says for or against. */
function addForAndAgainst(
  draft: Draft,
  { table, word, action }: Deeds,
  direction: Direction,
  part: Part,
  sorted: Sorted,
): void {
  const { column, form } = direction;
  const { up, down } = directionSql(table.name, direction);
  part.others.push(column.name);
  count(sorted, word, action);
  const note = draft.doubt(table, `${column.name} is taken for or against: ${up} is a vote, ${down} a dismissal`);
  sorted.liked.push({
    ...part,
    where: [...part.where, `${up}${note}`],
    value: form === "sign" ? realSql(at(table.name, column), column) : part.value,
  });
  sorted.dismissed.push({ ...part, where: [...part.where, down], notes: [] });
}

/** What holds of the rows that are for something, and of those that are against it. */
export function directionSql(alias: string, { column, form }: Direction): { up: string; down: string } {
  const value = at(alias, column);
  if (form === "sign") return { up: `${value} > 0`, down: `${value} < 0` };
  if (form === "boolean") return { up: `${value} is true`, down: `${value} is false` };
  const isOf = (values: string[]) => `${value}::text in (${values.map(literal).join(", ")})`;
  return { up: isOf(form.up), down: isOf(form.down) };
}

/** One column says of what kind it was. Where anybody may write any word or emoji, those that recsys.kinds does not list count alike. */
function addKinds(
  draft: Draft,
  { table, word, action }: Deeds,
  { column, values }: NonNullable<Deeds["kinds"]>,
  part: Part,
  sorted: Sorted,
): void {
  const unknown = [...values].filter(([, what]) => what === undefined).map(([value]) => value);
  const against = [...values].filter(([, what]) => what === "dismissal").map(([value]) => value);
  for (const [value, what] of values) if (what) count(sorted, value, what);
  const otherwise = column.closed ? undefined : `any ${word}`;
  if (otherwise) {
    count(sorted, otherwise, action);
    const sayable = unknown.filter(isSayable).slice(0, 5);
    const such = sayable.length > 0 ? `, such as ${sayable.join(", ")},` : "";
    part.notes.push(
      draft.doubt(
        table,
        `${column.name} may be any text: what recsys.kinds does not list${such} counts as ${action}, by its row '${otherwise}' there`,
      ),
    );
  } else if (unknown.length > 0)
    part.notes.push(
      draft.doubt(table, `${column.name} ${unknown.join(", ")} counts as nothing: say in recsys.kinds what it is`),
    );
  const kind = `${at(table.name, column)}::text`;
  part.others.push(column.name);
  const named = { ...part, kind, ...(otherwise && { otherwise }) };
  if (against.length > 0) {
    const isAgainst = `${kind} in (${against.map(literal).join(", ")})`;
    sorted.dismissed.push({ ...part, where: [...part.where, isAgainst], notes: [] });
    sorted.liked.push({ ...named, where: [...part.where, `(${isAgainst}) is not true`] });
  } else sorted.liked.push(named);
}
