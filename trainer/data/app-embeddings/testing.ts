/** For tests: an app's own table of vectors. */
import type pg from "pg";
import { Random } from "../../models/nn/random.ts";

/** Makes and watches a table for vectors of 24 numbers. */
export async function watchArticleVectors(pool: pg.Pool): Promise<void> {
  await pool.query(`
    create table public.article_vectors (post_id uuid primary key references public.posts on delete cascade, model text, embedding extensions.halfvec(24));
    grant select on public.article_vectors to service_role;
    select recsys.watch('public.article_vectors', 'vectors', p_texts => '{embedding}', p_others => '{model}')`);
}

/** Gives each post but ten a vector: the letters of its topic, and noise. */
export async function fillArticleVectors(pool: pg.Pool, encoder: string): Promise<void> {
  const random = new Random(1);
  const { rows } = await pool.query("select id, tags[1] as topic from public.posts order by created_at, id");
  const vectors = rows.slice(10).map(({ id, topic }) => {
    const vector = Array.from({ length: 24 }, () => random.normal() / 4);
    for (const letter of topic) if (letter >= "a" && letter <= "x") vector[letter.charCodeAt(0) - 97]++;
    return { post_id: id, embedding: JSON.stringify(vector) };
  });
  await pool.query(
    `insert into public.article_vectors select post_id, $2, embedding::extensions.halfvec(24)
     from json_to_recordset($1) as given (post_id uuid, embedding text)`,
    [JSON.stringify(vectors), encoder],
  );
}
