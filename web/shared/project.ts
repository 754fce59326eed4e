import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { type Recsys, recsys } from "../../client/src/index.ts";
import type { SiteConfig } from "./config.ts";
import { openContext } from "./context.ts";

/** What a page talks to. */
export interface Project {
  config: SiteConfig;
  supabase: SupabaseClient;
  recommender: Recsys;
}

export function openProject(config: SiteConfig): Project {
  const supabase = createClient(config.url, config.key);
  // what is refused is told where it was done
  return { config, supabase, recommender: recsys(supabase, { onRefused: () => undefined }) };
}

export const [ProjectProvider, useProject] = openContext<Project>("project");
