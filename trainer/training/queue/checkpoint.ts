/**
 * The results of a training's finished stages in its folder, so that a worker can continue after a crash. Each file
 * is written whole or not at all. Files of another training are removed.
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { deserialize, serialize } from "node:v8";
import type { VectorSpec } from "../../../supabase/functions/_shared/features/feature-spec.ts";
import type { Head } from "../../../supabase/functions/_shared/features/kinds.ts";
import type { TrainedRanker } from "../../artifacts/model-folder/trained-model.ts";
import { dlrmGraph } from "../../artifacts/onnx/dlrm.ts";
import { dlrmOf } from "../../artifacts/onnx/read-weights.ts";
import type { Community } from "../../data/replay/community.ts";
import { RankingExamples } from "../../models/ranker/ranking-examples.ts";
import { TowerData } from "../../models/towers/model.ts";
import type { TrainedTowers } from "../../models/towers/train.ts";
import type { Stages } from "../../pipeline.ts";
import { Stopwatch } from "../../stopwatch.ts";
import { defaultConfig } from "../config/config.ts";
import { type PackedTowers, packTowers, unpackTowers } from "./pack-towers.ts";

/** What a training depends on, but for the instant up to which it learns. */
export interface TrainingIdentity {
  /** recsys.settings.community_id */
  community: string;
  request: number;
  featureSpecDigest: string;
  configDigest: string;
  backend: string;
  /** The model it fine-tunes; null: it starts from scratch. */
  startedFrom: number | null;
  /** By which basis it reads the own vectors of posts, and of users; null: it reads none. */
  vectors: VectorSpec | null;
}

/** Version 1.0.0 left a ranker without towers in `ranker.v8`. */
const rankerStage = "ranker-and-towers";

interface PackedRankerStage {
  ranker: Omit<TrainedRanker, "dlrm"> & { graph: Uint8Array; heads: Head[] };
  towers: PackedTowers;
}

export class Checkpoint {
  /** Where the finished model goes. */
  readonly modelFolder: string;
  /** Milliseconds since 1970. */
  readonly learnedUntil: number;
  readonly stopwatch = new Stopwatch();
  private readonly folder: string;

  private constructor(folder: string, learnedUntil: number) {
    this.folder = folder;
    this.modelFolder = join(folder, "model");
    this.learnedUntil = learnedUntil;
  }

  /** Opens the folder of a training; where it is empty or belongs to another, it is that of one that learns up to `learnedUntil`. */
  static async open(folder: string, identity: TrainingIdentity, learnedUntil: number): Promise<Checkpoint> {
    const path = join(folder, "training.json");
    const found = await readFile(path, "utf8")
      .then(JSON.parse)
      .catch(() => undefined);
    if (found && isDeepStrictEqual(found, { ...identity, learnedUntil: found.learnedUntil }))
      return new Checkpoint(folder, found.learnedUntil);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await writeWhole(path, JSON.stringify({ ...identity, learnedUntil }));
    return new Checkpoint(folder, learnedUntil);
  }

  /** The stages of a training on a community as it is now: who and what is new since they were run has learned nothing in them. */
  stages(community: Community, config = defaultConfig): Stages {
    const unpack = (kept: PackedTowers) => unpackTowers(kept, community, new TowerData(community, config.towers));
    return {
      towers: async (train) => {
        const kept = await this.read<PackedTowers>("towers");
        if (kept) return unpack(kept);
        const trained: TrainedTowers = await train();
        await this.keep("towers", packTowers(trained, community));
        return trained;
      },
      ranker: async (train) => {
        const kept = await this.read<PackedRankerStage>(rankerStage);
        if (kept) {
          const { graph, heads, sampled, ...rest } = kept.ranker;
          const ranker = { ...rest, dlrm: dlrmOf(graph, heads, config), sampled: sampled.map(examplesOf) };
          return { ranker, towers: unpack(kept.towers) };
        }
        const trained = await train();
        const { dlrm, ...rest } = trained.ranker;
        const ranker = { ...rest, graph: dlrmGraph(dlrm), heads: dlrm.heads };
        await this.keep(rankerStage, { ranker, towers: packTowers(trained.towers, community) });
        return trained;
      },
    };
  }

  /** Everything goes. */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async keep(stage: string, value: unknown): Promise<void> {
    await writeWhole(this.pathOf(stage), serialize({ used: this.stopwatch.read(), value }));
  }

  /** undefined where the stage was not finished, or what it left is damaged. */
  private async read<Value>(stage: string): Promise<Value | undefined> {
    const bytes = await readFile(this.pathOf(stage)).catch(() => undefined);
    try {
      const { used, value } = deserialize(bytes ?? new Uint8Array());
      this.stopwatch.startAt(used);
      return value;
    } catch {
      return undefined;
    }
  }

  private pathOf(stage: string): string {
    return join(this.folder, `${stage}.v8`);
  }
}

/** Examples that come back from a file are plain objects. */
function examplesOf(plain: RankingExamples): RankingExamples {
  return Object.assign(new RankingExamples(plain.requests, plain.rows, plain.heads), plain);
}

async function writeWhole(path: string, bytes: string | Uint8Array): Promise<void> {
  await writeFile(`${path}.partial`, bytes, { flush: true });
  await rename(`${path}.partial`, path);
}
