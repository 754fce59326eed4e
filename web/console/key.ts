/** The project's secret key: from the address that `npm start` prints, or typed in; this tab forgets it when it is closed. */
const place = "recsys.console.key";

/** The key of this tab; one that stands in the address is taken out of it, so that no copy of the address has it. */
export function readKey(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given) {
    sessionStorage.setItem(place, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(place);
}

export function keepKey(key: string): void {
  sessionStorage.setItem(place, key);
}

export function forgetKey(): void {
  sessionStorage.removeItem(place);
}
