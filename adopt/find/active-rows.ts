/** Which rows of a table of follows or members stand: not those that are asked for, refused, blocked or ended. */
import { type Column, sayableValues, type Table } from "../catalog/catalog.ts";
import { type Condition, pickColumn, visibleRowConditions } from "../catalog/pick-columns.ts";
import { plainName, wordsOfName } from "../catalog/words.ts";
import { blockedSince } from "./find-mutes.ts";

const states = ["state", "status", "follow_state", "follow_status", "following_state"];
const accepts =
  /^(accept|accepted|approve|approved|active|confirm|confirmed|following|followed|follow|subscribed|valid|enabled)$/;
const refuses =
  /^(not|no|none|pending|request|requested|required|reject|rejected|refuse|refused|decline|declined|deny|denied|block|blocked|cancel|cancelled|canceled|remove|removed|delete|deleted|unfollow|unfollowed|inactive|ended|expired|disabled|invited|waiting)$/;
const refused =
  /^(is_|follow_)?(pending|requested|blocked|rejected|refused|declined|denied|unfollowed|cancelled|canceled|ended)$/;
const refusedAt = /^(blocked|rejected|refused|declined|denied|unfollowed|cancelled|canceled|ended)(_at|_on)?$/;
const accepted = /^(is_|follow_)?(accepted|approved|confirmed)$/;
const acceptedAt = /^(accepted|approved|confirmed)(_at|_on)?$/;

/** The conditions of rows that are valid; `moment`: a column that shows by itself that a user follows. */
export function activeRowConditions(
  table: Table,
  moment: Column | undefined,
): { conditions: Condition[]; doubts: string[] } {
  const doubts: string[] = [];
  const said = table.columns.flatMap((column): Condition[] => {
    const name = plainName(column.name);
    const isTime = column.kind === "timestamptz" || column.kind === "timestamp";
    if (column === moment) return [{ column, test: isTime ? "present" : "true" }];
    if (isTime && refusedAt.test(name)) return [{ column, test: "null" }];
    if (isTime && acceptedAt.test(name)) return [{ column, test: "present" }];
    if (column.kind === "boolean" && refused.test(name)) return [{ column, test: "not true" }];
    return column.kind === "boolean" && accepted.test(name) ? [{ column, test: "true" }] : [];
  });
  // blocks by such a time are mutes
  const blocked = said.find(({ column }) => /block/i.test(column.name) && column !== blockedSince(table));
  if (blocked)
    doubts.push(
      `what is ${blocked.column.name} does not count; where it is what somebody does not want to see, recsys.source_mutes has to show it`,
    );
  const state = pickColumn(table, states, ["text", "enum"]);
  const number = pickColumn(table, states, ["number"]);
  if (number) doubts.push(`which values of ${number.name} count is not known, so all are shown`);
  // a follow that others may not see is one for its owner: who sees it row level security says
  const living = visibleRowConditions(table).filter(
    ({ column, test }) =>
      typeof test === "string" &&
      !/hidden|listed|publi|visib|live/i.test(column.name) &&
      !said.some((other) => other.column === column),
  );
  return { conditions: [...said, ...(state ? stateCondition(state, doubts) : []), ...living], doubts };
}

function stateCondition(state: Column, doubts: string[]): Condition[] {
  const says = (words: RegExp) => (value: string) => wordsOfName(value).some((word) => words.test(word));
  const against = state.values.filter(says(refuses));
  const agreed = state.values.filter((value) => says(accepts)(value) && !against.includes(value));
  const values = sayableValues(state).join(", ");
  if (agreed.length > 0) {
    doubts.push(`${state.name}: of ${values} only ${agreed.join(", ")} counts`);
    return [{ column: state, test: { in: agreed } }];
  }
  doubts.push(
    against.length > 0
      ? `${state.name}: of ${values} all but ${against.join(", ")} count`
      : `which values of ${state.name} count is not known, so all are shown`,
  );
  return against.length > 0 ? [{ column: state, test: { notIn: against } }] : [];
}
