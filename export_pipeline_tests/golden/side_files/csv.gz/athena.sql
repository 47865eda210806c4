-- Reads every file below LOCATION: put each table into a folder of its own.
-- Athena takes one statement at a time.
-- The empty text becomes NULL.
-- A text with a line break in it ends its row there, and the rest is another row.
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
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
WITH SERDEPROPERTIES ('separatorChar' = ',', 'quoteChar' = '"', 'escapeChar' = '\u0001')
LOCATION 's3://acme/data/exports/flights/'
TBLPROPERTIES ('skip.header.line.count' = '1');

CREATE OR REPLACE VIEW "flights" AS
SELECT
    CAST(NULLIF("boolean", '') AS boolean) AS "boolean",
    CAST(NULLIF("int16", '') AS smallint) AS "int16",
    CAST(NULLIF("int32", '') AS integer) AS "int32",
    CAST(NULLIF("int64", '') AS bigint) AS "int64",
    CAST(NULLIF("uint64", '') AS decimal(20,0)) AS "uint64",
    CAST(REPLACE(REPLACE(NULLIF("float32", ''), 'inf', 'Infinity'), 'nan', 'NaN') AS real) AS "float32",
    CAST(REPLACE(REPLACE(NULLIF("float64", ''), 'inf', 'Infinity'), 'nan', 'NaN') AS double) AS "float64",
    CAST(NULLIF("decimal", '') AS decimal(38,10)) AS "decimal",
    NULLIF("string", '') AS "string",
    from_base64(NULLIF("bytes", '')) AS "bytes",
    CAST(NULLIF("date", '') AS date) AS "date",
    NULLIF("time", '') AS "time",
    CAST(REPLACE(REPLACE(NULLIF("timestamp", ''), 'T', ' '), 'Z', '') AS timestamp) AS "timestamp",
    CAST(REPLACE(REPLACE(NULLIF("timestamp_local", ''), 'T', ' '), 'Z', '') AS timestamp) AS "timestamp_local",
    NULLIF("interval", '') AS "interval",
    NULLIF("uuid", '') AS "uuid",
    NULLIF("json", '') AS "json"
FROM "flights_as_text";
