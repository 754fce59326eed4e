/** A place of a promotion is for a post or authors that it names: any user may give their post a tag. */
import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, post, publishTinyModel } from "../../../testing/community.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "pins_by_tag");
await fillCommunity(pool);
await publishTinyModel(pool, { name: "tiny" });
await pool.query("update public.posts set tags = '{rail}' where id = $1", [post(12)]);

async function promote(filter: object): Promise<number> {
  const { rows } = await pool.query(
    `insert into recsys.promotions (name, filter, place, starts_at, ends_at)
     values ('Rail week', $1, 1, now() - interval '1 minute', 'infinity') returning promotion_id::int as id`,
    [filter],
  );
  return rows[0].id;
}

/** Where promoted posts stand, and as what, to a worker that starts. */
async function promoted(t: TestContext): Promise<[number, string][]> {
  const { body } = await testApp(t, url).call(people.ben, { limit: 6 });
  return body.items.flatMap(({ promoted, position }): [number, string][] => (promoted ? [[position, promoted]] : []));
}

test("a place by a tag is nobody's: it is refused with what to do, and one of 1.0.0 pins nothing, says so and can be ended", async (t) => {
  const byTag = { tags: ["rail"] };
  await assert.rejects(promote(byTag), {
    message:
      "a place needs post_id, or author_ids in its filter, or whoever gives a post that tag has the place: name one of these, or give factor instead of place",
  });
  await pool.query("alter table recsys.promotions disable trigger promotions_are_checked");
  const id = await promote(byTag);
  await pool.query("alter table recsys.promotions enable trigger promotions_are_checked");
  assert.deepEqual(await promoted(t), []);
  const { rows: preview } = await pool.query("select figure, count::int from recsys.preview_promotion($1)", [id]);
  assert.deepEqual(preview.slice(0, 2), [
    { figure: "it pins nothing: a place needs post_id, or author_ids in its filter", count: null },
    { figure: "posts", count: 0 },
  ]);
  const found = async () => (await pool.query("select problem from recsys.check() where problem ~ 'promotion'")).rows;
  assert.deepEqual(await found(), [
    {
      problem: `recsys.promotions: promotion ${id} has place 1 for posts that anybody may write, and pins nothing`,
    },
  ]);
  const change = (columns: string) =>
    pool.query(`update recsys.promotions set ${columns} where promotion_id = $1`, [id]);
  await assert.rejects(change("place = 2"), /a place needs post_id/);
  await change("name = 'Rail'");
  await change(`filter = filter || '{"author_ids": ["${people.author}"]}'`);
  assert.deepEqual(await promoted(t), [[1, "Rail"]]);
  assert.deepEqual(await found(), []);
  await assert.rejects(change("filter = filter - 'author_ids'"), /a place needs post_id/);
  await change("filter = filter - 'author_ids', place = null, factor = 100");
  assert.deepEqual(await promoted(t), [[1, "Rail"]], "what counts for more may go by a tag");
});
