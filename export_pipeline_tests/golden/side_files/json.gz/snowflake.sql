-- Makes the table and loads every file of it that was not loaded yet.
CREATE TABLE IF NOT EXISTS "flights" (
    "boolean" BOOLEAN,
    "int16" SMALLINT,
    "int32" INTEGER,
    "int64" BIGINT,
    "uint64" NUMBER(20,0),
    "float32" FLOAT,
    "float64" FLOAT,
    "decimal" NUMBER(38,10),
    "string" VARCHAR,
    "bytes" BINARY,
    "date" DATE,
    "time" TIME(6),
    "timestamp" TIMESTAMP_TZ(6),
    "timestamp_local" TIMESTAMP_NTZ(6),
    "interval" VARCHAR,
    "uuid" VARCHAR(36),
    "json" VARIANT
);

-- Put the name of your storage integration here.
CREATE STAGE IF NOT EXISTS "flights_files"
    URL = 's3://acme/data/exports/flights/'
    STORAGE_INTEGRATION = YOUR_INTEGRATION;

COPY INTO "flights" ("boolean", "int16", "int32", "int64", "uint64", "float32", "float64", "decimal", "string", "bytes", "date", "time", "timestamp", "timestamp_local", "interval", "uuid", "json")
FROM (
    SELECT
        $1:"boolean"::BOOLEAN,
        $1:"int16"::SMALLINT,
        $1:"int32"::INTEGER,
        $1:"int64"::BIGINT,
        $1:"uint64"::NUMBER(20,0),
        REPLACE($1:"float32"::VARCHAR, 'Infinity', 'inf')::FLOAT,
        REPLACE($1:"float64"::VARCHAR, 'Infinity', 'inf')::FLOAT,
        $1:"decimal"::NUMBER(38,10),
        $1:"string"::VARCHAR,
        $1:"bytes"::VARCHAR,
        $1:"date"::DATE,
        $1:"time"::TIME(6),
        $1:"timestamp"::TIMESTAMP_TZ(6),
        $1:"timestamp_local"::TIMESTAMP_NTZ(6),
        $1:"interval"::VARCHAR,
        $1:"uuid"::VARCHAR(36),
        NULLIF($1:"json", PARSE_JSON('null'))
    FROM @"flights_files"
)
PATTERN = '.*exports/flights/[0-9-]+/[0-9-]+\\.json\\.gz'
FILE_FORMAT = (TYPE = JSON, COMPRESSION = GZIP, BINARY_FORMAT = BASE64, STRIP_OUTER_ARRAY = TRUE);
