/** What drafts once overlooked, an app for each: blocked people under other names, posts passed on, votes in polls, tags and texts in unlikely columns. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { withoutPostgres } from "../db/testing.ts";
import { draftedApps, shown } from "./testing.ts";

const skip = await withoutPostgres();
const { adoptTables } = await draftedApps({ after });

const who = "right(it.user_id::text, 1)";
const of = "(select description from recsys.source_posts where source_posts.post_id = it.post_id)";
const uuid = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
/** An id of a row that was created n minutes into 2026: milliseconds since 2000 in base 36, and two letters. */
const aid = (minute: number) =>
  `${(Date.UTC(2026, 0, 1, 0, minute) - Date.UTC(2000, 0)).toString(36).padStart(8, "0")}q7`;
const people = `
  insert into auth.users (id) select ('00000000-0000-4000-8000-00000000000' || n)::uuid from generate_series(1, 4) as n;`;

/** Notes of four people, in camel case, whose ids say when; with the ids of people as of notes. */
const notes = `${people}
  create table "user" (id varchar(32) primary key, "authId" uuid not null unique references auth.users, username text not null, "isSuspended" boolean not null default false, "updatedAt" timestamptz default now());
  create table note (
    id varchar(32) primary key, "userId" varchar(32) not null references "user", "replyId" varchar(32), "renoteId" varchar(32), "threadId" varchar(256), text text, name varchar(256),
    visibility text not null default 'public' check (visibility in ('public', 'followers', 'specified'))
  );
  create table note_favorite (id varchar(32) primary key, "userId" varchar(32) not null references "user", "noteId" varchar(32) not null references note);
  create table poll_vote (id varchar(32) primary key, "userId" varchar(32) not null references "user", "noteId" varchar(32) not null references note, choice integer not null);
  create table clip (id varchar(32) primary key, "lastClippedAt" timestamptz, "userId" varchar(32) not null references "user", name varchar(128) not null, description varchar(2048));
  create table clip_note (id varchar(32) primary key, "noteId" varchar(32) not null references note, "clipId" varchar(32) not null references clip);
  create table muting (id varchar(32) primary key, "expiresAt" timestamptz, "muteeId" varchar(32) not null references "user", "muterId" varchar(32) not null references "user");
  create table blocking (id varchar(32) primary key, "blockeeId" varchar(32) not null, "blockerId" varchar(32) not null);
  create table renote_muting (id varchar(32) primary key, "muteeId" varchar(32) not null references "user", "muterId" varchar(32) not null references "user");
  create table following (id varchar(32) primary key, "followeeId" varchar(32) not null references "user", "followerId" varchar(32) not null references "user");
  insert into "user" (id, "authId", username, "isSuspended") values ${[1, 2, 3, 4].map((n) => `('${aid(n)}', '${uuid(n)}', 'u${n}', ${n === 4})`).join(", ")};
  insert into note (id, "userId", text, "replyId", "renoteId", visibility) values
    ('${aid(10)}', '${aid(1)}', 'One', null, null, 'public'), ('${aid(11)}', '${aid(2)}', 'Answer', '${aid(10)}', null, 'public'),
    ('${aid(12)}', '${aid(2)}', null, null, '${aid(10)}', 'public'), ('${aid(13)}', '${aid(3)}', 'Quote', null, '${aid(10)}', 'public'),
    ('${aid(14)}', '${aid(3)}', 'Psst', null, null, 'specified'), ('${aid(15)}', '${aid(4)}', 'Spam', null, null, 'public');
  insert into note (id, "userId", "renoteId") values ('${aid(16)}', '${aid(1)}', 'gone');
  insert into note_favorite values ${[50, 51, 52].map((n) => `('${aid(n)}', '${aid(2)}', '${aid(10)}')`).join(", ")};
  insert into poll_vote values ('${aid(20)}', '${aid(3)}', '${aid(10)}', 1), ${[21, 22, 23].map((n) => `('${aid(n)}', '${aid(1)}', '${aid(10)}', 0)`).join(", ")};
  insert into clip values ('${aid(30)}', now(), '${aid(1)}', 'Kept', 'What I kept'), ('${aid(31)}', now(), '${aid(2)}', 'Kept', 'What I kept'), ('${aid(32)}', now(), '${aid(3)}', 'Kept', 'What I kept');
  insert into clip_note values ('${aid(33)}', '${aid(10)}', '${aid(30)}');
  insert into muting values ('${aid(40)}', null, '${aid(2)}', '${aid(1)}'), ('${aid(41)}', '2001-01-01', '${aid(3)}', '${aid(1)}'), ('${aid(42)}', '2101-01-01', '${aid(4)}', '${aid(1)}');
  insert into blocking values ('${aid(43)}', '${aid(3)}', '${aid(2)}');
  insert into renote_muting values ('${aid(44)}', '${aid(1)}', '${aid(3)}');
  insert into following values ('${aid(45)}', '${aid(1)}', '${aid(3)}');`;

