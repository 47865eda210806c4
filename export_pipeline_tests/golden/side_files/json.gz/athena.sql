-- Reads every file below LOCATION: put each table into a folder of its own.
-- Athena takes one statement at a time.
-- A file is one list, and has to be a line for each object. Replace each file, once:
--   gzip -dc FILE | LC_ALL=C sed '1d; $d; s/,$//' | gzip -c > PREPARED && mv PREPARED FILE
CREATE EXTERNAL TABLE IF NOT EXISTS `flights_as_text` (
    `boolean` string,
    `int16` string,
    `int32` string,
    `int64` string,
    `uint64` string,
    `float32` string,
    `float64` string,
    `decimal` string,
    `string` string,
    `bytes` string,
    `date` string,
    `time` string,
    `timestamp` string,
    `timestamp_local` string,
    `interval` string,
    `uuid` string,
    `json` string
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION 's3://acme/data/exports/flights/';

CREATE OR REPLACE VIEW "flights" AS
SELECT
    CAST("boolean" AS boolean) AS "boolean",
    CAST("int16" AS smallint) AS "int16",
    CAST("int32" AS integer) AS "int32",
    CAST("int64" AS bigint) AS "int64",
    CAST("uint64" AS decimal(20,0)) AS "uint64",
    CAST("float32" AS real) AS "float32",
    CAST("float64" AS double) AS "float64",
    CAST("decimal" AS decimal(38,10)) AS "decimal",
    "string" AS "string",
    from_base64("bytes") AS "bytes",
    CAST("date" AS date) AS "date",
    "time" AS "time",
    CAST(REPLACE(REPLACE("timestamp", 'T', ' '), 'Z', '') AS timestamp) AS "timestamp",
    CAST(REPLACE(REPLACE("timestamp_local", 'T', ' '), 'Z', '') AS timestamp) AS "timestamp_local",
    "interval" AS "interval",
    "uuid" AS "uuid",
    "json" AS "json"
FROM "flights_as_text";
