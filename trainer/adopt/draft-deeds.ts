/** What the rows of a table say, sorted into what was done and what is not wanted. */
import { nameOf } from "./catalog.ts";
import type { Deeds } from "./deeds.ts";
import { type Draft, doubt } from "./draft.ts";
import { type Part, partOf } from "./draft-parts.ts";
import { at, literal } from "./sql-text.ts";
import type { Action } from "./words.ts";

export function addDeeds(
  draft: Draft,
  deeds: Deeds,
  liked: Part[],
  dismissed: Part[],
  kinds: Map<string, Action>,
): void {
  const { table, action, word, direction, rating } = deeds;
  const alias = table.name;
  const part = partOf(draft, deeds);
  const counted = (what: string, as: Action) => as !== "dismissal" && !kinds.has(what) && kinds.set(what, as);
  if (action === "dismissal") {
    dismissed.push(part);
    return;
  }
  if (direction) {
    const value = at(alias, direction.column);
    const { form } = direction;
    const [up, down] =
      form === "sign"
        ? [`${value} > 0`, `${value} < 0`]
        : form === "boolean"
          ? [`${value} is true`, `${value} is false`]
          : [
              `${value}::text in (${form.up.map(literal).join(", ")})`,
              `${value}::text in (${form.down.map(literal).join(", ")})`,
            ];
    part.others.push(direction.column.name);
    counted(word, action);
    const note = doubt(
      draft,
      nameOf(table),
      `${direction.column.name} is taken for or against: ${up} is a vote, ${down} a dismissal`,
    );
    liked.push({
      ...part,
      where: [...part.where, `${up}${note}`],
      value: form === "sign" ? `${value}::real` : part.value,
    });
    dismissed.push({ ...part, where: [...part.where, down], notes: [] });
    return;
  }
  if (deeds.kinds && deeds.kinds.values.size > 0) {
    const { column, values } = deeds.kinds;
    const unknown = [...values].filter(([, what]) => what === undefined).map(([value]) => value);
    const against = [...values].filter(([, what]) => what === "dismissal").map(([value]) => value);
    for (const [value, what] of values) if (what) counted(value, what);
    if (unknown.length > 0)
      part.notes.push(
        doubt(
          draft,
          nameOf(table),
          `${column.name} ${unknown.join(", ")} counts as nothing: say in recsys.kinds what it is`,
        ),
      );
    const kind = `${at(alias, column)}::text`;
    part.others.push(column.name);
    if (against.length > 0) {
      const isAgainst = `${kind} in (${against.map(literal).join(", ")})`;
      dismissed.push({ ...part, where: [...part.where, isAgainst], notes: [] });
      liked.push({ ...part, kind, where: [...part.where, `(${isAgainst}) is not true`] });
    } else liked.push({ ...part, kind });
    return;
  }
  if (deeds.kinds)
    part.notes.push(
      doubt(
        draft,
        nameOf(table),
        `${deeds.kinds.column.name} has values that the catalog does not know; all of them count as ${action}`,
      ),
    );
  counted(word, action);
  if (rating)
    part.notes.push(
      doubt(draft, nameOf(table), `${rating.name} is shown as value; a low one counts as much as a high one`),
    );
  liked.push({ ...part, ...(rating && { value: `${at(alias, rating)}::real` }) });
}
