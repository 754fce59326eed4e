/** The function `console`, through supabase-js. */
import { createClient, FunctionsHttpError } from "@supabase/supabase-js";
import type { SiteConfig } from "../shared/config.ts";
import { openContext } from "../shared/context.ts";

export type ConsoleRow = Record<string, unknown>;
export type AnswerTable = { sql: string; rows: ConsoleRow[] };
type Parameters = Record<string, string | number>;

/** Asks one question. Throws an Error in the function's own words. */
type Ask = <Answer = AnswerTable>(question: string, parameters?: Parameters) => Promise<Answer>;

export class KeyRefused extends Error {}

export function openConsole({ url }: SiteConfig, key: string): Ask {
  // without a user: the key is all there is
  const { functions } = createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false } });
  return async (question, parameters = {}) => {
    const { data, error } = await functions.invoke("console", { body: { ask: question, parameters } });
    if (!error) return data;
    if (!(error instanceof FunctionsHttpError)) throw new Error("The functions do not answer right now.");
    const answer = await error.context.json().catch(() => undefined);
    const message = answer?.error?.message ?? `the function answered ${error.context.status}`;
    throw error.context.status === 401 ? new KeyRefused(message) : new Error(message);
  };
}

export const [AskProvider, useAsk] = openContext<Ask>("console");
