/** What was trained: the models in a folder, with what they were trained with and how good they were. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../../db/user-error.ts";
import { pairedCell, shareCell, table } from "../../evaluation/report/table.ts";
import { readDescription } from "./model-folder.ts";
import { provenanceSchema } from "./provenance.ts";
import type { Order } from "./run-order.ts";

const figure = z.object({
  model: z.number(),
  baseline: z.number(),
  difference: z.number(),
  standard_error: z.number(),
});

/** What `train` writes among a model's metrics. */
const trained = provenanceSchema.extend({
  seconds: z.number(),
  started_from: z.string().nullable(),
  held_out: z
    .object({
      requests: z.number(),
      from: z.string(),
      to: z.string(),
      before_learning: z.boolean().default(false),
      metrics: z.object({ mrr: figure, "recall@20": figure }).partial(),
    })
    .nullable(),
});

export interface TrainedRun extends z.output<typeof trained> {
  /** The name of its folder. */
  folder: string;
  name: string;
  trained_at: string;
  learned_until: string;
  seed: number;
  backend: string;
}

/** The models in a folder; `unreadable` are those that say too little, each with the reason. Throws a `UserError` where there is no such folder. */
export async function readRuns(parent: string): Promise<{ runs: TrainedRun[]; unreadable: string[] }> {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => {
    throw new UserError(`there is no folder ${parent}: \`npx --no-install recsys train\` makes one, or name another`);
  });
  const runs: TrainedRun[] = [];
  const unreadable: string[] = [];
  for (const { name: folder } of entries.filter((entry) => entry.isDirectory() && !entry.name.endsWith(".partial"))) {
    try {
      const { metrics, ...description } = await readDescription(join(parent, folder));
      const parsed = trained.safeParse(metrics);
      if (!parsed.success) throw new UserError(`${join(parent, folder)} does not say how it was trained: train again`);
      const { name, trained_at, learned_until, seed, backend } = description;
      runs.push({ ...parsed.data, folder, name, trained_at, learned_until, seed, backend });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      unreadable.push(error.message);
    }
  }
  return { runs, unreadable };
}

/** The best first, by a held-out metric of the model itself; those without one come last. Or the newest first. */
export function inOrder(runs: TrainedRun[], by: Order): TrainedRun[] {
  if (by === "newest") return runs.toSorted((a, b) => b.trained_at.localeCompare(a.trained_at));
  const value = ({ held_out }: TrainedRun) => held_out?.metrics[by]?.model ?? Number.NEGATIVE_INFINITY;
  return runs.toSorted((a, b) => value(b) - value(a) || b.trained_at.localeCompare(a.trained_at));
}

/** Whether the figures of some runs are of the same requests. */
export function wereAskedTheSame(runs: TrainedRun[]): boolean {
  const asked = runs.map(({ data, held_out }) =>
    [data.digest, held_out?.requests, held_out?.from, held_out?.to].join(),
  );
  return new Set(asked).size <= 1;
}

function differenceCell(of: z.output<typeof figure> | undefined): string {
  return of ? pairedCell({ mean: of.difference, error: of.standard_error }) : "–";
}

/** Runs for the terminal. Figures of runs with the same data are of the same requests; of others they are not comparable. */
export function runsTable(runs: TrainedRun[]): string {
  const header = "model, trained, data, seed, backend, requests, MRR, vs recency, R@20, vs recency, seconds, config";
  return table(
    header.split(", "),
    runs.map(({ folder, trained_at, data, seed, backend, held_out, seconds, config }) => {
      const { mrr, "recall@20": recall } = held_out?.metrics ?? {};
      const differences = Object.entries(config).map(([path, value]) => `${path}=${JSON.stringify(value)}`);
      return [
        folder,
        trained_at.slice(0, 16).replace("T", " "),
        data.digest.slice(0, 8),
        `${seed}`,
        backend,
        held_out ? `${held_out.requests}${held_out.before_learning ? " new" : ""}` : "–",
        shareCell(mrr?.model ?? Number.NaN),
        differenceCell(mrr),
        shareCell(recall?.model ?? Number.NaN),
        differenceCell(recall),
        seconds.toFixed(0),
        differences.join(" ") || "defaults",
      ];
    }),
  );
}
