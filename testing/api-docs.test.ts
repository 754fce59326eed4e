/** docs/api.md shows what really happens: each example is run, and answers what is printed below it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { createClient } from "@supabase/supabase-js";
import { recsys } from "../client/src/index.ts";
import { testDatabase } from "../db/testing.ts";
import { startGateway } from "../serve/gateway.ts";
import type { IdeaPool } from "../supabase/functions/_shared/ideas/idea-pool.ts";
import document from "../supabase/functions/openapi/document.json" with { type: "json" };
import { fillCommunity, people, post, publishTinyModel, uuid } from "./community.ts";

const text = await readFile(new URL("../docs/api.md", import.meta.url), "utf8");
const blocks = text.split(/^(?=#{2,} )/m).flatMap((section) =>
  [...section.matchAll(/^```(sh|ts|json)\n(.*?)^```$/gms)].map(([, language, code]) => {
    return { language, code, isOfVisitor: section.startsWith("### Visitors\n") };
  }),
);

const { pool, url: databaseUrl } = await testDatabase({ after }, "api_docs");
const folder = await mkdtemp(join(tmpdir(), "recsys-"));
after(() => rm(folder, { recursive: true }));
const lines: string[] = [];
const gateway = await startGateway({ databaseUrl, port: 0, folder, onLog: (line) => lines.push(line) });
after(() => gateway.stop());
const signedIn = createClient(gateway.url, gateway.publishableKey, { accessToken: () => gateway.tokenOf(people.ada) });
const signedOut = createClient(gateway.url, gateway.publishableKey);

/** The community of the examples: ada, who reads and wrote one post, and no two posts or people that are equally near. */
before(async () => {
  await fillCommunity(pool);
  const model = await publishTinyModel(pool, { name: "tiny" });
  await pool.query(
    `update public.posts set tags = array['trains', 'visa'], description = 'What I wish I had known before' || chr(10) || 'trip ' || split_part(title, ' ', 2) || '.'`,
  );
  const adas = uuid("d", 1);
  const others = Array.from({ length: 8 }, (_, n) => uuid("e", n + 1));
  await pool.query("insert into public.profiles (id) select unnest($1::uuid[])", [others]);
  await pool.query("insert into public.posts (id, author_id, title) values ($1, $2, 'A post of her own')", [
    adas,
    people.ada,
  ]);
  const place = (table: string, key: string) => `insert into recsys.${table} (model_id, ${key}, embedding)
    select $1, placed.id, extensions.l2_normalize((array[1, 0, placed.away] || array_fill(0, array[29]))::extensions.vector)
    from unnest($2::uuid[], $3::real[]) as placed (id, away)
    on conflict (model_id, ${key}) do update set embedding = excluded.embedding`;
  const even = Array.from({ length: 15 }, (_, i) => 2 * i + 2);
  await pool.query(place("post_embeddings", "post_id"), [
    model,
    [...even.map(post), adas],
    [...even.map((n) => n / 50), 0.1],
  ]);
  await pool.query(place("user_embeddings", "user_id"), [
    model,
    [people.ada, people.ben, people.eve, people.author, ...others],
    [0, 0.2, 0.5, 0.9, ...others.map((_, n) => 1 + n)],
  ]);
  await pool.query(
    `insert into recsys_engine.topics (model_id, label, terms, centroid, people)
     select model_id, 'trains', '{train}', embedding, 47 from recsys.post_embeddings where post_id = $1`,
    [adas],
  );
  await pool.query("select recsys_engine.assign_topics($1, $2)", [model, [adas]]);
  await pool.query("insert into recsys_engine.idea_pool (model_id, pool, post_ids) values ($1, $2, $3)", [
    model,
    JSON.stringify(ideaPool),
    [post(4), post(6)],
  ]);
  await pool.query("delete from recsys_engine.embedding_jobs");
});

