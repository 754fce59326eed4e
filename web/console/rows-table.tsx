import type { ComponentChildren } from "preact";
import type { ConsoleRow } from "./console-client.ts";

export interface RowsTableProps {
  rows: ConsoleRow[];
  /** Which columns, in which order; left out: all. */
  columns?: string[];
  /** What stands in a cell instead of its value. */
  cells?: Record<string, (row: ConsoleRow) => ComponentChildren>;
  caption: string;
}

/** Rows as a table that scrolls by itself where it is too wide. */
export function RowsTable({ rows, columns = Object.keys(rows[0] ?? {}), cells = {}, caption }: RowsTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a keyboard scrolls it sideways
    <section class="wide" tabIndex={0} aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col" class={isNumber(rows[0]?.[name]) ? "number" : undefined}>
                {name.replaceAll("_", " ")}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {columns.map((name) => (
                <td
                  key={name}
                  dir="auto"
                  class={isNumber(row[name]) ? "number" : isShort(row[name]) ? "short" : undefined}
                >
                  {cells[name]?.(row) ?? cell(row[name])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const isNumber = (value: unknown) => typeof value === "number";
/** The name of a model, an instant, a few words; a title is longer. */
const isShort = (value: unknown) => cell(value).length <= 28;

const instant = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-][\d:]+)$/;
const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const share = new Intl.NumberFormat(undefined, { style: "percent", maximumSignificantDigits: 3 });

export function cell(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return (Number.isInteger(value) ? whole : precise).format(value);
  if (typeof value === "string") return instant.test(value) ? time.format(new Date(value)) : value;
  if (Array.isArray(value)) return value.map(cell).join(", ");
  return JSON.stringify(value);
}

/** A share from 0 to 1. */
export const percent = (value: unknown) => (typeof value === "number" ? share.format(value) : "–");
