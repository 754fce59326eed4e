/**
 * Parses allowed CORS origins, such as `https://app.example, https://www.app.example`; an empty list allows any.
 * @throws Error if an entry is no origin: a typo would lock out the app
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
