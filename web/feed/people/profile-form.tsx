import { useState } from "preact/hooks";
import { useProject } from "../../shared/project.ts";
import { useStored } from "../../shared/stored.ts";
import { Trouble } from "../../shared/trouble.tsx";
import { type Profile, saveProfile, wordsOf } from "./profile.ts";

interface ProfileFormProps {
  userId: string;
  /** null: there is none yet. */
  before: Profile | null;
  onSaved(): void;
}

/** What somebody says of themselves. A new one begins with the interests they picked as a visitor. */
export function ProfileForm({ userId, before, onSaved }: ProfileFormProps) {
  const { supabase } = useProject();
  const [interests] = useStored<string[]>("interests", []);
  const [passions, setPassions] = useState((before?.passions ?? interests).join(", "));
  const [bio, setBio] = useState(before?.bio ?? "");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();

  async function save(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await saveProfile(supabase, before, { id: userId, passions: wordsOf(passions), bio });
      onSaved();
    } catch (error) {
      setError(error);
    }
    setBusy(false);
  }

  return (
    <form class="card" onSubmit={save}>
      <label>
        What do you care about? <small>A few words each, with commas between</small>
        <input
          value={passions}
          maxLength={2000}
          placeholder="Chess, gardens, travel by train"
          onInput={(event) => setPassions(event.currentTarget.value)}
        />
      </label>
      <label>
        About you <small>Anything else; your feed is made from it, too</small>
        <textarea value={bio} maxLength={10_000} onInput={(event) => setBio(event.currentTarget.value)} />
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