/** As it is made of a community with thousands of titles. */
const walks = {
  id: 3,
  label: "city walks, night",
  terms: ["city walks", "night"],
  demand: 7.7,
  supply: 0.6,
  people: 60,
};
const ideaPool: Omit<IdeaPool, "named"> = {
  needs: [{ kind: "often_unanswered", topic: { id: 3, label: walks.label }, posts: [1] }],
  ideas: [
    {
      title: "How safe is it to walk in Kyoto at night?",
      points: ["last train", "lanterns", "side streets"],
      tags: ["kyoto", "safety"],
      from: [0],
      subject: "kyoto",
      subjects: ["kyoto"],
      form: "how safe is it to walk in _ at night?",
      writer: "community",
      parts: { words: 1.9, nearest: 1.7, author: 0 },
      shares: { views: 0.9, votes: 0.2, comments: 0.5 },
      vector: [0.6, 0.8, ...Array(30).fill(0)],
      topic: { ...walks, centroid: [0.6, 0.8, ...Array(30).fill(0)] },
    },
  ],
  topics: [{ ...walks, centroid: [0.6, 0.8, ...Array(30).fill(0)] }],
  blend: {
    weights: { words: 0.6, nearest: 0.5, author: 0.3 },
    means: { words: 1.4, nearest: 1.4, author: 1.4 },
    mean: 1.4,
    scale: 1.1,
  },
  level: { sum: 7000, count: 5000 },
  lately: { "3": { posts: 17, unanswered: 4 } },
  posts: 5000,
};

/** What an example answers. */
async function answerOf({ language, code, isOfVisitor }: (typeof blocks)[number]): Promise<unknown> {
  if (language === "sh") {
    const env = {
      ...process.env,
      URL: gateway.url,
      TOKEN: await gateway.tokenOf(people.ada),
      PUBLISHABLE_KEY: gateway.publishableKey,
      SECRET_KEY: gateway.secretKey,
    };
    return JSON.parse((await promisify(execFile)("bash", ["-c", code], { env })).stdout);
  }
  const [, name] = /.*^const (?:\{ )?(\w+)/ms.exec(code) ?? [];
  const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor;
  const run = new AsyncFunction("supabase", "recommender", `${code}; return ${name};`);
  const supabase = isOfVisitor ? signedOut : signedIn;
  return await run(supabase, recsys(supabase));
}

/** Without what differs each time: ids made for the call, instants, last digits. */
function lasting(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer), (key, value) => {
    if ((key === "request_id" || key === "id") && typeof value === "string") return "uuid";
    if (key === "made_at" || key === "created_at") return "instant";
    if (key === "next" && value !== null) return "cursor";
    return typeof value === "number" ? Number(value.toFixed(3)) : value;
  });
}

test("every example answers what is printed below it", async () => {
  let answers: unknown[] = [];
  let compared = 0;
  for (const block of blocks) {
    if (block.language !== "json") answers.push(await answerOf(block));
    else {
      const printed = lasting(JSON.parse(block.code));
      for (const answer of answers)
        assert.deepEqual(lasting(answer), printed, `docs/api.md prints another answer than ${JSON.stringify(answer)}`);
      compared += answers.length;
      answers = [];
    }
  }
  assert.ok(compared >= 21, `${compared} answers`);
  assert.deepEqual(answers, [], "each has its answer below");
  assert.deepEqual(lines, [], "none of it is worth a line in the log");
});

test("the document is served to anyone", async () => {
  const response = await fetch(`${gateway.url}/functions/v1/openapi`);
  assert.deepEqual(await response.json(), document);
});

test("every code of the document is explained, and so is every function", () => {
  const { schemas } = document.components;
  const [, errors, ofEvents] = text.split(/^## Errors$|^Of one event, in its report:$/m);
  for (const code of schemas.ErrorCode.enum)
    assert.ok(errors.includes(`| \`${code}\``) || errors.includes(`, \`${code}\``), code);
  for (const code of schemas.RefusalCode.enum) assert.ok(ofEvents.includes(`\`${code}\``), code);
  for (const path of Object.keys(document.paths)) assert.ok(text.includes(`\n## ${path.slice(1)}\n`), path);
});
