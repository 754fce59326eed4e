// npm run types: writes the OpenAPI document, which the function `openapi` serves, and src/types.ts and src/limits.ts; with --verify it only
// compares.
import { readFile, writeFile } from "node:fs/promises";
import { compile, type JSONSchema } from "json-schema-to-typescript";
import { maximumEvents } from "../supabase/functions/events/api.ts";
import { openApiDocument } from "./api-document.ts";

const banner = "// Written by `npm run types` from what the functions take and answer: do not edit.";

/** What functions take and answer, as TypeScript. */
export async function clientTypes(): Promise<string> {
  const text = JSON.stringify(openApiDocument()).replaceAll("#/components/schemas/", "#/$defs/");
  const { schemas } = JSON.parse(text).components;
  const types = await compile({ $defs: schemas } as JSONSchema, "Root", {
    additionalProperties: false,
    unreachableDefinitions: true,
    ignoreMinAndMaxItems: true,
    bannerComment: banner,
    style: { printWidth: 120 },
  });
  // all are definitions of a root that has nothing else
  return types
    .replace("export interface Root {\n  [k: string]: unknown;\n}\n", "")
    .replaceAll(
      / \*\n \* This interface was referenced by `Root`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g,
      "",
    );
}

if (import.meta.main) {
  const written = {
    "client/src/types.ts": await clientTypes(),
    "client/src/limits.ts": `${banner}\n\n/** What a call of \`events\` takes at most. */\nexport const mostEvents = ${maximumEvents};\n`,
    "supabase/functions/openapi/document.json": `${JSON.stringify(openApiDocument(), null, 2)}\n`,
  };
  for (const [name, text] of Object.entries(written)) {
    const file = new URL(`../${name}`, import.meta.url);
    if (!process.argv.includes("--verify")) {
      await writeFile(file, text);
      console.log(`Wrote ${name}.`);
    } else if ((await readFile(file, "utf8")) !== text) {
      console.error(`${name} is not what the functions take and answer: npm run types`);
      process.exitCode = 1;
    }
  }
}
