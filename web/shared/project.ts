import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { type Recsys, recsys } from "../../client/src/index.ts";
import type { Config } from "./config.ts";

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

export const ProjectContext = createContext<Project | undefined>(undefined);

export function useProject(): Project {
  const project = useContext(ProjectContext);
  if (!project) throw new Error("there is no project above this component");
  return project;
}
