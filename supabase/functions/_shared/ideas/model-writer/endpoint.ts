/** Where a language model writes ideas: any endpoint that has OpenAI's chat completions, hosted or on a machine of one's own. */

import { call, type Pool, type Statement } from "../../database/database.ts";
import { readAs, service } from "../../database/run-as-caller.ts";

export interface Endpoint {
  /** Ends before /chat/completions: https://api.openai.com/v1, http://localhost:11434/v1. */
  url: string;
  model: string;
  /** Sent as a bearer token; a local one needs none. */
  key?: string | undefined;
}

/** From the environment: IDEAS_URL, IDEAS_MODEL, IDEAS_KEY. undefined: not named there. */
export function endpointOf(environment: (name: string) => string | undefined): Endpoint | undefined {
  return checked(environment("IDEAS_URL"), environment("IDEAS_MODEL"), environment("IDEAS_KEY"));
}

/** From the Vault: recsys_ideas_url, recsys_ideas_model, recsys_ideas_key. undefined: not named there, or there is no Vault. */
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
