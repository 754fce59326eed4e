const instant = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-][\d:]+)$/;
const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const share = new Intl.NumberFormat(undefined, { style: "percent", maximumSignificantDigits: 3 });

/** A value of an answer as people read it. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return (Number.isInteger(value) ? whole : precise).format(value);
  if (typeof value === "string") return instant.test(value) ? time.format(new Date(value)) : value;
  if (Array.isArray(value)) return value.map(cell).join(", ");
  return JSON.stringify(value);
}

/** A share from 0 to 1. */
export const percent = (value: unknown) => (typeof value === "number" ? share.format(value) : "–");
