/** Models of a local folder that make vectors of texts, each as Hugging Face lays it out: what `recsys serve` and `recsys worker` are given by `--encoders`. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../db/user-error.ts";
import type { Encoder, Encoders } from "../supabase/functions/_shared/embed/encoders.ts";

/** What serve/encoder-process.ts says: once that it is ready, or why it is not; then an answer to each text. */
export type EncoderMessage = { ready: true } | { vector: Float32Array } | { error: string };

/** It has 475 MB, so recsys does not depend on it; users who want it install it. */
const transformers = "@huggingface/transformers";
const files = ["config.json", "tokenizer.json", "tokenizer_config.json", join("onnx", "model.onnx")];

/** Until a model that does not load is tried again, in milliseconds: each time takes a process and a second. */
const again = 300_000;

export interface LocalEncoders {
  /** undefined while the model is loaded, too: no text waits for that, and none counts as failed. */
  encoders: Encoders;
  stop(): Promise<void>;
}

/** Throws a `UserError` where the folder of models is none. */
export function checkEncoders(folder: string): void {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(`there is no folder ${folder}: --encoders names one that has a folder for each model`);
}

/**
 * The models in a folder, by the names of their folders; one runs at a time, since recsys.settings.text_encoder names one. `onProblem` is told why one cannot,
 * each time it is asked for. `from`: the folder in which, or above which, @huggingface/transformers is installed.
 */
export function localEncoders(
  folder: string,
  onProblem: (error: Error) => void,
  { from = process.cwd(), pause = again }: { from?: string; pause?: number } = {},
): LocalEncoders {
  let model: LoadedModel | undefined;
  let notBefore = 0;
  const stop = async () => {
    const last = model;
    model = undefined;
    await last?.stop();
  };
  const begin = (name: string): LoadedModel => {
    const begun = new LoadedModel(packageEntry(from), resolve(folder), name);
    begun.load().catch((error) => {
      if (model !== begun) return;
      model = undefined;
      notBefore = performance.now() + pause;
      onProblem(error);
    });
    return begun;
  };
  return {
    encoders(name) {
      if (model && model.name !== name) void stop();
      try {
        if (!model && performance.now() >= notBefore) {
          requireFiles(folder, name);
          model = begin(name);
        }
      } catch (error) {
        onProblem(error as Error);
      }
      return model?.isReady ? model.encode : undefined;
    },
    stop,
  };
}

function requireFiles(folder: string, name: string): void {
  const missing = files.filter((file) => !existsSync(join(folder, name, file)));
  if (missing.length > 0)
    throw new UserError(
      `${join(folder, name)} has no ${missing.join(", no ")}: put the files of the model there as Hugging Face has them; until then posts are embedded by their words alone`,
    );
}

function packageEntry(from: string): string {
  try {
    return createRequire(join(resolve(from), "package.json")).resolve(transformers);
  } catch {
    throw new UserError(
      `${transformers} is not installed: npm install ${transformers} in ${resolve(from)}; until then posts are embedded by their words alone`,
    );
  }
}

/** A model in a process that is started again where it ended or hangs. It takes a text at a time. */
class LoadedModel {
  readonly name: string;
  readonly #args: string[];
  #child: ChildProcess | undefined;
  /** The one that has a text in work. */
  #asked: ChildProcess | undefined;
  isReady = false;

  constructor(entry: string, folder: string, name: string) {
    this.name = name;
    this.#args = [entry, folder, name];
  }

  /** Throws a `UserError` where the model does not load. */
  async load(): Promise<ChildProcess> {
    // in the package it is compiled, as this file is
    const program = fileURLToPath(new URL(`./encoder-process${extname(import.meta.url)}`, import.meta.url));
    // Ctrl-C in a terminal is for this process, which then ends the other in order
    const child = fork(program, this.#args, {
      detached: true,
      serialization: "advanced",
      stdio: "ignore",
      execArgv: [],
    });
    this.#child = child;
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    const said = await answerOf(child);
    if ("error" in said) {
      child.kill("SIGKILL");
      const [, folder] = this.#args;
      throw new UserError(
        `the model in ${join(folder, this.name)} does not load (${said.error}): download it again, or install ${transformers} again; until then posts are embedded by their words alone`,
      );
    }
    this.isReady = true;
    return child;
  }

  /** A text that comes while another is in work comes because that one was given up. */
  readonly encode: Encoder = async (text) => {
    if (this.#child && this.#child === this.#asked) {
      this.#child.kill("SIGKILL");
      this.#child = undefined;
    }
    const child = this.#child ?? (await this.load());
    this.#asked = child;
    const answer = answerOf(child);
    child.send(text, () => {});
    const said = await answer;
    if (this.#asked === child) this.#asked = undefined;
    if ("vector" in said) return said.vector;
    throw new Error(`${this.name}: ${"error" in said ? said.error : "no vector"}`);
  };

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    if (child.connected) child.disconnect();
    const forced = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(forced);
  }
}

/** What a process says next. */
async function answerOf(child: ChildProcess): Promise<EncoderMessage> {
  const stopped = new AbortController();
  const { signal } = stopped;
  try {
    return await Promise.race([
      once(child, "message", { signal }).then(([message]) => message as EncoderMessage),
      once(child, "exit", { signal }).then(([status, by]) => ({ error: `its process ended with ${by ?? status}` })),
    ]);
  } catch (error) {
    return { error: (error as Error).message };
  } finally {
    stopped.abort();
  }
}
