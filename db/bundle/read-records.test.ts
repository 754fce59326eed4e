import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { z } from "zod";
import { Random } from "../../trainer/models/nn/random.ts";
import { maxLineBytes } from "./read-lines.ts";
import { readRecords } from "./read-records.ts";
import { loginRecord, type RecordOf } from "./records.ts";
import { writeRecords } from "./write-records.ts";

const row = z.object({ n: z.number() });

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "records-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function read<T>(t: TestContext, bytes: Buffer, schema: z.ZodType<T>, size?: number) {
  const path = join(await temporaryFolder(t), "rows.ndjson.gz");
  await writeFile(path, bytes);
  const batches = [];
  for await (const batch of readRecords(path, schema, size)) batches.push(batch);
  return batches;
}

test("records come with their lines; empty lines, a byte order mark, CRLF and a missing last line end are fine", async (t) => {
  const [batch] = await read(t, gzipSync('\ufeff{"n":1}\r\n\n  \n{"n":2}\n{"n":3}'), row);
  assert.deepEqual(batch.records, [{ n: 1 }, { n: 2 }, { n: 3 }]);
  assert.deepEqual(batch.lines, [1, 4, 5]);
});

test("lines that straddle the chunks of the file keep their content and their number", async (t) => {
  const texts = Array.from({ length: 3000 }, (_, i) => `${i} ${"é€😀".repeat(i % 97)}`);
  const lines = texts.map((text) => JSON.stringify({ text })).join("\n");
  const batches = await read(t, gzipSync(lines), z.object({ text: z.string() }), 1000);
  assert.deepEqual(
    batches.flatMap(({ records }) => records.map(({ text }) => text)),
    texts,
  );
  assert.deepEqual(
    batches.flatMap((batch) => batch.lines),
    texts.map((_, i) => i + 1),
  );
  assert.deepEqual(
    batches.map(({ records }) => records.length),
    [1000, 1000, 1000],
  );
});

test("several gzip files, one after the other, are one file", async (t) => {
  const [batch] = await read(t, Buffer.concat([gzipSync('{"n":1}\n'), gzipSync('{"n":2}\n')]), row);
  assert.deepEqual(batch.records, [{ n: 1 }, { n: 2 }]);
});

test("a line that never ends is refused before it fills the memory", async (t) => {
  const bytes = gzipSync(`{"n":1}\n"${"x".repeat(24 * maxLineBytes)}`);
  const before = process.memoryUsage().rss;
  await assert.rejects(read(t, bytes, row), /rows\.ndjson\.gz:2: is longer than 4 MB$/);
  assert.ok(process.memoryUsage().rss - before < 12 * maxLineBytes, "memory stayed far below the line's length");
});

test("a folder in place of a file is refused", async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(readRecords(folder, row).next(), /: is a folder, not a file$/);
});

test("what the writer writes, the reader reads, and the same records give the same bytes", async (t) => {
  const folder = await temporaryFolder(t);
  const logins: RecordOf<"logins">[] = Array.from({ length: 20_000 }, (_, i) => ({
    user_id: `user ${i}`,
    created_at: new Date(Date.UTC(2026, 0) + i * 1000).toISOString(),
  }));
  const bytes = [];
  for (let round = 0; round < 2; round++) {
    const writer = writeRecords(folder, "logins");
    for (const login of logins) await writer.write(login);
    await writer.close();
    bytes.push(await readFile(join(folder, "logins.ndjson.gz")));
  }
  assert.deepEqual(bytes[0], bytes[1]);
  const records = (await read(t, bytes[0], loginRecord)).flatMap((batch) => batch.records);
  assert.deepEqual(records, logins);
});

test("a folder that is not there is the writer's error, not a crash", async (t) => {
  const writer = writeRecords(join(await temporaryFolder(t), "nowhere"), "logins");
  await assert.rejects(writer.close(), /ENOENT/);
});

test("the reader waits for its consumer: it does not run ahead and fill the memory", async (t) => {
  const path = join(await temporaryFolder(t), "rows.ndjson.gz");
  const random = new Random(1);
  const lines = Array.from({ length: 200_000 }, () => `{"n":${random.uniform()}${random.below(1e9)}}\n`).join("");
  const bytes = gzipSync(lines, { level: 1 });
  assert.ok(bytes.length > 2_000_000);
  await writeFile(path, bytes);
  const batches = readRecords(path, row, 1000);
  for (let batch = 0; batch < 10; batch++) {
    const { value } = await batches.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(
      value && value.bytesRead < 1_000_000,
      `${value?.bytesRead} bytes read for ${batch + 1} batches of 1,000 rows`,
    );
  }
  await batches.return(undefined);
});
