import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { type Recsys, recsys } from "../../client/src/index.ts";
import type { Config } from "./config.ts";
import { openContext } from "./context.ts";

/** What a page talks to. */
export interface Project {
  config: Config;
  supabase: SupabaseClient;
  recommender: Recsys;
}

export function openProject(config: Config): Project {
  const supabase = createClient(config.url, config.key);
  // what is refused is told where it was done
  return { config, supabase, recommender: recsys(supabase, { onRefused: () => undefined }) };
}

export const [ProjectProvider, useProject] = openContext<Project>("project");
