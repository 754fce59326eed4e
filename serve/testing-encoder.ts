/** For tests: a folder with a tiny model as Hugging Face lays one out, and a stand-in for the package that runs it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GraphBuilder } from "../trainer/artifacts/onnx/graph-builder.ts";

const marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const vocabulary = [...marks, "rye", "bread", "tower", "of", "blocks"];
const width = 4;
const pieces = Float32Array.from({ length: vocabulary.length * width }, (_, i) => Math.sin(i * i + 1));

/** What the model makes of these words by hand: the mean of their pieces and the marks around them, at unit length. */
export function vectorByHand(words: string[], end = ["[SEP]"]): number[] {
  const ids = ["[CLS]", ...words, ...end].map((word) => Math.max(1, vocabulary.indexOf(word)));
  const mean = Array.from({ length: width }, (_, d) => ids.reduce((sum, id) => sum + pieces[id * width + d], 0));
  const length = Math.hypot(...mean);
  return mean.map((value) => value / length);
}

/** Writes the model into FOLDER/NAME: BERT as far as inputs, outputs and tokens go. */
export function writeTinyEncoder(folder: string, name: string): void {
  const model = join(folder, name);
  mkdirSync(join(model, "onnx"), { recursive: true });
  const graph = new GraphBuilder("encoder");
  const shape = ["batch", "length"];
  const ids = graph.input("input_ids", "int64", shape);
  const isText = graph.cast(graph.input("attention_mask", "int64", shape), "float32");
  // of one text all are 0
  const part = graph.cast(graph.input("token_type_ids", "int64", shape), "float32");
  const table = graph.weights(pieces, [vocabulary.length, width]);
  const said = graph.multiply(graph.gather(table, ids), graph.unsqueeze(isText, [2]));
  graph.output("last_hidden_state", graph.add(said, graph.unsqueeze(part, [2])), ["batch", "length", width]);
  writeFileSync(join(model, "onnx", "model.onnx"), graph.build());
  const size = { hidden_size: width, vocab_size: vocabulary.length, max_position_embeddings: 512 };
  writeJson(model, "config.json", { model_type: "bert", architectures: ["BertModel"], ...size });
  writeJson(model, "tokenizer_config.json", { tokenizer_class: "BertTokenizer", model_max_length: 512 });
  const mark = (content: string) => ({ id: marks.indexOf(content), content, special: true, normalized: false });
  const around = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const special = ["[CLS]", "[SEP]"].map((id) => [id, { id, ids: [marks.indexOf(id)], tokens: [id] }]);
  writeJson(model, "tokenizer.json", {
    version: "1.0",
    added_tokens: marks.map(mark),
    normalizer: { type: "BertNormalizer", clean_text: true, lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [around("[CLS]"), { Sequence: { id: "A", type_id: 0 } }, around("[SEP]")],
      pair: [],
      special_tokens: Object.fromEntries(special),
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    },
  });
}

function writeJson(folder: string, name: string, content: object): void {
  writeFileSync(join(folder, name), JSON.stringify(content));
}

/**
 * Writes a stand-in for @huggingface/transformers into a folder: it reads the model's files, refuses the same errors and
 * returns three numbers a text. "crash" ends its process and "hang" never ends. Its process id is in FOLDER/NAME/pid.
 */
export function installStandIn(folder: string): void {
  const target = join(folder, "node_modules", "@huggingface", "transformers");
  mkdirSync(target, { recursive: true });
  writeJson(target, "package.json", { name: "@huggingface/transformers", version: "0.0.0", main: "index.cjs" });
  writeFileSync(join(target, "index.cjs"), standIn);
}

const standIn = `
const { readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const env = { allowLocalModels: false, allowRemoteModels: true, localModelPath: "/models/" };
async function pipeline(task, name, { dtype }) {
  if (task !== "feature-extraction" || dtype !== "fp32") throw new Error("the stand-in knows no " + task + " in " + dtype);
  if (env.allowRemoteModels || !env.allowLocalModels) throw new Error("it would be fetched");
  for (const file of ["config.json", "tokenizer.json", "tokenizer_config.json"])
    JSON.parse(readFileSync(join(env.localModelPath, name, file), "utf8"));
  if (readFileSync(join(env.localModelPath, name, "onnx", "model.onnx"), "utf8").startsWith("broken"))
    throw new Error("Protobuf parsing failed.");
  writeFileSync(join(env.localModelPath, name, "pid"), String(process.pid));
  return async (text, { pooling, normalize }) => {
    if (pooling !== "mean" || normalize !== true) throw new Error("other pooling");
    if (text.includes("crash")) process.kill(process.pid, "SIGKILL");
    if (text.includes("hang")) await new Promise(() => {});
    if (text.includes("refuse")) throw new Error("no\\nsuch text");
    const numbers = text.includes("odd") ? [NaN, 0, 0] : [text.length, 1, 2];
    const length = Math.hypot(...numbers);
    return { dims: [1, 3], data: Float32Array.from(numbers, (value) => value / length) };
  };
}
module.exports = { env, pipeline };
`;
