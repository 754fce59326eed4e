import type { ComponentChildren } from "preact";
import { allHeads, type Head } from "../../supabase/functions/_shared/features/kinds.ts";
import { ActName } from "../shared/act-colours.tsx";
import type { ConsoleRow } from "./console-client.ts";

export interface RowsTableProps {
  rows: ConsoleRow[];
  /** Which columns, in which order; left out: all. */
  columns?: string[];
  /** What stands in a cell instead of its value. */
  cells?: Record<string, (row: ConsoleRow) => ComponentChildren>;
  caption: string;
}

/** Rows as a table that scrolls by itself where it is too wide; on a phone each row of many columns is a list of its cells. */
export function RowsTable({ rows, columns = Object.keys(rows[0] ?? {}), cells = {}, caption }: RowsTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a keyboard scrolls it sideways
    <section class={isRoomy(rows, columns) ? "wide many" : "wide"} tabIndex={0} aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col" class={isNumber(rows[0]?.[name]) ? "number" : undefined}>
                {counted[name] ? <ActName act={counted[name]} text={name} /> : heading(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {columns.map((name) => (
                <td key={name} data-name={heading(name)} dir="auto" class={classOf(row[name])}>
                  {cells[name]?.(row) ?? said(row[name])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const heading = (name: string) => name.replaceAll("_", " ");
const counted: Record<string, Head> = { views: "view", votes: "vote", comments: "comment" };

/** Whether the columns are too wide for a phone, by the letters of their longest cells; long ones wrap. */
function isRoomy(rows: ConsoleRow[], columns: string[]): boolean {
  const lettersOf = (name: string) =>
    Math.max(name.length, ...rows.map((row) => Math.min(cell(row[name]).length, longestUnbroken)));
  return columns.reduce((sum, name) => sum + lettersOf(name), 0) > 24;
}

const longestUnbroken = 28;
const isNumber = (value: unknown) => typeof value === "number";

function classOf(value: unknown): string | undefined {
  // the page fills in columns that the rows lack
  if (value !== undefined && ["–", ""].includes(cell(value))) return "nothing";
  if (isNumber(value)) return "number";
  // the name of a model, an instant, a few words; a title is longer
  return cell(value).length <= longestUnbroken ? "short" : undefined;
}

const instant = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-][\d:]+)$/;
const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const tiny = new Intl.NumberFormat(undefined, { notation: "scientific", maximumSignificantDigits: 3 });
const share = new Intl.NumberFormat(undefined, { style: "percent", maximumSignificantDigits: 3 });

export function cell(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return formatOf(value).format(value);
  if (typeof value === "string") return instant.test(value) ? time.format(new Date(value)) : value;
  if (Array.isArray(value)) return value.map(cell).join(", ");
  return JSON.stringify(value);
}

function formatOf(value: number): Intl.NumberFormat {
  if (Number.isInteger(value)) return whole;
  return Math.abs(value) < 1e-6 ? tiny : precise;
}

/** A cell's value; an act has its colour. */
function said(value: unknown): ComponentChildren {
  const act = allHeads.find((act) => act === value);
  return act ? <ActName act={act} /> : cell(value);
}

/** A share from 0 to 1. */
export const percent = (value: unknown) => (typeof value === "number" ? share.format(value) : "–");
