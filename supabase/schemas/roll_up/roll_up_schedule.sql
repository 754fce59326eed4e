-- The feature store is kept fresh by pg_cron; where that cannot run, `recsys serve` calls recsys.roll_up().

select recsys_engine.schedule('recsys roll-up', '10 seconds', 'select recsys.roll_up()');
-- what rewrites more than a roll-up by day may
select recsys_engine.schedule('recsys late roll-up', '* 1 * * *', 'select recsys.roll_up(20000, 200000, null)');
select recsys_engine.schedule('recsys purge of cron history', '17 3 * * *', 'select recsys_engine.purge_cron_history()');
