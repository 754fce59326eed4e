/** For tests of ideas: a community that writes in forms, and a stand-in for a language model. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type pg from "pg";
import { dimensions } from "../supabase/functions/_shared/features/history.ts";
import { postTowerInputs } from "../supabase/functions/_shared/features/tower-inputs.ts";
import { loadRuntime } from "../supabase/functions/_shared/models/inference.ts";
import { embeddingsOf } from "../supabase/functions/_shared/towers/tower-vectors.ts";
import type { IdeasAnswer, IdeasRequest } from "../supabase/functions/ideas/api.ts";
import { type IdeasOptions, openIdeas } from "../supabase/functions/ideas/handler.ts";
import { type TestApp, testFunction } from "../supabase/functions/testing.ts";
import { publishTinyModel, uuid } from "./community.ts";
import { wordTowers } from "./towers.ts";

export const writers = Array.from({ length: 12 }, (_, n) => uuid("a", n));
/** Has a profile and has written nothing. */
export const reader = writers[11];
export const places = ["Lima", "Oslo", "Rome", "Kyoto", "Quito", "Cairo", "Perth"];
export const forms = [
  "How safe is it to walk in _ at night?",
  "Where to eat in _ on a Sunday?",
  "What to see in _ in one day?",
  "Is it loud in _ at noon?",
];
/** The one title of these forms and places that no post has. */
export const missing = "How safe is it to walk in Kyoto at night?";

/** Writers, and every title of the forms and places but one, of a month ago; many interacted with those of the first form. */
export async function fillForms(pool: pg.Pool): Promise<void> {
  await pool.query(
    "insert into public.profiles (id, bio, created_at) select unnest($1::uuid[]), 'Bartholomew Quux', now() - interval '1 year'",
    [writers],
  );
  const titles = forms.flatMap((form) => places.map((place) => form.replace("_", place)));
  await addPosts(
    pool,
    titles.flatMap((title, i) => (title === missing ? [] : [{ title, author: (i + Math.floor(i / 7)) % 7 }])),
  );
  await pool.query(
    `insert into public.post_votes (user_id, post_id, created_at)
     select voter.id, posts.id, posts.created_at + interval '1 day'
     from public.posts, unnest($1::uuid[]) as voter (id)
     where posts.title like 'How safe%' and voter.id <> posts.author_id`,
    [writers.slice(0, 9)],
  );
  await pool.query(
    `insert into public.comments (user_id, post_id, body, created_at)
     select $1, posts.id, 'Thanks', posts.created_at + interval '2 days' from public.posts where posts.title like '%Lima%'`,
    [writers[10]],
  );
}

export interface TestPost {
  title: string;
  /** Of `writers`. */
  author: number;
  visibility?: string;
}

export async function addPosts(pool: pg.Pool, posts: TestPost[]): Promise<void> {
  await pool.query(
    `insert into public.posts (author_id, title, visibility, created_at)
     select author_id, title, visibility, now() - interval '20 days' + number * interval '1 minute'
     from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality as post (author_id, title, visibility, number)`,
    [
      posts.map(({ author }) => writers[author]),
      posts.map(({ title }) => title),
      posts.map(({ visibility }) => visibility ?? "public"),
    ],
  );
}

/** A model that reads words, the posts' topics (none: one for each form), and vectors of who has something written. */
export async function publishTopics(pool: pg.Pool, labels = ["walk", "eat", "see", "loud"]): Promise<number> {
  const graphs = wordTowers();
  const model = await publishTinyModel(pool, { name: "words", graphs });
  const { createSession } = await loadRuntime();
  const tower = await createSession(graphs.post_tower);
  const post = (title: string) => ({ title, description: "", tags: [], author_id: null, id_embedding: null });
  const centroids = labels.length > 0 ? await embeddingsOf(tower, postTowerInputs(labels.map(post), tower)) : [];
  await pool.query("delete from recsys_engine.topics");
  for (const [i, label] of labels.entries()) {
    const { rows } = await pool.query(
      `insert into recsys_engine.topics (model_id, label, terms, centroid, demand, people, supply)
       values ($1, $2, $3, $4, $5, 29, 1) returning topic_id`,
      [model, label, [label, "night"], `[${centroids[i].join()}]`, labels.length - i],
    );
    await pool.query(
      "insert into recsys_engine.post_topics (post_id, topic_id, similarity) select id, $1, 1 from public.posts where title ilike '%' || $2 || '%' on conflict do nothing",
      [rows[0].topic_id, label],
    );
  }
  return model;
}

/** Gives a user the vector of a text. */
export async function knows(pool: pg.Pool, model: number, userId: string, text: string): Promise<void> {
  const { createSession } = await loadRuntime();
  const tower = await createSession(wordTowers().post_tower);
  const [vector] = await embeddingsOf(
    tower,
    postTowerInputs([{ title: text, description: "", tags: [], author_id: null, id_embedding: null }], tower),
  );
  if (vector.length !== dimensions) throw new Error("no vector");
  await pool.query(
    `insert into recsys.user_embeddings (model_id, user_id, embedding) values ($1, $2, $3)
     on conflict (model_id, user_id) do update set embedding = excluded.embedding`,
    [model, userId, `[${vector.join()}]`],
  );
}

/** For tests: the function `ideas`; see `testFunction`. */
export function testApp(
  scope: { after(clean: () => Promise<void>): void },
  url: string,
  options: IdeasOptions = {},
): TestApp<IdeasAnswer> {
  return testFunction<IdeasRequest, IdeasAnswer>(scope, url, openIdeas(options));
}

export interface StandIn {
  url: string;
  /** Bodies and headers that came. */
  asked: { body: string; authorization: string | undefined }[];
  /** What it answers from now on. */
  answer: (respond: Respond) => void;
}

export interface Respond {
  send(status: number, body: string, headers?: Record<string, string>): void;
  /** Writes a part of an answer that does not end. */
  write(part: string | Uint8Array): void;
}

/** A stand-in for an OpenAI-compatible endpoint. */
export async function standIn(scope: { after(clean: () => Promise<void>): void }): Promise<StandIn> {
  const model: StandIn = { url: "", asked: [], answer: ({ send }) => send(500, "") };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      model.asked.push({ body, authorization: request.headers.authorization });
      model.answer({
        send(status, text, headers = {}) {
          response.writeHead(status, { "content-type": "application/json", ...headers });
          response.end(text);
        },
        write: (part) => response.write(part),
      });
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  model.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  scope.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  return model;
}

/** The body of a completion that says these ideas. */
export function completion(ideas: unknown): string {
  return JSON.stringify({ choices: [{ message: { content: JSON.stringify({ ideas }) } }] });
}
