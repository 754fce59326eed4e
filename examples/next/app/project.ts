/** Next writes these two into what the browser loads, so they are named in full. */
export const project = [
  process.env.NEXT_PUBLIC_SUPABASE_URL as string,
  process.env.NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY as string,
] as const;
