package usersfile

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/posthouse/posthouse/auth"
)

var (
	_ auth.PasswordVerifier = (*File)(nil)
	_ auth.SecretSource     = (*File)(nil)
	_ auth.SCRAMSource      = (*File)(nil)
)

// VerifyPassword implements auth.PasswordVerifier. An error other than
// auth.ErrCredentials is that of ctx, when it ended before there was a processor free
// for the hash; a hash that has begun is finished.
func (f *File) VerifyPassword(ctx context.Context, user, password string) error {
	u, known := f.find(user)
	if u == nil {
		return auth.ErrCredentials
	}
	done, err := f.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if right := u.secret.verify(password); !right || !known {
		return auth.ErrCredentials
	}
	return nil
}

// Secret implements auth.SecretSource, for users whose password is in the file.
func (f *File) Secret(_ context.Context, user string) (string, error) {
	u := f.table().users[user]
	if u == nil || u.plain == "" {
		return "", auth.ErrCredentials
	}
	return u.plain, nil
}

// SCRAMParams implements auth.SCRAMSource. A hash is offered if there are users and all
// of them have keys for it, or their password in the file.
func (f *File) SCRAMParams(hash auth.SCRAMHash) auth.SCRAMParams {
	if t := f.table(); int(hash) < len(t.scram) {
		return t.scram[hash].params
	}
	return auth.SCRAMParams{}
}

// SCRAMKeys implements auth.SCRAMSource. Of a plain password they are derived each time,
// with a salt that stays the same for the life of f.
func (f *File) SCRAMKeys(ctx context.Context, hash auth.SCRAMHash, user string) (auth.SCRAMKeys, error) {
	u, known := f.find(user)
	if u == nil || hash < auth.SCRAMSHA1 || hash > auth.SCRAMSHA512 {
		return auth.SCRAMKeys{}, auth.ErrCredentials
	}
	var k auth.SCRAMKeys
	switch {
	case u.keys[hash] != nil:
		k = auth.SCRAMKeys(*u.keys[hash])
	case u.plain != "":
		done, err := f.begin(ctx)
		if err != nil {
			return auth.SCRAMKeys{}, err
		}
		defer done()
		if k, err = auth.DeriveSCRAMKeys(hash, u.plain, f.salt(hash, u.name), f.derivedIterations(hash)); err != nil {
			return auth.SCRAMKeys{}, err
		}
	default:
		return auth.SCRAMKeys{}, auth.ErrCredentials
	}
	if !known {
		return k, auth.ErrCredentials // no more is told of k than its parameters
	}
	return k, nil
}

// find returns the user, or the one who stands in for a user that does not exist, so
// that this costs as much; nil if there are no users at all.
func (f *File) find(user string) (u *entry, known bool) {
	t := f.table()
	if len(t.order) == 0 {
		return nil, false
	}
	mac := hmac.New(sha256.New, f.key) // for those who are there too: it takes its time
	mac.Write([]byte(user))
	standIn := t.order[binary.BigEndian.Uint64(mac.Sum(nil))%uint64(len(t.order))]
	if u = t.users[user]; u != nil {
		return u, true
	}
	return standIn, false
}

// begin waits for a processor to be free.
func (f *File) begin(ctx context.Context) (done func(), err error) {
	select {
	case f.work <- struct{}{}:
		return func() { <-f.work }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (f *File) salt(hash auth.SCRAMHash, user string) []byte {
	mac := hmac.New(sha256.New, f.key)
	mac.Write([]byte{byte(hash)})
	mac.Write([]byte(user))
	return mac.Sum(nil)[:auth.SCRAMSaltSize]
}

// derivedIterations is what keys of plain passwords have: as many as the others, so that
// a client cannot tell one from the other.
func (f *File) derivedIterations(hash auth.SCRAMHash) int {
	return max(f.users.Load().scram[hash].params.Iterations, auth.MinSCRAMIterations)
}

// scram is what is known of one hash.
type scram struct {
	params auth.SCRAMParams // zero if it is not offered
}

// paramsOf returns the parameters that most keys of a hash have.
func paramsOf(users []*entry, hash int) scram {
	if hash == 0 || len(users) == 0 {
		return scram{}
	}
	counts := map[auth.SCRAMParams]int{}
	best := auth.SCRAMParams{Iterations: auth.MinSCRAMIterations, SaltSize: auth.SCRAMSaltSize}
	for _, u := range users {
		k := u.keys[hash]
		if k == nil && u.plain == "" {
			return scram{}
		}
		if k != nil {
			p := auth.SCRAMParams{Iterations: k.Iterations, SaltSize: len(k.Salt)}
			if counts[p]++; counts[p] > counts[best] {
				best = p
			}
		}
	}
	return scram{best}
}

func compareNames(a, b *entry) int { return cmp.Compare(a.name, b.name) }
