import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Button, Trouble } from "../shared/elements.tsx";
import { useLoaded } from "../shared/hooks.ts";
import { type ConsoleRow, KeyRefused, useAsk } from "./console-client.ts";
import { RowsTable, type RowsTableProps } from "./rows-table.tsx";

interface PanelProps extends Pick<RowsTableProps, "columns" | "cells"> {
  title: string;
  /** One sentence: what it says and how to read it. */
  about?: string;
  ask: string;
  parameters?: Record<string, string | number>;
  /** What stands there where there is nothing to show, and what to do. */
  empty?: ComponentChildren;
  /** When it changes the question is asked again. */
  fresh?: unknown;
  /** Of the table in which the rows are, where there are no children to show them. */
  caption?: string;
  /** What stands with that table. */
  above?(rows: ConsoleRow[]): ComponentChildren;
  below?(rows: ConsoleRow[]): ComponentChildren;
  children?(rows: ConsoleRow[]): ComponentChildren;
}

/** One question with its answer, and the SQL that gives it. */
export function Panel(props: PanelProps) {
  const { title, about, ask: question, parameters, empty, fresh, above, below, children, ...table } = props;
  const ask = useAsk();
  const { value, error, again } = useLoaded(
    () => ask(question, parameters),
    [ask, question, JSON.stringify(parameters), fresh],
  );
  const tableOf = (rows: ConsoleRow[]) => (
    <>
      {above?.(rows)}
      <RowsTable {...table} rows={rows} caption={table.caption ?? title} />
      {below?.(rows)}
    </>
  );
  const shown = children ?? tableOf;
  return (
    <section class="card stack panel">
      <h2>{title}</h2>
      {about && <p class="hint">{about}</p>}
      {/* that the key is refused is said once, by the sign-in */}
      {error !== undefined && !(error instanceof KeyRefused) && <Trouble error={error} again={again} />}
      {!value && error === undefined && <p role="status">One moment …</p>}
      {value && (value.rows.length > 0 ? shown(value.rows) : <p class="soft">{empty ?? "There is nothing."}</p>)}
      {value && <Sql text={value.sql} />}
    </section>
  );
}

function Sql({ text }: { text: string }) {
  const statement = `${text};`;
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(`${statement}\n`);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <details class="sql">
      <summary class="soft small">SQL</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a keyboard scrolls it sideways */}
      <pre class="boxed small" tabIndex={0}>
        {statement}
      </pre>
      <Button onClick={copy}>{copied ? "Copied" : "Copy"}</Button>
    </details>
  );
}
