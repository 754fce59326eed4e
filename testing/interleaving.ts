/** For tests: people who click by where a post stands and how good it is, in feeds of one model or drafted by two. */
import assert from "node:assert/strict";
import type pg from "pg";
import { type Team, teamDraft } from "../supabase/functions/_shared/plugins/interleaving/team-draft.ts";
import { geometric, sigmoid } from "../trainer/data/synthetic/draws.ts";
import type { Random } from "../trainer/models/nn/random.ts";
import type { PersonOutcome } from "./experiments.ts";

/** A recsys_engine.person_credit. */
export interface ExpectedCredit {
  metric: string;
  pages: number;
  first_wins: number;
  second_wins: number;
  first_credit: number;
  second_credit: number;
}

/** A row of recsys_engine.compare_teams; null below 50 people who acted. */
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

/** A reader with habits of their own: how readily they click, and on how many pages. */
export interface SimulatedReader {
  readiness: number;
  pages: number;
}

export function drawReader(random: Random): SimulatedReader {
  const mean = 2 * Math.exp(0.8 * random.normal());
  return { readiness: -2.2 + 0.6 * random.normal(), pages: 1 + geometric(random, 1 / (1 + mean)) };
}

/** The true utility of some posts, and the page of each model, which orders them by that with its error. */
function drawPages(random: Random, { noise, shared }: Models) {
  const utilities = Float64Array.from({ length: candidates }, () => random.normal());
  const alike = utilities.map((utility) => utility + shared * random.normal());
  const pageOf = (team: Team) => {
    const page: { chosen: { post: { post_id: string; utility: number } }; explored: boolean; score: number }[] = [];
    for (let i = 0; i < candidates; i++) {
      const score = alike[i] + noise[team] * random.normal();
      // to sort all of them took a third of the simulation
      if (page.length === pageLength && score <= page[pageLength - 1].score) continue;
      const place = page.findIndex((each) => each.score < score);
      const each = { chosen: { post: { post_id: `${i}`, utility: utilities[i] } }, explored: false, score };
      page.splice(place < 0 ? page.length : place, 0, each);
      page.length = Math.min(page.length, pageLength);
    }
    return page;
  };
  return { 1: pageOf(1), 2: pageOf(2) };
}

/** Whether it is clicked in its place, from 1: the tenth place is looked at a third as often as the first. */
function isClicked(random: Random, { readiness }: SimulatedReader, utility: number, place: number): boolean {
  return random.uniform() < sigmoid(readiness + utility) / (1 + 0.25 * (place - 1));
}

/** What a person does in an experiment that gives them one model's pages, compared with as many pages of the first model before it. */
export function splitOutcome(random: Random, models: Models): PersonOutcome {
  const reader = drawReader(random);
  const team = random.uniform() < 0.5 ? 1 : 2;
  const period = (pages: number, model: Team) => {
    let acted = 0;
    for (let page = 0; page < pages; page++)
      for (const [i, { chosen }] of drawPages(random, models)[model].entries())
        acted += Number(isClicked(random, reader, chosen.post.utility, i + 1));
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

/** A reader's actions on more drafted pages. */
export function readDrafted(random: Random, models: Models, reader: SimulatedReader, credit: ExpectedCredit): void {
  for (let page = 0; page < reader.pages; page++) {
    const clicks = { 1: 0, 2: 0 };
    const drafted = teamDraft(drawPages(random, models), pageLength, () => random.uniform() < 0.5);
    for (const [i, { chosen, team }] of drafted.entries())
      if (isClicked(random, reader, chosen.post.utility, i + 1) && team) clicks[team]++;
    credit.pages++;
    credit.first_wins += Number(clicks[1] > clicks[2]);
    credit.second_wins += Number(clicks[2] > clicks[1]);
    credit.first_credit += clicks[1];
    credit.second_credit += clicks[2];
  }
}

export function noCredit(): ExpectedCredit {
  return { metric: "vote", pages: 0, first_wins: 0, second_wins: 0, first_credit: 0, second_credit: 0 };
}

/** What a person does on pages that two models draft. */
export function interleavedOutcome(random: Random, models: Models): ExpectedCredit {
  const credit = noCredit();
  readDrafted(random, models, drawReader(random), credit);
  return credit;
}

/** What the database says of such people. */
export async function compareTeams(pool: pg.Pool, people: ExpectedCredit[], alpha = 0.05): Promise<Preference[]> {
  const { rows } = await pool.query<Preference>(
    `select * from recsys_engine.compare_teams(
      (select array_agg((person.metric, person.pages, person.first_wins, person.second_wins, person.first_credit, person.second_credit)::recsys_engine.person_credit)
       from jsonb_populate_recordset(null::recsys_engine.person_credit, $1) as person),
      $2)`,
    [JSON.stringify(people), alpha],
  );
  return rows;
}

/**
 * People 1 … n, who were each shown a page of ten posts a day ago, drafted by turns, and vote for or view each with the chance of the team whose pick it is.
 */
export async function simulateDrafts(
  pool: pg.Pool,
  variant: string,
  people: number,
  votes: Record<Team, number>,
  views: Record<Team, number> = { 1: 0, 2: 0 },
): Promise<void> {
  await pool.query(
    "insert into public.profiles (id, created_at) select md5('reader ' || n)::uuid, now() - interval '60 days' from generate_series(1, $1::int) as n",
    [people],
  );
  await pool.query(
    "insert into public.posts (id, title, created_at) select md5('drafted post ' || n)::uuid, 'a post', now() - interval '1 year' from generate_series(1, 10) as n",
  );
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, variant, team)
     select md5('page of ' || person)::uuid, md5('reader ' || person)::uuid, md5('drafted post ' || post)::uuid, post, now() - interval '1 day', $2, 1 + (person + post) % 2
     from generate_series(1, $1::int) as person cross join generate_series(1, 10) as post`,
    [people, variant],
  );
  for (const [table, chances] of [
    ["post_votes", votes],
    ["post_views", views],
  ] as const) {
    // a roll-up is no part of this
    await pool.query(`alter table public.${table} disable trigger user`);
    await pool.query(
      `insert into public.${table} (user_id, post_id, created_at)
       select user_id, post_id, shown_at + interval '1 minute' from recsys.impressions
       where team is not null and ('x' || left(md5('${table}' || user_id || post_id), 8))::bit(32)::bigint / 4294967296.0 < case team when 1 then $1::real else $2 end`,
      [chances[1], chances[2]],
    );
    await pool.query(`alter table public.${table} enable trigger user`);
  }
}

/** The simulation of docs/experiments-in-production.md, of its experiment `newer`, which has just been started. */
export async function simulateInterleavingExample(pool: pg.Pool): Promise<void> {
  await pool.query(
    "update recsys.experiments set started_at = now() - interval '2 days', counted_from = now() - interval '2 days' where name = 'newer'",
  );
  await simulateDrafts(pool, "newer/both", 800, { 1: 0.1, 2: 0.125 }, { 1: 0.3, 2: 0.32 });
}

export const equalModels: Models = { noise: { 1: 1, 2: 1 }, shared: 0.5 };
export const betterModel: Models = { noise: { 1: 1, 2: 0.7 }, shared: 0.5 };

/** Which team people prefer by their votes. */
export async function votePreference(pool: pg.Pool, people: ExpectedCredit[], alpha?: number): Promise<Preference> {
  return (await compareTeams(pool, people, alpha)).find(({ metric }) => metric === "vote") ?? assert.fail();
}
