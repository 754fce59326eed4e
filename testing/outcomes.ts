/** For tests: four people, a few posts, and what they were shown and did, minutes ago. */
import type pg from "pg";
import { uuid } from "./community.ts";

export const post = (n: number) => uuid("b", n);
export const person = (n: number) => uuid("a", n);

export function outcomesIn(pool: pg.Pool) {
  return {
    /** Four people, and some posts by the fourth. */
    async fill(posts: number): Promise<void> {
      await pool.query(
        "insert into public.profiles (id, created_at) select id, now() - interval '1 year' from unnest($1::uuid[]) as id",
        [[1, 2, 3, 4].map(person)],
      );
      await pool.query(
        "insert into public.posts (id, author_id, title, created_at) select id, $2, 'a post', now() - interval '1 year' from unnest($1::uuid[]) as id",
        [Array.from({ length: posts }, (_, i) => post(i + 1)), person(4)],
      );
    },
    /** A post was shown by itself, in a variant of an experiment or in none. */
    async show(minutes: number, userId: string, postId: string, variant: string | null): Promise<void> {
      await pool.query(
        `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, variant)
         values (gen_random_uuid(), $2, $3, 1, now() - $1 * interval '1 minute', $4)`,
        [minutes, userId, postId, variant],
      );
    },
    /** A vote, a view or a comment, with its value. */
    async act(
      minutes: number,
      userId: string,
      postId: string,
      table = "post_votes",
      value: number | null = null,
    ): Promise<void> {
      await pool.query(
        `insert into public.${table} (user_id, post_id, value, created_at) values ($2, $3, $4, now() - $1 * interval '1 minute')`,
        [minutes, userId, postId, value],
      );
    },
  };
}
