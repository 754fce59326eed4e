/** In-memory cache of models: graphs are verified when loaded, and those of earlier models are kept for a while. */
import { sql } from "kysely";
import { type Connection, run } from "../database/database.ts";
import { db } from "../database/query.ts";
import { featureSpecDigest } from "../features/feature-spec.ts";
import { type Head, isHeadList } from "../features/kinds.ts";
import { AppError } from "../http/errors.ts";
import { contractsOf, type GraphName, matchesContract } from "./contracts.ts";
import type { InferenceSession, Runtime } from "./inference.ts";

/** A model that may serve, as in recsys.models. */
export interface PublishedModel {
  id: number;
  name: string;
  featureSpecDigest: string;
}

/** A model with the requested graphs. */
export interface ServingModel<Graph extends GraphName> {
  id: number;
  name: string;
  /** The outputs of its ranker. */
  heads: readonly Head[];
  graphs: Record<Graph, InferenceSession>;
}

/** Milliseconds before a broken model is read again, so that not every request transfers megabytes. */
const retryAfter = 10_000;

/**
 * Maximum number of cached models: during a switch, requests use both models; a rollback returns to the previous one,
 * and each variant of an experiment may have its own.
 */
const kept = 4;

interface Entry {
  model: Promise<unknown>;
  /** Time after which a model that failed to load may be tried again. */
  until: number;
}

/**
 * Returns the active model with the graphs that a function needs, loading them on a miss; concurrent requests share the
 * load. `now`: milliseconds of any clock. Throws 503 `model_corrupt` or `model_incompatible`.
 */
export function modelCache(runtime: () => Promise<Runtime>, now = () => performance.now()) {
  /** By model and graphs, the most recently used last. */
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
    // the key names the graphs, so the entry has them
    return entry.model as Promise<ServingModel<Graph>>;
  };

  function loading(published: PublishedModel, connection: Connection, graphs: readonly GraphName[]): Entry {
    const entry: Entry = { model: load(published, connection, graphs, runtime), until: Number.POSITIVE_INFINITY };
    entry.model.catch((error) => {
      // a load that failed by a database error is retried by the next request
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
 * Bytes of a graph per row. Reading a whole graph as one value would make the driver double its buffer
 * and keep several megabytes of memory.
 */
const pieceBytes = 128 * 1024;

/** The graphs of a model in chunks, in order. */
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

/** The error of a model whose graph cannot be used. */
export function modelCorruptError(model: { name: string }, graph: string, what: string, cause?: unknown): AppError {
  const cure = "roll back, or train and publish again";
  return new AppError(503, "model_corrupt", `graph ${graph} of model ${model.name} ${what}: ${cure}`, cause);
}

async function sha256(bytes: ReturnType<typeof joined>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
