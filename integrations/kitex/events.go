package kitex

import (
	"bufio"
	"io"
	"strings"
)

// maxLineBytes bounds one line of a stream, which holds a whole list.
const maxLineBytes = 64 << 20

// event is one of a stream of server-sent events. A comment has neither a name nor data.
type event struct {
	id      string
	name    string
	data    string
	comment string
}

// events reads a stream as the standard of server-sent events says, as far as the registry uses it, and hands on each event and each
// comment. It returns why the stream ended.
func events(stream io.Reader, take func(event)) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 64<<10), maxLineBytes)
	var next event
	hasData := false
	for lines.Scan() {
		line := lines.Text()
		switch field, value := fieldOf(line); {
		case line == "":
			if hasData {
				take(next)
			}
			next, hasData = event{}, false
		case field == "":
			take(event{comment: value})
		case field == "id":
			next.id = value
		case field == "event":
			next.name = value
		case field == "data":
			if hasData {
				next.data += "\n"
			}
			next.data += value
			hasData = true
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.EOF
}

func fieldOf(line string) (field, value string) {
	field, value, _ = strings.Cut(line, ":")
	return field, strings.TrimPrefix(value, " ")
}
