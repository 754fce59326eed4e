import { useState } from "preact/hooks";
import { Heading } from "../shared/heading.tsx";

/** Asks for the key; `refused`: the one that was given is no key of this project. */
export function SignIn({ refused = false, onKey }: { refused?: boolean; onKey(key: string): void }) {
  const [key, setKey] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    onKey(key.trim());
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <Heading text="Console" />
        <label>
          A secret key of the project{" "}
          <small>npm start and npx recsys serve print an address that has it; only this tab keeps it</small>
          <input
            type="password"
            required
            autocomplete="off"
            spellcheck={false}
            value={key}
            aria-describedby={refused ? "refused" : undefined}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        {refused && (
          <p id="refused" role="alert" class="bad">
            This is no secret key of this project. <code>npm start</code> and <code>npx recsys serve</code> print an
            address that has theirs.
          </p>
        )}
        <button type="submit" class="main">
          Open the console
        </button>
      </form>
    </main>
  );
}
