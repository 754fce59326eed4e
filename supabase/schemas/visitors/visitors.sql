-- Visitors, who have not signed in, get a feed by the interests that their request names: under the role anon, so
-- that the app's own row level security decides which posts they see. This file is all that anon may do here. An app
-- without it, or whose posts anon has no right to read, tells visitors to sign in.
--
-- It reveals nothing of people, their actions and what was shown to them, and permits no write.

grant usage on schema recsys, recsys_engine to anon;

-- what the app shows them
grant select on recsys.source_posts, recsys.source_withheld to anon;

-- the instant, the weights, the model
grant select (clock_shift) on recsys.settings to anon;
grant select on recsys_engine.feed_settings to anon;
do $$
begin
  execute (
    select format('grant select (%s) on recsys.settings to anon', string_agg(quote_ident(attname), ', '))
    from pg_catalog.pg_attribute where attrelid = 'recsys_engine.feed_settings'::regclass and attnum > 0
  );
end
$$;
grant select (version) on recsys_engine.feature_store_version to anon;
grant select (model_id, name, status, feature_spec_digest, heads) on recsys.models to anon;
grant select (model_id, graph, onnx, sha256) on recsys_engine.model_artifacts to anon;
alter policy "settings are readable" on recsys.settings to anon, authenticated;
alter policy "the version is readable" on recsys_engine.feature_store_version to anon, authenticated;
alter policy "the callers of functions read models" on recsys.models to anon, authenticated;
alter policy "the callers of functions read artifacts" on recsys_engine.model_artifacts to anon, authenticated;

-- what the engine knows of posts, each read with its post
grant select (model_id, post_id, embedding, is_unindexed) on recsys.post_embeddings to anon;
grant select (post_id, last_active_at, interaction_id, kind, views, votes, comments, participants, last_comment_at, recent, trend) on recsys_engine.post_stats, recsys_engine.latest_post_stats to anon;
grant select on recsys_engine.post_tags to anon;
grant select (post_id, created_at, waits) on recsys_engine.listed_posts to anon;
alter policy "vectors are read with their post" on recsys.post_embeddings to anon, authenticated;
alter policy "stats are read with their post" on recsys_engine.post_stats to anon, authenticated;
alter policy "stats are read with their post" on recsys_engine.latest_post_stats to anon, authenticated;
alter policy "tags are read with their post" on recsys_engine.post_tags to anon, authenticated;
alter policy "they are listed for who may read them" on recsys_engine.listed_posts to anon, authenticated;

grant execute on function
  recsys_engine.feed_context(jsonb), recsys_engine.newcomer_share(), recsys_engine.posts_of_newcomers(uuid[]), recsys_engine.user_context(uuid, bigint, timestamptz), recsys_engine.load_reader_profile(uuid, timestamptz), recsys_engine.keep_readable_interactions(recsys_engine.reader_profile), recsys_engine.reader_context(recsys_engine.reader_profile, bigint), recsys.clock(), recsys_engine.served_key(uuid, bigint), recsys_engine.fold_text(text), recsys_engine.without_controls(text), recsys_engine.text_for_mutes(text, text[]), recsys_engine.contains_any(text, text[]), recsys_engine.has_muted_word(text, text[], text), recsys_engine.text_key(text, text[], uuid), recsys_engine.mutes_only_request(uuid, timestamptz), recsys_engine.with_filter(recsys_engine.feed_request, jsonb), recsys_engine.count_new_posts(uuid, timestamptz, jsonb, integer), recsys_engine.feed_request(uuid, timestamptz, jsonb, bigint, bigint[]),
  recsys_engine.popularity(double precision[], timestamptz), recsys_engine.eligible_posts(recsys_engine.feed_request), recsys_engine.small_readable_set(double precision), recsys_engine.newest_listed(recsys_engine.feed_request, integer, timestamptz, integer), recsys_engine.newest_filtered_posts(recsys_engine.feed_request, integer), recsys_engine.prefilter_posts(recsys_engine.feed_request, uuid[]), recsys_engine.with_requested_posts(recsys_engine.feed_request, uuid[]), recsys_engine.requested_posts(uuid, uuid[], jsonb, bigint), recsys_engine.visible_posts(uuid, uuid[], jsonb, boolean), recsys_engine.with_affinities(recsys_engine.feed_request), recsys_engine.with_followee_engagements(recsys_engine.feed_request), recsys_engine.with_engaged_posts(recsys_engine.feed_request, bigint), recsys_engine.with_covisited(recsys_engine.feed_request, bigint),
  recsys_engine.with_prefiltered_pool(recsys_engine.feed_request, bigint, extensions.vector, boolean, double precision), recsys_engine.ranked_posts(recsys_engine.feed_request, bigint, extensions.vector), recsys_engine.hydrate_ranked_posts(recsys_engine.feed_request, recsys_engine.ranked_post[]), recsys_engine.retrieve(uuid, bigint, extensions.vector, timestamptz, bigint, bigint[], jsonb)
to anon;

-- the sources, whichever there are (retrieval/sources.sql)
grant select on recsys_engine.sources to anon;
do $$
declare
  source regprocedure;
begin
  for source in select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'recsys_engine'::regnamespace and proname ~ '^(retrieve_|eligible_hits$|first_hits$|has_enough_after_cap$|cap_per_author$|is_trend_sparse$|some_wait$|historical_post_states$|(newest|active|trending|popular)_posts|source_fetch_limit$|max_per_author$|global_sources$|personal_sources$)' loop
    execute format('grant execute on function %s to anon', source);
  end loop;
end
$$;
