/** Versions of migrations, as the Supabase CLI makes and orders them: the instant in UTC, 20261126101500. */
import { UserError } from "../../db/user-error.ts";

const second = 1000;

/**
 * `count` versions in a row behind all of `taken`, a second apart. The last is `now` where that is possible, so that what the
 * team writes next comes behind them. Throws a `UserError` where the app's last one is none that another can come behind.
 */
export function versionsAfter(taken: string[], count: number, now: Date): string[] {
  const last = [...taken].sort().at(-1);
  let first = now.getTime() - (count - 1) * second;
  if (last !== undefined && last >= versionOf(first)) first = instantOf(last) + second;
  return Array.from({ length: count }, (_, n) => versionOf(first + n * second));
}

function versionOf(instant: number): string {
  return new Date(instant).toISOString().replace(/\D/g, "").slice(0, 14);
}

function instantOf(version: string): number {
  const [, year, month, day, hour, minute, seconds] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(version) ?? [];
  const instant = Date.UTC(+year, +month - 1, +day, +hour, +minute, +seconds);
  // such as 20269999000000
  if (!Number.isFinite(instant) || versionOf(instant) !== version)
    throw new UserError(
      `the app's last migration has the version ${version}, which is no instant such as 20261126101500: nothing can be put behind it`,
    );
  return instant;
}
