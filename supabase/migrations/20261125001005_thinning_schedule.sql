-- pg_cron thins the feature store at night, in portions of 20,000 posts and users a minute: 1.2 million a night. Each is a transaction of
-- a few seconds, and what one night does not reach the next one does. In SQL: select * from cron.job where jobname like 'recsys %',
-- cron.alter_job(jobid, active => false), cron.alter_job(jobid, schedule => '…').
do $$
begin
  if to_regnamespace('cron') is not null and current_setting('cron.database_name', true) = current_database() then
    perform cron.schedule('recsys thinning', '* 2 * * *', 'select recsys.thin_feature_store()');
  end if;
end
$$;
