-- SPDX-License-Identifier: Apache-2.0
-- Partitions made ahead and dropped, and personal data removed: functions that every collector calls.
-- They run with the rights of plategate_admin; a writer itself can neither read, change nor delete events.

create function plategate.make_month(month timestamptz) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    first timestamptz := date_trunc('month', month);
    next timestamptz := date_trunc('month', month) + interval '1 month';
    name text := 'events_' || to_char(month, 'YYYY_MM');
begin
    if to_regclass('plategate.' || name) is not null then
        return false;
    end if;
    execute format('create table plategate.%I (like plategate.events including defaults)', name);
    -- A gate whose clock was ahead may have filled the month already.
    execute format(
        'with moved as (delete from plategate.events_other where at >= %L and at < %L returning *)'
        ' insert into plategate.%I select * from moved', first, next, name);
    execute format(
        'alter table plategate.events attach partition plategate.%I for values from (%L) to (%L)',
        name, first, next);
    return true;
end
$$;

-- What is kept of an event for good: the keys that a gate sends with plate = "none". Whatever a later version adds is removed.
create function plategate.without_plates(type text, data jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select coalesce(jsonb_object_agg(key, value) filter (where key = any (
        case
            when type like 'passage.%' then array[
                'schema', 'kind', 'id', 'lane', 'triggered_at', 'trigger', 'barrier', 'milliseconds']
            -- The details of these name devices, modes and faults only.
            when type in ('gate.alarm', 'gate.arm_blocked', 'gate.camera_back', 'gate.camera_lost',
                          'gate.disk_back', 'gate.disk_low', 'gate.fault', 'gate.list_too_old',
                          'gate.mode', 'gate.sensor_back', 'gate.sensor_stuck')
                then array['schema', 'kind', 'id', 'lane', 'at', 'what', 'passage_id', 'detail']
            else array['schema', 'kind', 'id', 'lane', 'at', 'what', 'passage_id']
        end)), '{}')
        || case when type like 'passage.%' then jsonb_build_object('verdict',
            jsonb_build_object('result', data->'verdict'->'result',
                               'reason', data->'verdict'->'reason',
                               'alarm', data->'verdict'->'alarm')) else '{}' end
    from jsonb_each(data)
$$;

-- What was done, one line each; nothing where another collector is at it.
create function plategate.tidy() returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    kept plategate.retention;
    this_month timestamptz := date_trunc('month', now());
    oldest timestamptz;
    plates_until timestamptz;
    part record;
    touched bigint;
begin
    if not pg_try_advisory_xact_lock(hashtext('plategate.tidy')) then
        return;
    end if;
    select * into kept from plategate.retention;
    if not found then
        raise exception 'plategate.retention is empty; run plategate collector migrate';
    end if;
    oldest := this_month - make_interval(months => kept.months);
    for ahead in 0..2 loop
        if plategate.make_month(this_month + make_interval(months => ahead)) then
            return next 'made the month ' || to_char(this_month + make_interval(months => ahead), 'YYYY-MM');
        end if;
    end loop;
    for part in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'plategate.events'::regclass and c.relname ~ '^events_\d{4}_\d\d$'
          and to_date(substr(c.relname, 8), 'YYYY_MM') < oldest
    loop
        execute format('drop table plategate.%I', part.relname);
        return next 'dropped the month ' || replace(substr(part.relname, 8), '_', '-');
    end loop;
    delete from plategate.events_other where received_at < oldest;
    get diagnostics touched = row_count;
    if touched > 0 then
        return next 'deleted ' || touched || ' events of wrong clocks';
    end if;
    delete from plategate.lost where reported_at < oldest;
    delete from plategate.streams where heard_at < oldest;
    delete from plategate.gates where greatest(online_at, state_at) < oldest;
    delete from plategate.rejected
        where received_at < now() - make_interval(days => kept.rejected_days)
           or id <= (select max(id) - 10000 from plategate.rejected);
    -- Late deliveries of old events count too.
    plates_until := now() - make_interval(days => kept.plate_days);
    update plategate.events e set data = plategate.without_plates(e.type, e.data)
        where least(e.at, e.received_at) < plates_until
          and (e.at >= kept.plates_removed_before
               or e.received_at >= kept.plates_removed_at - interval '1 hour')
          and e.data <> plategate.without_plates(e.type, e.data);
    get diagnostics touched = row_count;
    if touched > 0 then
        return next 'removed plates and names from ' || touched || ' events';
    end if;
    update plategate.retention set plates_removed_before = plates_until, plates_removed_at = now();
end
$$;

revoke execute on function plategate.make_month(timestamptz) from public;
revoke execute on function plategate.tidy() from public;
grant execute on function plategate.tidy() to plategate_writer;
