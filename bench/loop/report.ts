/** The loop's runs as a table, as lines of JSON, and as a page with plots. */

import { estimate, meanOf } from "../../trainer/evaluation/metrics/statistics.ts";
import { page, section, tableOf } from "../../trainer/evaluation/report/plots/page.ts";
import type { Role } from "../../trainer/evaluation/report/plots/svg.ts";
import { barPlot, linePlot, whiskers } from "../../trainer/evaluation/report/plots/svg.ts";
import { table } from "../../trainer/evaluation/report/table.ts";
import type { LoopRun, Measures } from "./measures.ts";

const columns: [name: string, of: keyof Measures, digits: number][] = [
  ["a visit", "reward", 2],
  ["first ten days", "first", 2],
  ["last ten", "last", 2],
  ["new people", "newPeople", 2],
  ["… expected of the best", "newPeopleExpected", 3],
  ["shown 10 times", "shown", 2],
  ["good ones found", "found", 2],
  ["Gini of authors", "authorGini", 2],
  ["topics", "topics", 1],
];
const header = ["policy", "seeds", ...columns.map(([name]) => name)];

/** A line for each day of each run: {policy, seed} and a `Day`. */
export function asLines(runs: LoopRun[]): string {
  return runs
    .flatMap(({ policy, seed, days }) => days.map((day) => `${JSON.stringify({ policy, seed, ...day })}\n`))
    .join("");
}

/** Means over seeds, for the terminal. */
export function loopTable(runs: LoopRun[]): string {
  return table(header, rowsOf(runs));
}

/** One self-contained HTML page. */
export function loopPage(runs: LoopRun[], settings: Record<string, string | number>): string {
  const policies = policiesOf(runs);
  const lines = (title: string, value: (run: LoopRun, day: number) => number) =>
    linePlot(
      title,
      "day",
      policies.map(([name, of]) => ({
        name,
        role: roleOf(name),
        points: of[0].days.map(({ day }): [number, number] => [day, meanOf(of.map((run) => value(run, day - 1)))]),
      })),
    );
  const bars = (title: string, of: keyof Measures) =>
    barPlot(
      title,
      policies.map(([name, runs]) => {
        const values = runs.map(({ measures }) => measures[of]);
        const { mean, error } = estimate(values);
        return { label: name, role: roleOf(name), ...whiskers({ mean, error: values.length > 1 ? error : 0 }) };
      }),
    );
  return page("The closed loop", settings, [
    section(
      "Results",
      `${tableOf(header, rowsOf(runs), { roleOf })}<p>Reward of a visit: 0.2 a view, 1 a vote, 1 a comment of its ten posts. New people: in their first three days; and what
      their pages are expected to earn, through what the best pages of the same moments are. Good ones found: of the
      best tenth of new posts, by true utility to everybody, those shown 50 times within three days. Topics: as many as if all were shown
      alike.</p>`,
    ),
    section(
      "Day by day",
      `<div class="grid">${lines("reward of a visit", ({ days }, day) => days[day].reward / days[day].visits)}</div>`,
    ),
    section(
      "By policy",
      `<div class="grid">${bars("reward of a visit, last ten days", "last")}${bars("reward of a visit, new people", "newPeople")}
      ${bars("share of posts shown ten times or more", "shown")}${bars("share of the good new posts that are found", "found")}</div>
      <p>Whiskers: ± 1.96 standard errors over seeds.</p>`,
    ),
  ]);
}

function rowsOf(runs: LoopRun[]): string[][] {
  return policiesOf(runs).map(([name, of]) => [
    name,
    `${of.length}`,
    ...columns.map(([, column, digits]) => meanOf(of.map(({ measures }) => measures[column])).toFixed(digits)),
  ]);
}

/** The runs of each policy, in the order in which policies first came. */
function policiesOf(runs: LoopRun[]): [name: string, runs: LoopRun[]][] {
  return [...Map.groupBy(runs, ({ policy }) => policy)];
}

function roleOf(name: string): Role {
  if (name.startsWith("the system")) return "primary";
  return name === "the true law" ? "baseline" : "other";
}
