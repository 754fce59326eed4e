/** What `export` and `import-model` say before they begin. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { recsys } from "../testing.ts";

const folder = await mkdtemp(join(tmpdir(), "recsys-export-"));
after(() => rm(folder, { recursive: true }));
await mkdir(join(folder, "done"));
await writeFile(join(folder, "done", "manifest.2-of-3.json"), "{}");
await writeFile(join(folder, "file"), "");

const refusals: [args: string[], message: RegExp][] = [
  [["export"], /required option '--out <folder>' not specified/],
  [["export", "--out", "x", "--shard", "4/3"], /a part of a whole is needed: 1\/4 is the first of four/],
  [["export", "--out", "x", "--shard", "0/3"], /a part of a whole is needed/],
  [["export", "--out", "x", "--shard", "half"], /a part of a whole is needed/],
  [["export", "--out", "x", "--to", "yesterday"], /a date such as 2017-04-01 is needed/],
  [
    ["export", "--out", "x", "--from", "2026-02-01", "--to", "2026-02-01"],
    /^recsys: --from \(2026-02-01T00:00:00.000Z\) must lie before --to \(2026-02-01T00:00:00.000Z\)$/m,
  ],
  [
    ["export", "--out", "x", "--stage", "ranker", "--to", "2026-02-01"],
    /^recsys: --to was said when x was exported: with --stage ranker leave it out$/m,
  ],
  [
    ["export", "--out", "done", "--shard", "2/3"],
    /^recsys: --out done holds manifest.2-of-3.json already: name another folder, or remove it$/m,
  ],
  [["export", "--out", "file"], /^recsys: --out file cannot be a folder \(EEXIST\): name another one$/m],
  [
    ["import-model", "x", "--out", "done"],
    /^recsys: --out done holds manifest.2-of-3.json already: name another folder, or remove it$/m,
  ],
];

for (const [args, message] of refusals)
  test(`recsys ${args.join(" ")}`, async () => {
    const { status, stdout, stderr } = await recsys(args, folder);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, message);
  });
