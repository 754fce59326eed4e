/** Values behind one-time tokens, valid for an hour: sign-in links and PKCE codes. */
export class OneTime<Kept> {
  readonly #kept = new Map<string, { kept: Kept; until: number }>();

  /** Returns the token of a value. */
  give(kept: Kept): string {
    for (const [word, { until }] of this.#kept) if (until < Date.now()) this.#kept.delete(word);
    const word = crypto.randomUUID();
    this.#kept.set(word, { kept, until: Date.now() + 3_600_000 });
    return word;
  }

  /** Takes the value of a token; undefined if it is unknown, used or expired. */
  take(word: string): Kept | undefined {
    const found = this.#kept.get(word);
    this.#kept.delete(word);
    return found && found.until >= Date.now() ? found.kept : undefined;
  }
}
