-- pg_cron asks for a training each night; a worker or a scheduled job of a code host takes it (docs/retraining.md).
do $$
begin
  if exists (select from pg_available_extensions where name = 'pg_cron')
    and current_setting('cron.database_name', true) = current_database() then
    create extension if not exists pg_cron;
    perform cron.schedule('recsys training', '7 2 * * *', 'select recsys.request_training(''schedule'')');
  end if;
end
$$;
