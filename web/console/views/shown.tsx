import { barX, dot, line, ruleY } from "@observablehq/plot";
import { useMemo, useState } from "preact/hooks";
import { allHeads, kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { colourOf } from "../../shared/act-colours.tsx";
import { Button, Heading } from "../../shared/elements.tsx";
import { Chart } from "../chart.tsx";
import type { ConsoleRow } from "../console-client.ts";
import { Panel } from "../panel.tsx";
import { percent } from "../rows-table.tsx";

const unmeasured = (
  <>
    No day has been measured yet. A day is measured when people have had 24 hours to act on the last post shown in it.{" "}
    <code>select recsys_engine.measure_days(35);</code> measures all such days now.
  </>
);

export function ShownView() {
  const [days, setDays] = useState(28);
  const asked = { parameters: { days }, empty: unmeasured };
  return (
    <>
      <Heading text="What is shown" />
      <fieldset class="row">
        <legend class="hidden">How far back</legend>
        {[7, 28, 90].map((n) => (
          <Button key={n} aria-pressed={n === days} onClick={() => setDays(n)}>
            {n} days
          </Button>
        ))}
      </fieldset>
      <Panel
        {...asked}
        title="What came of a post shown"
        about="The share of the posts shown that the person then viewed, voted for or commented on within a day."
        ask="rates"
      >
        {(rows) => (
          <Days rows={rows} by="act" label="Share of posts viewed, voted for and commented on, by day" isShare />
        )}
      </Panel>
      <div class="pair">
        <Panel {...asked} title="By position" about="The same shares by position on the page." ask="rates_by_position">
          {(rows) => <Bars rows={rows} by="place" label="Rate by position" />}
        </Panel>
        <Panel
          {...asked}
          title="By source"
          about="The same shares by the source that found the post; unknown: imported pages name none."
          ask="rates_by_source"
        >
          {(rows) => <Bars rows={rows} by="source" label="Rate by source" />}
        </Panel>
        <Panel
          {...asked}
          title="Calibration"
          about="Predicted acts for each act that happened: 1 is right, 2 means twice as many were predicted as happened."
          ask="calibration"
          empty="No model has predicted anything of a day that is measured yet."
          caption="Calibration of each act"
        />
        <Panel
          title="By topic"
          about="Posts shown in the last seven days, by topic. demand: people a day who viewed, voted for or commented on posts about it. supply: posts written about it a day. Both are means of the last 28 days."
          ask="shown_topics"
          empty="Nothing was shown, or there are no topics yet: npx --no-install recsys topics."
          cells={{ share: ({ share }) => percent(share) }}
          caption="Share of each topic"
        />
      </div>
      <Panel
        {...asked}
        title="Fresh posts, authors, coverage"
        about="fresh: the share of shown posts that were at most one day or seven days old. authors: the share that went to the tenth of authors shown most. coverage: the share of the last 30 days’ posts that anybody was shown."
        ask="shares"
      >
        {(rows) => (
          <Days
            rows={rows
              .filter(({ metric }) => metric !== "novelty" && metric !== "feeds")
              .map((row) => ({ ...row, name: [row.metric, row.slice].filter(Boolean).join(" ") }))}
            by="name"
            label="Shares by day"
            isShare
          />
        )}
      </Panel>
    </>
  );
}

interface SeriesProps {
  rows: ConsoleRow[];
  /** The column that names a line or a bar. */
  by: string;
  label: string;
}

/** Of the acts that there are. */
function coloursOf(rows: ConsoleRow[]) {
  const acts = allHeads.filter((head) => rows.some(({ act }) => act === head));
  return { domain: acts, range: acts.map(colourOf) };
}

/** A line for each series, with a gap where a day was not measured. */
function Days({ rows, by, label, isShare = false }: SeriesProps & { isShare?: boolean }) {
  const options = useMemo(() => {
    const points = withGaps(rows, by);
    return {
      height: 260,
      marginLeft: 50,
      color: { legend: true, ...(by === "act" ? coloursOf(rows) : { scheme: "Tableau10" as const }) },
      x: { label: null, interval: "day" as const },
      y: { label: null, grid: true, zero: true, ...(isShare && { tickFormat: (value: number) => percent(value) }) },
      marks: [
        ruleY([0]),
        line(points, { x: "day", y: "value", stroke: by, strokeWidth: 2 }),
        dot(points, { x: "day", y: "value", stroke: by, r: 2, tip: true, channels: { count: "count" } }),
      ],
    };
  }, [rows, by, isShare]);
  return <Chart label={label} options={options} />;
}

function Bars({ rows, by, label }: SeriesProps) {
  const options = useMemo(
    () => ({
      height: 60 + 15 * rows.length,
      marginLeft: 70,
      marginRight: 75,
      x: { label: null, grid: true, tickFormat: (value: number) => percent(value) },
      y: { label: null, domain: [...new Set(rows.map((row) => String(row[by])))] },
      fy: { label: null, domain: [...kinds] },
      color: coloursOf(rows),
      marks: [barX(rows, { x: "value", y: by, fy: "act", fill: "act", tip: true, channels: { count: "count" } })],
    }),
    [rows, by],
  );
  return <Chart label={label} options={options} />;
}

const dayMilliseconds = 24 * 3600 * 1000;

/**
 * The rows of each series, one a day from the first day of all to the last, with `day` as a Date: of a day that a series has no row of, the
 * value is NaN, across which no line is drawn.
 */
function withGaps(rows: ConsoleRow[], by: string): ConsoleRow[] {
  const dayOf = (row: ConsoleRow) => Date.parse(`${row.day}`);
  const days = rows.map(dayOf);
  const [first, last] = [Math.min(...days), Math.max(...days)];
  return [...Map.groupBy(rows, (row) => row[by])].flatMap(([name, series]) => {
    const byDay = new Map(series.map((row) => [dayOf(row), row]));
    return Array.from({ length: Math.round((last - first) / dayMilliseconds) + 1 }, (_, n) => {
      const day = first + n * dayMilliseconds;
      return { [by]: name, value: Number.NaN, count: 0, ...byDay.get(day), day: new Date(day) };
    });
  });
}
