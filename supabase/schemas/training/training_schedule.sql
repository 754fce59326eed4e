-- pg_cron asks for a training each night; a worker or a scheduled job of a code host takes it (docs/retraining.md).
select recsys_engine.schedule('recsys training', '7 2 * * *', 'select recsys.request_training(''schedule'')');
