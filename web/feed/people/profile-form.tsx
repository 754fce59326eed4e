import { useState } from "preact/hooks";
import { Form, TextField, Trouble } from "../../shared/elements.tsx";
import { useOnce, useStored } from "../../shared/hooks.ts";
import { useProject } from "../../shared/project.ts";
import { type AppProfile, saveProfile, wordsBetweenCommas } from "../app-tables.ts";

interface ProfileFormProps {
  userId: string;
  /** null: there is none yet. */
  before: AppProfile | null;
  onSaved(): void;
}

/** As they stand in the form. */
interface Texts {
  /** With commas between. */
  passions: string;
  bio: string;
}

/**
 * A user's profile form, which outlives the view until it is saved. A new one begins with the interests they picked
 * as a visitor.
 */
export function ProfileForm({ userId, before, onSaved }: ProfileFormProps) {
  const { supabase } = useProject();
  const [interests] = useStored<string[]>("interests", []);
  const [draft, setDraft] = useStored<Texts | null>(`profile of ${userId}`, null);
  const [texts, setTexts] = useState<Texts>(
    draft ?? { passions: (before?.passions ?? interests).join(", "), bio: before?.bio ?? "" },
  );
  const { passions, bio } = texts;
  const { busy, error, once } = useOnce();

  function edit(change: Partial<Texts>): void {
    setTexts({ ...texts, ...change });
    setDraft({ ...texts, ...change });
  }

  async function save(): Promise<void> {
    await saveProfile(supabase, before, { id: userId, passions: wordsBetweenCommas(passions), bio });
    setDraft(null);
    onSaved();
  }

  return (
    <Form onSend={() => once(save)}>
      <TextField
        label="What do you care about?"
        hint="A few words each, with commas between"
        value={passions}
        maxLength={2000}
        readOnly={busy}
        placeholder="Chess, gardens, travel by train"
        onText={(passions) => edit({ passions })}
      />
      <TextField
        label="About you"
        hint="Anything else; your feed is made from it, too"
        isLong
        value={bio}
        maxLength={10_000}
        readOnly={busy}
        onText={(bio) => edit({ bio })}
      />
      {error !== undefined && <Trouble error={error} />}
      <div class="row">
        <button type="submit" class="main" disabled={busy}>
          {before ? "Save" : "Show me my feed"}
        </button>
      </div>
    </Form>
  );
}
