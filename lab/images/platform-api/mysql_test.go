package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

var errLost = errors.New("connection lost")

// server is a MySQL of one table: it executes, and may lose the answer.
type server struct {
	noTable     bool
	loseAnswers int
	refuse      error
	rows        map[string]string
	inserts     int
}

func (s *server) Connect(context.Context) (driver.Conn, error) { return session{s}, nil }
func (s *server) Driver() driver.Driver                        { return nil }

type session struct{ *server }

func (session) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (session) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }
func (session) Close() error                        { return nil }

func (s session) ExecContext(_ context.Context, text string, given []driver.NamedValue) (driver.Result, error) {
	if strings.HasPrefix(text, "CREATE TABLE") {
		s.noTable = false
		return driver.ResultNoRows, nil
	}
	s.inserts++
	if s.noTable {
		return nil, &mysql.MySQLError{Number: noSuchTable}
	}
	id := given[0].Value.(string)
	if _, there := s.rows[id]; there {
		return nil, &mysql.MySQLError{Number: duplicateKey}
	}
	s.rows[id] = given[1].Value.(string)
	if s.loseAnswers > 0 {
		s.loseAnswers--
		return nil, errLost
	}
	return driver.RowsAffected(1), nil
}

func (s session) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	if s.noTable {
		return nil, &mysql.MySQLError{Number: noSuchTable}
	}
	if s.refuse != nil {
		return nil, s.refuse
	}
	var found rows
	for id, text := range s.rows {
		found = append(found, []driver.Value{id, text, time.Now()})
	}
	return &found, nil
}

type rows [][]driver.Value

func (rows) Columns() []string { return []string{"id", "text", "at"} }
func (rows) Close() error      { return nil }

func (r *rows) Next(into []driver.Value) error {
	if len(*r) == 0 {
		return io.EOF
	}
	copy(into, (*r)[0])
	*r = (*r)[1:]
	return nil
}

func on(writer, reader *server) *inMySQL {
	return &inMySQL{sql.OpenDB(writer), sql.OpenDB(reader), newMetrics("")}
}

func TestANoteWhoseAnswersWereLostIsThereOnce(t *testing.T) {
	writer := &server{rows: map[string]string{}, loseAnswers: 1}
	if err := on(writer, &server{}).add(context.Background(), newNote("a")); err != nil {
		t.Fatal(err)
	}
	if len(writer.rows) != 1 || writer.inserts != 2 {
		t.Fatalf("%d rows after %d inserts", len(writer.rows), writer.inserts)
	}
}

func TestTheTableIsMadeWhenItIsMissed(t *testing.T) {
	writer := &server{rows: map[string]string{}, noTable: true}
	kept := on(writer, &server{})
	if found, err := kept.list(context.Background()); err != nil || found.Notes == nil {
		t.Fatalf("%+v %v", found, err)
	}
	if err := kept.add(context.Background(), newNote("a")); err != nil || len(writer.rows) != 1 {
		t.Fatalf("%d rows, %v", len(writer.rows), err)
	}
}

func TestReadsLagOnlyWhileNobodyTakesWrites(t *testing.T) {
	writer := &server{rows: map[string]string{"1": "new"}}
	kept := on(writer, &server{rows: map[string]string{}})
	if found, err := kept.list(context.Background()); err != nil || len(found.Notes) != 1 || found.Lagging {
		t.Fatalf("%+v %v", found, err)
	}
	writer.refuse = errLost
	if found, err := kept.list(context.Background()); err != nil || len(found.Notes) != 0 || !found.Lagging {
		t.Fatalf("%+v %v", found, err)
	}
}

func TestIdsSortByTime(t *testing.T) {
	first := newNote("a")
	time.Sleep(2 * time.Millisecond)
	second := newNote("b")
	if len(first.ID) != 32 || first.ID >= second.ID {
		t.Fatalf("%s, %s", first.ID, second.ID)
	}
}
