/** A small app with its own tables under row level security, to bring the recommender into. */
import type pg from "pg";

export const tinyApp = `
create table public.people (
  id uuid primary key references auth.users (id) on delete cascade,
  name text not null,
  about text,
  joined_at timestamptz not null default now()
);
create table public.posts (
  id uuid primary key default gen_random_uuid(),
  author_id uuid not null references public.people (id) on delete cascade,
  title text not null,
  body text,
  is_draft boolean not null default false,
  created_at timestamptz not null default now()
);
create table public.votes (
  id uuid primary key default gen_random_uuid(),
  person_id uuid not null references public.people (id) on delete cascade,
  post_id uuid not null references public.posts (id) on delete cascade,
  created_at timestamptz not null default now(),
  unique (person_id, post_id)
);
create index votes_person_id_created_at_idx on public.votes (person_id, created_at desc);
alter table public.people enable row level security;
alter table public.posts enable row level security;
alter table public.votes enable row level security;
create policy "people know each other" on public.people for select to authenticated using (true);
create policy "drafts are their author's" on public.posts for select to authenticated using (not is_draft or author_id = (select auth.uid()));
create policy "votes are public" on public.votes for select to authenticated using (true);
create policy "one's own votes" on public.votes for insert to authenticated with check (person_id = (select auth.uid()));
grant select on public.people, public.posts, public.votes to authenticated;
grant insert on public.votes to authenticated;
`;

export const tinyPerson = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

/** 60 people, 200 posts of which each tenth is a draft, and votes of everybody on what is of their own topic. */
export async function fillTinyApp(pool: pg.Pool): Promise<void> {
  const id = (n: string) => `('00000000-0000-4000-8000-' || lpad((${n})::text, 12, '0'))::uuid`;
  const topic = (n: string) => `(array['Bread', 'Chess', 'Gardens', 'Trams'])[1 + (${n}) % 4]`;
  await pool.query(`
    insert into auth.users (id) select ${id("n")} from generate_series(1, 60) as n;
    insert into public.people (id, name, about, joined_at)
    select ${id("n")}, 'Person ' || n, 'I like ' || lower(${topic("n")}), now() - interval '90 days' from generate_series(1, 60) as n;
    insert into public.posts (id, author_id, title, body, is_draft, created_at)
    select ${id("1000 + n")}, ${id("1 + n * 7 % 60")}, ${topic("n")} || ' and what came of it, part ' || n, ${topic("n")} || ' in a few words',
      n % 10 = 0, now() - (201 - n) * interval '8 hours'
    from generate_series(1, 200) as n;
    insert into public.votes (person_id, post_id, created_at)
    select ${id("reader")}, ${id("1000 + n")}, now() - (201 - n) * interval '8 hours' + reader * interval '7 minutes'
    from generate_series(1, 60) as reader cross join generate_series(1, 200) as n
    where reader % 4 = n % 4 and n % 10 > 0 and (reader + n) % 3 > 0;
    analyze`);
}
