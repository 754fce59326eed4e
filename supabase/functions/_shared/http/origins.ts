/**
 * Which websites' pages may read the answers, from a list such as `https://app.example, https://www.app.example`; any, where there is
 * none. It keeps no token safe that a page has, but other websites from making use of their visitors' browsers.
 * @throws Error where something in the list is no origin: a mistake would lock the app out
 */
export function allowedOrigins(list: string | undefined): string[] | "*" {
  const entries = (list ?? "").split(/[\s,]+/).filter(Boolean);
  if (entries.length === 0 || entries.includes("*")) return "*";
  return entries.map((entry) => {
    const origin = URL.canParse(entry) ? new URL(entry).origin : "null";
    if (origin === "null" || origin.includes("*") || entry.replace(/\/$/, "").toLowerCase() !== origin)
      throw new Error(`ALLOWED_ORIGINS has ${entry}, which is no origin such as https://app.example`);
    return origin;
  });
}
