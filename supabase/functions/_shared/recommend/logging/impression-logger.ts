import type { Pool, Statement } from "../../database/database.ts";
import { service, writeInBackground } from "../../database/run-as-caller.ts";
import { optionalHeads, roundToFloat32 } from "../../features/kinds.ts";
import type { BackgroundTask } from "../../http/background-queue.ts";
import type { FeedResult } from "../pipeline/types.ts";
import type { Predictions } from "../request/feed-schema.ts";

/** A feed that was shown to a user. */
export interface LoggedFeed {
  /** Without what it was chosen from, which would keep hundreds of candidates in memory while it waits. */
  recommendation: Omit<FeedResult, "decision">;
  userId: string;
}

/** Writes feeds that were shown to recsys.impressions, those of many people in one statement, and notes who was shown a post under trial: of a person settings.impressions_per_day at most, and nothing of who wants no personalisation. */
export function createImpressionLogger(pool: Pool): BackgroundTask<LoggedFeed> {
  return {
    code: "impressions_lost",
    // one by one they took as much of the processor as a third of a feed
    gather: 250,
    do: (shown) => writeInBackground(pool, service, insertImpressions(shown)),
  };
}

/** A string, since three steps that write and two that read take the query builder 75 lines instead of 35; impressions.test.ts runs each column of it. */
function insertImpressions(shown: LoggedFeed[]): Statement<unknown> {
  const rows = shown.flatMap(
    ({ recommendation: { feed, shownAt, features, propensities, label, credits, promoted }, userId }) =>
      feed.items.map((item, i) => ({
        feed,
        userId,
        shownAt,
        item,
        features: features[i],
        propensity: propensities[i],
        label,
        credit: credits?.[i],
        promotion: promoted?.[i]?.id,
      })),
  );
  return {
    text: `with shown as (
      select *, row_number() over (partition by user_id order by shown_at, request_id, position) as number
      from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::text[], $6::uuid[], $7::smallint[], $8::real[], $9::text[], $10::text[], $11::boolean[], $12::real[],
          $13::real[], $14::real[], $15::real[], $16::text[], $17::text[], $18::smallint[], $19::text[], $20::bigint[])
        as shown (request_id, user_id, shown_at, model_id, mode, post_id, position, score, source, features, explored, propensity,
          view_probability, vote_probability, comment_probability, degraded, variant, team, optional_probabilities, promotion_id)
      -- looked up one by one: a list of 10,000 such people took each write 20 ms, and so 3
      where not exists (select from recsys_engine.personalization_opt_outs where personalization_opt_outs.user_id = shown.user_id offset 0)
      ),
      -- in one order, as below
      days as (
        insert into recsys_engine.user_days as own (user_id, impressions) select user_id, count(*) from shown group by user_id order by user_id
        on conflict (user_id, day) do update set impressions = own.impressions + excluded.impressions
        returning user_id, impressions
      ),
      kept as (
        select shown.*
        from shown
        join (select shown.user_id, count(*) as count from shown group by shown.user_id) as of_user using (user_id)
        join days using (user_id)
        cross join recsys.settings
        where settings.impressions_per_day is null or days.impressions - of_user.count + shown.number <= settings.impressions_per_day
      ),
      logged as (
      insert into recsys.impressions (request_id, user_id, shown_at, model_id, mode, post_id, position, score, source, features, explored, propensity,
        view_probability, vote_probability, comment_probability, degraded, variant, team, optional_probabilities, promotion_id)
      select request_id, user_id, shown_at, model_id, mode, post_id, position, score, source, features::real[], explored, propensity,
        view_probability, vote_probability, comment_probability, degraded,
        -- a feed from a fallback did not look; what it shows is its variant's doing all the same
        nullif(case when variant is null and (select exists (select from recsys.experiments where ended_at is null))
          then (select assigned.variant from recsys_engine.assignment(user_id) as assigned) else variant end, ''), team, optional_probabilities::jsonb, promotion_id
      from kept
      returning post_id, user_id, shown_at, mode = 'candidates' or promotion_id is not null as is_pushed
      )
      -- in one order, so that workers who show the same posts to the same people wait for each other at most
      insert into recsys_engine.exploration_impressions (post_id, user_id, shown_at)
      select logged.post_id, logged.user_id, min(logged.shown_at)
      from logged
      cross join recsys.settings
      join recsys.source_posts as posts on posts.post_id = logged.post_id and posts.created_at > logged.shown_at - recsys_engine.exploration_max_age()
      left join recsys_engine.exploration_stats on exploration_stats.post_id = logged.post_id
      -- what was searched for or promoted is no trial
      where coalesce(exploration_stats.impressions, 0) < settings.trial_impressions and not logged.is_pushed
      group by logged.post_id, logged.user_id
      order by logged.post_id, logged.user_id
      on conflict do nothing`,
    values: [
      rows.map(({ feed }) => feed.request_id),
      rows.map(({ userId }) => userId),
      rows.map(({ shownAt }) => shownAt),
      rows.map(({ feed, credit }) => credit?.modelId ?? feed.model?.id ?? null),
      rows.map(({ feed }) => feed.mode),
      rows.map(({ item }) => item.post_id),
      rows.map(({ item }) => item.position),
      rows.map(({ item }) => item.score),
      rows.map(({ item }) => item.source),
      // an array of arrays would be one array to unnest, so each travels as its literal
      rows.map(({ features }) => features && `{${features.join()}}`),
      rows.map(({ item }) => item.why.kind === "exploration"),
      rows.map(({ propensity }) => propensity),
      rows.map(({ item }) => item.predictions?.view ?? null),
      rows.map(({ item }) => item.predictions?.vote ?? null),
      rows.map(({ item }) => item.predictions?.comment ?? null),
      rows.map(({ feed }) => feed.degraded),
      rows.map(({ label }) => label),
      rows.map(({ credit }) => credit?.team ?? null),
      rows.map(({ item }) => optionalProbabilities(item.predictions)),
      rows.map(({ promotion }) => promotion ?? null),
    ],
  };
}

/** Those of optional heads by name, as JSON of as many digits as 32 bits hold; null: there are none. */
function optionalProbabilities(predictions: Predictions | null): string | null {
  const heads = optionalHeads.filter((head) => predictions?.[head] !== undefined);
  if (heads.length === 0) return null;
  return JSON.stringify(Object.fromEntries(heads.map((head) => [head, roundToFloat32(predictions?.[head] as number)])));
}
