/**
 * Walks through docs/training.md as an ML engineer would: its files, and its commands in a shell. Differences from the page: the
 * database, dates within the invented community (it ends in March 2026), two and three draws instead of twenty, and `--once`.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { eitherDatabase } from "../db/testing.ts";
import type { Ended } from "../db/testing-program.ts";
import { fillSmallCommunity, temporaryFolder } from "./testing.ts";
import { fileRequest, requestRow } from "./training/queue/testing.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const text = await readFile(join(root, "docs/training.md"), "utf8");
/** What the page has its reader do or see: blocks, line by line where they are commands, and commands within sentences. */
const steps = [...text.matchAll(/```(\w*)\n(.*?)```|`(npx --no-install recsys [^`]+)`/gs)].flatMap(
  ([, language, body, command]): { language: string; body: string }[] =>
    command === undefined && language !== "sh"
      ? [{ language, body }]
      : (command ?? body)
          .trim()
          .split("\n")
          .map((line) => ({ language: "sh", body: line })),
);
/** Of the community's 20 days 16 come before it. */
const until = "2026-02-25";

const database = await eitherDatabase({ after }, "training_page");
const { pool } = database;
const folder = await temporaryFolder({ after });
before(() => fillSmallCommunity(database));

/** What the last command printed. */
let printed = "";
/** The line that says how good the first model is on held-out requests. */
let heldOut = "";
/** The name of the model that the page publishes. */
let published = "";

const checks: [RegExp, (line: string) => Promise<void>][] = [
  [
    /config > config\.yaml$/,
    async (line) => {
      await succeeds(line);
      const defaults = parse(await file("config.yaml"));
      assert.ok(defaults.towers.temperature > 0 && defaults.ranker.epochs > 0);
    },
  ],
  [
    /train --config config\.yaml --seed 1$/,
    async (line) => {
      await succeeds(line);
      heldOut = /^on .*$/m.exec(printed)?.[0] ?? assert.fail(printed);
      const { metrics } = await description(/written to (\S+);/.exec(printed)?.[1] ?? assert.fail(printed));
      assert.deepEqual(metrics.config, { "towers.temperature": 0.1, "ranker.epochs": 8 });
    },
  ],
  [
    /worker --train --config config\.yaml /,
    async (line) => {
      const request = await fileRequest(pool);
      await succeeds(line.replace("--train", "--train --once"));
      assert.match(printed, /, from scratch: no model is active$/m);
      assert.equal((await requestRow(pool, request)).status, "done");
      const { rows } = await pool.query(
        "select metrics -> 'config' as config from recsys.models where status = 'active'",
      );
      assert.deepEqual(rows, [{ config: { "towers.temperature": 0.1, "ranker.epochs": 8 } }]);
    },
  ],
  [
    /evaluate --config config\.yaml$/,
    async (line) => {
      await succeeds(line);
      for (const row of [/^two-tower \+ DLRM .* 0\.\d{3} /m, /^recency baseline .* 0\.\d{3} /m])
        assert.match(printed, row);
    },
  ],
  [
    /runs \[FOLDER\]$/,
    async (line) => {
      await succeeds(line.replace(" [FOLDER]", ""));
      const [row] = runs(1);
      const [, requests, mrr] = /^on (\d+) held-out requests: mrr ([\d.]+) /.exec(heldOut) ?? assert.fail(heldOut);
      assert.match(row, new RegExp(` ${requests}  ${mrr} .* towers\\.temperature=0\\.1 ranker\\.epochs=8$`));
    },
  ],
  [/train --until \S+ --out \.recsys\/models\/plain$/, succeeds],
  [
    /train --until \S+ --config config\.yaml --out \.recsys\/models\/sharp$/,
    async (line) => {
      await succeeds(line);
      await succeeds("npx --no-install recsys runs --by mrr");
      const rows = runs(3);
      const mrr = rows.map((row) => Number(/ (0\.\d{3}) +[+−]/.exec(row)?.[1]));
      assert.deepEqual(
        mrr,
        mrr.toSorted((a, b) => b - a),
      );
      const digests = ["plain", "sharp", "model-"].map((name) => {
        const row = rows.find((each) => each.startsWith(name)) ?? assert.fail(`${name} in\n${printed}`);
        return / ([0-9a-f]{8}) /.exec(row)?.[1];
      });
      // the two can be compared, and the one that learned from more cannot
      assert.equal(digests[0], digests[1]);
      assert.notEqual(digests[0], digests[2]);
    },
  ],
  [
    /evaluate --model \S+\/plain --model \S+\/sharp --test-from \S+ --out report$/,
    async (line) => {
      await succeeds(line);
      const [, paired] = printed.split("vs plain, 95 %");
      assert.match(paired ?? assert.fail(printed), /^sharp {2,}[+−]0\.\d{3} \([+−]0\.\d{3} to [+−]0\.\d{3}\)/m);
      const page = await file("report/report.html");
      for (const title of ["The data", "Model sharp", "What each feature is worth", "Where it loses most: users"])
        assert.ok(page.includes(`<h2>${title}</h2>`), title);
    },
  ],
  [
    /search space\.yaml --draws 20 --until \S+ --out \.recsys\/search /,
    async (line) => {
      const draws = (count: number) => line.replace("--draws 20", `--draws ${count}`);
      const begun = () => [...printed.matchAll(/^\d+ of \d+(?=: towers\.temperature=)/gm)].map(([each]) => each);
      const stopped = await shell(draws(2), "2 of 2: ");
      assert.notEqual(stopped.status, 0);
      assert.match(stopped.stderr, /^recsys: stopped: /m);
      const { name } = await description(".recsys/search/trial-00001");
      await succeeds(draws(2));
      assert.deepEqual(begun(), ["2 of 2"]);
      await succeeds(draws(3));
      assert.deepEqual(begun(), ["3 of 3"]);
      runs(3);
      const trials = await Promise.all([1, 2, 3].map((i) => description(`.recsys/search/trial-0000${i}`)));
      assert.equal(trials[0].name, name);
      const space = { temperature: [0.1, 0.2, 0.4], from: 0.0005, to: 0.01 };
      for (const { metrics, learned_until } of trials) {
        // a draw that is the default is not among what differs from the defaults
        const { "towers.temperature": temperature, "ranker.learningRate": rate } = metrics.config;
        assert.ok(temperature === undefined || space.temperature.includes(temperature));
        assert.ok(rate === undefined || (rate >= space.from && rate <= space.to));
        assert.equal(learned_until, trials[0].learned_until);
        assert.ok(Date.parse(learned_until) <= Date.parse(until));
      }
    },
  ],
  [
    /train --config \.recsys\/search\/best\.yaml$/,
    async (line) => {
      await succeeds(line);
      const { metrics } = await description(/written to (\S+);/.exec(printed)?.[1] ?? assert.fail(printed));
      const trials = await Promise.all([1, 2, 3].map((i) => description(`.recsys/search/trial-0000${i}`)));
      const best = trials.toSorted(
        (a, b) => b.metrics.held_out.metrics.mrr.model - a.metrics.held_out.metrics.mrr.model,
      );
      assert.deepEqual(metrics.config, best[0].metrics.config);
    },
  ],
  [
    /publish \.recsys\/models\/sharp --no-activate /,
    async (line) => {
      const serving = await activeModel();
      await succeeds(line);
      published = /^model (\S+) is published as number \d+ and waits: /m.exec(printed)?.[1] ?? assert.fail(printed);
      assert.equal(await activeModel(), serving);
    },
  ],
  [
    /activate MODEL /,
    async (line) => {
      await succeeds(line.replace("MODEL", published));
      assert.equal(await activeModel(), published);
    },
  ],
  [
    /rollback /,
    async (line) => {
      await succeeds(line);
      const serving = await activeModel();
      assert.ok(serving && serving !== published);
      assert.ok(printed.startsWith(`model ${serving} serves again, instead of ${published}\n`), printed);
    },
  ],
];

for (const { language, body } of steps) test(`${language} ${body.trim().split("\n")[0]}`, () => walk(language, body));

async function walk(language: string, body: string): Promise<void> {
  if (language === "sh") {
    const [, check] = checks.find(([pattern]) => pattern.test(body)) ?? assert.fail(`a command: ${body}`);
    await check(body);
  } else if (language === "yaml") {
    const [, name = "config.yaml"] = /^# (\S+\.yaml)\n/.exec(body) ?? [];
    await writeFile(join(folder, name), body);
  } else {
    // what `train` ends with, but for the figures
    const form = (line: string) =>
      line
        .trim()
        .replaceAll(/[\d.]+/g, "0")
        .replaceAll(/[+−]/g, "+");
    assert.equal(form(body), form(heldOut));
  }
}

test("the page has every command that is looked for", () => {
  for (const [pattern] of checks) assert.equal(steps.filter(({ body }) => pattern.test(body)).length, 1, `${pattern}`);
});

test("a name that does not exist and a value that cannot be are refused with their paths, before anything is read", async () => {
  await writeFile(join(folder, "wrong.yaml"), "towers:\n  temprature: 0.1\nranker:\n  epochs: -8\n");
  // nothing answers there
  const nowhere = "--database postgres://127.0.0.1:1/none";
  const { status, stderr } = await shell(`npx --no-install recsys train --config wrong.yaml ${nowhere}`);
  assert.equal(status, 1);
  assert.match(stderr, /wrong\.yaml: towers\.temprature: /);
  assert.match(stderr, /wrong\.yaml: ranker\.epochs: /);
});

test("a model that learned from the time of the test is refused, with the instant from which it may be tested", async () => {
  const { rows } = await pool.query("select name, learned_until from recsys.models where status = 'active'");
  const [{ name, learned_until }] = rows;
  const from = learned_until.toISOString();
  const { status, stderr } = await shell(`npx --no-install recsys evaluate --model ${name} --test-from ${until}`);
  assert.equal(status, 1);
  assert.ok(stderr.includes(`model ${name} has learned from what happened until ${from}`), stderr);
  assert.ok(stderr.includes(`give --test-from ${from} or later`), stderr);
});

/** Runs a line of the page as a shell in the engineer's folder would, interrupted (Ctrl-C) as soon as it has printed `interruptAt`. */
async function shell(line: string, interruptAt?: string): Promise<Ended> {
  const npx = 'npx() { [ "$1" = --no-install ] && shift 2 && "$NODE" "$CLI" "$@"; }';
  const here = line
    .replace(
      /(?<=^npx --no-install recsys (?:train|worker|evaluate|search|publish|activate|rollback)\b)(?!.*--database)/,
      ' --database "$URL"',
    )
    .replaceAll(/\b2026-10-01\b/g, until);
  const env = { ...process.env, NODE: process.execPath, CLI: join(root, "cli/cli.ts"), URL: database.url };
  // in a group of its own, all of which a Ctrl-C reaches
  const child = spawn("sh", ["-c", `${npx}\n${here}`], { cwd: folder, env, detached: true });
  const output = { stdout: "", stderr: "" };
  let interrupted = false;
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].on("data", (chunk) => {
      output[stream] += chunk;
      if (interrupted || interruptAt === undefined || !output.stdout.includes(interruptAt)) return;
      interrupted = true;
      process.kill(-(child.pid as number), "SIGINT");
    });
  const [status] = await once(child, "close");
  return { status, ...output };
}

async function succeeds(line: string): Promise<void> {
  const { status, stdout, stderr } = await shell(line);
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  printed = stdout;
}

/** The rows of a table of runs, which are so many. */
function runs(count: number): string[] {
  const [, below = ""] = printed.split(/^[─ ]+\n/m);
  const rows = below.split("\n\n")[0].trimEnd().split("\n");
  assert.equal(rows.length, count, printed);
  return rows;
}

async function file(path: string): Promise<string> {
  return await readFile(join(folder, path), "utf8");
}

async function description(model: string) {
  return JSON.parse(await file(join(model, "model.json")));
}

async function activeModel(): Promise<string | undefined> {
  return (await pool.query("select name from recsys.models where status = 'active'")).rows[0]?.name;
}
