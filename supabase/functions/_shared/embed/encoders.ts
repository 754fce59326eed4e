/** Models that make vectors of texts, for an app that keeps none itself: what recsys.settings.text_encoder names. */

/** Gives a model of this name; undefined: this host has none. */
export type Encoders = (name: string) => Encoder | undefined;

/** Gives a text its vector. */
export type Encoder = (text: string) => Promise<ArrayLike<number>>;

/** Texts of one call: the platform gives a request 2 s of processor time, and gte-small takes a text some tenths of one. */
export const mostTexts = 4;

/** What gte-small reads of a text: 512 pieces of words, most of which have four letters. */
const mostLetters = 2_000;

/** What is encoded of a post. */
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

/** The part of the hosted platform's API that makes vectors (Supabase Edge Functions, "Running AI models"). */
interface Platform {
  Supabase?: {
    ai?: {
      Session: new (
        model: string,
      ) => { run(text: string, options: { mean_pool: boolean; normalize: boolean }): Promise<ArrayLike<number>> };
    };
  };
}

/** Those of the platform that make vectors. Whatever else recsys.settings.text_encoder names, a worker is given. */
const platformModels = ["gte-small"];

/** The models of the hosted platform; `onMissing` is told once of each that this host cannot run. */
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
