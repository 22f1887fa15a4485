package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
)

const (
	duplicateKey = 1062
	noSuchTable  = 1146
)

// The key is the note's id: group replication needs one, and it makes a repeated write harmless.
const notesTable = `CREATE TABLE IF NOT EXISTS notes (
	id CHAR(32) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,
	text VARCHAR(500) NOT NULL,
	at DATETIME(6) NOT NULL
)`

func (m *inMySQL) name() string { return "MySQL" }

func (m *inMySQL) lasting() bool { return true }

// add tries until the note is there. A try that got no answer may have written it: the next one then
// meets its own id, and that is success.
func (m *inMySQL) add(stop context.Context, added note) error {
	return m.metrics.timed("mysql", "write", func() error {
		return untilDone(stop, func(limit context.Context) error { return m.insert(limit, added) })
	})
}

func (m *inMySQL) insert(limit context.Context, added note) error {
	const statement = "INSERT INTO notes (id, text, at) VALUES (?, ?, ?)"
	_, err := m.writer.ExecContext(limit, statement, added.ID, added.Text, added.At)
	if isMySQL(err, duplicateKey) {
		return nil
	}
	if isMySQL(err, noSuchTable) { // the first note ever, or the database was restored without the table
		_, made := m.writer.ExecContext(limit, notesTable)
		return errors.Join(err, made)
	}
	return err
}

// list asks where writes go, so that who wrote a note sees it whatever replica he asks next. Only while
// nobody takes writes it asks those that may lag.
func (m *inMySQL) list(stop context.Context) (listed, error) {
	found, err := m.newest(stop, m.writer, "read")
	if err == nil {
		return listed{Notes: found}, nil
	}
	slog.Warn("notes are read where they may lag", "error", err)
	found, err = m.newest(stop, m.reader, "read-lagging")
	return listed{Notes: found, Lagging: true}, err
}

func (m *inMySQL) newest(stop context.Context, pool *sql.DB, operation string) (found []note, err error) {
	err = m.metrics.timed("mysql", operation, func() error {
		return once(stop, func(limit context.Context) error {
			found, err = query(limit, pool)
			return err
		})
	})
	return found, err
}

// query is the newest notes, oldest first.
func query(limit context.Context, pool *sql.DB) ([]note, error) {
	rows, err := pool.QueryContext(limit, "SELECT id, text, at FROM notes ORDER BY id DESC LIMIT ?", mostNotes)
	if isMySQL(err, noSuchTable) {
		return []note{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := []note{}
	for rows.Next() {
		var each note
		if err := rows.Scan(&each.ID, &each.Text, &each.At); err != nil {
			return nil, err
		}
		found = append(found, each)
	}
	slices.Reverse(found)
	return found, rows.Err()
}
