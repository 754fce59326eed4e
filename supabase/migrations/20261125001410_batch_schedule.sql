-- pg_cron cannot run Node, but a run is only rows: it begins one each night, which `recsys worker --batch` or `recsys batch` then work.
do $$
begin
  if exists (select from pg_available_extensions where name = 'pg_cron')
    and current_setting('cron.database_name', true) = current_database() then
    create extension if not exists pg_cron;
    perform cron.schedule('recsys batch', '41 3 * * *', $job$
      select recsys.begin_batch_run() from recsys.models where status = 'active'
    $job$);
  end if;
end
$$;
