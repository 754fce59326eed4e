import type { SupabaseClient } from "@supabase/supabase-js";
import { useState } from "react";

/** By a link in an e-mail. */
export function SignIn({ supabase }: { supabase: SupabaseClient }) {
  const [said, setSaid] = useState("");
  async function send(form: FormData) {
    const options = { emailRedirectTo: location.href };
    const { error } = await supabase.auth.signInWithOtp({ email: String(form.get("email")), options });
    setSaid(error?.message ?? "Open the link in your e-mail.");
  }
  return (
    <form action={send}>
      <label>
        E-mail <input name="email" type="email" required />
      </label>
      <button type="submit">Send me a link</button>
      <output>{said}</output>
    </form>
  );
}
