/** Vectors of the posts of a bundle, written next to them. */
import { openBundle } from "../../db/bundle/open-bundle.ts";
import { readRecords } from "../../db/bundle/read-records.ts";
import { bundleFiles, type PostRecord } from "../../db/bundle/records.ts";
import { writeRecords } from "../../db/bundle/write-records.ts";
import { textToEncode } from "../../supabase/functions/_shared/embed/encoders.ts";
import { sentenceEncoder } from "../../testing/encoder.ts";

/** Writes post_vectors.ndjson.gz by the Universal Sentence Encoder Lite; resolves to how many posts have one. */
export async function encodeBundle(folder: string, onPosts: (done: number) => void = () => {}): Promise<number> {
  const encode = await sentenceEncoder();
  const { posts } = await openBundle(folder);
  const schema = bundleFiles.posts.record as unknown as Parameters<typeof readRecords<PostRecord>>[1];
  const file = writeRecords(folder, "post_vectors");
  let done = 0;
  for await (const { records } of readRecords((posts as { path: string }).path, schema)) {
    for (const { id, ...post } of records) {
      const text = textToEncode(post);
      // five digits say as much as the model means
      if (text !== "")
        await file.write({ post_id: id, vector: Array.from(await encode(text), (value) => Number(value.toFixed(5))) });
    }
    done += records.length;
    onPosts(done);
  }
  return await file.close();
}
