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
        $1::BOOLEAN,
        $2::SMALLINT,
        $3::INTEGER,
        $4::BIGINT,
        $5::NUMBER(20,0),
        $6::FLOAT,
        $7::FLOAT,
        $8::NUMBER(38,10),
        $9::VARCHAR,
        $10::VARCHAR,
        $11::DATE,
        $12::TIME(6),
        $13::TIMESTAMP_TZ(6),
        $14::TIMESTAMP_NTZ(6),
        $15::VARCHAR,
        $16::VARCHAR(36),
        PARSE_JSON($17::VARCHAR)
    FROM @"flights_files"
)
PATTERN = '.*exports/flights/[0-9-]+/[0-9-]+\\.csv\\.gz'
FILE_FORMAT = (TYPE = CSV, COMPRESSION = GZIP, SKIP_HEADER = 1, FIELD_DELIMITER = ',', RECORD_DELIMITER = '\r\n', FIELD_OPTIONALLY_ENCLOSED_BY = '"', ESCAPE = NONE, ESCAPE_UNENCLOSED_FIELD = NONE, NULL_IF = (), EMPTY_FIELD_AS_NULL = TRUE, BINARY_FORMAT = BASE64);
