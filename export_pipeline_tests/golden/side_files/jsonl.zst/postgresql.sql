-- Makes the table if there is none, and loads one file into it:
--   zstd -dc FILE | psql --dbname DATABASE --file postgresql.sql
\set ON_ERROR_STOP on
SET client_min_messages TO warning;
BEGIN;
CREATE TABLE IF NOT EXISTS "flights" (
    "boolean" boolean,
    "int16" smallint,
    "int32" integer,
    "int64" bigint,
    "uint64" numeric(20,0),
    "float32" real,
    "float64" double precision,
    "decimal" numeric(38,10),
    "string" text,
    "bytes" bytea,
    "date" date,
    "time" time,
    "timestamp" timestamptz,
    "timestamp_local" timestamp,
    "interval" text,
    "uuid" uuid,
    "json" json
);

CREATE TEMPORARY TABLE "_incoming" (
    "line" json
);
\copy "_incoming" ("line") FROM pstdin WITH (FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01', ENCODING 'UTF8')
INSERT INTO "flights" ("boolean", "int16", "int32", "int64", "uint64", "float32", "float64", "decimal", "string", "bytes", "date", "time", "timestamp", "timestamp_local", "interval", "uuid", "json")
SELECT
    (line ->> 'boolean')::boolean,
    (line ->> 'int16')::smallint,
    (line ->> 'int32')::integer,
    (line ->> 'int64')::bigint,
    (line ->> 'uint64')::numeric(20,0),
    (line ->> 'float32')::real,
    (line ->> 'float64')::double precision,
    (line ->> 'decimal')::numeric(38,10),
    (line ->> 'string')::text,
    decode(line ->> 'bytes', 'base64'),
    (line ->> 'date')::date,
    (line ->> 'time')::time,
    (line ->> 'timestamp')::timestamptz,
    (line ->> 'timestamp_local')::timestamp,
    (line ->> 'interval')::text,
    (line ->> 'uuid')::uuid,
    NULLIF((line -> 'json')::text, 'null')::json
FROM "_incoming";
DROP TABLE "_incoming";
COMMIT;
