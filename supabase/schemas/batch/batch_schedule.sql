-- pg_cron cannot run Node, but a run is only rows: it begins one each night, which `recsys worker --batch` or `recsys batch` then work.
select recsys_engine.schedule('recsys batch', '41 3 * * *', 'select recsys_engine.begin_batch_run()');
