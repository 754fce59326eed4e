/** The files of an export into a bucket, the manifest last: where that is, all that it names is there. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { explainDisk } from "../../db/disk-errors.ts";
import { UserError } from "../../db/user-error.ts";
import type { Bucket } from "../storage/bucket.ts";
import { factsOf } from "../storage/parquet-file.ts";
import type { ExportContext } from "./export-data.ts";

const filesSchema = z.object({ files: z.record(z.string(), z.object({ bytes: z.int(), sha256: z.string() })) });

/** Uploads what a manifest names, and then the manifest. What is there already, or in part, is not sent again. */
export async function uploadExport(
  bucket: Bucket,
  folder: string,
  manifest: string,
  context: ExportContext,
): Promise<void> {
  const { uploadFile } = await import("../storage/upload.ts");
  const { files } = filesSchema.parse(JSON.parse(await readFile(join(folder, manifest), "utf8")));
  let sent = 0;
  const paths = [...Object.keys(files), manifest];
  for (const path of paths) {
    const file = join(folder, path);
    const facts = await factsOf(file).catch((error) => {
      throw explainDisk(error, file);
    });
    const expected = files[path];
    if (expected && (facts.bytes !== expected.bytes || facts.sha256 !== expected.sha256))
      throw new UserError(`${file} is not what ${manifest} says: export again`);
    sent += Number(await uploadFile(bucket, path, file, facts, context));
  }
  context.print(`${bucket.url} holds the ${paths.length} files; ${sent} were uploaded now`);
}
