/** Encoders: models that make vectors of texts for an app without its own, selected by recsys.settings.text_encoder. */

/** Returns the encoder of a name; undefined if this host has none. */
export type Encoders = (name: string) => Encoder | undefined;

/** Returns the vector of a text. */
export type Encoder = (text: string) => Promise<ArrayLike<number>>;

/**
 * Maximum number of texts per call: the platform allows 2 s of CPU time, and
 * gte-small takes some tenths of one per text.
 */
export const mostTexts = 4;

/** Maximum text length: gte-small reads 512 tokens of about four characters. */
const mostLetters = 2_000;

/** The text of a post that is encoded. */
export function textToEncode({
  title,
  description,
  tags,
}: {
  title: string;
  description: string;
  tags: string[];
}): string {
  const said = [title, tags.join(", "), description].filter((part) => part.trim() !== "");
  return said.join("\n").slice(0, mostLetters).toWellFormed();
}

/** The hosted platform's API for vectors (Supabase Edge Functions, "Running AI models"). */
interface Platform {
  Supabase?: {
    ai?: {
      Session: new (
        model: string,
      ) => { run(text: string, options: { mean_pool: boolean; normalize: boolean }): Promise<ArrayLike<number>> };
    };
  };
}

/** Encoders of the platform. A worker runs all others that recsys.settings.text_encoder may name. */
const platformModels = ["gte-small"];

/** The encoders of the hosted platform; `onMissing` is called once for each that this host cannot run. */
export function platformEncoders(
  onMissing: (error: Error) => void,
  platform = globalThis as unknown as Platform,
): Encoders {
  const known = new Map<string, Encoder | undefined>();
  return (name) => {
    if (known.has(name)) return known.get(name);
    const isPlatforms = platformModels.includes(name);
    const Session = isPlatforms ? platform.Supabase?.ai?.Session : undefined;
    if (!Session)
      onMissing(
        new Error(
          `this host has no encoder ${name}: posts are embedded by their words alone until a ${isPlatforms ? "hosted function" : "worker that is given its folder (RECSYS_ENCODERS)"} does it`,
        ),
      );
    const session = Session && new Session(name);
    const encoder: Encoder | undefined = session && ((text) => session.run(text, { mean_pool: true, normalize: true }));
    known.set(name, encoder);
    return encoder;
  };
}
