/**
 * Vectors for a bundle: `npm run bench -- encode FOLDER` reads its posts and writes post_vectors.ndjson.gz next to them, 512 numbers of the Universal Sentence
 * Encoder Lite for each text (English; some 90 short texts a second).
 */
import { join } from "node:path";
import { readPart } from "../db/bundle/read-records.ts";
import { bundleFiles } from "../db/bundle/records.ts";
import { writeRecords } from "../db/bundle/write-records.ts";
import { textToEncode } from "../supabase/functions/_shared/embed/encoders.ts";
import { sentenceEncoder } from "../testing/encoder.ts";

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("name the folder of a bundle: npm run bench -- encode FOLDER");
const encode = await sentenceEncoder();
const file = writeRecords(folder, "post_vectors");
let done = 0;
for await (const { records } of readPart("posts", join(folder, bundleFiles.posts.name))) {
  for (const { id, ...post } of records) {
    const text = textToEncode(post);
    // five digits say as much as the model means
    if (text !== "")
      await file.write({ post_id: id, vector: Array.from(await encode(text), (value) => Number(value.toFixed(5))) });
  }
  done += records.length;
  console.log(`${done} posts`);
}
console.log(`${await file.close()} vectors in ${folder}`);
