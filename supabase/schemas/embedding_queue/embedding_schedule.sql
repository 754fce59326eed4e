-- On Supabase pg_cron calls the function `embed` through pg_net. Where either is missing, `recsys worker` works the queue.

create function recsys_engine.call_embed() returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  project_url text;
  secret_key text;
begin
  -- an empty queue costs no call
  if not recsys_engine.has_due_embedding_jobs() and not exists (select from recsys_engine.encoding_jobs where encoding_jobs.failures < 5) then
    return null;
  end if;
  -- vault and net are looked up when these lines run: where they are missing, nothing calls this
  select max(decrypted_secret) filter (where name = 'recsys_project_url'), max(decrypted_secret) filter (where name = 'recsys_secret_key')
  into project_url, secret_key
  from vault.decrypted_secrets;
  if project_url is null or secret_key is null then
    raise exception 'posts wait to be embedded, and the Vault does not say where and with which key'
      using hint = 'select vault.create_secret(''https://PROJECT.supabase.co'', ''recsys_project_url''), vault.create_secret(''sb_secret_…'', ''recsys_secret_key'')';
  end if;
  return net.http_post(
    url := rtrim(project_url, '/') || '/functions/v1/embed',
    headers := jsonb_build_object('content-type', 'application/json', 'apikey', secret_key),
    timeout_milliseconds := 15000
  );
end
$$;
comment on function recsys_engine.call_embed() is 'Calls the function embed where jobs are due, or texts wait for an encoder, with the project''s URL and secret key from the Vault (recsys_project_url, recsys_secret_key). Returns pg_net''s request id; null: nothing to do.';
revoke all on function recsys_engine.call_embed() from public;

do $$
begin
  if recsys_engine.has_cron() and (select count(*) = 2 from pg_available_extensions where name in ('pg_net', 'supabase_vault')) then
    create extension if not exists pg_net with schema extensions;
    create extension if not exists supabase_vault;
    perform recsys_engine.schedule('recsys embed', '10 seconds', 'select recsys_engine.call_embed()');
  end if;
end
$$;
