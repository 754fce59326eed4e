/** Which page a feed requests next: after a failed request, and while another feed is loading. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { noPages, openPager, type Pages, pagesFrom } from "./src/feed-pages.ts";
import { type ConnectionState, type Feed, RecsysError } from "./src/index.ts";

/** A page called so, behind which there is another. */
const page = (name: string) => ({ request_id: name, items: [{ post_id: name }], next: `after ${name}` }) as Feed;
const lost = new RecsysError("unreachable", "no answer", null, null, undefined);
const refused = new RecsysError("internal", "broken", 500, null, undefined);

/** A pager whose questions are answered by hand. */
function pagerOf(first?: Feed) {
  const questions: { after: unknown; answer(feed: Feed | RecsysError): Promise<void> }[] = [];
  let tellConnection: (connection: ConnectionState) => void = () => {};
  const told: Pages[] = [];
  const recommender: Parameters<typeof openPager>[0] = {
    recommend: (request) =>
      new Promise((resolve, reject) => {
        questions.push({
          after: request?.after,
          async answer(feed) {
            if (feed instanceof RecsysError) reject(feed);
            else resolve(feed);
            await new Promise(setImmediate);
          },
        });
      }),
    watch(tell) {
      tellConnection = tell;
      tell({ isOnline: true, unsent: [] });
      return () => {};
    },
  };
  const pager = openPager(recommender, {}, first ? pagesFrom(first) : noPages, (pages) => told.push(pages));
  const connect = (isOnline: boolean) => tellConnection({ isOnline, unsent: [] });
  const shown = () => told.at(-1)?.items.map(({ post_id }) => post_id);
  const latest = () => questions.at(-1) ?? assert.fail("nothing was asked");
  return { pager, questions, latest, connect, shown, error: () => told.at(-1)?.error };
}

test("more after a reload that failed asks for the reload again, and no page of two feeds is shown", async () => {
  const { pager, latest, shown, questions } = pagerOf(page("a"));
  pager.reload();
  await latest().answer(refused);
  assert.deepEqual(shown(), ["a"]);
  pager.more();
  assert.equal(latest().after, null);
  await latest().answer(page("b"));
  assert.deepEqual(shown(), ["b"]);
  pager.more();
  assert.equal(latest().after, "after b");
  await latest().answer(page("c"));
  assert.deepEqual([shown(), questions.length], [["b", "c"], 3]);
});

test("more after a page that failed asks for that page", async () => {
  const { pager, latest, shown } = pagerOf(page("a"));
  pager.more();
  await latest().answer(refused);
  pager.more();
  assert.equal(latest().after, "after a");
  await latest().answer(page("b"));
  assert.deepEqual(shown(), ["a", "b"]);
});

test("with a network again a first page and a next one come by themselves", async () => {
  const { pager, latest, connect, shown, error } = pagerOf();
  await latest().answer(lost);
  connect(false);
  connect(true);
  await latest().answer(page("a"));
  pager.more();
  connect(false);
  await latest().answer(lost);
  connect(true);
  assert.equal(latest().after, "after a");
  await latest().answer(page("b"));
  assert.deepEqual([shown(), error()], [["a", "b"], undefined]);
});

test("a reload that failed without a network leaves no error when there is one, and no other feed unasked", async () => {
  const { pager, latest, connect, shown, error, questions } = pagerOf(page("a"));
  connect(false);
  pager.reload();
  await latest().answer(lost);
  assert.equal(error(), lost);
  connect(true);
  assert.deepEqual([error(), shown(), questions.length], [undefined, ["a"], 1]);
  pager.more();
  assert.equal(latest().after, "after a");
});

test("what the functions refused stays, network or not, and more events that wait ask for nothing", async () => {
  const { pager, latest, connect, error, questions } = pagerOf(page("a"));
  pager.more();
  await latest().answer(refused);
  connect(false);
  connect(true);
  assert.deepEqual([error(), questions.length], [refused, 1]);
  pager.more();
  await latest().answer(lost);
  connect(true);
  assert.deepEqual([error(), questions.length], [lost, 2]);
});

test("a request that is over asks for nothing, whoever still holds its more", async () => {
  const { pager, questions } = pagerOf(page("a"));
  pager.close();
  pager.more();
  pager.reload();
  assert.equal(questions.length, 0);
});
