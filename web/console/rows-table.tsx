import type { ComponentChildren } from "preact";
import { cell } from "./cell.ts";
import type { Row } from "./console-client.ts";

interface RowsTableProps {
  rows: Row[];
  /** Which columns, in which order; left out: all. */
  columns?: string[];
  /** What stands in a cell instead of its value. */
  cells?: Record<string, (row: Row) => ComponentChildren>;
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
                <td key={name} class={isNumber(row[name]) ? "number" : isShort(row[name]) ? "short" : undefined}>
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
