-- Makes the table. PostgreSQL reads no Parquet: load it by way of DuckDB, which writes
-- there after ATTACH 'dbname=...' AS target (TYPE postgres), or export csv or jsonl.
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
