import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runProgram } from "../db/testing-program.ts";
import { recsys } from "./testing.ts";

const cli = fileURLToPath(new URL("./cli.ts", import.meta.url));
const here = fileURLToPath(new URL("../trainer", import.meta.url));
const nowhere = ["--database", "postgres://nobody:nothing@127.0.0.1:1/nowhere"];

/** Arguments that cannot work, and what is said of them in one line. */
const refused: [args: string[], error: RegExp][] = [
  [["bogus"], /unknown command 'bogus'/],
  [["train", "--seed", "x"], /'--seed <number>' argument 'x' is invalid. a whole number/],
  [["train", "--seed", "1.5"], /'--seed <number>' argument '1.5' is invalid/],
  [["train", "--backend", "gpu"], /Allowed choices are native, wasm, js/],
  [["train", ...nowhere], /Nothing listens at 127.0.0.1:1/],
  [["train", "--database", "mysql://x"], /postgres/],
  [["import"], /required option '--data <folder>' not specified/],
  [["import", "--data", "/no/such/folder", ...nowhere], /no such folder|Nothing listens/],
  [["train", "--config", "/no/such.yaml"], /\/no\/such.yaml cannot be read \(ENOENT\)/],
  [["train", "--until", "yesterday"], /a date such as 2017-04-01 is needed/],
  [["train", "--until", "2026-02-30"], /a date such as 2017-04-01 is needed/],
  [["train", "--database", "--until", "2026-02-20"], /'--until' is invalid. a URL is needed before the next option/],
  [["train", "--out", cli, ...nowhere], /--out \S+cli\.ts cannot be a folder \(ENOTDIR\): name another one/],
  [["train", "--out", here, ...nowhere], /--out \S+ holds \S+ already: name another folder, or remove it/],
  [["search", "/no/such.yaml", "--out", "x", "--until", "2026-13-01"], /a date such as 2017-04-01 is needed/],
  [["evaluate", "--out", join(cli, "x"), ...nowhere], /--out \S+ cannot be a folder \(ENOTDIR\)/],
  [["evaluate", "--sample", "0"], /a whole number from 1 to 1000000/],
  [["evaluate", "--protocol", "luck"], /Allowed choices are replay, cut, ideas/],
  [["evaluate", "--protocol", "cut", "--sample", "9"], /--sample goes with --protocol replay: leave it out/],
  [["evaluate", "--protocol", "cut", "--test-from", "2026-02-20"], /--test-from goes with --protocol replay or ideas/],
  [["evaluate", "--protocol", "ideas", "--valid-from", "2026-02-20"], /--valid-from goes with --protocol replay:/],
  [["evaluate", "--split", "random"], /--split goes with --protocol cut/],
  [["evaluate", "--protocol", "cut", "--split", "half"], /a date such as 2017-04-01 is needed/],
  [["evaluate", "--model", "a", "--backend", "js"], /--backend says how to train, and with --model nothing is/],
  [["worker", "--config", "any.yaml"], /--config goes with --train/],
  [["runs", "/no/such/folder"], /there is no folder \/no\/such\/folder/],
  [["runs", "--by", "luck"], /Allowed choices are newest, mrr, recall@20/],
  [["evaluate", "--test-from", "soon"], /a date such as 2017-04-01 is needed/],
  [["evaluate", "--seed", "1,,2"], /'--seed <numbers>' argument '1,,2' is invalid. a whole number/],
  [["evaluate", "--seed", "1,two"], /a whole number from 0/],
  [["evaluate", "--seed", "1,2,1"], /each seed may be given only once/],
  [["search", "space.yaml"], /required option '--out <folder>' not specified/],
  [["search", "/no/such.yaml", "--out", "x", ...nowhere], /\/no\/such.yaml cannot be read/],
  [["search", "x.yaml", "--out", "x", "--draws", "0"], /a whole number from 1 to 3000/],
  [["evaluate", "--model", "a", "--protocol", "cut"], /--model goes with --protocol replay/],
  [["evaluate", "--model", "a", "--config", "any.yaml"], /with --model nothing is trained/],
  [["evaluate", "--data", ".", ...nowhere], /exclude each other/],
  [["publish", "/no/such/folder", ...nowhere], /holds no model.json/],
  [["check", ...nowhere], /Nothing listens at 127.0.0.1:1/],
  [["token"], /missing required argument 'user'/],
  [["init", "--into", "/no/such/folder"], /config.toml is not there: name the folder of your app/],
  [["activate"], /missing required argument 'model'/],
  [["recommend"], /missing required argument 'user'/],
  [["recommend", "someone", "--limit", "101"], /a whole number from 1 to 100/],
  [["serve", "--port", "99999"], /a whole number from 0 to 65535/],
  [["rollback", ...nowhere], /Nothing listens/],
];

for (const [args, error] of refused) {
  test(`recsys ${args.join(" ")}: one line, status 1`, async () => {
    const { status, stderr } = await recsys(args);
    assert.equal(status, 1, stderr);
    assert.match(stderr, error);
    assert.ok(stderr.trim().split("\n").length <= 2, stderr);
    assert.doesNotMatch(stderr, /\n {4}at /);
  });
}

for (const command of [
  "start",
  "import",
  "train",
  "search",
  "evaluate",
  "publish",
  "activate",
  "rollback",
  "recommend",
  "serve",
  "worker",
]) {
  test(`recsys ${command} --help explains itself and names --database`, async () => {
    const { status, stdout } = await recsys([command, "--help"]);
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`Usage: recsys ${command}`));
    assert.match(stdout, /--database <url>/);
  });
}

test("in a Node of its own it ends with the same", async () => {
  for (const args of [refused[0][0], ["train", "--config", "/no/such.yaml"], ["init", "--help"], ["config"]])
    assert.deepEqual(await runProgram(cli, args), await recsys(args));
});
