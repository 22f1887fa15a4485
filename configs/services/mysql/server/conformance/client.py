"""Writes to MySQL through the router; what was written is read from the writable member."""

from __future__ import annotations

from pathlib import Path

import pymysql


class Client:
    """A transaction of two statements for each number."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.connection = pymysql.connect(
            host="mysql",
            port=3306,
            user="app",
            password=Path("/run/secrets/mysql_app_password").read_text().strip(),
            database="app",
            connect_timeout=1,
            read_timeout=3,
            write_timeout=3,
            ssl_ca="/run/secrets/internal_ca_certificate",
            ssl_verify_cert=True,
            ssl_verify_identity=True,
            autocommit=False,
        )
        with self.connection.cursor() as cursor:
            cursor.execute("SHOW TABLES LIKE 'ledger'")
            if not cursor.fetchone():
                cursor.execute(
                    "CREATE TABLE IF NOT EXISTS ledger (run VARCHAR(64), number INT, half TINYINT, "
                    "at TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3), PRIMARY KEY (run, number, half))"
                )

    def write(self, number: int) -> None:
        """Return when it is committed."""
        with self.connection.cursor() as cursor:
            for half in (1, 2):
                cursor.execute(
                    "INSERT INTO ledger (run, number, half) VALUES (%s, %s, %s)", (self.run, number, half)
                )
        self.connection.commit()

    def numbers(self) -> set[int]:
        """Return the numbers of this run. Raises AssertionError for half a transaction."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT number, COUNT(*) FROM ledger WHERE run = %s GROUP BY number", (self.run,))
            rows = cursor.fetchall()
        if torn := [number for number, halves in rows if halves != 2]:
            raise AssertionError(f"transactions of which one half is there: {torn[:5]}")
        return {number for number, _ in rows}

    def close(self) -> None:
        """Hang up."""
        self.connection.close()
