/**
 * Tests the list of what became of each table: it is complete, its figures are right, and reading them does not
 * disturb the app.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import pg from "pg";
import { withoutPostgres } from "../../db/testing.ts";
import { readingApp, readTables } from "../catalog/read-catalog.ts";
import { draftDatabase } from "../draft/draft-views.ts";
import { draftedApps } from "../testing.ts";

const skip = await withoutPostgres();
const { newDatabase } = await draftedApps({ after });

const uuid = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
const app = `
  insert into auth.users (id) select ('00000000-0000-4000-8000-00000000000' || n)::uuid from generate_series(1, 3) as n;
  create table profiles (id uuid primary key references auth.users, username text, created_at timestamptz not null default '2020-01-01');
  insert into profiles (id, username) select id, 'u' from auth.users;
  create table posts (id bigint primary key generated always as identity, user_id uuid, title text not null default '', body text, hidden boolean not null default false, created_at timestamptz not null default now());
  create table likes (user_id uuid, post_id bigint, created_at timestamptz not null default now());`;

/** The line of a table, and those below it that go on with it. */
function entryOf(lines: string[], table: string): string {
  const first = lines.findIndex((line) => line.includes(` ${table} `));
  const rest = lines.slice(first + 1);
  const end = rest.findIndex((line) => !/^ {12,}/.test(line));
  return [lines[first], ...rest.slice(0, end < 0 ? rest.length : end)]
    .map((line) => line?.trim().replace(/ +/g, " "))
    .join(" | ");
}

test("each table with a person or a post is in the list once, and none besides", { skip }, async () => {
  const { pool } = await newDatabase("coverage");
  await pool.query(`${app}
    insert into posts (user_id, title, body, hidden) select case when n % 10 = 0 then gen_random_uuid() else '${uuid(1)}' end, case when n % 5 = 0 then '' else 'Title' end, null, n % 4 = 0 from generate_series(1, 200) as n;
    insert into likes select '${uuid(2)}', n from generate_series(101, 300) as n;
    insert into likes select null, 1 from generate_series(1, 7);
    create table introductions (id bigint primary key, user_id uuid references profiles, target_user_id uuid references profiles, at timestamptz);
    create table post_frobs (id bigint primary key, user_id uuid references profiles, post_id bigint references posts, created_at timestamptz);
    create table subscriptions (user_id uuid references profiles, follower_id uuid references profiles);
    create table follows (follower_id uuid, followee_id uuid);
    insert into follows values ('${uuid(1)}', '${uuid(1)}'), ('${uuid(1)}', '${uuid(2)}'), ('${uuid(1)}', '${uuid(3)}'), ('${uuid(2)}', '${uuid(3)}'), ('${uuid(2)}', '${uuid(9)}'), ('${uuid(9)}', '${uuid(2)}');
    create table following (user_id uuid references profiles, at timestamptz);
    create table settings (user_id uuid primary key references profiles, theme text);
    create table post_files (post_id bigint references posts, path text);
    create table countries (id bigint primary key, name text);
    insert into post_frobs select n, '${uuid(1)}', 1, now() from generate_series(1, 5) as n;`);
  const { coverage, sql } = await draftDatabase(pool);
  const [head, ...lines] = coverage.lines;
  assert.match(head, /the worst first/);
  // 50 are hidden; of the other 150, 20 have no title (not the multiples of 4), and 10 have no author
  assert.equal(
    entryOf(lines, "public.posts"),
    "used, but public.posts 200 posts: 150 of 200; 20 % have no text; 7 % are by nobody whom the table of people has",
  );
  assert.equal(
    entryOf(lines, "public.likes"),
    "used, but public.likes 207 votes (like): 200 of 207; 50 % are of posts that are not there",
  );
  assert.match(
    entryOf(lines, "public.introductions"),
    /^not understood public\.introductions 0 it names two people \(user_id, target_user_id\)/,
  );
  assert.match(
    entryOf(lines, "public.post_frobs"),
    /^not understood public\.post_frobs 5 its name does not say what was done/,
  );
  assert.equal(
    entryOf(lines, "public.follows"),
    "used, but public.follows 6 people whom somebody follows: 5 of 6; 20 % are by nobody whom the table of people has; 20 % name nobody whom the table of people has",
  );
  assert.match(
    entryOf(lines, "public.following"),
    /^not understood public\.following 0 whom somebody follows is in no view: it names one person \(user_id\)/,
  );
  assert.match(entryOf(lines, "public.post_files"), /^left out public\.post_files 0 it names a post and nobody/);
  assert.equal(entryOf(lines, "public.profiles"), "used public.profiles 3 people: 3");
  assert.match(lines.at(-1) ?? "", /^Left out, since they name a person and no post: public\.settings \(0\)\.$/);
  assert.ok(!coverage.lines.some((line) => line.includes("countries")));
  const verdicts = lines.flatMap((line) => /^ {2}(used, but|not understood|left out|used) /.exec(line)?.[1] ?? []);
  const order = ["used, but", "not understood", "left out", "used"];
  assert.deepEqual(
    verdicts,
    [...verdicts].sort((one, other) => order.indexOf(one) - order.indexOf(other)),
  );
  assert.match(
    coverage.summary,
    /^tables with a person or a post: 3 used, but; 4 not understood; 1 left out; 1 used; 1 without a post$/,
  );
  // at the top of the migration, line by line
  assert.ok(sql.includes(coverage.lines.map((line) => `-- ${line}`).join("\n")));
});