test("notes whose ids say when: clips, answers and what is passed on are no posts", { skip }, async (t) => {
  const app = await adoptTables("notes_small", notes);
  await t.test(
    "posts, with the time of their ids; a quote is one, and neither a secret nor somebody's who is suspended",
    async () => {
      assert.deepEqual(
        await shown(app, "posts", "right(it.author_id::text, 1), it.description, it.created_at at time zone 'UTC'"),
        ["1 One 2026-01-01 00:10:00", "3 Quote 2026-01-01 00:13:00"],
      );
      assert.ok(
        app.unsure.some((line) =>
          /note\.id, .*poll_vote\.id: no column says when a row was created, so its id does \(aid or aidx/.test(line),
        ),
        app.unsure.join("\n"),
      );
      assert.match(app.sql, new RegExp(`the newest, ${aid(16)}…, would be of 2026-01-01T00:16:00Z`));
    },
  );
  await t.test("what people did: a vote in a poll is a view, passing on a vote, a quote a comment", async () => {
    assert.deepEqual(
      await shown(app, "interactions", `${who}, it.kind, ${of}, to_char(it.created_at at time zone 'UTC', 'MI')`),
      [
        "1 view One 21",
        "1 view One 22",
        "1 view One 23",
        // of a note that is not there
        "1 vote 16",
        "2 comment One 11",
        "2 vote One 12",
        "2 vote One 50",
        "2 vote One 51",
        "2 vote One 52",
        "3 comment One 13",
        "3 view One 20",
      ],
    );
  });
  await t.test("mutes and blocks under their other names, while they last; reposts alone hide nothing", async () => {
    assert.deepEqual(await shown(app, "mutes", `${who}, it.kind, right(it.value, 1)`), [
      "1 person 2",
      "1 person 4",
      "2 person 3",
    ]);
  });
  await t.test("the list says what became of the others", () => {
    const lines = app.coverage.join("\n");
    assert.match(lines, /left out +public\.renote_muting +1 +of whom somebody wants no reposts/);
    assert.match(lines, /left out +public\.clip +3 /);
    assert.match(lines, /used +public\.following +1 +people whom somebody follows: 1$/m);
    assert.match(lines, /public\.muting +3 +people whom somebody mutes: 2 of 3/);
    assert.match(lines, /public\.note +7 +posts: 2 of 7/);
  });
  await t.test("one table, two references: a later answer and a later quote are followed", async () => {
    await app.pool.query("select recsys.roll_up(null)");
    await app.pool.query(
      `insert into note (id, "userId", text, "replyId") values ('${aid(60)}', '${aid(3)}', 'So', '${aid(13)}'); insert into note (id, "userId", "renoteId") values ('${aid(61)}', '${aid(2)}', '${aid(10)}')`,
    );
    const { rows } = await app.pool.query(
      "select distinct post_id from recsys_engine.feature_changes where post_id in (select post_id from recsys.source_posts)",
    );
    assert.equal(rows.length, 2);
    await app.pool.query("select recsys.roll_up(null)");
    assert.deepEqual((await app.pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
  });
});

/** An app with numbers for ids and people who are uuids, to which each test adds what it is about. */
const posts = `${people}
  create table profiles (id uuid primary key references auth.users, username text, created_at timestamptz not null default '2020-01-01');
  insert into profiles (id, username) select id, 'u' from auth.users;`;
const articles = (columns: string, values: string, many = 200) => `${posts}
  create table articles (id bigint primary key generated always as identity, user_id uuid references profiles, title text not null, created_at timestamptz not null default now(), ${columns});
  insert into articles (user_id, title, created_at, ${columns
    .split(", ")
    .map((column) => column.split(" ")[0])
    .join(
      ", ",
    )}) select '${uuid(1)}', 'Number ' || n, timestamptz '2026-01-01' + n * interval '1 hour', ${values} from generate_series(1, ${many}) as n;`;

test("the longest text is the post's own, and not an excerpt or what a page is made of", { skip }, async () => {
  const columns = "description text, processed_html text, body_markdown text, body text, summary text";
  const app = await adoptTables(
    "texts",
    articles(columns, "'Excerpt', '<p>' || repeat('Long ', 50) || n || '</p>', repeat('Long ', 50) || n, null, 'Sum'"),
  );
  const [first] = await shown(app, "posts", "it.description");
  assert.equal(first, `${"Long ".repeat(50)}1`);
  const html = await adoptTables("html", articles("rendered text", "'<p>' || n"));
  assert.ok(html.unsure.some((line) => /articles: rendered is taken for its text, with the tags of HTML/.test(line)));
});

test("tags in one text, at commas or at spaces", { skip }, async () => {
  const commas = await adoptTables(
    "commas",
    articles("body text, cached_tag_list text", "'Text', case when n = 2 then null else 'Rye bread, #oven;  , x' end"),
  );
  assert.deepEqual([...new Set(await shown(commas, "posts", "it.tags"))], ['{"Rye bread",oven,x}', "{}"]);
  const spaces = await adoptTables("spaces", articles("body text, hashtags text", "'Text', '#rye #oven'"));
  assert.deepEqual((await shown(spaces, "posts", "it.tags"))[0], "{rye,oven}");
});

test("tags and comments, likes of both and votes of a number are told apart where a type says of which table a row is", {
  skip,
}, async () => {
  const app = await adoptTables(
    "types",
    `${articles("body text", "'Text ' || n", 3)}
     create table tags (id bigint primary key, name text not null);
     create table taggings (id bigint primary key generated always as identity, tag_id bigint references tags, taggable_type text not null, taggable_id bigint not null);
     create table comments (id bigint primary key, user_id uuid references profiles, commentable_type text not null, commentable_id bigint not null, body_markdown text not null, created_at timestamptz not null default now());
     create table reactions (id bigint primary key generated always as identity, user_id uuid references profiles, reactable_type text not null, reactable_id bigint not null, category text not null, points float not null default 1, created_at timestamptz not null default now());
     create table page_reads (id bigint primary key generated always as identity, user_id uuid references profiles, readable_type text not null, readable_id bigint not null, created_at timestamptz not null default now());
     create table topic_mutes (user_id uuid references profiles, tag_id bigint references tags, primary key (user_id, tag_id));
     insert into tags values (1, 'bread'), (2, 'trains');
     insert into taggings (tag_id, taggable_type, taggable_id) values (1, 'Article', 1), (2, 'Podcast', 1), (2, 'Article', 2);
     insert into comments values (1, '${uuid(2)}', 'Article', 1, 'Well', now()), (2, '${uuid(2)}', 'Podcast', 1, 'Dull', now());
     insert into reactions (user_id, reactable_type, reactable_id, category, points) select '${uuid(3)}', type, 1, category, 1 from unnest('{Article,Comment,Podcast}'::text[]) as type cross join unnest('{like,unicorn,thumbsdown}'::text[]) as category;
     insert into reactions (user_id, reactable_type, reactable_id, category) select '${uuid(4)}', 'Article', 2, 'unicorn' from generate_series(1, 20);
     insert into page_reads (user_id, readable_type, readable_id) values ('${uuid(2)}', 'Article', 3), ('${uuid(2)}', 'User', 3);
     insert into topic_mutes values ('${uuid(2)}', 2);`,
  );
  assert.deepEqual(await shown(app, "posts", "it.description, it.tags"), [
    "Text 1 {bread}",
    "Text 2 {trains}",
    "Text 3 {}",
  ]);
  assert.deepEqual(
    (await shown(app, "interactions", `${who}, it.kind, ${of}`)).filter((line) => !line.startsWith("4")),
    ["2 comment Text 1", "2 view Text 3", "3 view Text 1", "3 view Text 1", "3 vote Text 1", "3 vote Text 1"],
  );
  assert.deepEqual(await shown(app, "dismissals", `${who}, ${of}`), ["3 Text 1"]);
  assert.deepEqual(await shown(app, "mutes", `${who}, it.kind, it.value`), ["2 topic trains"]);
});

test("reactions that may be any emoji count as votes, whatever comes, and check says which are not listed", {
  skip,
}, async (t) => {
  const app = await adoptTables(
    "emoji",
    `${articles("body text", "'Text ' || n", 30)}
     create table reactions (user_id uuid references profiles, article_id bigint references articles, reaction text not null, created_at timestamptz not null default now());
     insert into reactions select '${uuid(2)}', n, ':e' || n % 40 || ':' from generate_series(1, 30) as n;
     insert into reactions values ('${uuid(3)}', 1, 'love'), ('${uuid(3)}', 2, '👍'), ('${uuid(4)}', 1, 'dislike');`,
  );
  const kinds = async () =>
    (await app.pool.query("select kind, count(*)::int from recsys.source_interactions group by kind order by kind"))
      .rows;
  const unlisted = async () =>
    (await app.pool.query("select problem, cure from recsys_engine.check_rows() where problem ~ 'does not list'")).rows;
  await t.test("all but what is against something", async () => {
    assert.deepEqual(await kinds(), [{ kind: "vote", count: 32 }]);
    assert.deepEqual(await shown(app, "dismissals", who), ["4"]);
    assert.match(
      (await unlisted())[0].problem,
      /^public\.reactions: 31 rows say one of 31 words that recsys\.kinds does not list, such as .* and count as vote, by its row 'any reaction'/,
    );
    assert.match(
      app.coverage.join("\n"),
      /97 % are of kinds that recsys\.kinds does not list, such as .*, and count as 'any reaction'/,
    );
  });
  await t.test("a row of recsys.kinds leaves one out, another makes all of them views", async () => {
    await app.pool.query("insert into recsys.kinds (kind, head) values ('👍', null)");
    assert.deepEqual(await kinds(), [{ kind: "vote", count: 31 }]);
    await app.pool.query("update recsys.kinds set head = 'view' where kind = 'any reaction'");
    assert.deepEqual(await kinds(), [
      { kind: "view", count: 30 },
      { kind: "vote", count: 1 },
    ]);
  });
  await t.test("its cure lists them as they count, until another comes", async () => {
    const before = await kinds();
    await app.pool.query((await unlisted())[0].cure);
    assert.deepEqual(await unlisted(), []);
    assert.deepEqual(await kinds(), before);
    await app.pool.query(`insert into reactions values ('${uuid(3)}', 3, 'new ''word''')`);
    assert.match(
      (await unlisted())[0].problem,
      /1 rows say one of 1 words .*such as new 'word' \(1\), and count as view, by its row 'any reaction'/,
    );
  });
});

test("a condition that no row meets is left out and said; what is deleted stays out, though it be all", {
  skip,
}, async () => {
  const app = await adoptTables(
    "approved",
    articles("body text, approved boolean, published boolean, is_deleted boolean", "'Text', false, n > 100, n <> 150"),
  );
  assert.equal((await shown(app, "posts", "it.title")).length, 1);
  assert.ok(
    app.unsure.some((line) => /articles\.approved is true holds of 0 of 200 rows, so it is left out/.test(line)),
    app.unsure.join("\n"),
  );
  assert.match(
    app.coverage.join("\n"),
    /used, but +public\.articles +200 +posts: 1 of 200; a condition on approved is left out, since 0 of 200 rows meet it/,
  );
  // an app that begins has published nothing yet
  const young = await adoptTables("young", articles("body text, published boolean", "'Text', false", 30));
  assert.deepEqual(await shown(young, "posts", "it.title"), []);
  assert.match(
    young.coverage.join("\n"),
    /used, but +public\.articles +30 +posts: 0 of 30; articles\.published is true holds of none/,
  );
});

test("what people say of themselves in a second table, with one row for each of them", { skip }, async () => {
  const app = await adoptTables(
    "profile",
    `${people}
     create table users (id bigint primary key, auth_id uuid not null unique references auth.users, email text, created_at timestamptz not null default '2020-01-01');
     create table profiles (id bigint primary key, user_id bigint not null unique references users, summary text, location text, website_url text);
     create table articles (id bigint primary key, user_id bigint references users, title text, body text, created_at timestamptz not null default now());
     insert into users (id, auth_id) select n, ('00000000-0000-4000-8000-00000000000' || n)::uuid from generate_series(1, 3) as n;
     insert into profiles values (7, 1, 'I bake', 'Oslo'), (8, 2, null, 'Rome');
     insert into articles values (1, 1, 'Rye', 'Long');`,
  );
  assert.deepEqual(await shown(app, "users", `${who}, replace(it.bio, E'\\n', '/')`), [
    "1 I bake/Oslo",
    "2 Rome",
    "3 ",
  ]);
  await app.pool.query(
    "truncate recsys_engine.embedding_jobs; update profiles set summary = 'I cycle' where user_id = 2",
  );
  const { rows } = await app.pool.query(
    "select kind, right(entity_id::text, 1) as who from recsys_engine.embedding_jobs",
  );
  assert.deepEqual(rows, [{ kind: "user", who: "2" }]);
});

test("a table of posts that says nowhere when is named, and not passed over for another", { skip }, async () => {
  const app = await adoptTables(
    "timeless",
    `${posts}
     create table notes (id uuid primary key default gen_random_uuid(), user_id uuid references profiles, body text);
     create table note_likes (user_id uuid references profiles, note_id uuid references notes);
     create table note_reads (user_id uuid references profiles, note_id uuid references notes);
     create table albums (id uuid primary key default gen_random_uuid(), user_id uuid references profiles, title text, description text, created_at timestamptz not null default now());
     insert into notes (user_id, body) select '${uuid(1)}', 'Text' from generate_series(1, 5);`,
  );
  assert.ok(
    app.unsure.some((line) =>
      /^public\.notes: it could be the posts, but neither a column nor a known form of its ids says when/.test(line),
    ),
    app.unsure.join("\n"),
  );
  assert.match(
    app.coverage.join("\n"),
    /not understood +public\.notes +5 +it has a text and a person, and neither a column/,
  );
});
