"use client";

import { createBrowserClient } from "@supabase/ssr";
import { useEffect, useState } from "react";
import { project } from "./project.ts";

const supabase = createBrowserClient(...project);

/** By a link in an e-mail, which leads back here. */
export function SignIn() {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((event) => {
      if (event === "SIGNED_IN") location.replace("/");
    });
    return () => data.subscription.unsubscribe();
  }, []);
  async function send(form: FormData) {
    const options = { emailRedirectTo: location.origin };
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