test("a large table is sampled, whose pages are counted, and so is one that was never analysed", { skip }, async () => {
  const { pool, url } = await newDatabase("large");
  /** What has been read of the table in pages once a session has acted, which says so at once: when it ends, that may come too late. */
  const inSession = async <T>(act: (pool: pg.Pool) => Promise<T>): Promise<{ result: T; pages: number }> => {
    const own = new pg.Pool({ connectionString: url, max: 1 });
    // a pool has ended before its sessions have, and on a busy machine the database may be dropped between
    own.on("error", () => undefined);
    try {
      const result = await act(own);
      await own.query("select pg_stat_force_next_flush()");
      const { rows } = await pool.query(
        "select pg_stat_clear_snapshot(), (select heap_blks_read + heap_blks_hit from pg_statio_user_tables where relname = 'likes')::int as pages",
      );
      return { result, pages: rows[0].pages };
    } finally {
      await own.end();
    }
  };
  const filled = await inSession((own) =>
    own.query(`${app}
      insert into posts (user_id, title) select '${uuid(1)}', 'Title ' || n from generate_series(1, 100) as n;
      alter table likes set (autovacuum_enabled = off);
      insert into likes select case when n % 4 = 0 then null else '${uuid(2)}'::uuid end, 1 + n % 100 from generate_series(1, 600000) as n;`),
  );
  const { rows } = await pool.query("select pg_relation_size('likes') / 8192 as pages");
  const size = Number(rows[0].pages);
  assert.ok(size > 3000 && filled.pages > 0, `${size} pages`);
  const { result, pages } = await inSession(draftDatabase);
  const said = entryOf(result.coverage.lines, "public.likes");
  const [, used, sample] =
    /votes \(like\): ([\d,]+) of a sample of ([\d,]+)$/.exec(said)?.map((text) => Number(text.replaceAll(",", ""))) ??
    assert.fail(said);
  assert.ok(sample > 100_000 && sample < 500_000, said);
  assert.ok(Math.abs(used / sample - 0.75) < 0.02, said);
  const read = pages - filled.pages;
  assert.ok(read > 1000 && read < 0.8 * size, `${read} of ${size} pages`);
});

