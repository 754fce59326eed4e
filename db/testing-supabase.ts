/** For tests: the parts of Supabase that the engine calls from the database, pg_net and Vault. */
import type pg from "pg";

/** Makes what the engine calls of both. As in pg_net, a request is a row of an unlogged table, which a crash empties. */
export async function makePgNetAndVault(pool: pg.Pool): Promise<void> {
  await pool.query(`
    create schema net;
    create unlogged table net.http_request_queue (
      id bigint generated always as identity, url text, headers jsonb, body jsonb, timeout_milliseconds int
    );
    create function net.http_post(
      url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds int default 5000
    ) returns bigint language sql as $$
      insert into net.http_request_queue (url, headers, body, timeout_milliseconds)
      values (url, headers, body, timeout_milliseconds) returning id
    $$;
    create schema vault;
    create table vault.decrypted_secrets (name text primary key, decrypted_secret text)`);
}

/** Puts into the Vault where the functions are served, and with which key. */
export async function fillVault(pool: pg.Pool, project: { url: string; secretKey: string }): Promise<void> {
  await pool.query(
    `insert into vault.decrypted_secrets values ('recsys_project_url', $1), ('recsys_secret_key', $2)
     on conflict (name) do update set decrypted_secret = excluded.decrypted_secret`,
    [`${project.url}/`, project.secretKey],
  );
}

/** What pg_net's worker does: takes the queued requests out and sends them, at once. Resolves to a promise for each: its status, or null. */
export async function sendQueued(pool: pg.Pool): Promise<Promise<number | null>[]> {
  const { rows } = await pool.query("delete from net.http_request_queue returning *");
  return rows.map(async ({ url, headers, body, timeout_milliseconds }) => {
    try {
      const signal = AbortSignal.timeout(timeout_milliseconds);
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal });
      await response.arrayBuffer();
      return response.status;
    } catch {
      // as there, a request that fails is not sent again
      return null;
    }
  });
}
