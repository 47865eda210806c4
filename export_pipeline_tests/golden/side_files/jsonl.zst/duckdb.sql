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
    "boolean",
    "int16",
    "int32",
    "int64",
    "uint64",
    "float32",
    "float64",
    "decimal",
    "string",
    from_base64("bytes"),
    "date",
    "time",
    "timestamp",
    "timestamp_local",
    "interval",
    "uuid",
    "json"
FROM read_json(
    's3://acme/data/exports/flights/[0-9]*/[0-9]*.jsonl.zst',
    format = 'newline_delimited',
    compression = 'zstd',
    maximum_object_size = 100000000,
    columns = {'boolean': 'BOOLEAN', 'int16': 'SMALLINT', 'int32': 'INTEGER', 'int64': 'BIGINT', 'uint64': 'UBIGINT', 'float32': 'FLOAT', 'float64': 'DOUBLE', 'decimal': 'DECIMAL(38,10)', 'string': 'VARCHAR', 'bytes': 'VARCHAR', 'date': 'DATE', 'time': 'TIME', 'timestamp': 'TIMESTAMPTZ', 'timestamp_local': 'TIMESTAMP', 'interval': 'VARCHAR', 'uuid': 'UUID', 'json': 'JSON'}
);
