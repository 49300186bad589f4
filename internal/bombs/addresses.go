package bombs

// addresses are bombs of fields that hold addresses.
var addresses = []Bomb{
	{"addresses", around("To: ", "a@b, ", end)},
	{"address fields", around("", "To: a@b\r\n", "")},
	{"groups", around("To: ", "a:;", end)},
	{"colons", func(n int) string { return "To: " + repeatTo(n/2, "a ") + "@" + repeatTo(n/2, ":") + "\r\n\r\n" }},
	{"comments", around("To: ", "(", end)},
	{"comments and addresses", around("To: ", "(a)b@c", end)},
	{"quotes", around("To: ", `"\`, end)},
	{"brackets", around("To: ", `[`, end)},
	{"angles", around("To: ", `<`, end)},
	{"words", around("To: ", `a `, end)},
	{"ats", around("To: ", `a@`, end)},
	{"dots", around("To: a@b", `.`, end)},
	{"routes", around("To: ", `<@a`, end)},
	{"routes of a list", around("To: ", `<@,`, end)},
	{"routes before one angle", around("To: ", `<@,`, ">\r\n\r\n")},
	{"comments in angles", around("To: ", `<(,`, end)},
	{"encoded words in addresses", around("To: ", `=?a?q? `, "?=\r\n\r\n")},
	{"addresses without commas", around("To: ", `<a@b>c@d e@f `, end)},
	{"routes in pieces", around("To: <", `@a:`, end)},
	{"routes in pieces and comments", around("To: <", `@a:(`, end)},
	{"URLs for addresses", around("To: ", `<mailto:`, end)},
	{"literals", around("To: ", `a@[\`, end)},
}
