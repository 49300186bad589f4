package popbefore_test

import (
	"context"
	"database/sql"
	"net/netip"
	"time"

	"github.com/posthouse/posthouse/auth/popbefore"
)

// table is a Store in a table of an SQL database, which several machines share.
// The clock is the database's. The statements are those of PostgreSQL:
//
//	CREATE TABLE grants (
//		net cidr, username text, id text UNIQUE, name text, mechanism text, session text,
//		messages bigint, recipients bigint, start timestamptz, ends timestamptz,
//		PRIMARY KEY (net, username))
type table struct{ db *sql.DB }

func (t table) Put(ctx context.Context, g popbefore.Grant, window time.Duration) error {
	return t.exec(ctx, `
		WITH old AS (DELETE FROM grants WHERE ends <= now())
		INSERT INTO grants (net, username, id, name, mechanism, session, messages, recipients, start, ends)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now(), now() + $9 * interval '1 second')
		ON CONFLICT (net, username) DO UPDATE SET (id, name, mechanism, session, messages, recipients, start, ends) =
			(excluded.id, excluded.name, excluded.mechanism, excluded.session, excluded.messages, excluded.recipients, excluded.start, excluded.ends)`,
		g.Net.String(), g.Identity.User, g.ID, g.Identity.Name, g.Identity.Mechanism, g.Session, g.Messages, g.Recipients, window.Seconds())
}

func (t table) List(ctx context.Context, net netip.Prefix) (found []popbefore.Grant, err error) {
	rows, err := t.db.QueryContext(ctx, `
		SELECT id, username, name, mechanism, session, messages, recipients, start
		FROM grants WHERE net = $1 AND ends > now() ORDER BY start DESC LIMIT 16`, net.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		g := popbefore.Grant{Net: net}
		err := rows.Scan(&g.ID, &g.Identity.User, &g.Identity.Name, &g.Identity.Mechanism, &g.Session, &g.Messages, &g.Recipients, &g.Start)
		if err != nil {
			return nil, err
		}
		found = append(found, g)
	}
	return found, rows.Err()
}

func (t table) Spend(ctx context.Context, id string, recipients int) error {
	result, err := t.db.ExecContext(ctx, `
		UPDATE grants SET messages = messages - 1, recipients = recipients - $2
		WHERE id = $1 AND ends > now() AND messages >= 1 AND recipients >= $2`, id, recipients)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); n > 0 || err != nil {
		return err
	}
	var live bool
	err = t.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM grants WHERE id = $1 AND ends > now())`, id).Scan(&live)
	switch {
	case err != nil:
		return err
	case live:
		return popbefore.ErrSpent
	}
	return popbefore.ErrNoGrant
}

func (t table) Revoke(ctx context.Context, user string) error {
	return t.exec(ctx, `DELETE FROM grants WHERE username = $1 OR name = $1`, user)
}

func (t table) RevokeNet(ctx context.Context, net netip.Prefix) error {
	return t.exec(ctx, `DELETE FROM grants WHERE net && $1`, net.String())
}

func (t table) exec(ctx context.Context, statement string, args ...any) error {
	_, err := t.db.ExecContext(ctx, statement, args...)
	return err
}

// Servers on several machines share what was given on any of them.
func ExampleStore() {
	var db *sql.DB // sql.Open, with the driver of the database
	grants := &popbefore.Grants{Store: table{db}}
	_ = grants
}
