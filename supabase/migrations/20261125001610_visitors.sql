-- Visitors, who have not signed in, get a feed by the interests that their request names: under the role anon, so that the app's own row
-- level security decides which posts they see. This file is all that anon may do here. An app without it, or whose posts anon has no
-- right to read, tells visitors to sign in.
--
-- Nothing is said here of people, of what they did, of what was shown to them, and nothing may be written.

grant usage on schema recsys to anon;

-- what the app shows them
grant select on recsys.source_posts, recsys.source_withheld to anon;

-- the instant, the weights, the model
grant select (clock_shift) on recsys.settings to anon;
grant select on recsys.feed_settings to anon;
do $$
begin
  execute (
    select format('grant select (%s) on recsys.settings to anon', string_agg(quote_ident(attname), ', '))
    from pg_catalog.pg_attribute where attrelid = 'recsys.feed_settings'::regclass and attnum > 0
  );
end
$$;
grant select (version) on recsys.feature_store_version to anon;
grant select (model_id, name, status, feature_spec_digest, heads) on recsys.models to anon;
grant select (model_id, graph, onnx, sha256) on recsys.model_artifacts to anon;
alter policy "settings are readable" on recsys.settings to anon, authenticated;
alter policy "the version is readable" on recsys.feature_store_version to anon, authenticated;
alter policy "the callers of functions read models" on recsys.models to anon, authenticated;
alter policy "the callers of functions read artifacts" on recsys.model_artifacts to anon, authenticated;

-- what the engine knows of posts, each read with its post
grant select (model_id, post_id, embedding) on recsys.post_embeddings to anon;
grant select (post_id, last_active_at, interaction_id, kind, views, votes, comments, participants, last_comment_at, recent, trend) on recsys.post_stats, recsys.latest_post_stats to anon;
grant select on recsys.post_tags, recsys.newcomer_posts to anon;
alter policy "vectors are read with their post" on recsys.post_embeddings to anon, authenticated;
alter policy "stats are read with their post" on recsys.post_stats to anon, authenticated;
alter policy "stats are read with their post" on recsys.latest_post_stats to anon, authenticated;
alter policy "trials are read with their post" on recsys.newcomer_posts to anon, authenticated;
alter policy "tags are read with their post" on recsys.post_tags to anon, authenticated;

grant execute on function
  recsys.feed_context(jsonb), recsys.user_context(uuid, bigint, timestamptz), recsys.clock(), recsys.served_key(uuid, bigint), recsys.folded(text), recsys.without_controls(text), recsys.text_for_mutes(text, text[]), recsys.not_in_words(), recsys.muted_word(text), recsys.word_pattern(text), recsys.muted_pattern(text[]), recsys.has_muted_word(text, text[], text), recsys.request_with_mutes(uuid, timestamptz), recsys.with_filter(recsys.feed_request, jsonb), recsys.new_posts(uuid, timestamptz, jsonb, integer), recsys.feed_request(uuid, timestamptz, jsonb, bigint, bigint[]),
  recsys.eligible_posts(recsys.feed_request), recsys.with_trials(recsys.feed_request), recsys.few_readable(double precision), recsys.newest_matches(recsys.feed_request, integer), recsys.pooled(recsys.feed_request, uuid[]), recsys.with_given(recsys.feed_request, uuid[]), recsys.given_posts(uuid, uuid[], jsonb, bigint), recsys.with_affinities(recsys.feed_request), recsys.with_touched(recsys.feed_request), recsys.with_came_to(recsys.feed_request, bigint), recsys.with_covisited(recsys.feed_request, bigint),
  recsys.with_pool(recsys.feed_request, bigint, extensions.vector, boolean, double precision), recsys.ranked_posts(recsys.feed_request, bigint, extensions.vector), recsys.told_ranked_posts(recsys.feed_request, recsys.ranked_post[]), recsys.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb)
to anon;

-- the sources, whichever there are (…0960_sources.sql)
do $$
declare
  source regprocedure;
begin
  for source in select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'recsys'::regnamespace and proname ~ '^(retrieve_|is_enough$|within_share$|earlier_states$|(newest|active|trending)_posts|most_found$|author_share$|common_sources$|own_sources$)' loop
    execute format('grant execute on function %s to anon', source);
  end loop;
end
$$;
