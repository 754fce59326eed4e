/** Which project a page belongs to. */
export interface SiteConfig {
  url: string;
  /** Its publishable key, which is no secret. */
  key: string;
  /** On this machine alone: a visitor may choose which member of the community to be. */
  members?: boolean;
  /** There alone, too: milliseconds by which the community's clock is behind, since it was imported from an archive. */
  clockShift?: number;
}

/** Reads config.json, which lies at the root of the site. Throws one line that says what is missing. */
export async function readSiteConfig(address = "config.json"): Promise<SiteConfig> {
  const response = await fetch(address);
  const config: Partial<SiteConfig> | undefined = response.ok
    ? await response.json().catch(() => undefined)
    : undefined;
  if (!config?.url || !config.key) throw new Error("config.json must name the project's url and its publishable key");
  return config as SiteConfig;
}

/** The instant that the community's posts and the recommender go by, milliseconds since 1970: now, but for an archive on this machine. */
export function nowOf({ clockShift = 0 }: SiteConfig): number {
  return Date.now() - clockShift;
}
