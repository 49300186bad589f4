package storm

import "testing"

// adapt makes a check of one of the types that targets have into one that takes its
// arguments in a slice. stand is of the same type as check, and calls run instead.
func adapt(check any, run func(*testing.T)) (call func(t *testing.T, a []any), stand any, ok bool) {
	switch check := check.(type) {
	case func(*testing.T, []byte):
		call = func(t *testing.T, a []any) { check(t, a[0].([]byte)) }
		stand = func(t *testing.T, _ []byte) { run(t) }
	case func(*testing.T, string):
		call = func(t *testing.T, a []any) { check(t, a[0].(string)) }
		stand = func(t *testing.T, _ string) { run(t) }
	case func(*testing.T, string, string):
		call = func(t *testing.T, a []any) { check(t, a[0].(string), a[1].(string)) }
		stand = func(t *testing.T, _ string, _ string) { run(t) }
	case func(*testing.T, string, string, string, string):
		call = func(t *testing.T, a []any) { check(t, a[0].(string), a[1].(string), a[2].(string), a[3].(string)) }
		stand = func(t *testing.T, _ string, _ string, _ string, _ string) { run(t) }
	case func(*testing.T, []byte, string):
		call = func(t *testing.T, a []any) { check(t, a[0].([]byte), a[1].(string)) }
		stand = func(t *testing.T, _ []byte, _ string) { run(t) }
	case func(*testing.T, []byte, int):
		call = func(t *testing.T, a []any) { check(t, a[0].([]byte), a[1].(int)) }
		stand = func(t *testing.T, _ []byte, _ int) { run(t) }
	case func(*testing.T, []byte, []byte):
		call = func(t *testing.T, a []any) { check(t, a[0].([]byte), a[1].([]byte)) }
		stand = func(t *testing.T, _ []byte, _ []byte) { run(t) }
	case func(*testing.T, []byte, []byte, []byte):
		call = func(t *testing.T, a []any) { check(t, a[0].([]byte), a[1].([]byte), a[2].([]byte)) }
		stand = func(t *testing.T, _ []byte, _ []byte, _ []byte) { run(t) }
	case func(*testing.T, []byte, []byte, uint16):
		call = func(t *testing.T, a []any) { check(t, a[0].([]byte), a[1].([]byte), a[2].(uint16)) }
		stand = func(t *testing.T, _ []byte, _ []byte, _ uint16) { run(t) }
	case func(*testing.T, []byte, uint16):
		call = func(t *testing.T, a []any) { check(t, a[0].([]byte), a[1].(uint16)) }
		stand = func(t *testing.T, _ []byte, _ uint16) { run(t) }
	case func(*testing.T, []byte, uint8):
		call = func(t *testing.T, a []any) { check(t, a[0].([]byte), a[1].(uint8)) }
		stand = func(t *testing.T, _ []byte, _ uint8) { run(t) }
	case func(*testing.T, []byte, uint8, bool):
		call = func(t *testing.T, a []any) { check(t, a[0].([]byte), a[1].(uint8), a[2].(bool)) }
		stand = func(t *testing.T, _ []byte, _ uint8, _ bool) { run(t) }
	case func(*testing.T, []byte, uint16, uint8, bool):
		call = func(t *testing.T, a []any) { check(t, a[0].([]byte), a[1].(uint16), a[2].(uint8), a[3].(bool)) }
		stand = func(t *testing.T, _ []byte, _ uint16, _ uint8, _ bool) { run(t) }
	case func(*testing.T, []byte, uint16, uint16, uint8, bool, bool):
		call = func(t *testing.T, a []any) {
			check(t, a[0].([]byte), a[1].(uint16), a[2].(uint16), a[3].(uint8), a[4].(bool), a[5].(bool))
		}
		stand = func(t *testing.T, _ []byte, _, _ uint16, _ uint8, _, _ bool) { run(t) }
	case func(*testing.T, uint8, uint8, []byte):
		call = func(t *testing.T, a []any) { check(t, a[0].(uint8), a[1].(uint8), a[2].([]byte)) }
		stand = func(t *testing.T, _ uint8, _ uint8, _ []byte) { run(t) }
	case func(*testing.T, string, int):
		call = func(t *testing.T, a []any) { check(t, a[0].(string), a[1].(int)) }
		stand = func(t *testing.T, _ string, _ int) { run(t) }
	case func(*testing.T, string, int64):
		call = func(t *testing.T, a []any) { check(t, a[0].(string), a[1].(int64)) }
		stand = func(t *testing.T, _ string, _ int64) { run(t) }
	case func(*testing.T, string, int, bool):
		call = func(t *testing.T, a []any) { check(t, a[0].(string), a[1].(int), a[2].(bool)) }
		stand = func(t *testing.T, _ string, _ int, _ bool) { run(t) }
	case func(*testing.T, string, string, string, int):
		call = func(t *testing.T, a []any) { check(t, a[0].(string), a[1].(string), a[2].(string), a[3].(int)) }
		stand = func(t *testing.T, _ string, _ string, _ string, _ int) { run(t) }
	case func(*testing.T, string, string, string, string, string, int64, uint8):
		call = func(t *testing.T, a []any) {
			check(t, a[0].(string), a[1].(string), a[2].(string), a[3].(string), a[4].(string), a[5].(int64), a[6].(uint8))
		}
		stand = func(t *testing.T, _ string, _ string, _ string, _ string, _ string, _ int64, _ uint8) { run(t) }
	case func(*testing.T, int, uint16, uint16, uint16, string):
		call = func(t *testing.T, a []any) {
			check(t, a[0].(int), a[1].(uint16), a[2].(uint16), a[3].(uint16), a[4].(string))
		}
		stand = func(t *testing.T, _ int, _ uint16, _ uint16, _ uint16, _ string) { run(t) }
	}
	return call, stand, call != nil
}
