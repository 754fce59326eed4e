-- pg_cron keeps the feature store fresh. Where it cannot run (the embedded database, a copy for tests), `recsys serve` calls recsys.roll_up() instead.
do $$
begin
  if exists (select from pg_available_extensions where name = 'pg_cron')
    and current_setting('cron.database_name', true) = current_database() then
    create extension if not exists pg_cron;
    perform cron.schedule('recsys roll-up', '10 seconds', 'select recsys.roll_up()');
    -- cron.job_run_details is never purged by itself
    perform cron.schedule('recsys purge of cron history', '17 3 * * *', 'delete from cron.job_run_details where end_time < now() - interval ''7 days''');
  end if;
end
$$;
