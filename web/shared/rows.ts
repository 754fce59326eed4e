/** What a query of supabase-js gives, where it does not fail; its error is thrown. */
export async function rows<Data>(query: PromiseLike<{ data: Data | null; error: unknown }>): Promise<Data> {
  const { data, error } = await query;
  if (error) throw error;
  return data as Data;
}
