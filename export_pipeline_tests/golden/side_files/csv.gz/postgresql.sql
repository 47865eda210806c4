-- Makes the table if there is none, and loads one file into it:
--   gzip -dc FILE | psql --dbname DATABASE --file postgresql.sql
-- Before version 18, a line that is \. alone, also inside a text, ends the file.
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
    "boolean" boolean,
    "int16" smallint,
    "int32" integer,
    "int64" bigint,
    "uint64" numeric(20,0),
    "float32" real,
    "float64" double precision,
    "decimal" numeric(38,10),
    "string" text,
    "bytes" text,
    "date" date,
    "time" time,
    "timestamp" timestamptz,
    "timestamp_local" timestamp,
    "interval" text,
    "uuid" uuid,
    "json" json
);
\copy "_incoming" ("boolean", "int16", "int32", "int64", "uint64", "float32", "float64", "decimal", "string", "bytes", "date", "time", "timestamp", "timestamp_local", "interval", "uuid", "json") FROM pstdin WITH (FORMAT csv, HEADER true, DELIMITER ',', QUOTE '"', ESCAPE '"', NULL '', ENCODING 'UTF8')
INSERT INTO "flights" ("boolean", "int16", "int32", "int64", "uint64", "float32", "float64", "decimal", "string", "bytes", "date", "time", "timestamp", "timestamp_local", "interval", "uuid", "json")
SELECT
    "boolean",
    "int16",
    "int32",
    "int64",
    "uint64",
    "float32",
    "float64",
    "decimal",
    "string",
    decode("bytes", 'base64'),
    "date",
    "time",
    "timestamp",
    "timestamp_local",
    "interval",
    "uuid",
    "json"
FROM "_incoming";
DROP TABLE "_incoming";
COMMIT;