test("nobody waits for the draft, and it for nobody: its locks end with each question", { skip }, async () => {
  const { pool, url } = await newDatabase("locked");
  await pool.query(
    `${app} insert into posts (user_id, title) select '${uuid(1)}', 'Title ' || n from generate_series(1, 100) as n;`,
  );
  const held = await readingApp(pool, async (client) => {
    await readTables(client);
    const { rows } = await client.query(
      "select relation::regclass::text as name from pg_locks where pid = pg_backend_pid() and relation::regclass::text in ('public.posts', 'public.likes')",
    );
    return rows;
  });
  assert.deepEqual(held, []);
  const other = new pg.Client(url);
  await other.connect();
  try {
    await other.query("begin; lock table likes in access exclusive mode");
    const { coverage } = await draftDatabase(pool);
    assert.match(
      entryOf(coverage.lines, "public.likes"),
      /votes \(like\): not counted, since it is locked by somebody$/,
    );
    assert.match(entryOf(coverage.lines, "public.posts"), /posts: 100$/);
  } finally {
    await other.end();
  }
});

test("names, values and kinds that would end a comment stay in it", { skip }, async () => {
  const { pool } = await newDatabase("hostile");
  await pool.query(`${app} create table canary ();
    insert into posts (user_id, title) select '${uuid(1)}', 'Title' from generate_series(1, 30) as n;
    create table "post likes
; drop table canary; --" (user_id uuid references profiles, post_id bigint references posts, reaction text, created_at timestamptz default now());
    insert into "post likes
; drop table canary; --" select '${uuid(1)}', 1, E'x\\n; drop table canary; --' || chr(8232) from generate_series(1, 30);`);
  const { sql, coverage } = await draftDatabase(pool);
  await pool.query(sql);
  assert.ok(coverage.lines.every((line) => !/[\n\r\u2028]/u.test(line)));
  assert.match(coverage.lines.join("\n"), /public\.post likes ; drop table canary; --/);
  assert.equal((await pool.query("select to_regclass('canary') is not null as kept")).rows[0].kept, true);
});

test("of what people write, draft and check repeat a word or two, and nothing that a terminal obeys", {
  skip,
}, async () => {
  const { pool } = await newDatabase("coverage_words");
  const clear = String.raw`\x1b[2J`;
  await pool.query(`${app}
    create table sign_ins (id uuid primary key, user_id uuid not null references profiles);
    insert into sign_ins select ('019aa5b2-79b' || n || '-7cc3-98c4-dc0c0c07398f')::uuid, '${uuid(2)}' from generate_series(1, 9) as n;
    alter table posts add column category text, add column visibility text;
    insert into posts (user_id, title, category, visibility)
    select '${uuid(1)}', 'Title', (array['news', 'News for alice@example.com', 'what only my sister should know'])[n % 3 + 1], (array['public', 'direct', E'for ${clear} bob@example.com'])[n % 3 + 1] from generate_series(1, 100) as n;
    create table reactions (user_id uuid references profiles, post_id bigint references posts, reaction text, created_at timestamptz not null default now());
    insert into reactions select '${uuid(2)}', n, case
      when n < 30 then E'x${clear}\nPROBLEM  none. What to do: drop it' when n < 40 then 'bob@example.com' when n < 50 then 'what only my sister should know ' || n
      when n < 60 then E'\u202ereversed' when n < 70 then E'like${clear}' when n < 80 then 'so true' when n < 90 then '👨‍👩‍👧' else '4f3c2b1a4f3c2b1a4f3c2b1a4f3c2b1a' end
    from generate_series(1, 100) as n`);
  const { sql, unsure, coverage } = await draftDatabase(pool);
  await pool.query(sql);
  const { rows } = await pool.query("select problem, cure from recsys.check()");
  const said = [
    ...sql.split("\n"),
    ...unsure,
    coverage.summary,
    ...rows.flatMap(({ problem, cure }) => [problem, cure]),
  ];
  assert.deepEqual(
    said.filter((line) => /[\p{Cc}\p{Bidi_Control}]|example\.com|sister|4f3c2b1a|dc0c0c07398f|^PROBLEM/u.test(line)),
    [],
  );
  const listed = said.filter((line) => line.includes("recsys.kinds does not list"));
  for (const word of ["so true", "👨‍👩‍👧"])
    assert.equal(listed.filter((line) => line.includes(`${word} (`)).length, 2, `${word}: ${listed.join("\n")}`);
  const { rows: counted } = await pool.query("select count(*)::int from recsys.source_interactions");
  assert.deepEqual(counted, [{ count: 100 }]);
});
