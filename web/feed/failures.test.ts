/** A slow network, one that fails, and refusals: each is told where the reader is, nothing is done twice and nothing is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { withOneSession } from "../../db/testing.ts";
import { seriousIn } from "../testing/axe.ts";
import { members } from "../testing/community.ts";
import {
  answerTo,
  card,
  events,
  eventually,
  hold,
  nextFeed,
  press,
  recommend,
  showWhatMoves,
  signInAs,
  titles,
} from "../testing/steps.ts";
import { startStories } from "../testing/stories.ts";

const { options, gateway, pool, open, lines } = await startStories("feed_failures");

/** Of a test that holds a lock by a connection of its own. */
const atOnce = { skip: options.skip || (await withOneSession()) };

const count = async (table: string) => (await pool.query(`select from ${table}`)).rowCount;

/** Whether some of it is in the window, and not under what is fixed there. */
const isInView = async (page: Page, text: string) => {
  const box = await page.getByText(text).first().boundingBox();
  const height = page.viewportSize()?.height ?? 0;
  return box !== null && box.y >= 0 && box.y + box.height <= height;
};

test("a page that fails says so where the reader is, and is asked for again there", options, async (t) => {
  const { page } = await open(t, { viewport: { width: 320, height: 640 } });
  await signInAs(page, gateway.url, "ada");
  await page.route(recommend, (route) => route.abort());
  await page.getByRole("button", { name: "More posts" }).scrollIntoViewIfNeeded();
  const trouble = page.getByRole("alert");
  await trouble.waitFor();
  await trouble.scrollIntoViewIfNeeded();
  const last = await page.locator("li.post").last().boundingBox();
  const said = await trouble.boundingBox();
  const below = (said?.y ?? -1) - ((last?.y ?? 0) + (last?.height ?? 0));
  assert.ok(below >= 0 && below < 40, `${below} pixels below the last post`);
  assert.equal(await trouble.count(), 1);
  assert.deepEqual(await seriousIn(page, "color-contrast"), []);
  await page.unroute(recommend);
  await nextFeed(page, () => trouble.getByRole("button", { name: "Ask again" }).click());
  await page.locator("li.post").nth(20).waitFor();
  assert.equal(await trouble.count(), 0);
  await t.test("so does what moves, asked for from far down", async () => {
    const title = (await titles(page, 40)).at(-1) as string;
    await press(page, title, "Vote");
    await page.getByRole("button", { name: "Show what moves" }).waitFor();
    await page.route(recommend, (route) => route.abort());
    await page.getByRole("button", { name: "Show what moves" }).click();
    await trouble.waitFor();
    assert.ok(await isInView(page, "The recommender does not answer right now."));
    assert.equal(await trouble.count(), 1);
    await page.unroute(recommend);
    await nextFeed(page, () => trouble.getByRole("button", { name: "Ask again" }).click());
    assert.match(
      (await page.getByRole("region", { name: "What moved" }).textContent()) ?? "",
      new RegExp(`you voted for “${title}”`),
    );
  });
});

test(
  "on a slow network dismissing is shown at once, and nothing is sent twice however often it is pressed",
  options,
  async (t) => {
    const { page } = await open(t);
    await signInAs(page, gateway.url, "ben");
    const [dismissed, commented] = await titles(page, 2);
    await card(page, commented).getByRole("button", { name: "Comment" }).click();
    await page.getByLabel("Your comment").fill("Once is enough.");
    await eventually(() => count("public.post_views"), 1);
    const held = await hold(page, events);
    // two presses before the page can draw anything
    await card(page, dismissed)
      .getByRole("button", { name: /^Not for me/ })
      .evaluate((button: HTMLButtonElement) => {
        button.focus();
        button.click();
        button.click();
      });
    await page.locator("li.post button:focus", { hasText: "Undo" }).waitFor();
    const send = card(page, commented).getByRole("button", { name: /^Send/ });
    await send.dblclick();
    await page.getByLabel("Your comment").press("Enter");
    await card(page, commented).getByRole("button", { name: "Sending …" }).waitFor();
    held.letGo();
    await page.getByRole("list", { name: "Comments" }).getByText("Once is enough.").waitFor();
    await eventually(async () => [await count("public.comments"), await count("recsys.dismissals")], [1, 1]);
    assert.equal(held.asked(), 2);
    assert.equal(await page.getByLabel("Your comment").inputValue(), "");
  },
);

test("what moves waits for a vote that is on its way", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "rosa");
  const [voted] = await titles(page, 1);
  const held = await hold(page, events);
  await press(page, voted, "Vote");
  const shown = showWhatMoves(page);
  await page.waitForTimeout(300);
  held.letGo();
  await shown;
  assert.match(
    (await page.getByRole("region", { name: "What moved" }).textContent()) ?? "",
    new RegExp(`${voted} was at place 1 · You voted for it`),
  );
  assert.equal(await page.getByText("Since this feed was made").count(), 0);
});

test("a vote pressed many times ends as it was pressed last", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  const [title] = await titles(page, 1);
  const vote = card(page, title).getByRole("button", { name: /^Voted? for|^▲ Voted?/ });
  let answered = 0;
  page.on("requestfinished", (request) => {
    if (request.url().endsWith("/events")) answered += request.postDataJSON().events.length;
  });
  for (let n = 0; n < 5; n++) await vote.click();
  await card(page, title).getByRole("button", { pressed: true }).waitFor();
  const mine = async () =>
    (
      await pool.query(
        "select title from public.post_votes join public.posts on posts.id = post_id where user_id = $1",
        [members.ben],
      )
    ).rows;
  await eventually(async () => answered, 5);
  assert.deepEqual(await mine(), [{ title }]);
});

