-- Posts that feeds chose themselves: reports count them and training learns from them. Posts named in a request were
-- shown without the model's choice, and so were promoted ones.

create view recsys_engine.recommended_impressions with (security_invoker = true) as
-- as a case, half of whose rows are expected: "is null" is taken for one row of 200 where no statistics exist yet, and joins made for so few took minutes
select * from recsys.impressions where case when impressions.promotion_id is null then impressions.mode <> 'candidates' else false end;
comment on view recsys_engine.recommended_impressions is 'Impressions that the recommender chose, without posts that the app requested (mode candidates) or promoted (promotion_id). Reports and training read these.';
grant select on recsys_engine.recommended_impressions to service_role;

-- each column says what that of the table says
do $$
declare
  column_of record;
begin
  for column_of in
    select shown.attname as name, pg_catalog.col_description(logged.attrelid, logged.attnum) as says
    from pg_catalog.pg_attribute as shown
    join pg_catalog.pg_attribute as logged on logged.attrelid = 'recsys.impressions'::regclass and logged.attname = shown.attname
    where shown.attrelid = 'recsys_engine.recommended_impressions'::regclass and shown.attnum > 0
  loop
    execute format('comment on column recsys_engine.recommended_impressions.%I is %L', column_of.name, column_of.says);
  end loop;
end
$$;
