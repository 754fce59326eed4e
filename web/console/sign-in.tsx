import { useState } from "preact/hooks";
import { Form, Heading, TextField } from "../shared/elements.tsx";

/** Asks for the key; `refused`: the one that was given is no key of this project. */
export function SignIn({ refused = false, onKey }: { refused?: boolean; onKey(key: string): void }) {
  const [key, setKey] = useState("");
  return (
    <main class="sign-in">
      <Form onSend={() => onKey(key.trim())}>
        <Heading text="Console" />
        <TextField
          label="A secret key of the project"
          hint="npm start and npx --no-install recsys serve print an address that contains it; only this tab keeps it"
          type="password"
          required
          autocomplete="off"
          spellcheck={false}
          value={key}
          aria-describedby={refused ? "refused" : undefined}
          onText={setKey}
        />
        {refused && (
          <p id="refused" role="alert" class="bad">
            This is not a secret key of this project. <code>npm start</code> and{" "}
            <code>npx --no-install recsys serve</code> print an address that contains it.
          </p>
        )}
        <button type="submit" class="main">
          Open the console
        </button>
      </Form>
    </main>
  );
}
