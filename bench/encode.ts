/**
 * Vectors for a bundle: `npm run bench -- encode FOLDER` reads its posts and users and writes post_vectors.ndjson.gz and user_vectors.ndjson.gz next to them,
 * 512 numbers of the Universal Sentence Encoder Lite for each text (English; some 90 short texts a second); `encode FOLDER posts` those of posts alone.
 */
import { join } from "node:path";
import { readPart } from "../db/bundle/read-records.ts";
import { bundleFiles, type RecordOf, type UserRecord } from "../db/bundle/records.ts";
import { writeRecords } from "../db/bundle/write-records.ts";
import { textToEncode } from "../supabase/functions/_shared/embed/encoders.ts";
import { sentenceEncoder } from "../testing/encoder.ts";

const [folder, only] = process.argv.slice(2);
if (!folder) throw new Error("name the folder of a bundle: npm run bench -- encode FOLDER");
const encode = await sentenceEncoder();
await write("posts", "post_vectors", ({ id, ...post }) => [textToEncode(post), (vector) => ({ post_id: id, vector })]);
if (only !== "posts")
  await write("users", "user_vectors", ({ id, ...user }) => [textOfUser(user), (vector) => ({ user_id: id, vector })]);

/** Of each record the text, and what is written of its vector. */
async function write<Part extends "posts" | "users", Into extends "post_vectors" | "user_vectors">(
  part: Part,
  into: Into,
  of: (record: RecordOf<Part>) => [string, (vector: number[]) => RecordOf<Into>],
): Promise<void> {
  const file = writeRecords(folder, into);
  let done = 0;
  for await (const { records } of readPart(part, join(folder, bundleFiles[part].name))) {
    for (const record of records) {
      const [text, withVector] = of(record);
      // five digits say as much as the model means
      if (text !== "")
        await file.write(withVector(Array.from(await encode(text), (value) => Number(value.toFixed(5)))));
    }
    done += records.length;
    console.log(`${done} ${part}`);
  }
  console.log(`${await file.close()} vectors of ${part} in ${folder}`);
}

/** What people say of themselves, as one text. */
function textOfUser({ passions, projects, bio }: Pick<UserRecord, "passions" | "projects" | "bio">): string {
  return [bio, passions.join(", "), ...projects].filter((part) => part !== "").join(". ");
}
