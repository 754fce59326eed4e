/**
 * Vectors for a bundle: `npm run bench -- encode FOLDER` reads its posts and writes post_vectors.ndjson.gz next to them, 512 numbers of the Universal Sentence
 * Encoder Lite for each text (English; some 90 short texts a second).
 */
import { encodeBundle } from "./shared/encode-bundle.ts";

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("name the folder of a bundle: npm run bench -- encode FOLDER");
const written = await encodeBundle(folder, (done) => console.log(`${done} posts`));
console.log(`${written} vectors in ${folder}`);
