/**
 * The gate before a model may serve: its graphs keep the contract, ONNX Runtime answers as the trainer did, and it is not worse than the
 * active model, beyond a margin and chance, on requests new to it, nor on earlier ones, which recent interactions cannot be part of.
 */
import { contractsOf, graphNames } from "../../../supabase/functions/_shared/models/contracts.ts";
import { assertSize, type ModelFolder } from "../../artifacts/model-folder/model-folder.ts";
import { assertContract } from "../../artifacts/onnx/contract.ts";
import { parityOf } from "./parity.ts";
import type { Comparison, Earlier, Parity, Skipped, Verdict } from "./verdict.ts";

/** Standard errors: how sure the gate must be that a model is worse than the margin allows. */
const sureness = 2;

export type GraphVerdict = Pick<Verdict, "contract" | "parity" | "reasons">;

/** Judges a model's graphs alone, which takes no database. */
export async function judgeGraphs(model: ModelFolder): Promise<GraphVerdict> {
  const contracts = contractsOf(model.heads);
  try {
    for (const graph of graphNames) {
      try {
        assertContract(model.graphs[graph], contracts[graph]);
      } catch (error) {
        throw new Error(`${graph}: ${(error as Error).message}`);
      }
    }
    assertSize(model.graphs);
  } catch (error) {
    const { message } = error as Error;
    return { contract: message, parity: null, reasons: [`the contract is broken: ${message}`] };
  }
  try {
    const parity = await parityOf(model);
    return { contract: "kept", parity, reasons: reasonsOfParity(parity) };
  } catch (error) {
    return { contract: "kept", parity: null, reasons: [`a graph does not run: ${(error as Error).message}`] };
  }
}

function reasonsOfParity({ largest_difference, tolerance, rows }: Parity): string[] {
  if (largest_difference <= tolerance) return [];
  return [
    `the graphs are up to ${largest_difference.toPrecision(2)} away from what the trainer answered on ${rows} rows (tolerance ${tolerance}): the weights are not those that were trained`,
  ];
}

/** What the gate says in all. */
export function verdictOf(graphs: GraphVerdict, comparison: Comparison | Skipped): Verdict {
  const reasons = [...graphs.reasons, ...reasonsOf(comparison)];
  return { passed: reasons.length === 0, reasons, contract: graphs.contract, parity: graphs.parity, comparison };
}

/** What of a comparison speaks against the model: worse than the margin allows, and surely so. */
function reasonsOf(comparison: Comparison | Skipped): string[] {
  const ofEarlier = comparison.earlier ? reasonsOfEarlier(comparison.earlier) : [];
  if ("skipped" in comparison) return ofEarlier;
  const { margin, requests, metrics } = comparison;
  const ofNew = Object.entries(metrics).flatMap(([name, compared]) => {
    const { candidate, published, other, worse, standard_error } = compared;
    // as published it has an advantage, so whatever the published is behind by is a fault of its own
    const publishedWorse = worse + signOf(name) * (published - candidate);
    const allowed = margin + sureness * standard_error;
    const reason = (what: string, value: number) =>
      `${name} of ${what} is ${value.toFixed(3)} on ${requests} requests, of ${comparison.with} ${other.toFixed(3)}: more than ${allowed.toFixed(3)} worse (margin ${margin}, chance ${(sureness * standard_error).toFixed(3)})`;
    if (worse > allowed) return [reason("the model", candidate)];
    if (publishedWorse > allowed) return [reason("the model as published", published)];
    return [];
  });
  return [...ofNew, ...ofEarlier];
}

function reasonsOfEarlier({ with: other, requests, margin, metrics }: Earlier): string[] {
  return Object.entries(metrics).flatMap(([name, compared]) => {
    const allowed = margin + sureness * compared.standard_error;
    if (compared.worse <= allowed) return [];
    return [
      `${name} of the model as published is ${compared.published.toFixed(3)} on ${requests} earlier requests, of the weaker of ${other} and the recency baseline ${compared.other.toFixed(3)}: more than ${allowed.toFixed(3)} worse on what both have learned from (margin ${margin}, chance ${(sureness * compared.standard_error).toFixed(3)})`,
    ];
  });
}

/** Whether more is worse. */
function signOf(metric: string): number {
  return metric.startsWith("cross-entropy") ? 1 : -1;
}
