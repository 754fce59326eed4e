/**
 * Two apps such as Misskey and Forem, from their tables to feeds over HTTP: what has to be changed in the draft by hand, that check is content after
 * its own cures, and that nobody is shown what the rules of the app forbid, by statements over its own tables. ITEMS asks for more than 2,000.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutPostgres } from "../../db/testing.ts";
import { type Gateway, startGateway } from "../serve/gateway.ts";
import { adopt, appWithRows, cure, forbidden, publish, train } from "./testing-whole-app.ts";
import { wholeApps } from "./whole-apps.ts";

const items = Number(process.env.ITEMS ?? 2000);

interface Page {
  items: { post_id: string; app_id: string }[];
  next: string | null;
  degraded: string | null;
  model: object | null;
}

for (const { name, edits, agrees, changes } of wholeApps)
  test(`${name}: from its tables to feeds`, { skip: await withoutPostgres() }, async (t) => {
    // what was opened last is closed first
    const cleanings: (() => Promise<unknown>)[] = [];
    const scope = { after: (clean: () => Promise<unknown>) => void cleanings.unshift(clean) };
    t.after(async () => {
      for (const clean of cleanings) await clean();
    });
    const database = await appWithRows(scope, name, { people: 64, posts: 800, deeds: 6000 });
    const { pool } = database;

    await t.test("three edits at most make the draft right", async () => {
      assert.ok(edits.length <= 3, `${edits.length} edits`);
      await adopt(database, edits);
      for (const [what, views, tables] of agrees) {
        const [shown, meant] = [await pool.query(views), await pool.query(tables)];
        assert.deepEqual(shown.rows, meant.rows, what);
        assert.ok(meant.rows.length > 0, `${what}: there are some`);
      }
    });

    await t.test("check has no problem left after its own cures", async () => {
      const { left } = await cure(database);
      assert.deepEqual(
        left.filter((line) => line.startsWith("PROBLEM")),
        [],
      );
    });

    const { rows: readers } = await pool.query<{ id: string }>("select id from auth.users order by id");
    const { rows: all } = await pool.query<{ reader: string; item: string }>(
      "select users.id as reader, coalesce(posts.external_id, recsys.app_id(posts.post_id, null)) as item from auth.users cross join recsys.source_posts as posts",
    );
    const allowed = await forbidden(database, name, all);

    await t.test("a model is trained and published", async () => publish(database, await train(scope, database)));

    let gateway: Gateway | undefined;
    const said: string[] = [];
    const page = async (reader: string, body: object): Promise<Page> => {
      const { url, tokenOf } = gateway as Gateway;
      const response = await fetch(`${url}/functions/v1/recommend`, {
        method: "POST",
        headers: { authorization: `Bearer ${await tokenOf(reader)}` },
        body: JSON.stringify(body),
      });
      const answer = await response.json();
      assert.equal(response.status, 200, JSON.stringify(answer));
      assert.deepEqual([answer.degraded, answer.model === null], [null, false]);
      return answer;
    };
    /** Every reader in turn: a feed, and its further pages until there are none or enough was seen. */
    const read = async (each: number) => {
      const shown: { reader: string; item: string }[] = [];
      for (const { id: reader } of readers) {
        let after: string | null | undefined;
        for (let seen = 0; seen < each && after !== null; ) {
          const { items, next } = await page(reader, { limit: Math.min(each, 50), ...(after && { after }) });
          for (const { app_id: item } of items) shown.push({ reader, item });
          seen += items.length;
          after = next;
        }
      }
      return shown;
    };
    const each = Math.ceil(items / 2 / readers.length);

    await t.test("nobody is shown what the app forbids", async () => {
      gateway = await startGateway({ databaseUrl: database.url, port: 0, onLog: (line) => said.push(line) });
      scope.after(() => (gateway as Gateway).stop());
      const shown = await read(each);
      assert.ok(shown.length >= items / 2, `${shown.length} items`);
      assert.deepEqual(await forbidden(database, name, shown), { "": shown.length });
    });

    await t.test("nor what it forbids from now on, nor what the reader dismissed", async () => {
      const dismissed = new Set<string>();
      for (const { id: reader } of readers)
        for (const { app_id, post_id } of (await page(reader, { limit: 3 })).items) {
          dismissed.add(`${reader} ${app_id}`);
          await asMember(reader, "insert into recsys.dismissals values ($1, $2, now())", [reader, post_id]);
        }
      await pool.query(changes);
      const shown = await read(each);
      assert.ok(shown.length >= items / 2, `${shown.length} items`);
      assert.deepEqual(await forbidden(database, name, shown), { "": shown.length });
      assert.deepEqual(
        shown.filter(({ reader, item }) => dismissed.has(`${reader} ${item}`)),
        [],
      );
      assert.deepEqual(said, []);
    });

    /** As PostgREST does it. */
    async function asMember(reader: string, statement: string, values: unknown[]): Promise<void> {
      const client = await pool.connect();
      try {
        await client.query("begin");
        await client.query(
          "select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)",
          [JSON.stringify({ sub: reader, role: "authenticated" })],
        );
        await client.query(statement, values);
        await client.query("commit");
      } finally {
        client.release();
      }
    }
  });
