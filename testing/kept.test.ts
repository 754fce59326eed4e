/** Test files of one process share a browser, which ends with the process. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { withoutBrowser } from "./browser.ts";
import { startTestProcess } from "./start-test-process.ts";

const source = `
  import { appendFile } from "node:fs/promises";
  import { after, test } from "node:test";
  import { keptBrowser } from ${JSON.stringify(new URL("./browser.ts", import.meta.url).href)};
  const browser = await keptBrowser({ after });
  test("a page opens", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.setContent("<h1>Here</h1>");
    await page.getByRole("heading", { name: "Here" }).waitFor();
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const { id } = processInfo.find(({ type }) => type === "browser");
    await appendFile(new URL("./browsers", import.meta.url), id + "\\n");
  });`;

test("two files share a browser, which ends with their process", { skip: withoutBrowser }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "recsys-kept-"));
  t.after(() => rm(folder, { recursive: true }));
  const child = startTestProcess(() => undefined);
  for (const name of ["first.test.mjs", "second.test.mjs"]) {
    await writeFile(join(folder, name), source);
    const { passed, failures } = await child.run(join(folder, name), () => undefined);
    assert.deepEqual([passed, failures], [1, []]);
  }
  const [first, second] = (await readFile(join(folder, "browsers"), "utf8")).split("\n").map(Number);
  assert.equal(first, second);
  assert.ok(process.kill(first, 0), "it waits for the next file");
  await child.end();
  assert.throws(() => process.kill(first, 0), { code: "ESRCH" });
});
