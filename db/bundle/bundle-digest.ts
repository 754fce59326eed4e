import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { openBundle } from "./open-bundle.ts";

/** sha256 over the files of a bundle, in hex: the same bundle has the same digest wherever it lies. */
export async function bundleDigest(folder: string): Promise<string> {
  const files = await openBundle(folder);
  const hash = createHash("sha256");
  for (const [part, file] of Object.entries(files)) {
    hash.update(`${part} ${file.bytes}\n`);
    for await (const chunk of createReadStream(file.path)) hash.update(chunk);
  }
  return hash.digest("hex");
}
