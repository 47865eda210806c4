-- Makes the table and loads one file, or, given how several files' names begin, all of those.
CREATE TABLE IF NOT EXISTS "flights" (
    "boolean" BOOLEAN,
    "int16" SMALLINT,
    "int32" INTEGER,
    "int64" BIGINT,
    "uint64" BIGINT,
    "float32" REAL,
    "float64" DOUBLE PRECISION,
    "decimal" DECIMAL(38,10),
    "string" VARCHAR(65535),
    "bytes" VARBYTE(1024000),
    "date" DATE,
    "time" TIME,
    "timestamp" TIMESTAMPTZ,
    "timestamp_local" TIMESTAMP,
    "interval" VARCHAR(100),
    "uuid" VARCHAR(36),
    "json" VARCHAR(65535)
);

COPY "flights" ("boolean", "int16", "int32", "int64", "uint64", "float32", "float64", "decimal", "string", "bytes", "date", "time", "timestamp", "timestamp_local", "interval", "uuid", "json")
FROM 's3://acme/data/exports/flights/NAME-OF-A-FILE'
IAM_ROLE default
FORMAT AS PARQUET;
