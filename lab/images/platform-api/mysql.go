package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	noSuchTable = 1146 // https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
	createNotes = `CREATE TABLE IF NOT EXISTS notes (
		id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
		text VARCHAR(500) NOT NULL,
		at DATETIME(6) NOT NULL
	) CHARACTER SET utf8mb4`
)

// database keeps notes in MySQL, through the router's port that always reaches the writable member.
type database struct{ pool *sql.DB }

func openMySQL(given mysqlConfig) (*database, error) {
	password, err := readSecret("MySQL's password", given.PasswordFile)
	if err != nil {
		return nil, err
	}
	encryption, err := mysqlTLS(given)
	if err != nil {
		return nil, err
	}
	driver := mysql.NewConfig()
	driver.Net, driver.Addr, driver.User, driver.Passwd = "tcp", given.Address, given.User, string(password)
	driver.DBName, driver.TLS, driver.ParseTime = given.Database, encryption, true
	driver.Timeout, driver.ReadTimeout, driver.WriteTimeout = 2*time.Second, 5*time.Second, 5*time.Second
	connector, err := mysql.NewConnector(driver)
	if err != nil {
		return nil, fmt.Errorf("MYSQL_*: %w", err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(10)
	pool.SetConnMaxLifetime(time.Minute) // after a failover no connection stays with the old member for long
	return &database{pool}, nil
}

// mysqlTLS verifies the server by the authority; its certificates name the members, not the router.
func mysqlTLS(given mysqlConfig) (*tls.Config, error) {
	if given.CAFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(given.CAFile)
	if err != nil {
		return nil, fmt.Errorf("MYSQL_CA_FILE: %w; mount the authority's certificate there", err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("MYSQL_CA_FILE: %s holds no certificate; mount the authority's there", given.CAFile)
	}
	name := given.ServerName
	if name == "" {
		name, _, _ = net.SplitHostPort(given.Address)
	}
	return &tls.Config{RootCAs: trusted, ServerName: name, MinVersion: tls.VersionTLS12}, nil
}

func (d *database) name() string  { return "MySQL" }
func (d *database) lasting() bool { return true }

func (d *database) add(ctx context.Context, text string) (note, error) {
	added := note{Text: text, At: time.Now().UTC().Truncate(time.Microsecond)}
	err := d.withTable(ctx, func() error {
		done, err := d.pool.ExecContext(ctx, "INSERT INTO notes (text, at) VALUES (?, ?)", added.Text, added.At)
		if err == nil {
			added.ID, err = done.LastInsertId()
		}
		return err
	})
	return added, err
}

func (d *database) list(ctx context.Context) ([]note, error) {
	notes := []note{}
	err := d.withTable(ctx, func() error {
		rows, err := d.pool.QueryContext(ctx, "SELECT id, text, at FROM notes ORDER BY id DESC LIMIT ?", mostNotes)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var each note
			if err := rows.Scan(&each.ID, &each.Text, &each.At); err != nil {
				return err
			}
			notes = append([]note{each}, notes...)
		}
		return rows.Err()
	})
	return notes, err
}

// withTable makes the table when the server says that there is none, and tries once more.
func (d *database) withTable(ctx context.Context, do func() error) error {
	err := do()
	var told *mysql.MySQLError
	if !errors.As(err, &told) || told.Number != noSuchTable {
		return err
	}
	if _, err := d.pool.ExecContext(ctx, createNotes); err != nil {
		return err
	}
	return do()
}

// reach asks for a member that accepts writes: a connection alone could end at the router.
func (d *database) reach(ctx context.Context) error {
	var readOnly bool
	if err := d.pool.QueryRowContext(ctx, "SELECT @@global.super_read_only").Scan(&readOnly); err != nil {
		return err
	}
	if readOnly {
		return errors.New("the member reached is read-only")
	}
	return nil
}
