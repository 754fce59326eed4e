-- pg_cron thins the feature store at night, in portions of 20,000 posts and users a minute: 1.2 million a night. Each is a transaction of
-- a few seconds, and what one night does not reach the next one does.
select recsys_engine.schedule('recsys thinning', '* 2 * * *', 'select recsys_engine.prune_feature_store()');
