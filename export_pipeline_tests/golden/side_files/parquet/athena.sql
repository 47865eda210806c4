-- Reads every file below LOCATION: put each table into a folder of its own.
-- Athena takes one statement at a time.
CREATE EXTERNAL TABLE IF NOT EXISTS `flights` (
    `boolean` boolean,
    `int16` smallint,
    `int32` int,
    `int64` bigint,
    `uint64` bigint,
    `float32` float,
    `float64` double,
    `decimal` decimal(38,10),
    `string` string,
    `bytes` binary,
    `date` date,
    `time` bigint,
    `timestamp` timestamp,
    `timestamp_local` timestamp,
    `interval` string,
    `uuid` string,
    `json` string
)
STORED AS PARQUET
LOCATION 's3://acme/data/exports/flights/';
