/** The active model in memory: its graphs, verified when they are loaded and kept along with those of the model before. */
import { sql } from "kysely";
import { type Connection, run } from "../database/database.ts";
import { db } from "../database/query.ts";
import { featureSpecDigest } from "../features/feature-spec.ts";
import { type Head, isHeadList } from "../features/kinds.ts";
import { AppError } from "../http/errors.ts";
import { contractsOf, type GraphName, matchesContract } from "./contracts.ts";
import type { InferenceSession, Runtime } from "./inference.ts";

/** What recsys.models says of a model that may serve. */
export interface PublishedModel {
  id: number;
  name: string;
  featureSpecDigest: string;
}

/** A model with those of its graphs that were asked for. */
export interface ServingModel<Graph extends GraphName> {
  id: number;
  name: string;
  /** What its ranker predicts. */
  heads: readonly Head[];
  graphs: Record<Graph, InferenceSession>;
}

/** A broken model is not read again for this long, so that its megabytes do not cross the wire with each request. */
const retryAfter = 10_000;

/**
 * Models in memory: while a switch commits, requests of before and after it meet, and a rollback returns to the model
 * before; with an experiment each variant may have its own. One too few would be read again each time, megabytes over the wire.
 */
const kept = 4;

interface Entry {
  model: Promise<unknown>;
  /** When a model that could not be loaded may be tried again. */
  until: number;
}

/**
 * Gives the active model with the graphs that are needed, loading them when they are not in memory; requests that come
 * meanwhile share the load. A function always asks for the same graphs. `now`: milliseconds of any clock. Throws 503 `model_corrupt` or `model_incompatible`.
 */
export function modelCache(runtime: () => Promise<Runtime>, now = () => performance.now()) {
  /** By model and graphs, the one asked for last at the end. */
  const cached = new Map<string, Entry>();

  return <Graph extends GraphName>(
    published: PublishedModel,
    connection: Connection,
    graphs: readonly Graph[],
  ): Promise<ServingModel<Graph>> => {
    const key = [published.id, ...graphs].join();
    const found = cached.get(key);
    cached.delete(key);
    const entry = found && now() < found.until ? found : loading(published, connection, graphs);
    cached.set(key, entry);
    for (const oldest of cached.keys()) if (cached.size > kept) cached.delete(oldest);
    // the key names the graphs, so it has those that are asked for
    return entry.model as Promise<ServingModel<Graph>>;
  };

  function loading(published: PublishedModel, connection: Connection, graphs: readonly GraphName[]): Entry {
    const entry: Entry = { model: load(published, connection, graphs, runtime), until: Number.POSITIVE_INFINITY };
    entry.model.catch((error) => {
      // a load that a failing database interrupted is tried again by the next request
      entry.until = error instanceof AppError ? now() + retryAfter : 0;
    });
    return entry;
  }
}
export type ModelCache = ReturnType<typeof modelCache>;

async function load<Graph extends GraphName>(
  published: PublishedModel,
  connection: Connection,
  graphs: readonly Graph[],
  runtime: () => Promise<Runtime>,
): Promise<ServingModel<Graph>> {
  if (published.featureSpecDigest !== (await featureSpecDigest()))
    throw new AppError(
      503,
      "model_incompatible",
      `model ${published.name} was trained for other features than this function computes: deploy the functions or train again`,
    );
  const pieces = await run(connection, readPieces(published.id, graphs));
  const heads = pieces[0]?.heads ?? [];
  if (pieces.length > 0 && !isHeadList(heads))
    throw modelCorruptError(published, "dlrm", `has the heads ${heads.join()}`);
  const contracts = contractsOf(heads as Head[]);
  const { createSession } = await runtime();
  const sessions = await Promise.all(
    graphs.map(async (graph) => {
      const ofGraph = pieces.filter((piece) => piece.graph === graph);
      if (ofGraph.length === 0) throw modelCorruptError(published, graph, "is missing");
      const onnx = joined(ofGraph.map(({ bytes }) => bytes));
      if ((await sha256(onnx)) !== ofGraph[0].sha256) throw modelCorruptError(published, graph, "fails its checksum");
      const session = await createSession(onnx).catch((error) => {
        throw modelCorruptError(published, graph, "cannot be loaded", error);
      });
      if (!matchesContract(session, contracts[graph]))
        throw modelCorruptError(published, graph, "has other inputs or outputs than the contract");
      return [graph, session] as const;
    }),
  );
  return {
    id: published.id,
    name: published.name,
    heads: heads as Head[],
    graphs: Object.fromEntries(sessions) as ServingModel<Graph>["graphs"],
  };
}

/**
 * Bytes of a graph a row. As one value, the text of a tower of 2.1 MB had the driver double its buffer until it had 8 MB, and 6 MB more stayed
 * in a fresh worker's arrays: 15.6 and 15.9 MB instead of 9.9 and 10.0.
 */
const pieceBytes = 128 * 1024;

/** The graphs of a model in pieces, those of each in their order. */
function readPieces(modelId: number, graphs: readonly GraphName[]) {
  const size = sql.lit(pieceBytes);
  return db
    .selectFrom("recsys_engine.model_artifacts as artifacts")
    .innerJoin("recsys.models as models", "models.model_id", "artifacts.model_id")
    .innerJoinLateral(
      sql<{ piece: number }>`generate_series(0, (length(artifacts.onnx) - 1) / ${size})`.as("piece"),
      (join) => join.onTrue(),
    )
    .select(["artifacts.graph", "artifacts.sha256", "models.heads"])
    .select(sql<Uint8Array>`substring(artifacts.onnx from piece * ${size} + 1 for ${size})`.as("bytes"))
    .where("artifacts.model_id", "=", modelId)
    .where("artifacts.graph", "in", graphs)
    .orderBy("artifacts.graph")
    .orderBy("piece.piece");
}

function joined(pieces: Uint8Array[]) {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The error of a model whose graph cannot serve. */
export function modelCorruptError(model: { name: string }, graph: string, what: string, cause?: unknown): AppError {
  const cure = "roll back, or train and publish again";
  return new AppError(503, "model_corrupt", `graph ${graph} of model ${model.name} ${what}: ${cure}`, cause);
}

async function sha256(bytes: ReturnType<typeof joined>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
