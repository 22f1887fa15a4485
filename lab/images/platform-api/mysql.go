package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-sql-driver/mysql"
)

// inMySQL keeps notes through the router: `writer` reaches the member that takes writes, `reader` others.
type inMySQL struct {
	writer, reader *sql.DB
	metrics        *metrics
}

func openMySQL(store mysqlStore, metrics *metrics) (*inMySQL, error) {
	if store.trusted == nil {
		return nil, fileFault("mysql", errors.New("names no ca_file, and its accounts may not log in without TLS"))
	}
	writer, err := openPool(store, store.Write)
	if err != nil {
		return nil, err
	}
	reader, err := openPool(store, store.Read)
	if err != nil {
		return nil, err
	}
	return &inMySQL{writer, reader, metrics}, nil
}

// openPool connects to nothing yet: the API starts without its stores.
func openPool(store mysqlStore, address string) (*sql.DB, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("STORES_FILE: mysql: %w; write host:port", err)
	}
	config := mysql.NewConfig()
	config.Net, config.Addr, config.DBName = "tcp", address, store.Database
	config.User, config.Passwd = store.User, store.password
	config.TLS = store.tls(host)
	config.Timeout, config.ReadTimeout, config.WriteTimeout = time.Second, attempt, attempt
	config.ParseTime, config.Loc = true, time.UTC
	config.InterpolateParams = true    // one round trip instead of three
	config.RejectReadOnly = true       // a former primary refuses: leave that connection and dial anew
	config.Logger = &mysql.NopLogger{} // what it says is in the errors, too
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("STORES_FILE: mysql: %w; correct it", err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(8)
	pool.SetMaxIdleConns(4)
	pool.SetConnMaxLifetime(time.Minute) // so that a router or member that came back is used again
	return pool, nil
}

// probes tell who takes writes, and who answers reads.
func (m *inMySQL) probes() []probe {
	return []probe{
		{Name: "mysql", Kind: "mysql", ask: func(limit context.Context) (string, error) {
			name, readOnly, err := whoAnswers(limit, m.writer)
			if err == nil && readOnly {
				err = fmt.Errorf("%s takes no writes", name)
			}
			return name, err
		}},
		{Name: "mysql-read", Kind: "mysql", ask: func(limit context.Context) (string, error) {
			name, _, err := whoAnswers(limit, m.reader)
			return name, err
		}},
	}
}

func whoAnswers(limit context.Context, pool *sql.DB) (name string, readOnly bool, err error) {
	err = pool.QueryRowContext(limit, "SELECT @@hostname, @@global.super_read_only").Scan(&name, &readOnly)
	return name, readOnly, err
}

// isMySQL: the server itself answered with that error.
// https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
func isMySQL(err error, number uint16) bool {
	var told *mysql.MySQLError
	return errors.As(err, &told) && told.Number == number
}
