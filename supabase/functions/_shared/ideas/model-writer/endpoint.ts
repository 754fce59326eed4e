/** Endpoint of a language model that writes ideas: any API with OpenAI's chat completions, hosted or local. */

import { call, type Pool, type Statement } from "../../database/database.ts";
import { readAs, service } from "../../database/run-as-caller.ts";

export interface Endpoint {
  /** Base URL, without /chat/completions: https://api.openai.com/v1, http://localhost:11434/v1. */
  url: string;
  model: string;
  /** Bearer token; a local endpoint needs none. */
  key?: string | undefined;
}

/** From the environment (IDEAS_URL, IDEAS_MODEL, IDEAS_KEY); undefined if not set. */
export function endpointOf(environment: (name: string) => string | undefined): Endpoint | undefined {
  return checked(environment("IDEAS_URL"), environment("IDEAS_MODEL"), environment("IDEAS_KEY"));
}

/** From the Vault (recsys_ideas_url, recsys_ideas_model, recsys_ideas_key); undefined if not set or without a Vault. */
export async function endpointInVault(pool: Pool): Promise<Endpoint | undefined> {
  const named: Statement<Record<"url" | "model" | "key", string | null>> = call("recsys_engine.ideas_endpoint", {});
  const [{ url, model, key }] = await readAs(pool, service, named, async (_, rows) => rows);
  return checked(url, model, key);
}

function checked(url?: string | null, model?: string | null, key?: string | null): Endpoint | undefined {
  if (!url || !model) return undefined;
  if (!/^https?:\/\//.test(url)) throw new Error("the endpoint of ideas is no address of http or https");
  return { url: url.replace(/\/+$/, ""), model, key: key ?? undefined };
}
