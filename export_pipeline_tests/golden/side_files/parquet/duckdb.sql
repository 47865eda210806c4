-- Makes the table and loads every file of it.
CREATE TABLE IF NOT EXISTS "flights" (
    "boolean" BOOLEAN,
    "int16" SMALLINT,
    "int32" INTEGER,
    "int64" BIGINT,
    "uint64" UBIGINT,
    "float32" FLOAT,
    "float64" DOUBLE,
    "decimal" DECIMAL(38,10),
    "string" VARCHAR,
    "bytes" BLOB,
    "date" DATE,
    "time" TIME,
    "timestamp" TIMESTAMPTZ,
    "timestamp_local" TIMESTAMP,
    "interval" VARCHAR,
    "uuid" UUID,
    "json" JSON
);

INSERT INTO "flights" ("boolean", "int16", "int32", "int64", "uint64", "float32", "float64", "decimal", "string", "bytes", "date", "time", "timestamp", "timestamp_local", "interval", "uuid", "json")
SELECT
    CAST("boolean" AS BOOLEAN),
    CAST("int16" AS SMALLINT),
    CAST("int32" AS INTEGER),
    CAST("int64" AS BIGINT),
    CAST("uint64" AS UBIGINT),
    CAST("float32" AS FLOAT),
    CAST("float64" AS DOUBLE),
    CAST("decimal" AS DECIMAL(38,10)),
    CAST("string" AS VARCHAR),
    CAST("bytes" AS BLOB),
    CAST("date" AS DATE),
    CAST("time" AS TIME),
    CAST("timestamp" AS TIMESTAMPTZ),
    CAST("timestamp_local" AS TIMESTAMP),
    CAST("interval" AS VARCHAR),
    CAST("uuid" AS UUID),
    CAST("json" AS JSON)
FROM read_parquet('s3://acme/data/exports/flights/[0-9]*/[0-9]*.parquet');
