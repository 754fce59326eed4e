/** For tests: people who click by where a post stands and how good it is, in feeds of one model or drafted by two. */
import type pg from "pg";
import { draft, type Team } from "../supabase/functions/_shared/recommend/interleave/draft.ts";
import type { Random } from "../trainer/engine/random.ts";
import { geometric, sigmoid } from "../trainer/synthetic/draws.ts";
import type { Outcome } from "./testing-experiments.ts";

/** A recsys.person_credit. */
export interface Credit {
  metric: string;
  pages: number;
  first_wins: number;
  second_wins: number;
  first_credit: number;
  second_credit: number;
}

/** A row of recsys.compare_teams; null below 50 people who acted. */
export interface Preference {
  metric: string;
  people: string;
  acting: string;
  pages: string;
  first_wins: string;
  second_wins: string;
  first_credit: number;
  second_credit: number;
  preference: number | null;
  low: number;
  high: number;
  p: number;
  always_low: number;
  always_high: number;
  always_p: number;
}

/** Of two models how much each errs, the first and the second; and how much both err alike. */
export interface Models {
  noise: Record<Team, number>;
  shared: number;
}

const pageLength = 10;
const candidates = 60;

/** Somebody with habits of their own: how readily they click, and on how many pages. */
export interface Reader {
  readiness: number;
  pages: number;
}

export function drawReader(random: Random): Reader {
  const mean = 2 * Math.exp(0.8 * random.normal());
  return { readiness: -2.2 + 0.6 * random.normal(), pages: 1 + geometric(random, 1 / (1 + mean)) };
}

/** The true worth of some posts, and the page of each model, which orders them by that with its error. */
function drawPages(random: Random, { noise, shared }: Models) {
  const posts = Array.from({ length: candidates }, (_, i) => ({ post_id: `${i}`, worth: random.normal() }));
  const alike = posts.map(({ worth }) => worth + shared * random.normal());
  const pageOf = (team: Team) =>
    posts
      .map((post, i) => ({ chosen: { post }, explored: false, score: alike[i] + noise[team] * random.normal() }))
      .sort((a, b) => b.score - a.score)
      .slice(0, pageLength);
  return { 1: pageOf(1), 2: pageOf(2) };
}

/** Whether it is clicked in its place, from 1: the tenth place is looked at a third as often as the first. */
function isClicked(random: Random, { readiness }: Reader, worth: number, place: number): boolean {
  return random.uniform() < sigmoid(readiness + worth) / (1 + 0.25 * (place - 1));
}

/** What a person does in an experiment that gives them one model's pages, beside as many pages of the first model before it. */
export function splitOutcome(random: Random, models: Models): Outcome {
  const reader = drawReader(random);
  const team = random.uniform() < 0.5 ? 1 : 2;
  const period = (pages: number, model: Team) => {
    let acted = 0;
    for (let page = 0; page < pages; page++)
      for (const [i, { chosen }] of drawPages(random, models)[model].entries())
        acted += Number(isClicked(random, reader, chosen.post.worth, i + 1));
    return { shown: pages * pageLength, acted };
  };
  const now = period(reader.pages, team);
  const before = period(geometric(random, 1 / (1 + reader.pages)), 1);
  return {
    variant: team === 1 ? "control" : "b",
    is_new: before.shown === 0,
    metric: "vote",
    ...now,
    shown_before: before.shown,
    acted_before: before.acted,
  };
}

/** What somebody does on more drafted pages. */
export function readDrafted(random: Random, models: Models, reader: Reader, credit: Credit): void {
  for (let page = 0; page < reader.pages; page++) {
    const clicks = { 1: 0, 2: 0 };
    const drafted = draft(drawPages(random, models), pageLength, () => random.uniform() < 0.5);
    for (const [i, { chosen, team }] of drafted.entries())
      if (isClicked(random, reader, chosen.post.worth, i + 1) && team) clicks[team]++;
    credit.pages++;
    credit.first_wins += Number(clicks[1] > clicks[2]);
    credit.second_wins += Number(clicks[2] > clicks[1]);
    credit.first_credit += clicks[1];
    credit.second_credit += clicks[2];
  }
}

export function noCredit(): Credit {
  return { metric: "vote", pages: 0, first_wins: 0, second_wins: 0, first_credit: 0, second_credit: 0 };
}

/** What a person does on pages that two models draft. */
export function interleavedOutcome(random: Random, models: Models): Credit {
  const credit = noCredit();
  readDrafted(random, models, drawReader(random), credit);
  return credit;
}

/** What the database says of such people. */
export async function compareTeams(pool: pg.Pool, people: Credit[], alpha = 0.05): Promise<Preference[]> {
  const { rows } = await pool.query<Preference>(
    `select * from recsys.compare_teams(
      (select array_agg((person.metric, person.pages, person.first_wins, person.second_wins, person.first_credit, person.second_credit)::recsys.person_credit)
       from jsonb_populate_recordset(null::recsys.person_credit, $1) as person),
      $2)`,
    [JSON.stringify(people), alpha],
  );
  return rows;
}
