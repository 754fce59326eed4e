import type pg from "pg";

/**
 * For tests: the parts of Supabase's pg_net and Vault that the engine calls. As in pg_net, a request is a row of
 * net.http_request_queue, which somebody else sends.
 */
export async function makePgNetAndVault(pool: pg.Pool): Promise<void> {
  await pool.query(`
    create schema net;
    create table net.http_request_queue (
      id bigint generated always as identity, url text, headers jsonb, body jsonb, timeout_milliseconds int
    );
    create function net.http_post(
      url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds int default 5000
    ) returns bigint language sql as $$
      insert into net.http_request_queue (url, headers, body, timeout_milliseconds)
      values (url, headers, body, timeout_milliseconds) returning id
    $$;
    create schema vault;
    create table vault.decrypted_secrets (name text, decrypted_secret text)`);
}
