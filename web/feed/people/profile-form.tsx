import { useState } from "preact/hooks";
import { useProject } from "../../shared/project.ts";
import { useStored } from "../../shared/stored.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { type Profile, saveProfile, wordsOf } from "./profile.ts";
import { useOnce } from "./use-once.ts";

interface ProfileFormProps {
  userId: string;
  /** null: there is none yet. */
  before: Profile | null;
  onSaved(): void;
}

/** As they stand in the form. */
interface Texts {
  /** With commas between. */
  passions: string;
  bio: string;
}

/** What somebody says of themselves, which outlives the view until it is saved. A new one begins with the interests they picked as a visitor. */
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
    await saveProfile(supabase, before, { id: userId, passions: wordsOf(passions), bio });
    setDraft(null);
    onSaved();
  }

  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        once(save);
      }}
    >
      <label>
        What do you care about? <small>A few words each, with commas between</small>
        <input
          value={passions}
          maxLength={2000}
          readOnly={busy}
          placeholder="Chess, gardens, travel by train"
          onInput={(event) => edit({ passions: event.currentTarget.value })}
        />
      </label>
      <label>
        About you <small>Anything else; your feed is made from it, too</small>
        <textarea
          value={bio}
          maxLength={10_000}
          readOnly={busy}
          onInput={(event) => edit({ bio: event.currentTarget.value })}
        />
      </label>
      {error !== undefined && <Trouble error={error} />}
      <div class="row">
        <button type="submit" class="main" disabled={busy}>
          {before ? "Save" : "Show me my feed"}
        </button>
      </div>
    </form>
  );
}
