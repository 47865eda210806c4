"""How sessions of MySQL and MariaDB are set up: what a server or a role has been set to changes nothing read.

Limits too are as far away as they go: how long an hour may take, and wait for, is ours to say, and `waiting`
ends what takes longer.
"""

from collections.abc import Mapping

# Of seconds to wait for a lock; of rows; of bytes and rounds. The longest, the most that servers take.
NO_LIMIT = 31_536_000
EVERY_ROW = 2**64 - 1
ALL = 2**32 - 1

# Texts are put in order by so many bytes; by default it is 1,024. A sort has to have room for a few of the
# longest, of each column that orders.
BYTES_SORTED_BY = 65_536
SORT_BUFFER = 16 * 2**20

_OF_BOTH: Mapping[str, object] = {
    "time_zone": "'+00:00'",
    "sql_mode": "'STRICT_ALL_TABLES'",
    "sql_select_limit": EVERY_ROW,
    "sql_big_selects": 1,
    "max_sort_length": BYTES_SORTED_BY,
    "sort_buffer_size": SORT_BUFFER,
    "lock_wait_timeout": NO_LIMIT,
    "wait_timeout": 28_800,
    # A server that waits longer than this for us to take the next rows gives up: staging them is quicker.
    "net_write_timeout": 600,
    # What a table has is read in SHOW CREATE TABLE; without quotes it would be read wrongly.
    "sql_quote_show_create": 1,
    # A transaction that ends would take its connection with it.
    "completion_type": 0,
    # What functions in views give: texts whole, and otherwise as on a server that was set to nothing.
    "group_concat_max_len": ALL,
    "div_precision_increment": 4,
    "default_week_format": 0,
    "lc_time_names": "'en_US'",
}
_OF_MARIADB: Mapping[str, object] = {
    "max_statement_time": 0,
    "idle_transaction_timeout": 0,
    "idle_readonly_transaction_timeout": 0,
    # Tables with a history would be read as they were then, without a word.
    "system_versioning_asof": "DEFAULT",
    # Rows of a recursive view beyond it would be left out, without a word.
    "max_recursive_iterations": ALL,
    "default_regex_flags": "''",
}
_OF_MYSQL: Mapping[str, object] = {"max_execution_time": 0}


def _settings(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


# Each server reads the settings of its own, and takes those of the other for a comment.
SESSION = (
    f"SET SESSION {_settings(_OF_BOTH)}"
    f" /*M!100304, {_settings(_OF_MARIADB)} */"
    f" /*!50708, {_settings(_OF_MYSQL)} */"
)
