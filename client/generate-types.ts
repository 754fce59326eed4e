// npm run types: writes src/types.ts from the schemas of the OpenAPI document; with --verify it only compares.
import { readFile, writeFile } from "node:fs/promises";
import { compile, type JSONSchema } from "json-schema-to-typescript";
import { openApiDocument } from "../supabase/functions/openapi/document.ts";

const file = new URL("src/types.ts", import.meta.url);

/** What functions take and answer, as TypeScript. */
export async function clientTypes(): Promise<string> {
  const text = JSON.stringify(openApiDocument()).replaceAll("#/components/schemas/", "#/$defs/");
  const { schemas } = JSON.parse(text).components;
  const types = await compile({ $defs: schemas } as JSONSchema, "Root", {
    additionalProperties: false,
    unreachableDefinitions: true,
    ignoreMinAndMaxItems: true,
    bannerComment: "// Written by `npm run types` from the OpenAPI document: do not edit.",
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
  const types = await clientTypes();
  if (!process.argv.includes("--verify")) {
    await writeFile(file, types);
    console.log("Wrote client/src/types.ts.");
  } else if ((await readFile(file, "utf8")) !== types) {
    console.error("client/src/types.ts is not what the functions take and answer: npm run types");
    process.exit(1);
  }
}