test("the second click of a double click undoes nothing: a vote, a follow, a dismissal", options, async (t) => {
  const { page } = await open(t);
  const asPeopleDo = { delay: 80 };
  await signInAs(page, gateway.url, "ada");
  const sent: string[] = [];
  page.on("request", (request) => {
    if (!request.url().endsWith("/events") || request.method() !== "POST") return;
    for (const { type, value } of request.postDataJSON().events)
      if (type === "vote" || type === "dismiss") sent.push(`${type} ${value}`);
  });
  // not at the top of the page, where a message above the posts moves them from under the mouse
  const [voted, dismissed] = (await titles(page, 12)).slice(10);
  await card(page, voted).getByRole("button", { name: /Vote/ }).dblclick(asPeopleDo);
  await card(page, voted).getByRole("button", { name: "Voted for", pressed: true }).waitFor();
  await card(page, voted).locator("summary", { hasText: "Follow" }).click();
  const follow = card(page, voted)
    .getByRole("button", { name: /Follow(ing)? #/ })
    .first();
  await follow.dblclick(asPeopleDo);
  await card(page, dismissed)
    .getByRole("button", { name: /^Not for me/ })
    .dblclick(asPeopleDo);
  await page.getByText(`Dismissed: ${dismissed}`).waitFor();
  await eventually(async () => sent, ["vote 1", "dismiss undefined"]);
  await page.waitForTimeout(600);
  assert.deepEqual(sent, ["vote 1", "dismiss undefined"]);
  assert.equal(await follow.getAttribute("aria-pressed"), "true");
  assert.equal(await page.locator("li.post .opened").count(), 0, "nor does it open what is below");
  const { rowCount } = await pool.query("select from public.follows where user_id = $1", [members.ada]);
  assert.equal(rowCount, 1);
});

test("a vote that is not stored yet is pressed after a reload, too", atOnce, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "rosa");
  const [title] = await titles(page, 1);
  // the functions wait here with what she does
  const client = await pool.connect();
  await client.query("begin");
  await client.query(
    "insert into recsys_engine.user_days (user_id, day) values ($1, (now() at time zone 'utc')::date) on conflict (user_id, day) do update set events = user_days.events",
    [members.rosa],
  );
  try {
    await press(page, title, "Vote");
    await page.reload();
    await card(page, title).getByRole("button", { name: "Voted for", pressed: true }).waitFor();
  } finally {
    await client.query("rollback");
    client.release();
  }
  const mine =
    "select title from public.post_votes join public.posts on posts.id = post_id where user_id = $1 and title = $2";
  await eventually(async () => (await pool.query(mine, [members.rosa, title])).rowCount, 1);
});

test("what is refused is taken back, and the post says why; tried again it is done", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ada");
  const [voted, dismissed] = await titles(page, 2);
  // a rule of the app's own
  await pool.query(`
    create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'closed' using errcode = '42501'; end $$;
    create trigger refuse before insert on public.post_votes for each row execute function public.refuse();
    create trigger refuse before insert on recsys.dismissals for each row execute function public.refuse();`);
  const allow = () => pool.query("drop function if exists public.refuse cascade");
  t.after(allow);
  await press(page, voted, "Vote");
  await card(page, voted).getByRole("alert").waitFor();
  await card(page, voted).getByRole("button", { name: "Vote for", pressed: false }).waitFor();
  await press(page, dismissed, "Not for me");
  await card(page, dismissed).getByRole("alert").waitFor();
  assert.deepEqual(await titles(page, 2), [voted, dismissed]);
  assert.equal(await page.getByText("Since this feed was made").count(), 0);
  assert.deepEqual(await seriousIn(page, "color-contrast"), []);
  await allow();
  for (const title of [voted, dismissed]) await press(page, title, "Try again");
  await page.getByText(`Dismissed: ${dismissed}`).waitFor();
  await card(page, voted).getByRole("button", { name: "Voted for", pressed: true }).waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
});

test("what is refused after its post has left the feed is said above it, and done again there", options, async (t) => {
  const { page } = await open(t);
  await signInAs(page, gateway.url, "ben");
  const [title] = await titles(page, 1);
  const noted = answerTo(page, "view");
  await press(page, title, "Comment");
  await noted;
  const answer = Promise.withResolvers<void>();
  await page.route(
    events,
    async (route) => {
      await answer.promise;
      const all: { id: string }[] = route.request().postDataJSON().events;
      const refused = all.map(({ id }) => ({
        id,
        status: "refused",
        code: "invalid_event",
        message: "The app is closed.",
      }));
      await route.fulfill({ json: { events: refused } });
    },
    { times: 1 },
  );
  await press(page, title, "Vote");
  // which waits for the vote no longer than 5 s
  await nextFeed(page, () => page.getByRole("button", { name: "Refresh" }).click());
  assert.ok(!(await titles(page, 100)).includes(title));
  answer.resolve();
  const trouble = page.getByRole("region", { name: `Not stored: ${title}` });
  await trouble.getByText("The app is closed.").waitFor();
  await trouble.getByRole("button", { name: "Try again" }).click();
  await trouble.waitFor({ state: "detached" });
  await eventually(
    async () =>
      (
        await pool.query("select from public.post_votes join public.posts on posts.id = post_id where title = $1", [
          title,
        ])
      ).rowCount,
    1,
  );
});

test("none of this put a line into the log of the functions", options, () => assert.deepEqual(lines, []));
