/** For tests: what operators put into feeds by hand and ask of a page, and who wants no reposts, at random. */
import type { Random } from "../trainer/models/nn/random.ts";
import { uuid } from "./community.ts";
import type { Client } from "./random-policies.ts";
import { pick, some, someFilter } from "./random-values.ts";

/**
 * The wishes of a new community. One promotion is for no user: while there are none at all, a worker asks for none
 * for ten seconds.
 */
export async function beginWishes(client: Client, random: Random, people: string[]): Promise<void> {
  await client.query("delete from recsys.promotions");
  const nobody = JSON.stringify({ user_ids: [uuid("f", 9)] });
  await promote(client, { name: "for nobody", post_id: uuid("f", 9), place: 1, people: nobody }, [
    "-1 day",
    "1000 days",
  ]);
  for (let n = 0; n < 16; n++) await promoteSomething(client, random, people);
  await groupSomehow(client, random);
  await hideReposts(client, random);
}

/** Some of that changes; says what. */
export async function changeWish(client: Client, random: Random, people: string[]): Promise<string> {
  const changes: Record<string, () => Promise<unknown>> = {
    promoted: () => promoteSomething(client, random, people),
    "promoted, too": () => promoteSomething(client, random, people),
    "promotions ended": () =>
      client.query("delete from recsys.promotions where name <> 'for nobody' and md5(name || $1) < '4'", [
        random.below(1e9),
      ]),
    "groups changed": () => groupSomehow(client, random),
    "reposts hidden": () => hideReposts(client, random),
  };
  const name = pick(random, Object.keys(changes));
  await changes[name]?.();
  return name;
}

/** A post, readable or not, but rather a public one, or what passes a filter; mostly for all, and mostly now. */
async function promoteSomething(client: Client, random: Random, people: string[]): Promise<void> {
  const { rows } = await client.query(
    "select id from public.posts order by visibility = 'private' and $2, md5(id::text || $1) limit 1",
    [random.below(1e9), random.below(2) === 0],
  );
  const filter = pick(random, [null, null, someFilter(random, people)]);
  const forWhom = pick(random, [
    ...[null, null, null, null, null, null, { passions: [pick(random, ["Chess", "gardens"])] }],
    { user_ids: [pick(random, people), ...some(random, people, 8)] },
    // all signed up 400 days ago
    { signed_up_days: pick(random, [100, 500]) },
  ]);
  const how = random.below(2) > 0 ? { place: 1 + random.below(pick(random, [3, 15])) } : {};
  // a promotion with a place must name authors
  const whose = "place" in how ? { author_ids: people } : {};
  const what = filter ? { filter: JSON.stringify({ ...whose, ...filter }) } : { post_id: rows[0]?.id ?? uuid("f", 1) };
  await promote(
    client,
    {
      name: `promotion ${random.below(1e9)}`,
      ...what,
      factor: "place" in how ? null : pick(random, [0.01, 0.5, 100, 100]),
      ...how,
      people: forWhom && JSON.stringify(forWhom),
      per_person_and_day: pick(random, [null, null, null, 1, 3]),
    },
    random.below(5) > 0
      ? ["-1 day", "1 day"]
      : pick(random, [
          ["-2 days", "-1 day"],
          ["1 day", "2 days"],
        ]),
  );
}

async function promote(client: Client, columns: Record<string, unknown>, [starts, ends]: string[]) {
  const names = Object.keys(columns);
  await client.query(
    `insert into recsys.promotions (${names.join()}, starts_at, ends_at)
     values (${names.map((_, i) => `$${i + 3}`).join()}, now() + $1::interval, now() + $2::interval)`,
    [starts, ends, ...Object.values(columns)],
  );
}

/** By languages, or by tags that begin alike. */
async function groupSomehow(client: Client, random: Random): Promise<void> {
  await client.query("update recsys.settings set group_by = $1, group_share = $2, group_floor = $3", [
    pick(random, ["language", "language", "language", "s", "nothing:"]),
    pick(random, [1, 0.5, 0.1, 0.01]),
    pick(random, [0, 5, 20, 20, 20]),
  ]);
}

/** A third of all who decided nothing yet. */
async function hideReposts(client: Client, random: Random): Promise<void> {
  await client.query(
    "insert into public.preferences (user_id, kind, value) select id, 'hide', 'reposts' from public.profiles where md5(id::text || $1) < '5' on conflict do nothing",
    [random.below(1e9)],
  );
}
