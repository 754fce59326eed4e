/**
 * A community of things that do not age, such as music: more things than people, a few of them known to all, without words.
 * Followed people have a similar taste. The sizes are those of a public data set of listeners; its contents are not used.
 */
import { writeAll } from "../../db/bundle/write-records.ts";
import { Random } from "../../trainer/models/nn/random.ts";

const sizes = { users: 1880, posts: 17_632, genres: 24, taste: 16 };
const day = 24 * 3_600_000;
const start = Date.UTC(2006, 0, 1);
const days = 1826;
/** What happened in the last half-year is the test. */
export const evergreenCut = Date.UTC(2010, 6, 8);

/** Writes its bundle. `monthly`: everything is dated the first of its month, as in an archive. People with an odd number follow from the start, the others since the later of two signed up. */
export async function writeEvergreenCommunity(
  folder: string,
  { seed, monthly }: { seed: number; monthly: boolean },
): Promise<void> {
  const random = new Random(seed);
  const several = <T>(count: number, next: () => T) => Array.from({ length: count }, next);
  const around = (centre: number[], deviation: number) => centre.map((x) => x + deviation * random.normal());
  /** Numbers of the `count` highest of some scores with Gumbel noise: a draw without replacement, as by a softmax of them. */
  const draw = (scores: number[], count: number) => {
    const noisy = scores.map((score) => score - Math.log(-Math.log(1 - random.uniform() * 0.999_999)));
    return [...noisy.keys()].sort((a, b) => noisy[b] - noisy[a]).slice(0, count);
  };
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);

  const genres = several(sizes.genres, () => several(sizes.taste, () => random.normal()));
  const logSizes = genres.map((_, g) => -0.7 * Math.log(g + 1));
  const kinds = several(sizes.posts, () => draw(logSizes, 1)[0]).map((g) => around(genres[g], 0.7));
  const places = random.shuffle(Uint32Array.from({ length: sizes.posts }, (_, i) => i));
  const logPopularity = Array.from(places, (place) => -0.95 * Math.log(place + 3));

  const signedUp = several(sizes.users, () => Math.sqrt(random.uniform()) * (days - 46));
  const tastes = signedUp.map(() => {
    const own = draw(
      logSizes.map(() => 0),
      1 + random.below(4),
    ).map((g) => ({ g, share: -Math.log(1 - random.uniform()) }));
    const whole = own.reduce((sum, { share }) => sum + share, 0);
    const centre = genres[0].map((_, i) => own.reduce((sum, { g, share }) => sum + (share / whole) * genres[g][i], 0));
    return around(centre, 0.35);
  });
  const acts = tastes.flatMap((taste, user) => {
    const scores = kinds.map((kind, post) => logPopularity[post] + (1.6 / 4) * dot(taste, kind));
    const came = random.shuffle(draw(scores, Math.min(400, Math.max(1, Math.floor(Math.exp(3.2 + random.normal()))))));
    let last = signedUp[user];
    const sittings = several(1 + random.below(6), () => (last += -120 * Math.log(1 - random.uniform())));
    return came.map((post, i) => {
      const sitting = i < came.length / 4 ? signedUp[user] : sittings[Math.floor((i / came.length) * sittings.length)];
      return { user, post, at: sitting + 0.05 * random.uniform() };
    });
  });
  const lengths = tastes.map((taste) => Math.sqrt(dot(taste, taste)));
  const follows = tastes.flatMap((taste, user) => {
    const alike = tastes.map((other, i) => (i === user ? -100 : (6 * dot(taste, other)) / lengths[user] / lengths[i]));
    const people = draw(alike, Math.min(60, Math.max(1, Math.floor(Math.exp(1.7 + 0.9 * random.normal())))));
    return people.map((person) => ({ user, person }));
  });

  const instant = (at: number) => {
    const exact = new Date(start + at * day);
    return monthly
      ? new Date(Date.UTC(exact.getUTCFullYear(), exact.getUTCMonth())).toISOString()
      : exact.toISOString();
  };
  await writeAll(
    folder,
    "users",
    signedUp.map((at, user) => ({ id: `u${user}`, passions: [], projects: [], bio: "", created_at: instant(at) })),
  );
  await writeAll(
    folder,
    "posts",
    kinds.map((_, i) => ({
      id: `p${i}`,
      author_id: null,
      title: `record ${i}`,
      description: "",
      tags: [],
      created_at: instant(0),
    })),
  );
  const done = acts.filter(({ at }) => at < days).sort((a, b) => a.at - b.at);
  await writeAll(
    folder,
    "interactions",
    done.map(({ user, post, at }) => ({
      user_id: `u${user}`,
      post_id: `p${post}`,
      kind: "vote",
      created_at: instant(at),
    })),
  );
  await writeAll(
    folder,
    "follows",
    follows.map(({ user, person }) => {
      const created_at = instant(user % 2 === 1 ? 0 : Math.max(signedUp[user], signedUp[person]));
      return { user_id: `u${user}`, kind: "person", target_id: `u${person}`, created_at };
    }),
  );
}
